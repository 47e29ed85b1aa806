/** Which try of a call is under way: the retry policy counts, and the requests beneath the SDKs tell it. */
import { AsyncLocalStorage } from 'node:async_hooks';

const attempts = new AsyncLocalStorage<number>();

/** Makes a call as its nth try. The first needs no mark, so that runs without retries pay nothing. */
export function asAttempt<Result>(attempt: number, call: () => Promise<Result>): Promise<Result> {
  return attempt === 1 ? call() : attempts.run(attempt, call);
}

/** From 1. */
export function currentAttempt(): number {
  return attempts.getStore() ?? 1;
}
