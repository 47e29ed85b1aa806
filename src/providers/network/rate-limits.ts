/** What a refusal for too many calls says of its limit: when it ends, and whether it is of a day. */
import type { RateLimit } from '../../core/errors.ts';
import { longestWaitMs } from './limits.ts';
import { asList, asObject, asText, type WireObject } from './wire.ts';

/** Says that there were too many calls, as opposed to a call that failed. */
export const rateLimitStatuses: ReadonlySet<number> = new Set([429, 529]);

/** What is read of a refusal. */
export interface LimitNotice {
  /** Those of the answer, and copies of others in its body. */
  readonly headers: HeaderTexts;
  readonly error: WireObject;
  readonly code: string;
  readonly message: string;
  /** `retry-after` and its like: an invitation to come again counts more than what windows say, except for a day. */
  readonly retryAfterMs: number | undefined;
}

/** By their names in small letters. */
export type HeaderTexts = Readonly<Record<string, string>>;

/** How LiteLLM's proxy hands on a header of its upstream; of `retry-after` it has no other. */
const handedOn = 'llm_provider-';

/** OpenRouter repeats in `error.metadata.headers` what a gateway may have taken away. */
export function collectHeaders(headers: HeaderTexts, body: WireObject, error: WireObject): HeaderTexts {
  const copies = [body.headers, error.headers, asObject(error.metadata).headers].map(asObject);
  const entries = copies.flatMap((copy) => Object.entries(copy));
  const repeated = entries.map(([name, value]) => [name.toLowerCase(), String(value)]);
  const ofUpstream = Object.entries(headers)
    .filter(([name]) => name.startsWith(handedOn))
    .map(([name, value]) => [name.slice(handedOn.length), value]);
  return { ...Object.fromEntries([...repeated, ...ofUpstream]), ...headers };
}

/** Call it for refusals with one of `rateLimitStatuses`. */
export function readRateLimit(notice: LimitNotice): RateLimit {
  const windowsMs = readWindows(notice);
  const isLong = isOfDay(notice);
  const [firstMs, secondMs] = isLong ? [windowsMs, notice.retryAfterMs] : [notice.retryAfterMs, windowsMs];
  return { endsInMs: firstMs || secondMs || readWait(notice.message), isOfDay: isLong };
}

/** How long until the last of the windows ends in which nothing remains. */
function readWindows({ headers }: LimitNotice): number | undefined {
  const waits = Object.entries(headers)
    .filter(([name]) => /rate-?limit/.test(name) && name.includes('reset'))
    // Where nothing is said of what remains, the refusal itself says that it is nothing.
    .filter(([name]) => Number(headers[name.replace('reset', 'remaining')] ?? 0) <= 0)
    .map(([, value]) => believe(readTime(value)))
    .filter((wait) => wait !== undefined);
  return waits.length > 0 ? Math.max(...waits) : undefined;
}

/** Numbers from here on are moments since 1970, in seconds; numbers below are seconds from now. */
const firstMoment = 1_000_000_000;
const firstMomentMs = 1_000 * firstMoment;

/**
 * When something is to be in any of the forms in which headers say it, as milliseconds from now: a span (`6m0s`, `1d2h`,
 * `120ms`), seconds, a moment in seconds or milliseconds since 1970, or a date. NaN for anything else.
 */
export function readTime(value: string): number {
  const text = value.trim();
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
  if (number === undefined) return readSpan(text) ?? Date.parse(text) - Date.now();
  if (number >= firstMomentMs) return number - Date.now();
  return number >= firstMoment ? number * 1_000 - Date.now() : number * 1_000;
}

/** What is past or can't be is undefined. */
function believe(milliseconds: number): number | undefined {
  return milliseconds > 0 && milliseconds <= longestWaitMs ? Math.round(milliseconds) : undefined;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `1d2h3m4.5s`, and the same in words: `7 minutes 12 seconds`. */
const spanPart =
  /(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|sec(?:ond)?s?|m|min(?:ute)?s?|h|hours?|hrs?|d|days?)(?![a-z])/;
const spanParts = new RegExp(spanPart, 'gi');
const longestSpan = 60;
const wholeSpan = new RegExp(`^(?:${spanPart.source}[\\s,]*)+$`, 'i');

function readSpan(text: string): number | undefined {
  return text.length <= longestSpan && wholeSpan.test(text) ? sumSpan(text) : undefined;
}

function sumSpan(text: string): number {
  return [...text.matchAll(spanParts)].reduce((sum, [, number, unit = '']) => {
    const name = /^m(?:s|illi)/i.test(unit) ? 'ms' : unit.charAt(0).toLowerCase();
    return sum + Number(number) * (unitMs[name] ?? 0);
  }, 0);
}

/** `Please try again in 6m0s.`: OpenAI, Groq and others say so in words too. */
function readWait(message: string): number | undefined {
  const [, wait] =
    /(?:try again|retry|wait|resets?)(?:\s(?:in|after|for))?\s((?:\d+(?:\.\d+)?\s?[a-z]{1,12}[\s,]{0,2}){1,4})/i.exec(
      message,
    ) ?? [];
  return wait === undefined ? undefined : believe(sumSpan(wait));
}

const dayWords =
  /per[-_ ]?(?:day|week|month)|\b[RT]PD\b|\b(?:daily|weekly|monthly)\b|(?:daily|weekly|monthly)_/i;
const minuteWords = /per[-_ ]?(?:min|sec|hour)|\b[RT]P[MS]\b/i;

/**
 * Whether it is a limit of a day, or longer, in words or in the names of Google's quotas. A message that speaks of a
 * minute too tells what else there is, as does one that says what more money would allow.
 */
function isOfDay({ error, code, message }: LimitNotice): boolean {
  const violations = asList(error.details).flatMap((detail) => asList(asObject(detail).violations));
  const quotas = violations.map((violation) => asText(asObject(violation).quotaId));
  if (quotas.some((quota) => quota !== '')) return quotas.some((quota) => dayWords.test(quota));
  const words = `${code} ${message}`;
  return dayWords.test(words) && !minuteWords.test(words);
}
