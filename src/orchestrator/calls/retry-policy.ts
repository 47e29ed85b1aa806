/** How often, how soon and for how long calls are tried again. */
import type { Patience } from './long-waits.ts';

export interface RetryPolicy {
  /** How often a call that fails with anything but a rate limit is made at most. */
  readonly attempts: number;
  /** Upper bound of the first pause, doubled for each further one, in milliseconds. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /**
   * How long rate limits are waited out while no call of the run is answered, and the longest wait that a provider may ask
   * for (`retry-after`), in milliseconds.
   */
  readonly patienceMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 8,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  patienceMs: 5 * 60_000,
};

/** That of a call by itself, with no others before it. */
export const defaultPatience: Patience = {
  wholeMs: defaultRetryPolicy.patienceMs,
  leftMs: defaultRetryPolicy.patienceMs,
};
