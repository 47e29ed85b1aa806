/** The story of one job of a fetch: ask how its batches are, bring in what is ready, write the output when it is complete. */

import type { BatchRecord } from '../../../core/models.ts';
import { isPending, nameJob, reloadJob, type StoredJob } from '../../../state/stored-jobs.ts';
import { holdHome } from '../../../storage/home.ts';
import { type Lock, tryLock } from '../../../storage/locks.ts';
import {
  outputExists as existsError,
  FileInTheWayError,
  type Placing,
} from '../../../storage/output-file.ts';
import { describeUsage } from '../../usage/price-usage.ts';
import {
  clearMergedJob,
  findWrittenOutput,
  type MergedJob,
  mergeJob,
  noteJobOutput,
  outputExists,
  planOutput,
} from '../merge/merge-job.ts';
import { deleteUpload } from './delete-uploads.ts';
import { downloadBatches } from './download-results.ts';
import { checkBatches, submitQueuedParts } from './fetch-job.ts';
import type { FetchRun } from './fetch-run.ts';
import { countMissingParts, openJob } from './job-fetch.ts';
import { restoreRecords } from './restore-records.ts';

/** What a look at a job came to. */
export type JobFate =
  | 'written'
  /** The provider has not ended it, or there was no way to know. */
  | 'pending'
  /** It ended, and has no output by itself. */
  | 'ended'
  /** Its output is in the way of a file that stays. */
  | 'kept'
  /** Another process is at it. */
  | 'busy'
  /** Another process fetched it, or its record was deleted. */
  | 'gone';

interface LookAtJob {
  readonly fate: JobFate;
  /** The job as the look has left it on disk; undefined when nothing is left of it. */
  readonly left: StoredJob | undefined;
}

/** Fetches a job as it is now on disk, unless another process is at it. */
export async function fetchStoredJob(run: FetchRun, known: StoredJob): Promise<LookAtJob> {
  run.signal.throwIfAborted();
  const lock = await tryLock(run.home.locks, known.job.job_id);
  if (!lock) return { fate: 'busy', left: known };
  try {
    const stored = await reloadJob(run.home, known);
    const isNamed = run.order.id !== undefined && !run.isRepeated;
    const look =
      stored && (isNamed || isPending(stored))
        ? await fetchHeld(run, lock, stored)
        : { fate: 'gone' as const, left: stored };
    if (!look.left) await lock.forget();
    return look;
  } finally {
    await lock.release();
  }
}

/** Fetches a job, and stops as soon as its lock is another's. */
async function fetchHeld(run: FetchRun, lock: Lock, stored: StoredJob): Promise<LookAtJob> {
  // AbortSignal.any would keep what listens to it for as long as the run's own signal lives: through a long wait.
  const stop = new AbortController();
  const stopRun = () => stop.abort(run.signal.reason);
  lock.lost.addEventListener('abort', () => stop.abort(lock.lost.reason), { once: true });
  run.signal.addEventListener('abort', stopRun, { once: true });
  try {
    run.signal.throwIfAborted();
    return await fetchJob({ ...run, home: holdHome(run.home, lock), signal: stop.signal }, stored);
  } finally {
    run.signal.removeEventListener('abort', stopRun);
  }
}

async function fetchJob(run: FetchRun, stored: StoredJob): Promise<LookAtJob> {
  const written = await findWrittenOutput(stored, run.merging);
  if (written) {
    // The fetch that was cut off said whether to keep them, as far as it came.
    if (!(stored.job.keep ?? run.order.keep)) await forgetUploads(run, stored);
    return finishJob(run, stored, written);
  }
  const fetching = await openJob(run, stored);
  await restoreRecords(fetching);
  const refusal = await submitQueuedParts(fetching);
  const { ready: completed, ended } = await checkBatches(fetching);
  const missing = run.order.partial ? countMissingParts(fetching) : 0;
  const parts = fetching.job.parts.length;
  const left = parts - missing - (run.order.partial ? ended.length : 0);
  const { ready, gone } = await downloadBatches(fetching, completed, completed.length === left);
  const usable = run.order.partial ? [...ready, ...gone, ...ended] : ready;
  if (parts > 1) run.onEvent({ type: 'parts', id: stored.id, partsIn: usable.length, parts });
  // What the others gave is on disk by now.
  if (refusal) throw refusal;
  // A job of one part has a batch id only since that was submitted, which may have been just now.
  const id = nameJob(stored.job);
  const current = { ...stored, id, records: fetching.records };
  if (usable.length === 0 || usable.length + missing < parts)
    return { fate: isPending(current) ? 'pending' : 'ended', left: current };
  const placing = await choosePlacing(run, stored);
  const merged = placing && (await mergeUnlessInTheWay(run, current, usable, placing));
  if (!merged) return { fate: 'kept', left: current };
  for (const record of usable) await deleteUpload(fetching, record);
  return finishJob(run, current, merged);
}

/** What an earlier fetch had no time for; it is no reason to hold up the output. */
async function forgetUploads(run: FetchRun, stored: StoredJob): Promise<void> {
  const fetching = await openJob(run, stored).catch(() => undefined);
  for (const record of stored.records) if (fetching) await deleteUpload(fetching, record);
}

/**
 * Whether a file in the way of the output may go, after asking where there is one; undefined: nothing is to be written.
 * `force` is about files that were there before: not about the output of another job that this fetch has written.
 */
async function choosePlacing(run: FetchRun, stored: StoredJob): Promise<Placing | undefined> {
  const exists = await outputExists(stored, run.merging);
  const { path } = planOutput(stored, run.merging);
  if (run.order.force && !run.written.has(path)) return 'replace';
  if (!exists) return 'new';
  const answer = await run.order.confirmOverwrite(path, stored.id);
  if (answer === 'yes') return 'replace';
  if (answer !== 'later') keepInTheWay(run, stored.id, path, answer);
  return undefined;
}

function keepInTheWay(run: FetchRun, id: string, path: string, answer: 'no' | 'nobody'): void {
  run.onEvent({ type: 'kept', id, outputPath: path, answer, error: existsError(path) });
  if (answer === 'nobody') run.outcome.troubled = true;
}

/** Merges; undefined when a file came to the output's place meanwhile, which stays, and the job stays pending. */
async function mergeUnlessInTheWay(
  run: FetchRun,
  stored: StoredJob,
  usable: readonly BatchRecord[],
  placing: Placing,
): Promise<MergedJob | undefined> {
  try {
    return await mergeJob(run.home, stored, usable, run.merging, placing);
  } catch (error) {
    if (!(error instanceof FileInTheWayError)) throw error;
    keepInTheWay(run, stored.id, planOutput(stored, run.merging).path, 'nobody');
    return undefined;
  }
}

async function finishJob(run: FetchRun, stored: StoredJob, merged: MergedJob): Promise<LookAtJob> {
  if (merged.summary.isWritten) {
    await noteJobOutput(run.home, stored, merged, run.merging);
    run.written.add(merged.outputPath);
  }
  const left = await clearMergedJob(run.home, stored, merged.outputPath, run.order.keep);
  if (merged.summary.failed > 0) run.outcome.incomplete = true;
  if (merged.summary.answered === 0) run.outcome.troubled = true;
  const usage = await describeUsage(merged.usage, { ...merged, home: run.home, batch: true });
  run.onEvent({ type: 'merged', output: { ...merged, usage } });
  return { fate: 'written', left };
}
