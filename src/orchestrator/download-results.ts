/** The steps of a fetch that bring in results, and keep those of a job that has no output by itself. */
import { LoomError, ProviderError } from '../errors.ts';
import type { BatchRecord, BatchStatus } from '../models.ts';
import { readFirstCustomId, saveResults } from '../utils/answers.ts';
import { ensurePrivateFolder } from '../utils/files.ts';
import { removeHeld } from '../utils/home.ts';
import { type JobPart, type JobRecord, saveJob } from '../utils/jobs.ts';
import { quoteShell } from '../utils/shell.ts';
import { readCustomIds, resultsPath, updateRecord } from '../utils/storage.ts';
import { readDataset } from './dataset.ts';
import type { FetchRun, KeptAnswers } from './fetch-batches.ts';
import { openJobAnswers } from './job-answers.ts';
import {
  countMissingParts,
  forgetRecord,
  isDownloaded,
  type JobFetch,
  noteError,
  partOf,
} from './job-fetch.ts';
import { planOutput } from './merge-job.ts';
import { hasEndedBadly } from './stored-jobs.ts';

/** Brings results to disk, but for those that are there from an earlier fetch. */
export async function downloadBatches(fetching: JobFetch, records: readonly BatchRecord[]): Promise<void> {
  const { run, job } = fetching;
  for (const record of records) {
    if (await isDownloaded(fetching, record)) continue;
    await downloadBatch(fetching, record);
    const part = partOf(fetching, record);
    if (!job || !part) continue;
    if (part.provisional) await confirmPart(fetching, job, part, record);
    if (isDoomed(fetching)) await keepAnswers(fetching, [record]);
    if (!hasEndedBadly(record.status)) part.state = 'downloaded';
    await saveJob(run.home, job);
  }
}

/** Returns how many results there are. */
async function downloadBatch(fetching: JobFetch, record: BatchRecord): Promise<number> {
  const { run, provider, calls, callSignal } = fetching;
  const sent = partOf(fetching, record)?.requests;
  const path = resultsPath(run.home.results, record);
  await ensurePrivateFolder(run.home.results);
  try {
    const { succeeded, failed } = record.counts ?? {};
    const held = await calls.run(async () => {
      const results = await saveResults(run.home, path, provider.results(record.batch_id, callSignal, sent));
      if (results === 0 && !hasEndedBadly(record.status) && !run.order.partial)
        throw describeEmptyResults(record, run.home.flag);
      return results;
    });
    const counted = succeeded === undefined && failed === undefined ? held : (succeeded ?? 0) + (failed ?? 0);
    if (counted !== held) run.events.onMiscount?.(record, counted, held);
    return held;
  } catch (error) {
    if (error instanceof ProviderError && !run.signal.aborted) await noteFailedDownload(run, record, error);
    throw error;
  }
}

/** A gateway can answer a download with 200 and an error: an output without any result would bury what was paid for. */
function describeEmptyResults({ batch_id: id }: BatchRecord, flag: string): ProviderError {
  const message = `The batch ${id} is completed, and no result of it could be read. loom fetch --id ${quoteShell(id)} --partial${flag} writes the output all the same.`;
  return new ProviderError('run', 'no_results', message);
}

async function noteFailedDownload(run: FetchRun, record: BatchRecord, error: ProviderError): Promise<void> {
  record.status = 'unknown';
  noteError(record, `${error.code}: ${error.message}`);
  await updateRecord(run.home, record);
}

/** Proves by its results that a batch which was found without a tag is this part; LoomError when it is another's. */
async function confirmPart(
  fetching: JobFetch,
  job: JobRecord,
  part: JobPart,
  record: BatchRecord,
): Promise<void> {
  const { run } = fetching;
  const path = resultsPath(run.home.results, record);
  const customId = await readFirstCustomId(path);
  if (customId === undefined || (await isCustomIdOf(run.home.batches, record, customId))) {
    part.provisional = false;
    return;
  }
  part.mistaken_ids = [...(part.mistaken_ids ?? []), record.batch_id];
  part.state = 'submitting';
  delete part.batch_id;
  delete part.provisional;
  await saveJob(run.home, job);
  await forgetRecord(fetching, record);
  await removeHeld(run.home, path);
  throw new LoomError(
    'state',
    `the batch ${record.batch_id} is not part ${part.part} of job ${job.job_id}.`,
    {
      hint: 'The next loom fetch looks for the right one.',
    },
  );
}

async function isCustomIdOf(folder: string, record: BatchRecord, customId: string): Promise<boolean> {
  for await (const sent of readCustomIds(folder, record)) if (sent === customId) return true;
  return false;
}

/** Deletes what was uploaded for these batches; it expires by itself where that fails. */
export async function deleteUploads(
  { run, provider, callSignal }: JobFetch,
  records: readonly BatchRecord[],
): Promise<void> {
  for (const { file_id } of records) {
    await run.home.ensureHeld();
    if (file_id) await provider.deleteFile?.(file_id, callSignal).catch(() => {});
  }
}

/**
 * Puts into the cache what the batches of a job gave that can't be completed any more: the merge, which does it
 * otherwise, does not come.
 */
async function keepAnswers(fetching: JobFetch, records: readonly BatchRecord[]): Promise<KeptAnswers> {
  const { run, stored, job } = fetching;
  const inCache = job?.use_cache ?? true;
  try {
    const { dataset } = planOutput(stored, run.merging);
    const answers = await openJobAnswers(run.home, dataset, job, records);
    let kept = 0;
    try {
      await readDataset(dataset, run.signal, (row) => {
        const answer = answers.answerFor(row);
        if (typeof answer === 'object' && answer.outcome === 'succeeded') kept += 1;
        return answers.drain();
      });
      const cacheTrouble = await answers.finishCaching();
      const inCacheNow = inCache && cacheTrouble === undefined;
      return { answers: kept, inCache: inCacheNow, usage: answers.usage };
    } finally {
      await answers.close();
    }
  } catch (error) {
    // Without its input an answer has no prompt to be filed under; it stays in the results on disk.
    if (!(error instanceof LoomError) || error.kind !== 'input') throw error;
    run.events.onError?.(stored.id, stored.provider, error);
    return { answers: 0, inCache: false, usage: undefined };
  }
}

/** What a batch that ended early gave, and what other parts of its job gave before. */
export async function keepEndedBatch(fetching: JobFetch, record: BatchRecord): Promise<KeptAnswers> {
  if (mayHaveResults(record.status)) await downloadBatch(fetching, record);
  const withResults: BatchRecord[] = mayHaveResults(record.status) ? [record] : [];
  for (const other of fetching.records) if (await isDownloaded(fetching, other)) withResults.push(other);
  return keepAnswers(fetching, withResults);
}

/** Whether a part of the job ended early, was dropped, or lost its record: then the job has no output by itself. */
function isDoomed(fetching: JobFetch): boolean {
  return countMissingParts(fetching) > 0 || fetching.records.some((record) => hasEndedBadly(record.status));
}

/** A batch that failed did not start; one that expired or was cancelled keeps the answers of the rows that were done. */
function mayHaveResults(status: BatchStatus): boolean {
  return status === 'expired' || status === 'cancelled';
}
