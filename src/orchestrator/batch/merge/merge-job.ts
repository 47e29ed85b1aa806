/** The steps of a fetch that end a job: write its output from results on disk, and clear up. */
import { resolve } from 'node:path';
import { LoomError } from '../../../core/errors.ts';
import { LogHistogram } from '../../../core/log-histogram.ts';
import type { BatchRecord, ProviderName } from '../../../core/models.ts';
import { traitsOf } from '../../../formats/format.ts';
import { attachedFilesName, removeRequestFiles } from '../../../state/job-files.ts';
import { type Job, saveJob } from '../../../state/jobs.ts';
import { deleteRecord, resultsName, updateRecord } from '../../../state/records.ts';
import { forgetJob, type StoredJob } from '../../../state/stored-jobs.ts';
import { type FileIdentity, isIdentifiedFile, WrittenBytes } from '../../../storage/file-identity.ts';
import { deleteHeld, type LoomHome } from '../../../storage/home.ts';
import { watchInput } from '../../../storage/input-watch.ts';
import {
  checkOutputPath,
  FileInTheWayError,
  followLinks,
  type Placing,
  removeDrafts,
} from '../../../storage/output-file.ts';
import { type Dataset, defaultOutputPath, recordedDataset } from '../../dataset/dataset.ts';
import { explainUnreadable } from '../../output/changed-input.ts';
import { recordedColumns } from '../../output/columns.ts';
import { mergeAnswers } from '../../output/merge.ts';
import { findForeignReasons, reasonsPathFor, removeOldReasons } from '../../output/reasons-file.ts';
import { type MergeSummary, type RowCounts, recordFailure } from '../../output/row-tally.ts';
import { leaveHistory } from '../../usage/leave-history.ts';
import type { UsageTally } from '../../usage/usage-tally.ts';
import { type ImportedResults, openJobAnswers } from './job-answers.ts';

export interface MergedJob {
  readonly id: string;
  readonly provider: ProviderName;
  readonly model: string;
  readonly outputPath: string;
  readonly summary: MergeSummary;
  /** What its answers cost; undefined when an earlier fetch had written the output. */
  readonly usage: UsageTally | undefined;
  /** How many answers were in the cache when the job was planned. */
  readonly cacheHits: number;
  /** Results with a custom id that was not sent. */
  readonly unknownResults: number;
  /** Why answers could not be put into the cache, when they couldn't. */
  readonly cacheTrouble: unknown;
}

export interface MergeOptions {
  /** What relative paths in records of the Python tool are taken from. */
  readonly workingFolder: string;
  /** Where the input is now, when it is not where it was. */
  readonly inputPath: string | undefined;
  readonly changedRows: 'refuse' | 'leave_out';
  /** Among the results of the home: those that were made elsewhere, of what was planned and not sent from here. */
  readonly imported?: ImportedResults | undefined;
}

export interface JobOutputPlan {
  readonly dataset: Dataset;
  readonly path: string;
  readonly model: string;
}

/** What a job is merged from and to. */
export function planOutput({ job, provider }: StoredJob, options: MergeOptions): JobOutputPlan {
  const originalPath = resolve(options.workingFolder, job.original_file_path);
  const original = recordedDataset(originalPath, job);
  const path = job.output_path
    ? resolve(options.workingFolder, job.output_path)
    : defaultOutputPath(original, provider, job.model);
  const dataset = options.inputPath === undefined ? original : recordedDataset(options.inputPath, job);
  if (dataset.format.fileType !== original.format.fileType) {
    throw new LoomError(
      'input',
      `${dataset.path} is not a ${traitsOf(original.format.fileType).title} file, and ${originalPath} was one.`,
      {
        code: 'input_of_other_format',
        facts: { path: dataset.path, original: originalPath },
        hint: 'Give the file that was submitted.',
      },
    );
  }
  return { dataset, path, model: job.model };
}

/** Whether an output is in the way. LoomError `output` where none can be written. */
export function outputExists(stored: StoredJob, options: MergeOptions): Promise<boolean> {
  return checkOutputPath(planOutput(stored, options).path);
}

/** The same for every try to write the output of a job. */
function workTagOf({ job }: StoredJob): string {
  return job.job_id.replace(/[^\w-]/g, '_');
}

const changeWords = {
  since: 'submission',
  sent: 'sent',
  hint: 'Put the submitted file back and fetch again, or set partial to have the rows that still match; the answers are kept.',
} as const;

/**
 * Writes the output from results that are on disk, and notes in the job that it did. Nothing is cleared away yet.
 * FileInTheWayError leaves the job as it was.
 */
