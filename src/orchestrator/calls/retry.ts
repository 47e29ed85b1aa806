/** The one retry policy for every call to every provider; the SDKs' own retries are off. */

import { LongWaitError, ProviderError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import { asAttempt } from '../../providers/transport/attempt.ts';
import { createPace, pauseBefore } from './call-pace.ts';
import type { EarlyStop } from './early-stop.ts';
import { findLongWait, isRateLimit } from './long-waits.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry-policy.ts';
import { sleep } from './sleep.ts';

export interface RetryNotice {
  readonly error: ProviderError;
  readonly pauseMs: number;
  /** How often the call was made so far. */
  readonly attempts: number;
}

/** A call to this provider is made again, after a pause. */
export interface RetryEvent extends RetryNotice {
  readonly type: 'retry';
  readonly provider: ProviderName;
}

export interface CallQueueOptions {
  readonly workers: number;
  readonly signal: AbortSignal;
  readonly policy?: RetryPolicy;
  /**
   * After an error that reaches the whole run no call is made any more: each fails with that error. A wait that is too
   * long is such an error.
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

/** Whether an error is about more than its own call; one that is not a provider's (a full disk) always is. */
function reachesRun(error: unknown): boolean {
  return !(error instanceof ProviderError) || error.scope === 'run';
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
      pace.noteAnswer(startedAt);
      options.earlyStop?.noteAnswer();
      return result;
    } catch (thrown) {
      const patience = { wholeMs: policy.patienceMs, leftMs: pace.patienceLeftMs() };
      const longWait = findLongWait(thrown, options.stopsAtFatal ? 'run' : 'retry', patience);
      const error = longWait ?? findEarlyEnd(thrown) ?? thrown;
      if (error instanceof ProviderError) setPace(error, startedAt);
      // Noted here, while the failed call still has its place in the queue: the next one is not made.
      if (options.stopsAtFatal && reachesRun(error)) fatal ??= { error };
      throw error;
    }
  }

  function setPace(error: ProviderError, startedAt: number): void {
    if (error instanceof LongWaitError) return;
    if (isRateLimit(error)) pace.noteRateLimit(startedAt, error.retryAfterMs);
    // It was looked at, and so it was let through.
    else if (error.scope === 'row') pace.noteAnswer(startedAt);
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
          const isOver = error instanceof LongWaitError || options.signal.aborted;
          if (!(error instanceof ProviderError) || error.scope !== 'retry' || isOver) throw error;
          const limited = isRateLimit(error);
          if (limited) {
            // The next try waits in its turn, with all other calls.
            rateLimits += 1;
            options.onRetry?.({ error, pauseMs: pace.msUntilOpen(), attempts: failures + rateLimits });
            continue;
          }
          if (failures + 1 >= policy.attempts) throw error;
          const pauseMs = pauseBefore(failures++, error.retryAfterMs, policy);
          options.onRetry?.({ error, pauseMs, attempts: failures + rateLimits });
          await sleep(pauseMs, options.signal);
        }
      }
    },
  };
}
