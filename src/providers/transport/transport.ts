/** The way to one provider: the fetch that its SDK is given, and the frame around every call. */
import type { Readable } from 'node:stream';
import { ProviderError } from '../../core/errors.ts';
import type { Call } from '../call.ts';
import type { VendorConnection } from '../connection.ts';
import { readRefusalText, readWhole } from '../http/bodies.ts';
import { type HttpAnswer, makeCall } from '../http/http-call.ts';
import { unpackBody } from '../http/packings.ts';
import { readProxyRefusal, readRouteFailure } from '../http/route-failures.ts';
import { openRoutes, type Route } from '../http/routes.ts';
import {
  inlineTimes,
  longestTransferMs,
  mostAnswerBytes,
  mostInlineBytes,
  mostLinesFor,
} from '../network/limits.ts';
import { asObject } from '../network/wire.ts';
import {
  type Classify,
  failureToError,
  readRefusal,
  readRefusedBody,
  refusalToError,
  unreadableAnswer,
} from '../protocol/refusal.ts';
import { openWords, type Words } from '../protocol/words.ts';
import { describeAnswer, type HeldAnswer, readAnswer } from './answer-frame.ts';
import { sendHeaders } from './given-headers.ts';
import { readJsonLines } from './json-lines.ts';
import { previewRequests } from './preview-requests.ts';
import { type Ask, tellRequests } from './request-notice.ts';
import { isMarked } from './sandbox-mark.ts';
import { showAnswer } from './shown-answer.ts';
import { watchAbort } from './watch-abort.ts';

export interface Transport {
  /**
   * node's own HTTP client as a fetch (http-call.ts), with our time limits and proxies; an answer outside 200–299 is
   * thrown, classed. A success has the object that its body holds as its JSON, whatever its frame says (answer-frame.ts).
   * No more is read of an answer than limits.ts says, so that a body without an end, or one that was packed small, ends in
   * an error. For an SDK's client; within a call, what it has of its own goes before. With `redirect: 'manual'` a redirect
   * is a success, of which the headers count.
   */
  readonly fetch: typeof globalThis.fetch;
  /**
   * Runs one call. What goes wrong is thrown as ProviderError, an abort at once as the signal's reason. A success of which
   * nothing can be read is `unreadable`, and told with its first characters: it is not worth another try. A live call may
   * take its connection's `callTimeoutMs` in all; one about a batch `timeoutMs`, a few times that where results may stand
   * in the answer (`inline`), and for an `upload` as long as its bytes go.
   */
  call<T>(signal: AbortSignal, work: (call: Call) => Promise<T>, kind?: CallKind): Promise<T>;
  /**
   * The JSON lines of one download, which holds the results of so many requests, as many at a time as came; throws as
   * `call` does, also in the middle. `read` takes the values out of a download that is no lines.
   */
  lines(
    signal: AbortSignal,
    requests: number,
    open: (call: Call) => Promise<unknown>,
    read?: ReadValues,
  ): AsyncGenerator<readonly unknown[]>;
  /** Classes an error that came in the body of a 200. */
  refuse(status: number, body: unknown): ProviderError;
}

/** The values in a body, as many at a time as came, and not more than so many. */
export type ReadValues = (
  body: AsyncIterable<Uint8Array>,
  most: number,
) => AsyncGenerator<readonly unknown[]>;

/** What a call carries, beside one answer. */
export type CallKind = 'plain' | 'inline' | 'upload';

/** The SDKs have timers of their own, which would cut a long upload short; ours know what a call is for. */
export const noTimeLimit = 2 ** 31 - 1;

const mostRedirects = 5;

/** What is known of a call that is under way. */
interface CallState {
  /** How much of its answer it reads; where that is `lines`, it is read piece by piece. */
  readonly bound: number | 'lines';
  /** The success that came last, while nothing else is asked. */
  answer?: HeldAnswer | undefined;
  /** The same where it is read piece by piece. */
  lines?: Readable;
}

/** How a call goes through an SDK: as a setting of its request that only our fetch knows. */
interface CarriedCall {
  readonly call?: CallState;
}

