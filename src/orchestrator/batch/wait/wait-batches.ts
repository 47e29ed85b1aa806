/** The story of `--wait`: look at each pending job again and again, with growing pauses, until none is pending. */

import { isRefusedKey, ProviderError } from '../../../core/errors.ts';
import { reloadJob, type StoredJob } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { LockLostError } from '../../../storage/locks.ts';
import { defaultRetryPolicy } from '../../calls/retry-policy.ts';
import { sweepInputs } from '../../sweep/sweep-inputs.ts';
import { openFetch } from '../fetch/fetch-batches.ts';
import type { FetchOrder, FetchOutcome, FetchRun, FetchSummary } from '../fetch/fetch-run.ts';
import { fetchStoredJob, type JobFate } from '../fetch/fetch-stored-job.ts';
import { isOver, listParts } from '../list/list-batches.ts';
import { tellNews, type WaitEvent, type Watch } from './wait-news.ts';
import {
  abortAfter,
  firstPauseMs,
  nextPause,
  systemClock,
  type WaitClock,
  withJitter,
} from './wait-pauses.ts';

export interface WaitOptions {
  /** Milliseconds between two looks at a job; undefined: growing pauses, from 2 s to 1 min, after an hour to 5 min. */
  readonly intervalMs?: number | undefined;
  /** Milliseconds after which the wait ends with what is in; undefined: it has no end of its own. */
  readonly timeoutMs?: number | undefined;
}

export interface WaitSummary extends FetchSummary, Pick<Watch, 'pending' | 'total'> {
  readonly timedOut: boolean;
}

/** A job that is waited for. */
interface WatchedJob {
  stored: StoredJob;
  /** By the clock of the wait. */
  dueAt: number;
  /** The last one; 0 before the first. */
  pauseMs: number;
  looks: number;
  /** How often in a row the provider refused what waiting hardly mends. */
  refusals: number;
  isOver: boolean;
  /** It is complete, and a file is where its output goes. */
  isInTheWay: boolean;
  /** Of the last look. */
  outcome: FetchOutcome;
}

/** The next look is another try. */
const retryPolicy = { ...defaultRetryPolicy, attempts: 3, patienceMs: 60_000 };
/** A new batch may not be found for some seconds, and a proxy may have a bad moment. */
const mostRefusals = 3;

/**
 * Waits for the jobs that are pending now, or for the one of the order, and writes each output as soon as it is
 * complete. No lock is held in between. Throws as `fetchBatches` does; a timeout is no error, it is in the summary.
 */
export async function waitForBatches(
  home: LoomHome,
  order: FetchOrder,
  options: WaitOptions,
  signal: AbortSignal,
  onEvent: (event: WaitEvent) => void,
  clock: WaitClock = systemClock,
): Promise<WaitSummary> {
  const startedAt = clock.now();
  const news = tellNews(onEvent);
  const { run: fetching, targets } = await openFetch(home, order, signal, news);
  const deadline = options.timeoutMs === undefined ? undefined : abortAfter(options.timeoutMs);
  const stop = deadline ? AbortSignal.any([signal, deadline.signal]) : signal;
  const run = { ...fetching, signal: stop };
  // A question that nobody answers must not keep the others from their outputs.
  const askLater = { ...order, confirmOverwrite: async () => 'later' as const };
  const jobs = targets.map((stored) => startWatching(stored, options, startedAt));
  let timedOut = false;
  try {
    for (let next = findNextDue(jobs); next; next = findNextDue(jobs)) {
      onEvent({ type: 'watch', watch: describeWatch(home, jobs) });
      await clock.sleep(next.dueAt - clock.now(), stop);
      await lookAt({ ...run, order: askLater }, next, news);
      const now = clock.now();
      next.pauseMs = options.intervalMs ?? nextPause(next.pauseMs, now - startedAt, next.outcome.short);
      next.dueAt = now + (options.intervalMs ?? withJitter(next.pauseMs, clock));
    }
    for (const job of jobs.filter(({ isInTheWay }) => isInTheWay)) await lookAt(run, job, news);
  } catch (error) {
    if (signal.aborted || !deadline?.signal.aborted) throw error;
    timedOut = true;
  } finally {
    deadline?.cancel();
  }
  await sweepInputs(home);
  const { pending, total } = describeWatch(home, jobs);
  const outcomes = [run.outcome, ...jobs.map((job) => job.outcome)];
  return {
    jobs: jobs.length,
    troubled: outcomes.some((outcome) => outcome.troubled),
    incomplete: outcomes.some((outcome) => outcome.incomplete),
    timedOut,
    pending,
    total,
  };
}

