/** The story of `loom fetch`: ask how each batch is, bring in what is ready, write the outputs that are complete. */
import { LoomError, type ProviderError } from '../../../core/errors.ts';
import type { BatchRecord, ProviderName } from '../../../core/models.ts';
import type { Connection } from '../../../providers/provider.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import type { JobRecord } from '../../../state/jobs.ts';
import { type Lock, tryLock } from '../../../storage/locks.ts';
import { FileInTheWayError, type Placing } from '../../../storage/output-file.ts';
import type { BatchAccount } from './batch-account.ts';
import type { DamagedFile } from '../../../state/damaged-files.ts';
import { deleteUpload } from './delete-uploads.ts';
import { downloadBatches } from './download-results.ts';
import { checkBatches, submitQueuedParts } from './fetch-job.ts';
import { countMissingParts, openJob, type ReachedProvider } from './job-fetch.ts';
import {
  clearMergedJob,
  findWrittenOutput,
  type MergedJob,
  type MergeOptions,
  mergeJob,
  noteJobOutput,
  outputExists,
  planOutput,
} from '../merge/merge-job.ts';
import { restoreRecords } from './restore-records.ts';
import type { RetryNotice, RetryPolicy } from '../../calls/retry.ts';
import {
  countParts,
  findJob,
  isPending,
  loadState,
  lockName,
  nameJob,
  reloadJob,
  type StoredJob,
} from '../../../state/stored-jobs.ts';
import type { PartEvents } from '../parts/submit-parts.ts';
import { sweepHome } from '../../sweep/sweep-home.ts';
import { sweepInputs } from '../../sweep/sweep-inputs.ts';
import type { UsageTally } from '../../usage/usage-tally.ts';

export interface FetchOrder {
  /** A batch id or a job id; undefined: every pending job. */
  readonly id: string | undefined;
  readonly keep: boolean;
  readonly force: boolean;
  /**
   * Writes what there is of batches whose results are short or that ended early, and with `id` the rows of a changed
   * input that still match.
   */
  readonly partial: boolean;
  /** Where the input is now; undefined: where it was. Absolute. */
  readonly inputPath: string | undefined;
  /** What relative paths in records of the Python tool are taken from. */
  readonly workingFolder: string;
  /** Set where a key or an address was given that belongs to one provider only. */
  readonly reachOfOne?: ReachOfOne | undefined;
  /** How to reach a provider, given the address in the record. LoomError when there is no key. */
  connect(provider: ProviderName, recordedBaseUrl: string | undefined): Connection;
  /** Of a run that waits for its own job: what is wrong with others is told by those who fetch them. */
  readonly isOwnRun?: boolean;
  /**
   * Whether a file in the way may go; `nobody` when there is nobody to ask, `later` when the job is looked at again. It
   * is locked meanwhile.
   */
  confirmOverwrite(outputPath: string, id: string): Promise<'yes' | 'no' | 'nobody' | 'later'>;
}

/** The caller's names of what gave the key or the address, and of what names one batch: `--api-key` and `--id`. */
export interface ReachOfOne {
  readonly given: string;
  readonly naming: string;
}

/** What an ended batch gave before its end. */
export interface KeptAnswers {
  readonly answers: number;
  /** Whether they are in the cache, so that the same run sends only the rest. */
  readonly inCache: boolean;
  /** What they cost, with the answers that other parts of the job gave before. */
  readonly usage: UsageTally | undefined;
}

/** What is known of results that do not account for every row. */
export interface ShortResults {
  readonly account: BatchAccount;
  /** From when on a fetch writes the output without what is missing. */
  readonly due: Date;
  /** Why the download broke off, when it did. */
  readonly trouble: ProviderError | undefined;
}

export interface FetchEvents extends PartEvents {
  /** A batch that is not done; `reason` is the provider's word on a failure, or ours on a failed call. */
  onStatus?(record: BatchRecord, reason: string | undefined): void;
  /** A batch that should have ended by now, by its provider's completion window. */
  onStuck?(record: BatchRecord): void;
  /** A batch whose results are all there. */
  onReady?(record: BatchRecord): void;
  /** A part that waits because the provider's queue is full. */
  onQueued?(job: JobRecord, part: number): void;
  /** Told of jobs with more than one part. */
  onParts?(jobId: string, partsIn: number, parts: number): void;
  onMerged?(merged: MergedJob): void | Promise<void>;
  /** An output in the way that stays, and what was answered. */
  onKept?(id: string, outputPath: string, answer: 'no' | 'nobody'): void;
  /** A batch ended early: what it gave is kept. */
  onEnded?(record: BatchRecord, kept: KeptAnswers): void | Promise<void>;
  /** A completed batch whose results are short: what came is kept, and a later fetch asks again. */
  onShort?(record: BatchRecord, short: ShortResults): void;
  /** The record of a batch was out of sight, and was made anew from its job. */
  onRestored?(record: BatchRecord): void;
  /** The provider's count of results is not what its files hold. */
  onMiscount?(record: BatchRecord, counted: number, held: number): void;
  /** Another process is working on this job: it is passed over. */
  onBusy?(id: string): void;
  onDamaged?(damaged: DamagedFile): void;
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
  readonly merging: MergeOptions;
  readonly events: FetchEvents;
  readonly signal: AbortSignal;
  /** Those that were opened, by name and address: their connections are used again. */
  readonly providers: Map<string, ReachedProvider>;
  /** How calls are tried again; undefined: as everywhere. */
  readonly retryPolicy?: RetryPolicy;
  /** Not the first look at the job: what it gave or how it ended is known, and not asked again. */
  readonly isRepeated: boolean;
  /** Outputs that this fetch has written. */
  readonly written: Set<string>;
  readonly outcome: FetchOutcome;
}

