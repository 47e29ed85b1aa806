/** When a wait looks again, by a clock that a laptop's sleep or a changed date does not move. */
import { sleep } from '../../calls/sleep.ts';

export interface WaitClock {
  /** Milliseconds since any moment; never goes back. */
  now(): number;
  /** Rejects with the signal's reason as soon as it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** From 0 up to 1. */
  random(): number;
}

export const systemClock: WaitClock = { now: () => performance.now(), sleep, random: Math.random };

/** The first pause between two looks, in milliseconds. */
export const firstPauseMs = 2_000;
const growth = 1.5;
const longestPauseMs = 60_000;
/** A batch that takes hours is not done a minute sooner for being asked about each minute. */
const patientAfterMs = 3_600_000;
const longestPatientPauseMs = 5 * 60_000;
/** Results that are short are downloaded whole at each look. */
const firstShortPauseMs = 10_000;

/**
 * The pause after one of so many milliseconds: half as long again, up to a minute, after an hour up to five. For results
 * that are short from ten seconds up to five minutes at once.
 */
export function nextPause(lastMs: number, waitedMs: number, isShort = false): number {
  const isPatient = isShort || waitedMs >= patientAfterMs;
  const longest = isPatient ? longestPatientPauseMs : longestPauseMs;
  return Math.min(Math.max(isShort ? firstShortPauseMs : firstPauseMs, lastMs * growth), longest);
}

/** Up to a tenth shorter or longer, so that many waits that began together don't ask together. */
export function withJitter(milliseconds: number, { random }: WaitClock): number {
  return milliseconds * (0.9 + 0.2 * random());
}

/** A signal that is aborted after so many milliseconds, unless it is cancelled before. */
export function abortAfter(milliseconds: number): { signal: AbortSignal; cancel(): void } {
  const time = new AbortController();
  const cancelled = new AbortController();
  sleep(milliseconds, cancelled.signal).then(
    () => time.abort(new Error('The time is over.')),
    () => {},
  );
  return { signal: time.signal, cancel: () => cancelled.abort() };
}