export async function openTransport(connection: VendorConnection, classify: Classify): Promise<Transport> {
  const { apiKey, baseUrl, timeoutMs, callTimeoutMs, environment, onRequest, onSandbox } = connection;
  if (!URL.canParse(baseUrl))
    throw new ProviderError('run', 'invalid_base_url', `${baseUrl} is not a valid address.`);
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ProviderError(
      'run',
      'invalid_api_key',
      'The API key is empty or holds characters that no key has.',
    );
  }
  const words = openWords(connection);
  // The time of a live call decides alone, however long a model thinks before its first byte.
  const silenceMs = callTimeoutMs === undefined ? timeoutMs : 0;
  const findRoute = openRoutes(environment);
  // A proxy that can't be is told at once.
  findRoute(new URL(baseUrl));
  const asError = (failure: unknown): ProviderError => findRefusal(failure) ?? failureToError(failure, words);
  /** What goes wrong after a whole success has come is in what it holds, also where an SDK has other words for that. */
  const asUnread = (failure: unknown, answer: HeldAnswer | undefined): ProviderError | undefined => {
    const known = findRefusal(failure) ?? (failure instanceof ProviderError ? failure : undefined);
    if (!answer || (known && known.code !== 'unreadable')) return undefined;
    return showUnread(known ?? unreadableAnswer('it is not what this call asks for'), answer);
  };
  const showUnread = ({ scope, code, message }: ProviderError, answer: HeldAnswer) =>
    new ProviderError(scope, code, `${message} ${describeAnswer(answer, words)}`);
  /** Without its words nobody knows what a row is refused for. They are asked for again: a refusal costs nothing. */
  const classifyCut: Classify = (refusal) => {
    const meant = classify(refusal);
    return meant.scope === 'row' ? { ...meant, scope: 'retry' } : meant;
  };
  const askOnce: Ask = connection.preview
    ? previewRequests(connection.preview)
    : (address, init) => callOnce(address, init, { findRoute, silenceMs, environment, words });
  const ask = sendHeaders(onRequest ? tellRequests(askOnce, words, asError, onRequest) : askOnce, connection);

  const fetchAnswer = async (
    state: CallState,
    address: unknown,
    init: RequestInit = {},
  ): Promise<Response> => {
    state.answer = undefined;
    const answer = await followRedirects(ask, String(address), init);
    if (isMarked(answer)) onSandbox?.();
    const isAnswered = answer.status >= 200 && answer.status <= (init.redirect === 'manual' ? 399 : 299);
    if (isAnswered) {
      if (state.bound === 'lines') state.lines = await unpackBody(answer);
      else {
        const bytes = await readWhole(answer, state.bound);
        state.answer = readAnswer(bytes, answer.headers['content-type']);
      }
      return showAnswer(answer, state.answer?.object ?? {});
    }
    const { text, isCut } = await readRefusalText(answer);
    const refusal = readRefusal(answer.status, answer.headers, words.hide(text));
    throw new RefusedCall(refusalToError(refusal, isCut ? classifyCut : classify, words));
  };
  const openCall = (state: CallState, signal: AbortSignal): Call => ({
    signal,
    // Google's SDK passes a signal that is undefined where it was given none.
    fetch: (address, init) => fetchAnswer(state, address, { ...init, signal: init?.signal ?? signal }),
    options: { signal, fetchOptions: { call: state } satisfies CarriedCall },
    answer: () => state.answer?.object,
    list: () => state.answer?.list,
  });
  const fetch: typeof globalThis.fetch = (address, init) =>
    fetchAnswer((init as CarriedCall).call ?? { bound: mostAnswerBytes }, address, init);

  return {
    // OpenAI's SDK wants to know whose forms it is to send.
    fetch: Object.assign(fetch, { Response }),
    refuse: (status, body) =>
      refusalToError(readRefusedBody(status, {}, asObject(body), ''), classify, words),

    async call(signal, work, kind = 'plain') {
      const plainMs = callTimeoutMs ?? timeoutMs;
      const longest = { plain: plainMs, inline: inlineTimes * plainMs, upload: longestTransferMs };
      const link = linkSignal(signal, longest[kind], () => tookTooLong(callTimeoutMs));
      const state: CallState = { bound: kind === 'inline' ? mostInlineBytes : mostAnswerBytes };
      try {
        return await Promise.race([work(openCall(state, link.signal)), link.aborted]);
      } catch (failure) {
        signal.throwIfAborted();
        throw asUnread(failure, state.answer) ?? asError(failure);
      } finally {
        link.release();
      }
    },

    async *lines(signal, requests, open, read = readJsonLines) {
      const link = linkSignal(signal, timeoutMs, () => tookTooLong(undefined));
      let start = '';
      let isRead = false;
      try {
        const state: CallState = { bound: 'lines' };
        await Promise.race([open(openCall(state, link.signal)), link.aborted]);
        link.allow(longestTransferMs);
        const body = noteStart(state.lines ?? [], (text) => {
          start = text;
        });
        for await (const lines of read(body, mostLinesFor(requests))) {
          isRead ||= lines.length > 0;
          yield lines;
        }
      } catch (failure) {
        signal.throwIfAborted();
        const error = asError(failure);
        const isUnread = error.code === 'unreadable' && !isRead && start !== '';
        throw isUnread ? showUnread(error, { object: undefined, text: start }) : error;
      } finally {
        link.release();
      }
    },
  };
}

/** Of a download whose lines are none. */
const longestNote = 4_096;

async function* noteStart(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  note: (text: string) => void,
): AsyncGenerator<Uint8Array> {
  let isNoted = false;
  for await (const bytes of body) {
    if (!isNoted) note(Buffer.from(bytes.subarray(0, longestNote)).toString('utf8'));
    isNoted = true;
    yield bytes;
  }
}

