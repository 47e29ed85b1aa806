/** `fetchBatches` of the library. */
import { resolve } from 'node:path';
import { LoomError } from '../core/errors.ts';
import type { BatchRecord } from '../core/models.ts';
import { describeShort } from '../orchestrator/batch/fetch/batch-account.ts';
import { fetchBatches as fetchJobs } from '../orchestrator/batch/fetch/fetch-batches.ts';
import type { FetchSummary, ReachOfOne } from '../orchestrator/batch/fetch/fetch-run.ts';
import type { MergedJob } from '../orchestrator/batch/merge/merge-job.ts';
import { type WaitOptions, waitForBatches } from '../orchestrator/batch/wait/wait-batches.ts';
import type { WaitEvents } from '../orchestrator/batch/wait/wait-news.ts';
import { providerEntry } from '../providers/registry.ts';
import { LastSeen, type QueuedPart } from './last-seen.ts';
import type { ReachOptions } from './options/options.ts';
import { openReach, underSignal } from './options/reach.ts';
import { describeUsage, type PaidUsage } from './usage.ts';

export interface FetchBatchesOptions extends ReachOptions {
  /** A batch or a job; every pending one when absent. `apiKey` and `baseUrl` serve one provider only. */
  readonly id?: string;
  /** Whether outputs in the way may go. Default false: such a job stays as it is. */
  readonly overwrite?: boolean;
  /** Keeps the records of what is written, and the uploaded files. Default false. */
  readonly keep?: boolean;
  /**
   * Writes what there is of batches whose results are short; with `id` also of one that ended early, or whose input has
   * changed.
   */
  readonly partial?: boolean;
  /** With `id`: where the input is now. */
  readonly file?: string;
  /**
   * Stays until the batches end, as `loom fetch --wait` does: true, or with a fixed pause between two checks of a batch
   * and a time after which the wait ends (none by itself), both in milliseconds. Default false.
   */
  readonly wait?: boolean | WaitOptions;
  /** With `wait` each is told when something changed. */
  readonly events?: WaitEvents;
}

export interface WrittenOutput extends Omit<MergedJob, 'usage'> {
  readonly usage: PaidUsage | undefined;
}

export interface FetchedBatches extends FetchSummary {
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
}

/**
 * Asks how each pending batch is, and writes the outputs that are complete, as `loom fetch` does. LoomError `input`,
 * before anything is sent, when `apiKey` or `baseUrl` would reach batches of several providers.
 */
export async function fetchBatches(options: FetchBatchesOptions = {}): Promise<FetchedBatches> {
  requireId(options);
  const reach = openReach({ ...options, onEvent: undefined, cache: undefined });
  const merged: WrittenOutput[] = [];
  const seen = new LastSeen();
  const errors: { id: string; error: unknown }[] = [];
  const given = options.events;
  const events: WaitEvents = {
    ...given,
    async onMerged(job) {
      const priced = { entry: providerEntry(job.provider), model: job.model, batch: true };
      merged.push({ ...job, usage: await describeUsage(job.usage, priced) });
      await given?.onMerged?.(job);
    },
    onStatus(record, reason) {
      seen.noteBatch(record);
      given?.onStatus?.(record, reason);
    },
    onGone(id) {
      seen.noteGone(id);
      given?.onGone?.(id);
    },
    onShort(record, short) {
      seen.noteBatch({ ...record, status: 'completed' });
      errors.push({ id: record.batch_id, error: describeShort(record, short, reach.home.isSandbox) });
      given?.onShort?.(record, short);
    },
    onReady(record) {
      seen.noteReady(record);
      given?.onReady?.(record);
    },
    onQueued(job, part) {
      seen.noteQueued({ jobId: job.job_id, part });
      given?.onQueued?.(job, part);
    },
    onSubmitted(record) {
      seen.noteBatch(record);
      given?.onSubmitted?.(record);
    },
    onError(id, provider, error) {
      errors.push({ id, error });
      given?.onError?.(id, provider, error);
    },
  };
  const order = {
    id: options.id,
    keep: options.keep ?? false,
    force: options.overwrite ?? false,
    partial: options.partial ?? false,
    inputPath: options.file === undefined ? undefined : resolve(options.file),
    workingFolder: process.cwd(),
    reachOfOne: nameReach(options),
    connect: (provider: BatchRecord['provider'], recordedBaseUrl: string | undefined) =>
      reach.connect(provider, recordedBaseUrl),
    confirmOverwrite: async () => 'nobody' as const,
  };
  const { wait = false } = options;
  const { jobs, troubled, incomplete, timedOut } = await underSignal(options.signal, async (signal) =>
    wait === false
      ? { ...(await fetchJobs(reach.home, order, signal, events)), timedOut: false }
      : waitForBatches(reach.home, order, describeWait(wait), signal, events),
  );
  const { pending, queued, ended } = seen;
  return { jobs, troubled, incomplete, timedOut, merged, pending, queued, ended, errors };
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

function nameReach({ apiKey, baseUrl }: ReachOptions): ReachOfOne | undefined {
  const given = apiKey !== undefined ? 'apiKey' : baseUrl !== undefined ? 'baseUrl' : undefined;
  return given && { given, naming: 'id' };
}
