/** Waits that nobody should sit through without knowing: each is an error instead, which says when it ends. */
import { type ErrorScope, LongWaitError, ProviderError } from '../../core/errors.ts';
import { endSentence } from '../../core/words.ts';
import { rateLimitStatuses } from '../../providers/network/rate-limits.ts';

/** Whether the provider asked for fewer calls, as opposed to failing at one. */
export function isRateLimit(error: unknown): boolean {
  return (
    error instanceof ProviderError && error.scope === 'retry' && rateLimitStatuses.has(error.status ?? 0)
  );
}

/** How long waits may be, in milliseconds. */
export interface Patience {
  readonly wholeMs: number;
  /** What is left of it under the rate limit that is waited out just now. */
  readonly leftMs: number;
}

/**
 * What to throw in place of an error after which waiting is of no use: it asks for a wait, or comes of a rate limit, that
 * ends too late or is of a day, or patience with the limit is over. Undefined for any other error.
 */
export function findLongWait(
  error: unknown,
  scope: ErrorScope,
  patience: Patience,
): LongWaitError | undefined {
  if (!(error instanceof ProviderError) || error.scope !== 'retry') return undefined;
  const { code, message, status, retryAfterMs, limit } = error;
  const wait = isRateLimit(error)
    ? { ms: limit?.endsInMs ?? retryAfterMs, isOfDay: limit?.isOfDay ?? false, leftMs: patience.leftMs }
    : { ms: retryAfterMs, isOfDay: false, leftMs: patience.wholeMs };
  const why = describeWait(wait, patience.wholeMs);
  if (why === undefined) return undefined;
  return new LongWaitError(scope, code, `${endSentence(message)} ${why}`, {
    status,
    retryAfterMs: wait.ms,
    limit,
    cause: error,
  });
}

interface Wait {
  /** undefined: nobody says how long it is. */
  readonly ms: number | undefined;
  readonly isOfDay: boolean;
  readonly leftMs: number;
}

/** Why a wait is too long; undefined for one that is not. */
function describeWait({ ms = 0, isOfDay, leftMs }: Wait, wholeMs: number): string | undefined {
  const end = `${describeSpan(ms)} (until ${showLocalTime(new Date(Date.now() + ms))})`;
  if (isOfDay) {
    const lasts = ms > wholeMs ? ` that lasts for ${end}` : '';
    return `It is a limit of a day or longer${lasts}: waiting for minutes is of no use.`;
  }
  const most = `loom waits for at most ${describeSpan(wholeMs)}`;
  if (ms > wholeMs) return `It asks to wait ${end}, and ${most}.`;
  if (leftMs <= 0) return `No call was answered for ${describeSpan(wholeMs)}.`;
  return ms > leftMs ? `It asks to wait ${end} more, and ${most} without an answer.` : undefined;
}

function describeSpan(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1_000);
  if (seconds < 120) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

/** `2026-11-29 02:00`, by the clock of whoever reads it. */
function showLocalTime(time: Date): string {
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(twoDigits).join('-');
  return `${day} ${[time.getHours(), time.getMinutes()].map(twoDigits).join(':')}`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