/**
 * The SDKs read variables of their own (other addresses, headers, keys, logging) when a client is made. We pass
 * everything that counts, so these stay out of sight for that moment.
 */
export function withoutVariables<T>(prefixes: RegExp, makeClient: () => T): T {
  const hidden = Object.entries(process.env).filter(([name]) => prefixes.test(name));
  for (const [name] of hidden) delete process.env[name];
  try {
    return makeClient();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}

/** Carries a refusal through an SDK, which wraps what its fetch throws and takes some wordings for timeouts. */
class RefusedCall extends Error {
  readonly refusal: ProviderError;

  constructor(refusal: ProviderError) {
    super('refused');
    this.refusal = refusal;
  }
}

function findRefusal(failure: unknown): ProviderError | undefined {
  let error = failure;
  for (let depth = 0; error instanceof Error && depth < 6; depth++) {
    if (error instanceof RefusedCall) return error.refusal;
    error = error.cause;
  }
  return undefined;
}

/** A live call is paid for whether its answer is waited for or not: it is not made again by itself. */
function tookTooLong(callTimeoutMs: number | undefined): ProviderError {
  if (callTimeoutMs === undefined)
    return new ProviderError('retry', 'timeout', 'The provider took too long to answer.');
  const limit = describeTime(callTimeoutMs);
  return new ProviderError('row', 'timeout', `No answer came within ${limit}.`);
}

function describeTime(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  const [count, unit] = Number.isInteger(minutes) ? [minutes, 'minute'] : [milliseconds / 1000, 'second'];
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

/**
 * A signal of its own for each call: the SDKs leave their listeners on the one that they are given. It is aborted by the
 * given signal, and with an error when the call's time is over.
 */
function linkSignal(signal: AbortSignal, limitMs: number, describeEnd: () => ProviderError) {
  signal.throwIfAborted();
  const controller = new AbortController();
  const { promise: aborted, reject } = withRejection();
  const end = (reason: unknown) => {
    controller.abort(reason);
    reject(reason);
  };
  const stop = () => end(signal.reason);
  let timer: NodeJS.Timeout | undefined;
  const allow = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => end(describeEnd()), Math.min(milliseconds, noTimeLimit));
  };
  allow(limitMs);
  const unwatch = watchAbort(signal, stop);
  const release = () => {
    clearTimeout(timer);
    unwatch();
  };
  return { signal: controller.signal, aborted, allow, release };
}

function withRejection() {
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  promise.catch(() => {});
  return { promise, reject };
}

/**
 * Only a GET follows a redirect, and to another origin it goes without the headers that hold the key: fetch by
 * itself would take x-goog-api-key along.
 */
async function followRedirects(ask: Ask, address: string, init: RequestInit): Promise<HttpAnswer> {
  let answer = await ask(address, init);
  let from = address;
  for (let hop = 0; hop < mostRedirects && (init.method ?? 'GET') === 'GET'; hop++) {
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status > 399 || !location || !URL.canParse(location, from)) break;
    const target = new URL(location, from);
    const headers = target.origin === new URL(from).origin ? init.headers : { accept: '*/*' };
    answer.body.destroy();
    from = target.href;
    init = { ...init, ...(headers && { headers }) };
    answer = await ask(from, init);
  }
  return answer;
}

interface Surroundings {
  readonly findRoute: (target: URL) => Route;
  readonly silenceMs: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly words: Words;
}

async function callOnce(
  address: string,
  { method = 'GET', headers = {}, body, signal }: RequestInit,
  { findRoute, silenceMs, environment, words }: Surroundings,
): Promise<HttpAnswer> {
  const target = readAddress(address);
  const route = findRoute(target);
  const listed = headers instanceof Headers || Array.isArray(headers) ? headers : Object.entries(headers);
  try {
    const answer = await makeCall(route, {
      method: method.toUpperCase(),
      target,
      headers: listed as Iterable<[string, string]>,
      body,
      signal: signal ?? undefined,
      silenceMs,
    });
    const refused = readProxyRefusal(answer, target, route.proxy);
    if (!refused) return answer;
    answer.body.destroy();
    throw refused;
  } catch (failure) {
    if (signal?.aborted) throw failure;
    const reason = readRouteFailure(failure, target, route.proxy, environment);
    throw new RefusedCall(reason ?? failureToError(failure, words));
  }
}

function readAddress(address: string): URL {
  const target = new URL(address);
  if (/^https?:$/.test(target.protocol) && !target.username && !target.password) return target;
  const what = target.username || target.password ? 'includes credentials' : `is of ${target.protocol}`;
  throw new RefusedCall(
    new ProviderError('run', 'connection', `The connection to the provider failed: its address ${what}.`),
  );
}
