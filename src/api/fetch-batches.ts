/** `fetchBatches` of the library. */
import { resolve } from 'node:path';
import type { ReachOfOne } from '../core/error-facts.ts';
import { LoomError } from '../core/errors.ts';
import type { BatchRecord } from '../core/models.ts';
import { fetchBatches as fetchJobs } from '../orchestrator/batch/fetch/fetch-batches.ts';
import type { FetchEvent, FetchSummary, WrittenOutput } from '../orchestrator/batch/fetch/fetch-run.ts';
import type { ListedBatch, QueuedPart } from '../orchestrator/batch/list/list-batches.ts';
import type { MergedJob } from '../orchestrator/batch/merge/merge-job.ts';
import type { WaitOptions, WaitSummary, waitForBatches } from '../orchestrator/batch/wait/wait-batches.ts';
import type { WaitEvent, Watch } from '../orchestrator/batch/wait/wait-news.ts';
import type { MergeSummary } from '../orchestrator/output/row-tally.ts';
import { type FetchBatchesEvent, FetchLog } from './fetch-log.ts';
import { areForAnyone } from './options/headers.ts';
import type { AskOverwrite, ReachOptions } from './options/options.ts';
import { type ListeningTo, withReach } from './options/reach.ts';

export type {
  FetchBatchesEvent,
  FetchEvent,
  FetchSummary,
  MergedJob,
  MergeSummary,
  QueuedPart,
  WaitEvent,
  WaitOptions,
  Watch,
  WrittenOutput,
};

export interface FetchBatchesOptions extends ReachOptions, ListeningTo<FetchBatchesEvent> {
  /** A batch or a job; every pending one when absent. `apiKey`, `baseUrl` and `headers` serve one provider only. */
  readonly id?: string | undefined;
  /** Whether outputs in the way may go. Default false, as `nobody` of a function: such a job stays as it is. */
  readonly overwrite?: boolean | AskOverwrite | undefined;
  /** Keeps the records of what is written, and the uploaded files. Default false. */
  readonly keep?: boolean | undefined;
  /**
   * Writes what there is of batches whose results are short; with `id` also of one that ended early, or whose input has
   * changed.
   */
  readonly partial?: boolean | undefined;
  /** With `id`: where the input is now. */
  readonly file?: string | undefined;
  /**
   * Stays until the batches end, as `loom fetch --wait` does: true, or with a fixed pause between two checks of a batch
   * and a time after which the wait ends (none by itself), both in milliseconds. Default false.
   */
  readonly wait?: boolean | WaitOptions | undefined;
  /** The job is what the caller has just submitted: what is wrong with others is told by those who fetch them. */
  readonly isOwn?: boolean | undefined;
}

export interface FetchedBatches extends FetchSummary {
  /** Every batch and part that was told of, as last seen. */
  readonly batches: readonly ListedBatch[];
  /** The outputs that were written. */
  readonly merged: readonly WrittenOutput[];
  /** Batches that are not done, as last seen. */
  readonly pending: readonly BatchRecord[];
  /** Parts that wait because the provider's queue is full, or in halves as it found them too large: a later fetch submits them. */
  readonly queued: readonly QueuedPart[];
  /** Batches that failed, expired or were cancelled; told once. */
  readonly ended: readonly BatchRecord[];
  /** Jobs that could not be fetched; the others were. */
  readonly errors: readonly { readonly id: string; readonly error: unknown }[];
  /** Whether the wait ended by its `timeoutMs`. Everything is kept for the next call. */
  readonly timedOut: boolean;
  /** Of a wait: how many batches were pending at its end, and how many there were at its start. */
  readonly left: Pick<WaitSummary, 'pending' | 'total'> | undefined;
}

/**
 * Asks how each pending batch is, and writes the outputs that are complete, as `loom fetch` does. LoomError `input`,
 * before anything is sent, when `apiKey`, `baseUrl` or `headers` would reach batches of several providers.
 */
export async function fetchBatches(options: FetchBatchesOptions = {}): Promise<FetchedBatches> {
  requireId(options);
  const { id, keep = false, overwrite = false, partial = false, file, isOwn = false, wait = false } = options;
  const log = new FetchLog();
  const tell = (event: WaitEvent) => {
    log.note(event);
    options.onEvent?.(event);
  };
  return withReach({ ...options, cache: options.cacheDir !== undefined }, async (reach, signal) => {
    const { home, workingFolder, connect } = reach;
    const order = {
      id,
      keep,
      force: overwrite === true,
      partial,
      inputPath: file === undefined ? undefined : resolve(workingFolder, file),
      workingFolder,
      reachOfOne: nameReach(options),
      connect,
      isOwnRun: isOwn,
      confirmOverwrite: typeof overwrite === 'function' ? overwrite : async () => 'nobody' as const,
    };
    const { timedOut, left, ...summary } = wait
      ? await waitFor(reach.home, order, describeWait(wait), signal, tell)
      : { ...(await fetchJobs(home, order, signal, tell)), timedOut: false, left: undefined };
    const { batches, merged, pending, queued, ended, errors } = log;
    return { ...summary, timedOut, left, batches, merged, pending, queued, ended, errors };
  });
}

async function waitFor(...given: Parameters<typeof waitForBatches>) {
  const { waitForBatches } = await import('../orchestrator/batch/wait/wait-batches.ts');
  const { pending, total, ...summary } = await waitForBatches(...given);
  return { ...summary, left: { pending, total } };
}

/** LoomError `usage` for times that are none: a program without types may pass anything. */
function describeWait(wait: true | WaitOptions): WaitOptions {
  if (wait === true) return {};
  for (const [name, time] of Object.entries(wait)) {
    if (time === undefined || (Number.isFinite(time) && time > 0)) continue;
    throw new LoomError('usage', `wait.${name} must be a number of milliseconds above 0, not ${time}.`);
  }
  return wait;
}

/** LoomError `usage` for an option about one batch where none is named. */
function requireId({ id, file }: FetchBatchesOptions): void {
  if (file === undefined || id !== undefined) return;
  throw new LoomError('usage', 'file is about one batch.', { hint: 'Name it with id.' });
}

/** The option whose key, address or headers are one provider's only. */
function nameReach({ apiKey, baseUrl, headers }: ReachOptions): ReachOfOne | undefined {
  if (apiKey !== undefined) return 'apiKey';
  return baseUrl !== undefined ? 'baseUrl' : areForAnyone(headers) ? 'headers' : undefined;
}