/** A job is looked at at once, unless its batch was created just now. */
function startWatching(stored: StoredJob, { intervalMs }: WaitOptions, now: number): WatchedJob {
  const createdAt = Date.parse(stored.job.created_at);
  const pauseMs = Math.min(intervalMs ?? firstPauseMs, firstPauseMs);
  const isNew = Date.now() - createdAt < firstPauseMs;
  return {
    stored,
    dueAt: isNew ? now + pauseMs : now,
    pauseMs: isNew ? pauseMs : 0,
    looks: 0,
    refusals: 0,
    isOver: false,
    isInTheWay: false,
    outcome: { troubled: false, incomplete: false },
  };
}

function findNextDue(jobs: readonly WatchedJob[]): WatchedJob | undefined {
  const waiting = jobs.filter((job) => !job.isOver);
  return waiting.reduce<WatchedJob | undefined>(
    (first, job) => (first && first.dueAt <= job.dueAt ? first : job),
    undefined,
  );
}

/** Looks at a job once, and decides whether to look again. */
async function lookAt(run: FetchRun, job: WatchedJob, onEvent: (event: WaitEvent) => void): Promise<void> {
  const outcome: FetchOutcome = { troubled: false, incomplete: false };
  const { id, provider } = job.stored;
  let isSeen = false;
  try {
    const isRepeated = job.looks > 0 && !job.isInTheWay;
    const look = await fetchStoredJob({ ...run, onEvent, retryPolicy, isRepeated, outcome }, job.stored);
    const { fate, left } = look;
    if (fate === 'busy') return;
    isSeen = true;
    job.stored = left ?? job.stored;
    job.looks += 1;
    job.outcome = outcome;
    if (outcome.refusal) noteRefusal(job, outcome.refusal, onEvent);
    else job.refusals = 0;
    if (fate === 'gone') onEvent({ type: 'gone', id });
    if (isLast(fate)) job.isOver = true;
    job.isInTheWay = fate === 'kept';
  } catch (error) {
    run.signal.throwIfAborted();
    // A machine that slept in the middle of a look may have lost the job to another process.
    if (error instanceof LockLostError) return;
    job.outcome = { ...outcome, troubled: true };
    if (!(error instanceof ProviderError)) {
      job.isOver = true;
      onEvent({ type: 'failed', id, provider, error });
    } else if (!noteRefusal(job, error, onEvent)) onEvent({ type: 'trouble', id, provider, error });
  } finally {
    // One that can't be read was told above.
    if (!isSeen) job.stored = (await reloadJob(run.home, job.stored).catch(() => undefined)) ?? job.stored;
  }
}

function isLast(fate: JobFate): boolean {
  return fate !== 'pending' && fate !== 'busy';
}

/** Whether the wait for this job ends with an error, because another look would meet it again. */
function noteRefusal(job: WatchedJob, error: ProviderError, onEvent: (event: WaitEvent) => void): boolean {
  const { id, provider } = job.stored;
  job.refusals = error.scope === 'retry' ? 0 : job.refusals + 1;
  if (job.refusals < mostRefusals && !isRefusedKey(error)) return false;
  job.isOver = true;
  onEvent({ type: 'failed', id, provider, error });
  return true;
}

function describeWatch(home: LoomHome, jobs: readonly WatchedJob[]): Watch {
  const batches = jobs.filter((job) => !job.isOver).flatMap(({ stored }) => listParts(home, stored));
  return {
    batches,
    pending: batches.filter((batch) => !isOver(batch)).length,
    total: jobs.reduce((sum, { stored }) => sum + stored.job.parts.length, 0),
  };
}
