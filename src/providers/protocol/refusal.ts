/** From an HTTP answer or a broken call to a classed ProviderError: what all vendors have in common. */
import { type ErrorScope, ProviderError, type RateLimit } from '../../core/errors.ts';
import { readJson } from '../../core/nesting.ts';
import { causesOf } from '../http/causes.ts';
import { BrokenFrame, NotSent } from '../http/http-call.ts';
import { longestWaitMs } from '../network/limits.ts';
import {
  collectHeaders,
  type HeaderTexts,
  rateLimitStatuses,
  readRateLimit,
  readTime,
} from '../network/rate-limits.ts';
import { asCount, asList, asObject, asText, type WireObject } from '../network/wire.ts';
import { readReason, stripTags } from './reasons.ts';
import type { Words } from './words.ts';

/** An answer that says no, read liberally: see reasons.ts. */
export interface Refusal {
  readonly status: number;
  /** The provider's own word, empty when it has none. */
  readonly code: string;
  readonly message: string;
  readonly error: WireObject;
  /** All that it says. */
  readonly body: WireObject;
  readonly retryAfterMs: number | undefined;
  /** Where the status says that there were too many calls. */
  readonly limit: RateLimit | undefined;
}

/** What a refusal means at one vendor. */
export type Classify = (refusal: Refusal) => {
  readonly scope: ErrorScope;
  readonly code?: string;
  /** Whether it has the form of the vendor's errors, where that is another than an object `error` with a message. */
  readonly inOwnForm?: boolean;
};

/** The text is without secrets: what is cut off below can't be a part of one. */
export function readRefusal(status: number, headers: HeaderTexts, bodyText: string): Refusal {
  const body = readJson(bodyText);
  return readRefusedBody(status, headers, asObject(Array.isArray(body) ? body[0] : body), bodyText);
}

/** A refusal whose body was read already. */
export function readRefusedBody(
  status: number,
  headers: HeaderTexts,
  body: WireObject,
  bodyText: string,
): Refusal {
  // vLLM's errors have no object of their own around them.
  const error = asObject(body.object === 'error' ? body : body.error);
  const { code, message: reason } = readReason(body);
  const message =
    reason || `HTTP ${status}${readRedirect(headers)} ${stripTags(bodyText).replace(`${status} `, '')}`;
  const told = collectHeaders(headers, body, error);
  const retryAfterMs = readRetryAfter(told) ?? readRetryInfo(error);
  const limit = rateLimitStatuses.has(status)
    ? readRateLimit({ headers: told, error, code, message, retryAfterMs })
    : undefined;
  return { status, code, message, error, body, retryAfterMs, limit };
}

export function refusalToError(refusal: Refusal, classify: Classify, words: Words): ProviderError {
  const { scope, code, inOwnForm = false } = classify(refusal);
  return new ProviderError(
    scope,
    words.word(code || refusal.code) || `http_${refusal.status}`,
    words.message(refusal.message),
    {
      status: refusal.status,
      retryAfterMs: refusal.retryAfterMs,
      limit: refusal.limit,
      inOwnForm: inOwnForm || asText(refusal.error.message) !== '',
    },
  );
}

/** What an HTTP status means where the vendor says nothing more exact. */
export function scopeOfStatus(status: number): ErrorScope {
  if (status >= 500 || [408, 409, 425, 429].includes(status)) return 'retry';
  if ([401, 402, 403, 404].includes(status) || status < 400) return 'run';
  return 'row';
}

