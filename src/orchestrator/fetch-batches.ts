/** The story of `loom fetch`: ask how each batch is, bring in what is ready, write the outputs that are complete. */
import type { BatchRecord, ProviderName } from '../models.ts';
import type { Connection } from '../providers/provider.ts';
import type { LoomHome } from '../utils/home.ts';
import type { JobRecord } from '../utils/jobs.ts';
import type { DamagedRecord } from '../utils/storage.ts';
import { checkBatches, downloadBatches, openJob, submitQueuedParts } from './fetch-job.ts';
import { clearMergedJob, describeOutput, type MergedJob, mergeJob, outputIsFree } from './merge-job.ts';
import type { RetryNotice } from './retry.ts';
import { findJob, forgetJob, isPending, loadState, type StoredJob } from './stored-jobs.ts';

export interface FetchOrder {
  /** A batch id or a job id; undefined: every pending job. */
  readonly id: string | undefined;
  readonly keep: boolean;
  readonly force: boolean;
  /** What relative paths in records of the Python tool are taken from. */
  readonly workingFolder: string;
  /** How to reach a provider, given the address in the record. LoomError when there is no key. */
  connect(provider: ProviderName, recordedBaseUrl: string | undefined): Connection;
  /** Whether a file in the way may go; `nobody` when there is nobody to ask. */
  confirmOverwrite(outputPath: string, id: string): Promise<'yes' | 'no' | 'nobody'>;
}

export interface FetchEvents {
  /** A batch that is not done; `reason` is the provider's word on a failure, or ours on a failed call. */
  onStatus?(record: BatchRecord, reason: string | undefined): void;
  /** A part that waits because the provider's queue is full. */
  onQueued?(job: JobRecord, part: number): void;
  onSubmitted?(record: BatchRecord): void;
  /** Told of jobs with more than one part. */
  onParts?(jobId: string, partsIn: number, parts: number): void;
  onMerged?(merged: MergedJob): void;
  /** An output in the way that stays, and what was answered. */
  onKept?(id: string, outputPath: string, answer: 'no' | 'nobody'): void;
  onDamaged?(damaged: DamagedRecord): void;
  /** One job could not be fetched; the others go on. */
  onError?(id: string, provider: ProviderName, error: unknown): void;
  onRetry?(provider: ProviderName, notice: RetryNotice): void;
}

/** The worst that happened decides the exit code. */
export interface FetchSummary {
  /** How many jobs were looked at. */
  readonly jobs: number;
  /** Something could not be done: an error, a batch that ended badly, all rows failed, an output in the way. */
  readonly troubled: boolean;
  /** An output was written in which some rows have no response. */
  readonly incomplete: boolean;
}

/** What the steps of one fetch share. */
export interface FetchRun {
  readonly home: LoomHome;
  readonly order: FetchOrder;
  readonly events: FetchEvents;
  readonly signal: AbortSignal;
  troubled: boolean;
  incomplete: boolean;
}

/** Fetches one job or all pending ones. An error of one job is reported and does not stop the others. */
export async function fetchBatches(
  home: LoomHome,
  order: FetchOrder,
  signal: AbortSignal,
  events: FetchEvents = {},
): Promise<FetchSummary> {
  const state = await loadState(home);
  const run: FetchRun = { home, order, events, signal, troubled: false, incomplete: false };
  for (const damaged of state.damaged) {
    events.onDamaged?.(damaged);
    run.troubled = true;
  }
  for (const job of state.abandoned) await forgetJob(home, job);
  const targets = order.id === undefined ? state.jobs.filter(isPending) : [findJob(state, order.id)];
  for (const stored of targets) {
    try {
      await fetchJob(run, stored);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      events.onError?.(stored.id, stored.provider, error);
      run.troubled = true;
    }
  }
  return { jobs: targets.length, troubled: run.troubled, incomplete: run.incomplete };
}

async function fetchJob(run: FetchRun, stored: StoredJob): Promise<void> {
  const fetching = await openJob(run, stored);
  await submitQueuedParts(fetching);
  const ready = await checkBatches(fetching);
  const complete = ready.length === fetching.parts;
  const output = describeOutput(run, stored);
  if (complete && !(await outputIsFree(run, stored, output.path))) return;
  await downloadBatches(fetching, ready);
  if (fetching.parts > 1) run.events.onParts?.(stored.id, ready.length, fetching.parts);
  if (!complete) return;
  const merged = await mergeJob(run, stored, ready, output);
  await clearMergedJob(run, stored, ready, output.path);
  if (merged.summary.failed > 0) run.incomplete = true;
  if (merged.summary.answered === 0) run.troubled = true;
  run.events.onMerged?.(merged);
}

/** The providers that have pending jobs: one provider's key must not reach another. */
export async function listPendingProviders(home: LoomHome): Promise<ReadonlySet<ProviderName>> {
  const { jobs } = await loadState(home);
  return new Set(jobs.filter(isPending).map((stored) => stored.provider));
}