export async function mergeJob(
  home: LoomHome,
  stored: StoredJob,
  records: readonly BatchRecord[],
  options: MergeOptions,
  placing: Placing,
): Promise<MergedJob> {
  const { job } = stored;
  const { dataset, path, model } = planOutput(stored, options);
  // From here on the input has to be one: what is found out about it now counts for the rows that are read below.
  const inputWatch = await watchInput(dataset.path);
  const sentFiles = dataset.files && (await home.results.read(attachedFilesName(job.job_id)));
  if (sentFiles !== undefined) dataset.files?.know(sentFiles);
  const answers = await openJobAnswers(home, dataset, stored, records, options.imported);
  const written = new WrittenBytes();
  try {
    const order = {
      dataset,
      outputPath: path,
      placing,
      provider: stored.provider,
      model,
      columns: recordedColumns(job),
      changedRows: options.changedRows,
      changeWords,
      expectedRows: job.rows,
      inputWatch,
      workTag: workTagOf(stored),
      ensureHeld: home.ensureHeld,
      onBytes: (chunk: Buffer) => written.add(chunk),
      onComplete: async (draftPath: string, counts: RowCounts) => {
        // Before the output counts as written: whatever is cut off then, no answer is missing from the cache.
        await answers.finishCaching();
        if (records.length === 0) return;
        await noteWriting(home, job, await written.identify(draftPath), counts, answers.unknownResults);
      },
    };
    const summary = await mergeAnswers(order, (row) => answers.answerFor(row));
    return {
      id: stored.id,
      provider: stored.provider,
      model,
      outputPath: path,
      summary,
      usage: answers.usage,
      cacheHits: job.cached_rows,
      unknownResults: answers.unknownResults,
      cacheTrouble: await answers.finishCaching(),
    };
  } catch (error) {
    if (error instanceof FileInTheWayError && job.state === 'writing') await noteUnwritten(home, job);
    throw await explainUnreadable(error, dataset, job.input_sha256);
  } finally {
    await answers.close();
  }
}

/** From here on a crash leaves either no output of this job or the whole of it, and the job tells which. */
async function noteWriting(
  home: LoomHome,
  job: Job,
  identity: FileIdentity,
  counts: RowCounts,
  unknownResults: number,
): Promise<void> {
  const { rows, answered, cutOff, blankRows, failed, failures } = counts;
  job.output = {
    ...identity,
    rows,
    answered,
    cut_off: cutOff,
    blank_rows: blankRows,
    failed,
    failures: failures.map(recordFailure),
    unknown_results: unknownResults,
  };
  job.state = 'writing';
  await saveJob(home, job);
}

/** The draft did not get into its place: the job is what it was before. */
async function noteUnwritten(home: LoomHome, job: Job): Promise<void> {
  job.state = 'pending';
  delete job.output;
  await saveJob(home, job);
}

/** The output that an earlier fetch put in place before it was cut off, if it did. */
export async function findWrittenOutput(
  stored: StoredJob,
  options: MergeOptions,
): Promise<MergedJob | undefined> {
  const { job, id } = stored;
  if (!job.output || (job.state !== 'writing' && job.state !== 'merged')) return undefined;
  const { path, dataset } = planOutput(stored, options);
  const { rows, answered, cut_off: cutOff = 0, failed, unknown_results } = job.output;
  if (job.state === 'writing' && !(await isIdentifiedFile(path, job.output))) return undefined;
  await removeDrafts(await followLinks(path), workTagOf(stored));
  if (failed === 0) await removeOldReasons(path, dataset.path);
  const hasReasons = failed > 0 && (await findForeignReasons(path, dataset.path)) === undefined;
  const failures = job.output.failures.map(({ row_ids, rows = [], ...group }) => ({
    ...group,
    rows,
    rowIds: row_ids,
  }));
  return {
    id,
    provider: stored.provider,
    model: job.model,
    outputPath: path,
    usage: undefined,
    summary: {
      ...{ rows, answered, cutOff, blankRows: job.output.blank_rows, failed, failures },
      isWritten: true,
      reasonsPath: hasReasons ? reasonsPathFor(path) : undefined,
    },
    cacheHits: job.cached_rows,
    unknownResults: unknown_results,
    cacheTrouble: undefined,
  };
}

/** Notes a job's output in the history, before its records go. */
export async function noteJobOutput(
  home: LoomHome,
  stored: StoredJob,
  merged: MergedJob,
  options: MergeOptions,
): Promise<void> {
  const { job, records } = stored;
  const latencies = new LogHistogram();
  for (const { created_at } of records) {
    const elapsedMs = Date.now() - Date.parse(created_at);
    if (elapsedMs >= 0) latencies.add(elapsedMs);
  }
  await leaveHistory(home, {
    ...merged,
    dataset: planOutput(stored, options).dataset,
    mode: 'batch',
    columns: recordedColumns(job),
    settings: job.params,
    jobId: stored.jobId,
    batchIds: records.map((record) => record.batch_id),
    startedAt: new Date(job.created_at),
    cachedRows: merged.cacheHits,
    latencies,
  });
}

/** Clears what a written output no longer needs; with `keep` the records stay, and so does their job. Gives what is left. */
export async function clearMergedJob(
  home: LoomHome,
  stored: StoredJob,
  outputPath: string,
  keep: boolean,
): Promise<StoredJob | undefined> {
  const { job } = stored;
  // A fetch that finishes this one, cut off, keeps or clears as this one would have.
  const keeps = job.state === 'merged' ? (job.keep ?? keep) : keep;
  await saveJob(home, Object.assign(job, { state: 'merged', keep: keeps }));
  for (const record of stored.records) await deleteHeld(home, home.results, resultsName(record));
  if (!keeps) {
    for (const record of stored.records) await deleteRecord(home, record);
    await forgetJob(home, job);
    return undefined;
  }
  const done = { status: 'completed', kept: true, missing: null, output_path: outputPath } as const;
  const records = stored.records.map((record) => ({ ...record, ...done }));
  for (const record of records) await updateRecord(home, record);
  // The cached answers stay: a later fetch --id writes the output anew.
  for (const part of job.parts) await removeRequestFiles(home, job.job_id, part);
  await saveJob(home, Object.assign(job, { state: 'kept' }));
  return { ...stored, records };
}