/** A call without a whole answer: it may have taken effect, so the error has no status. */
export function failureToError(failure: unknown, words: Words): ProviderError {
  const trail = causesOf(failure);
  const known = trail.find((error) => error instanceof ProviderError);
  if (known instanceof ProviderError) return known;
  if (trail.some((error) => error instanceof SyntaxError)) return unreadableAnswer('it is not valid JSON');
  const codes = trail.map((error) => asText((error as { code?: unknown }).code));
  const marks = [
    ...trail.map((error) => `${error.constructor.name} ${error.name} ${error.message}`),
    ...codes,
  ].join(' ');
  // The innermost error says the most: "connect ECONNREFUSED 127.0.0.1:9", not "fetch failed".
  const innermost = [...codes, ...trail.map((error) => error.message)].findLast((text) => text !== '');
  const detail = words.message(innermost ?? String(failure));
  if (trail.some(isBrokenFrame))
    return unreadableAnswer(`it breaks the rules of HTTP (${detail}), and may have been paid for`);
  if (codes.some((code) => /^(?:Z_|ZSTD_|ERR_BROTLI|ERR__ERROR)/.test(code)))
    return unreadableAnswer(`it is packed, and can't be unpacked (${detail})`);
  if (/ENOENT|ERR_INVALID_ARG_VALUE|NotReadableError/.test(marks)) {
    return new ProviderError('run', 'request_file', `The request file can't be read: ${detail}`);
  }
  // A mistake in a program is no reason to ask again.
  if (trail.length === 1 && /^(ReferenceError|RangeError|TypeError)/.test(marks))
    return new ProviderError('run', 'internal', `Reading the provider's answer failed: ${detail}`);
  const isLost = trail.some(isLostUnderWay);
  if (/timed? ?out|DOMException AbortError/i.test(marks) && !isLost) {
    return new ProviderError('retry', 'timeout', 'The provider took too long to answer.');
  }
  // A certificate or an address that is wrong stays wrong.
  const isLasting = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL_WRONG_VERSION|ERR_INVALID_URL/.test(marks);
  const scope = isLasting ? 'run' : 'retry';
  const isUnsent = trail.some((error) => error instanceof NotSent) || (!isLost && isNeverSent(trail, marks));
  const brokeOff = !isLasting && !isUnsent;
  return new ProviderError(scope, 'connection', `The connection to the provider failed: ${detail}`, {
    brokeOff,
  });
}

/** What is no HTTP/1.1 came all the same. A body that ended too early is another matter. */
function isBrokenFrame(error: NodeJS.ErrnoException): boolean {
  return (
    error instanceof BrokenFrame || (/^HPE_/.test(error.code ?? '') && error.code !== 'HPE_INVALID_EOF_STATE')
  );
}

/** What goes wrong before a byte of a call is on its way. */
function isNeverSent(trail: readonly Error[], marks: string): boolean {
  return neverSent.test(marks) || trail.some(isAboutConnecting);
}

const neverSent =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|CONNECT_TIMEOUT|before secure TLS/;

/** On a connection that was there: also where its code, such as EHOSTUNREACH, would mean another thing before. */
function isLostUnderWay(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'read' || error.syscall === 'write';
}

function isAboutConnecting(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'connect' || error.syscall === 'getaddrinfo';
}

/** A whole answer, or its head, that can't be read: it may be paid for, and would come again as it is. */
export function unreadableAnswer(why: string): ProviderError {
  return new ProviderError('row', 'unreadable', `The provider's answer can't be read: ${why}.`);
}

/** One that seems to lack its end, and costs nothing: it is asked for again. */
export function brokenAnswer(why: string): ProviderError {
  return new ProviderError('retry', 'unreadable', `The provider's answer can't be read: ${why}.`);
}

/** A POST is not sent on: the address is to be set right. */
function readRedirect(headers: HeaderTexts): string {
  const { location } = headers;
  return location ? `, which points to ${location.replace(/[?#].*/, '')}` : '';
}

/** `retry-after-ms`, then `retry-after`: seconds or a date, and of some gateways a moment or a span. */
function readRetryAfter(headers: HeaderTexts): number | undefined {
  const milliseconds = asCount(headers['retry-after-ms']);
  if (milliseconds !== undefined) return boundWait(milliseconds);
  return boundWait(readTime(headers['retry-after'] ?? ''));
}

/** A moment that is past is now; a wait that can't be is none. */
function boundWait(milliseconds: number): number | undefined {
  return milliseconds <= longestWaitMs ? Math.max(0, milliseconds) : undefined;
}

/** google.rpc.RetryInfo: `retryDelay` is a duration such as `7s` or `0.5s`. */
function readRetryInfo(error: WireObject): number | undefined {
  for (const detail of asList(error.details)) {
    const seconds = /^([\d.]+)s$/.exec(asText(asObject(detail).retryDelay))?.[1];
    if (seconds) return boundWait(Math.round(Number(seconds) * 1000));
  }
  return undefined;
}
