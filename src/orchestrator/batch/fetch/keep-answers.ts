/** The step of a fetch that keeps what the batches of a job gave which has no output by itself: a part of it ended early. */
import { LoomError, type ProviderError } from '../../../core/errors.ts';
import type { BatchRecord } from '../../../core/models.ts';
import { saveJob } from '../../../state/jobs.ts';
import { updateRecord } from '../../../state/records.ts';
import { findPart, type StoredJob } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { readDataset } from '../../dataset/dataset.ts';
import { describeUsage } from '../../usage/price-usage.ts';
import { describeRecord } from '../list/list-batches.ts';
import { openJobAnswers } from '../merge/job-answers.ts';
import { type MergeOptions, planOutput } from '../merge/merge-job.ts';
import { deleteUpload } from './delete-uploads.ts';
import type { KeptAnswers } from './fetch-run.ts';
import { hasWholeResults, isDownloaded, type JobFetch, noteError } from './job-fetch.ts';

/** Keeps what these batches gave, and what others of their job gave before. */
export async function keepAllAnswers(fetching: JobFetch, own: readonly BatchRecord[]): Promise<KeptAnswers> {
  const withResults = [...own];
  for (const other of fetching.records) {
    if (!own.includes(other) && (await isDownloaded(fetching, other))) withResults.push(other);
  }
  return keepAnswers(fetching, withResults);
}

/** The batch is at its provider and its results are not, for good: it ends as one that expired, with what came before. */
export async function noteGoneResults(
  fetching: JobFetch,
  record: BatchRecord,
  { code, message }: ProviderError,
): Promise<void> {
  const { run } = fetching;
  const part = findPart(fetching, record);
  const reason = `${code}: ${message}`;
  const kept = await keepAllAnswers(fetching, [record]);
  Object.assign(record, { status: 'expired', missing: null });
  noteError(record, reason);
  part.state = 'submitted';
  await deleteUpload(fetching, record);
  await updateRecord(run.home, record);
  await saveJob(run.home, fetching.job);
  run.onEvent({ type: 'status', record, batch: describeRecord(run.home, record), reason });
  if (run.order.partial) return;
  run.outcome.troubled = true;
  run.onEvent({ type: 'ended', record, ...kept });
}

/**
 * Puts into the cache what the batches of a job gave that can't be completed any more: the merge, which does it
 * otherwise, does not come.
 */
export function keepAnswers(fetching: JobFetch, records: readonly BatchRecord[]): Promise<KeptAnswers> {
  const { run, stored } = fetching;
  const { home, merging, signal } = run;
  const { id, provider } = stored;
  const onError = (error: unknown) => run.onEvent({ type: 'failed', id, provider, error });
  return keepJobAnswers({ home, merging, signal, onError }, stored, records);
}

/** What keeping answers needs of the command that does it. */
interface Keeping {
  readonly home: LoomHome;
  readonly merging: MergeOptions;
  readonly signal: AbortSignal;
  onError(error: unknown): void;
}

/** The same outside of a fetch, of those of these batches whose results are on disk. */
export async function keepDownloaded(keeping: Keeping, stored: StoredJob): Promise<void> {
  const records: BatchRecord[] = [];
  for (const part of stored.job.parts) {
    const record = stored.records.find(({ batch_id }) => batch_id === part.batch_id);
    if (record && (await hasWholeResults(keeping.home, record, part))) records.push(record);
  }
  if (records.length > 0) await keepJobAnswers(keeping, stored, records);
}

async function keepJobAnswers(
  { home, merging, signal, onError }: Keeping,
  stored: StoredJob,
  records: readonly BatchRecord[],
): Promise<KeptAnswers> {
  const inCache = stored.job.use_cache;
  try {
    const { dataset } = planOutput(stored, merging);
    const answers = await openJobAnswers(home, dataset, stored, records);
    let kept = 0;
    try {
      await readDataset(dataset, signal, (row) => {
        const answer = answers.answerFor(row);
        if (typeof answer === 'object' && answer.outcome === 'succeeded') kept += 1;
      });
      const cacheTrouble = await answers.finishCaching();
      const inCacheNow = inCache && cacheTrouble === undefined;
      const { provider, model } = stored.job;
      const usage = await describeUsage(answers.usage, { home, provider, model, batch: true });
      return { answers: kept, inCache: inCacheNow, usage };
    } finally {
      await answers.close();
    }
  } catch (error) {
    // Without its input an answer has no prompt to be filed under; it stays in the results on disk.
    if (!(error instanceof LoomError) || error.kind !== 'input') throw error;
    onError(error);
    return { answers: 0, inCache: false, usage: undefined };
  }
}