/** The worst so far. */
export interface FetchOutcome {
  troubled: boolean;
  incomplete: boolean;
  /** Results of a completed batch are short. */
  short?: boolean;
  /** Why the provider could not be asked how a batch is, the last time. */
  refusal?: ProviderError;
}

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

/**
 * Fetches one job or all pending ones. An error of one job is reported and does not stop the others. LoomError `input`
 * when one provider's key or address would reach another.
 */
export async function fetchBatches(
  home: LoomHome,
  order: FetchOrder,
  signal: AbortSignal,
  events: FetchEvents = {},
): Promise<FetchSummary> {
  const { run, targets } = await openFetch(home, order, signal, events);
  for (const stored of targets) {
    try {
      const { fate } = await fetchStoredJob(run, stored);
      if (fate === 'busy') events.onBusy?.(stored.id);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      events.onError?.(stored.id, stored.provider, error);
      run.outcome.troubled = true;
    }
  }
  await sweepInputs(home);
  const { troubled, incomplete } = run.outcome;
  return { jobs: targets.length, troubled, incomplete };
}

/** Finds the jobs that are to be fetched; LoomError as `fetchBatches` throws it. */
export async function openFetch(
  home: LoomHome,
  order: FetchOrder,
  signal: AbortSignal,
  events: FetchEvents,
): Promise<{ run: FetchRun; targets: readonly StoredJob[] }> {
  const state = await loadState(home);
  const targets = order.id === undefined ? state.jobs.filter(isPending) : [findJob(state, order.id)];
  checkReach(order, targets);
  const { workingFolder, inputPath } = order;
  // Rows of a changed input are left out where one job is named, whose input somebody has looked at.
  const changedRows = order.partial && order.id !== undefined ? 'leave_out' : 'refuse';
  const merging = { workingFolder, inputPath, changedRows } as const;
  const outcome: FetchOutcome = { troubled: false, incomplete: false };
  for (const damaged of order.isOwnRun ? [] : state.damaged) {
    events.onDamaged?.(damaged);
    outcome.troubled = true;
  }
  await sweepHome(home, state);
  return {
    run: {
      home,
      order,
      merging,
      events,
      signal,
      providers: new Map(),
      isRepeated: false,
      written: new Set(),
      outcome,
    },
    targets,
  };
}

function checkReach({ reachOfOne }: FetchOrder, targets: readonly StoredJob[]): void {
  const providers = [...new Set(targets.map(({ provider }) => provider))].sort();
  if (!reachOfOne || providers.length < 2) return;
  const { given, naming } = reachOfOne;
  throw new LoomError(
    'input',
    `${given} can't serve pending batches of several providers (${providers.join(', ')}).`,
    { hint: `Name one batch with ${naming}, or set the variables of each provider instead.` },
  );
}

/** Fetches a job as it is now on disk, unless another process is at it. */
export async function fetchStoredJob(run: FetchRun, known: StoredJob): Promise<LookAtJob> {
  run.signal.throwIfAborted();
  const lock = await tryLock(run.home.locks, lockName(known));
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
    if (!(stored.job?.keep ?? run.order.keep)) await forgetUploads(run, stored);
    return finishJob(run, stored, written);
  }
  const fetching = await openJob(run, stored);
  await restoreRecords(fetching);
  await submitQueuedParts(fetching);
  const { ready: completed, ended } = await checkBatches(fetching);
  const missing = run.order.partial ? countMissingParts(fetching) : 0;
  const parts = countParts(fetching);
  const left = parts - missing - (run.order.partial ? ended.length : 0);
  const { ready, gone } = await downloadBatches(fetching, completed, completed.length === left);
  const usable = run.order.partial ? [...ready, ...gone, ...ended] : ready;
  if (parts > 1) run.events.onParts?.(stored.id, usable.length, parts);
  // A job of one part has a batch id only since that was submitted, which may have been just now.
  const id = stored.job ? nameJob(stored.job) : stored.id;
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
  run.events.onKept?.(id, path, answer);
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
  await run.events.onMerged?.(merged);
  return { fate: 'written', left };
}
