/** `fetchBatches` of the library. */
import { resolve } from 'node:path';
import { LoomError } from '../errors.ts';
import type { BatchRecord } from '../models.ts';
import {
  type FetchEvents,
  type FetchSummary,
  fetchBatches as fetchJobs,
  type ReachOfOne,
} from '../orchestrator/fetch-batches.ts';
import type { MergedJob } from '../orchestrator/merge-job.ts';
import { hasEndedBadly } from '../orchestrator/stored-jobs.ts';
import { providerEntry } from '../providers/registry.ts';
import type { ReachOptions } from './options.ts';
import { openReach, underSignal } from './reach.ts';
import { describeUsage, type PaidUsage } from './usage.ts';

export interface FetchBatchesOptions extends ReachOptions {
  /** A batch or a job; every pending one when absent. `apiKey` and `baseUrl` serve one provider only. */
  readonly id?: string;
  /** Whether outputs in the way may go. Default false: such a job stays as it is. */
  readonly overwrite?: boolean;
  /** Keeps the records of what is written, and the uploaded files. Default false. */
  readonly keep?: boolean;
  /** With `id`: writes what there is of a batch that ended early, or whose input has changed. */
  readonly partial?: boolean;
  /** With `id`: where the input is now. */
  readonly file?: string;
  readonly events?: FetchEvents;
}

export interface WrittenOutput extends Omit<MergedJob, 'usage'> {
  readonly usage: PaidUsage | undefined;
}

export interface FetchedBatches extends FetchSummary {
  /** The outputs that were written. */
  readonly merged: readonly WrittenOutput[];
  /** Batches that are not done, as last seen. */
  readonly pending: readonly BatchRecord[];
  /** Parts of jobs, from 1, that wait because the provider's queue is full: a later fetch submits them. */
  readonly queued: readonly { readonly jobId: string; readonly part: number }[];
  /** Batches that failed, expired or were cancelled; told once. */
  readonly ended: readonly BatchRecord[];
  /** Jobs that could not be fetched; the others were. */
  readonly errors: readonly { readonly id: string; readonly error: unknown }[];
}

/**
 * Asks how each pending batch is, and writes the outputs that are complete, as `loom fetch` does. LoomError `input`,
 * before anything is sent, when `apiKey` or `baseUrl` would reach batches of several providers.
 */
export async function fetchBatches(options: FetchBatchesOptions = {}): Promise<FetchedBatches> {
  requireId(options);
  const reach = openReach(options);
  const merged: WrittenOutput[] = [];
  const pending: BatchRecord[] = [];
  const queued: { jobId: string; part: number }[] = [];
  const ended: BatchRecord[] = [];
  const errors: { id: string; error: unknown }[] = [];
  const given = options.events;
  const events: FetchEvents = {
    ...given,
    async onMerged(job) {
      const priced = { entry: providerEntry(job.provider), model: job.model, batch: true };
      merged.push({ ...job, usage: await describeUsage(job.usage, priced) });
      await given?.onMerged?.(job);
    },
    onStatus(record, reason) {
      (hasEndedBadly(record.status) ? ended : pending).push(record);
      given?.onStatus?.(record, reason);
    },
    onQueued(job, part) {
      queued.push({ jobId: job.job_id, part });
      given?.onQueued?.(job, part);
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
      reach.connect(providerEntry(provider), recordedBaseUrl),
    confirmOverwrite: async () => 'nobody' as const,
  };
  const summary = await underSignal(options.signal, (signal) => fetchJobs(reach.home, order, signal, events));
  return { ...summary, merged, pending, queued, ended, errors };
}

/** LoomError `usage` for an option about one batch where none is named. */
function requireId({ id, partial, file }: FetchBatchesOptions): void {
  const given = partial ? 'partial' : file !== undefined ? 'file' : undefined;
  if (given === undefined || id !== undefined) return;
  throw new LoomError('usage', `${given} is about one batch.`, { hint: 'Name it with id.' });
}

function nameReach({ apiKey, baseUrl }: ReachOptions): ReachOfOne | undefined {
  const given = apiKey !== undefined ? 'apiKey' : baseUrl !== undefined ? 'baseUrl' : undefined;
  return given && { given, naming: 'id' };
}
