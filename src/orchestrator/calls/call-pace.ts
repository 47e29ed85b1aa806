/**
 * How fast a run may call at this moment: how many at once, and not before when. By a clock that nobody sets, and that
 * stands still while the machine sleeps.
 *
 * From a rate limit on, and until an answer to a later call, one call at a time tries, after pauses that all calls of the
 * run share: however many rows wait, no more refused calls are made than one row would make.
 */
import pLimit from 'p-limit';
import type { RetryPolicy } from './retry-policy.ts';
import { sleep } from './sleep.ts';

export interface CallPace {
  /** Runs a call in its turn; at most as many at once as the pace allows. */
  limit<Result>(call: () => Promise<Result>): Promise<Result>;
  untilOpen(signal: AbortSignal): Promise<void>;
  /** How long until the next call may be made, in milliseconds. */
  msUntilOpen(): number;
  noteAnswer(startedAt: number): void;
  noteRateLimit(startedAt: number, retryAfterMs: number | undefined): void;
  /** How much longer a rate limit may last, in milliseconds: patience begins anew with each answer. */
  patienceLeftMs(): number;
}

/** A rate limit that no later call has passed yet. */
interface Limited {
  /** When it came, or the last answer since. */
  since: number;
  /** When the last refusal of a call came that was made to try it. */
  triedAt: number;
  tries: number;
  /** How many calls are made at once when it is over. */
  readonly concurrencyAfter: number;
}

export function createPace(workers: number, policy: RetryPolicy): CallPace {
  const limit = pLimit(workers);
  let opensAt = 0;
  let answersSinceChange = 0;
  let limited: Limited | undefined;

  return {
    limit: (call) => limit(call),

    async untilOpen(signal) {
      // Another rate limit can move the time while this call sleeps.
      while (performance.now() < opensAt) await sleep(opensAt - performance.now(), signal);
    },

    msUntilOpen: () => Math.max(0, opensAt - performance.now()),

    noteAnswer(startedAt) {
      if (limited && startedAt < limited.triedAt) {
        // It was under way when the limit came, and does not say that it is over.
        limited.since = performance.now();
        return;
      }
      if (limited) {
        limit.concurrency = limited.concurrencyAfter;
        limited = undefined;
        answersSinceChange = 0;
      }
      answersSinceChange += 1;
      if (limit.concurrency < workers && answersSinceChange >= limit.concurrency) {
        limit.concurrency += 1;
        answersSinceChange = 0;
      }
    },

    noteRateLimit(startedAt, retryAfterMs) {
      const now = performance.now();
      if (!limited) {
        const concurrencyAfter = Math.max(1, Math.floor(limit.concurrency / 2));
        limited = { since: now, triedAt: now, tries: 0, concurrencyAfter };
        limit.concurrency = 1;
      } else if (startedAt >= limited.triedAt) {
        limited.tries += 1;
        limited.triedAt = now;
      } else if (retryAfterMs === undefined) {
        // Calls that were under way together are refused together: only the first of them slows the run.
        return;
      }
      const end = limited.since + policy.patienceMs;
      opensAt = Math.max(opensAt, Math.min(now + pauseBefore(limited.tries, retryAfterMs, policy), end));
    },

    patienceLeftMs: () => policy.patienceMs - (limited ? performance.now() - limited.since : 0),
  };
}

/** Full jitter over a doubling bound, never shorter than the provider asked for. */
export function pauseBefore(retry: number, retryAfterMs: number | undefined, policy: RetryPolicy): number {
  const bound = Math.min(policy.firstPauseMs * 2 ** retry, policy.longestPauseMs);
  const jittered = Math.random() * bound;
  return retryAfterMs === undefined ? jittered : retryAfterMs + jittered / 4;
}
