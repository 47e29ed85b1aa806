/** The steps of a fetch that end a job: match its results with the rows that were sent, write the output, clear up. */
import { resolve } from 'node:path';
import { LoomError } from '../errors.ts';
import type { BatchRecord } from '../models.ts';
import { indexResults } from '../utils/answers.ts';
import { checkOutputPath, removeFile } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import { deleteJob, saveJob } from '../utils/jobs.ts';
import { deleteRecord, readIdMap, resultsPath, updateRecord } from '../utils/storage.ts';
import { type Dataset, defaultOutputPath, describeDataset } from './dataset.ts';
import type { FetchRun } from './fetch-batches.ts';
import { matchMappedRows, matchOwnRows, type RowMatcher } from './match-rows.ts';
import { type MergeSummary, mergeAnswers } from './merge.ts';
import { removeRequestFiles } from './part-writer.ts';
import type { StoredJob } from './stored-jobs.ts';

export interface MergedJob {
  readonly id: string;
  readonly outputPath: string;
  readonly summary: MergeSummary;
  /** Results with a custom id that was not sent. */
  readonly unknownResults: number;
}

export interface JobOutput {
  readonly dataset: Dataset;
  readonly path: string;
  readonly model: string;
  readonly withMeta: boolean;
}

/** What a job is merged from and to. */
export function describeOutput({ order }: FetchRun, { id, job, provider, records }: StoredJob): JobOutput {
  const source = job ?? records[0];
  if (!source) throw new LoomError('state', `${id} has no record.`);
  const inputPath = resolve(order.workingFolder, source.original_file_path);
  const dataset = describeDataset(inputPath, source.prompt_column ?? undefined);
  const path = source.output_path
    ? resolve(order.workingFolder, source.output_path)
    : defaultOutputPath(dataset, provider, source.model);
  return { dataset, path, model: source.model, withMeta: source.with_meta };
}

/** Whether the output may be written, after asking where a file is in the way. LoomError `output` where none can be. */
export async function outputIsFree(run: FetchRun, stored: StoredJob, path: string): Promise<boolean> {
  const exists = await checkOutputPath(path);
  if (!exists || run.order.force) return true;
  const answer = await run.order.confirmOverwrite(path, stored.id);
  if (answer === 'yes') return true;
  run.events.onKept?.(stored.id, path, answer);
  if (answer === 'nobody') run.troubled = true;
  return false;
}

/** Writes the output from results that are on disk. Nothing is cleared away yet. */
export async function mergeJob(
  { home }: FetchRun,
  stored: StoredJob,
  records: readonly BatchRecord[],
  output: JobOutput,
): Promise<MergedJob> {
  const matcher = await matchRecords(home, records);
  const paths = records.map((record) => resultsPath(home.results, record));
  const results = await indexResults(paths, (customId) => matcher.slotOf(customId));
  const { dataset, path, model, withMeta } = output;
  try {
    const order = { dataset, outputPath: path, provider: stored.provider, model, withMeta };
    const summary = await mergeAnswers(order, (row) => {
      const place = matcher.locate(row);
      if (typeof place === 'number') return results.get(place) ?? 'no_result';
      // A job sends every row that has a prompt, but for those that no batch can hold.
      return place === 'not_sent' && stored.job && row.prompt !== null ? 'too_large' : place;
    });
    return { id: stored.id, outputPath: path, summary, unknownResults: results.unknown };
  } finally {
    await results.close();
  }
}

async function matchRecords(home: LoomHome, records: readonly BatchRecord[]): Promise<RowMatcher> {
  const first = records[0] as BatchRecord;
  if (first.job_id === undefined)
    return matchMappedRows(await readIdMap(home.batches, first), first.file_type);
  const matcher = matchOwnRows();
  for (const record of records) matcher.add(await readIdMap(home.batches, record));
  return matcher;
}

/** Clears what a written output no longer needs; with --keep the records stay, and so does their job. */
export async function clearMergedJob(
  { home, order }: FetchRun,
  { job }: StoredJob,
  records: readonly BatchRecord[],
  outputPath: string,
): Promise<void> {
  if (order.keep) {
    for (const record of records) {
      await updateRecord(home.batches, { ...record, status: 'completed', output_path: outputPath });
    }
    if (job) await saveJob(home.jobs, { ...job, state: 'merged' });
  } else {
    for (const record of records) await deleteRecord(home.batches, record);
    if (job) await deleteJob(home.jobs, job.job_id);
  }
  for (const record of records) await removeFile(resultsPath(home.results, record));
  if (job) for (const { part } of job.parts) await removeRequestFiles(home, job.job_id, part);
}
