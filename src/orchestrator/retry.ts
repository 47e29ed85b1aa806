/** The one retry policy for every call to every provider; the SDKs' own retries are off. */
import pLimit from 'p-limit';
import { type ErrorScope, ProviderError } from '../errors.ts';
import { asAttempt } from '../providers/attempt.ts';
import type { EarlyStop } from './early-stop.ts';

export interface RetryPolicy {
  /** How often a call that fails with anything but a rate limit is made at most. */
  readonly attempts: number;
  /** Upper bound of the first pause, doubled for each further one, in milliseconds. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** How long rate limits are waited out while no call of the run succeeds, in milliseconds. */
  readonly rateLimitPatienceMs: number;
  /** The longest wait that a provider may ask for (`retry-after`), in milliseconds. */
  readonly longestAskedPauseMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 8,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  rateLimitPatienceMs: 5 * 60_000,
  longestAskedPauseMs: 5 * 60_000,
};

export interface RetryNotice {
  readonly error: ProviderError;
  readonly pauseMs: number;
  /** How often the call was made so far. */
  readonly attempts: number;
}

export interface CallQueueOptions {
  readonly workers: number;
  readonly signal: AbortSignal;
  readonly policy?: RetryPolicy;
  /**
   * After an error that reaches the whole run no call is made any more: each fails with that error. A wait that is asked
   * for and is too long is such an error.
   */
  readonly stopsAtFatal?: boolean;
  /** Is told how each call ended, and may end the run. */
  readonly earlyStop?: EarlyStop;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

/** Runs calls, at most `workers` at once, each again and again as the policy allows. */
export interface CallQueue {
  /**
   * The call's result, or the error that ended it: one that is not worth another try, or the last one.
   * A call that waits for its next try leaves its place to others.
   */
  run<Result>(call: () => Promise<Result>): Promise<Result>;
}

const rateLimitStatuses = new Set([429, 529]);

/** Whether the provider asked for fewer calls, as opposed to failing at one. */
export function isRateLimit(error: unknown): error is ProviderError {
  return (
    error instanceof ProviderError && error.scope === 'retry' && rateLimitStatuses.has(error.status ?? 0)
  );
}

/** Whether an error is about more than its own call; one that is not a provider's (a full disk) always is. */
function reachesRun(error: unknown): boolean {
  return !(error instanceof ProviderError) || error.scope === 'run';
}

/**
 * What to throw in place of an error that asks for a longer wait than anybody should sit through without knowing;
 * undefined for any other error.
 */
export function findLongWait(
  error: unknown,
  scope: ErrorScope = 'retry',
  { longestAskedPauseMs }: RetryPolicy = defaultRetryPolicy,
): ProviderError | undefined {
  if (!(error instanceof ProviderError) || error.scope !== 'retry') return undefined;
  const { code, message, status, retryAfterMs = 0 } = error;
  if (retryAfterMs <= longestAskedPauseMs) return undefined;
  const stop = /[.!?…]$/.test(message) ? '' : '.';
  const wait = `It asks to wait ${describeWait(retryAfterMs)}, and loom waits for at most ${describeWait(longestAskedPauseMs)}.`;
  return new ProviderError(scope, code, `${message}${stop} ${wait}`, { status, retryAfterMs, cause: error });
}

function describeWait(milliseconds: number): string {
  const minutes = Math.ceil(milliseconds / 60_000);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

/** A queue for the calls of one run; its pace is shared by all of them. */
export function createCallQueue(options: CallQueueOptions): CallQueue {
  const policy = options.policy ?? defaultRetryPolicy;
  const pace = createPace(options.workers, policy);
  let fatal: { readonly error: unknown } | undefined;

  async function attempt<Result>(call: () => Promise<Result>): Promise<Result> {
    await pace.untilOpen(options.signal);
    options.signal.throwIfAborted();
    if (fatal) throw fatal.error;
    const startedAt = performance.now();
    try {
      const result = await call();
      pace.noteSuccess();
      options.earlyStop?.noteAnswer();
      return result;
    } catch (thrown) {
      const longWait = findLongWait(thrown, options.stopsAtFatal ? 'run' : 'retry', policy);
      const error = longWait ?? findEarlyEnd(thrown) ?? thrown;
      if (!longWait && isRateLimit(error)) pace.noteRateLimit(startedAt, error.retryAfterMs);
      // Noted here, while the failed call still has its place in the queue: the next one is not made.
      if (options.stopsAtFatal && reachesRun(error)) fatal ??= { error };
      throw error;
    }
  }

  /** A call that is made again has not ended. */
  function findEarlyEnd(error: unknown): ProviderError | undefined {
    const isOfRow = error instanceof ProviderError && error.scope === 'row';
    return isOfRow ? options.earlyStop?.noteFailure(error) : undefined;
  }

  return {
    async run(call) {
      let failures = 0;
      let rateLimits = 0;
      for (;;) {
        try {
          const next = failures + rateLimits + 1;
          return await pace.limit(() => attempt(() => asAttempt(next, call)));
        } catch (error) {
          if (!(error instanceof ProviderError) || error.scope !== 'retry' || options.signal.aborted)
            throw error;
          if ((error.retryAfterMs ?? 0) > policy.longestAskedPauseMs) throw error;
          const limited = isRateLimit(error);
          if (limited ? pace.patienceIsOver() : failures + 1 >= policy.attempts) throw error;
          const pauseMs = pauseBefore(limited ? rateLimits++ : failures++, error.retryAfterMs, policy);
          options.onRetry?.({ error, pauseMs, attempts: failures + rateLimits });
          await sleep(pauseMs, options.signal);
        }
      }
    },
  };
}

/** Full jitter over a doubling bound, never shorter than the provider asked for. */
function pauseBefore(retry: number, retryAfterMs: number | undefined, policy: RetryPolicy): number {
  const bound = Math.min(policy.firstPauseMs * 2 ** retry, policy.longestPauseMs);
  const jittered = Math.random() * bound;
  return retryAfterMs === undefined ? jittered : retryAfterMs + jittered / 4;
}

/**
 * How fast the run may call at this moment: how many at once, and not before when. By a clock that nobody sets, and that
 * stands still while the machine sleeps.
 */
function createPace(workers: number, policy: RetryPolicy) {
  const limit = pLimit(workers);
  let opensAt = 0;
  let slowedAt = 0;
  let lastSuccessAt = performance.now();
  let successesSinceChange = 0;

  return {
    limit,

    async untilOpen(signal: AbortSignal): Promise<void> {
      // Another rate limit can move the time while this call sleeps.
      while (performance.now() < opensAt) await sleep(opensAt - performance.now(), signal);
    },

    noteSuccess(): void {
      lastSuccessAt = performance.now();
      successesSinceChange += 1;
      if (limit.concurrency < workers && successesSinceChange >= limit.concurrency) {
        limit.concurrency += 1;
        successesSinceChange = 0;
      }
    },

    /** Calls that were under way together are refused together: only the first of them slows the run. */
    noteRateLimit(startedAt: number, retryAfterMs: number | undefined): void {
      if (retryAfterMs !== undefined) opensAt = Math.max(opensAt, performance.now() + retryAfterMs);
      if (startedAt < slowedAt) return;
      slowedAt = performance.now();
      successesSinceChange = 0;
      limit.concurrency = Math.max(1, Math.floor(limit.concurrency / 2));
      opensAt = Math.max(opensAt, performance.now() + Math.random() * policy.firstPauseMs);
    },

    patienceIsOver(): boolean {
      return performance.now() - lastSuccessAt > policy.rateLimitPatienceMs;
    },
  };
}

/** The longest time that a timer takes, in milliseconds; a longer one would be over at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Resolves after the time, however long, or rejects with the signal's reason as soon as it is aborted. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  for (let left = milliseconds; left > longestTimerMs; left -= longestTimerMs)
    await startTimer(longestTimerMs, signal);
  await startTimer(milliseconds % longestTimerMs, signal);
}

function startTimer(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}
