/** The way to one provider: the fetch that its SDK is given, and the frame around every call. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { ProviderError } from '../../core/errors.ts';
import type { VendorConnection } from '../connection.ts';
import { readRefusalText, readWhole } from '../network/bodies.ts';
import {
  inlineTimes,
  longestTransferMs,
  mostAnswerBytes,
  mostInlineBytes,
  mostLinesFor,
} from '../network/limits.ts';
import { unpackBody } from '../network/packings.ts';
import { readRouteFailure } from '../network/route-failures.ts';
import { openRoutes, type Route } from '../network/routes.ts';
import { asObject, type WireObject } from '../network/wire.ts';
import {
  type Classify,
  failureToError,
  readRefusal,
  readRefusedBody,
  refusalToError,
  unreadableAnswer,
} from '../protocol/refusal.ts';
import { openWords } from '../protocol/words.ts';
import { describeAnswer, type HeldAnswer, readAnswer, showAsJson } from './answer-frame.ts';
import { readJsonLines } from './json-lines.ts';
import { type Fetch, tellRequests } from './request-notice.ts';
import { isMarked } from './sandbox-mark.ts';

export interface Transport {
  /**
   * The built-in fetch with our time limits and proxies; an answer outside 200–299 is thrown, classed. A success has the
   * object that its body holds as its JSON, whatever its frame says (answer-frame.ts). No more is read of an answer than
   * limits.ts says, so that a body without an end, or one that was packed small, ends in an error.
   */
  readonly fetch: typeof globalThis.fetch;
  /**
   * Runs one call. What goes wrong is thrown as ProviderError, an abort at once as the signal's reason. A success of which
   * nothing can be read is `unreadable`, and told with its first characters: it is not worth another try. A live call may
   * take its connection's `callTimeoutMs` in all; one about a batch `timeoutMs`, a few times that where results may stand
   * in the answer (`inline`), and for an `upload` as long as its bytes go.
   */
  call<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>, kind?: CallKind): Promise<T>;
  /**
   * The JSON lines of one download, which holds the results of so many requests, as many at a time as came; throws as
   * `call` does, also in the middle.
   */
  lines(
    signal: AbortSignal,
    requests: number,
    open: (signal: AbortSignal) => Promise<Response>,
  ): AsyncGenerator<readonly unknown[]>;
  /**
   * Within a call: the object that its last success held, as it came; undefined where that was none. An SDK leaves out
   * what it does not know.
   */
  answer(): WireObject | undefined;
  /** Classes an error that came in the body of a 200. */
  refuse(status: number, body: unknown): ProviderError;
}

/** What a call carries, beside one answer. */
export type CallKind = 'plain' | 'inline' | 'upload';

/** The SDKs have timers of their own, which would cut a long upload short; ours know what a call is for. */
export const noTimeLimit = 2 ** 31 - 1;

const mostRedirects = 5;

/** A call that is under way. */
interface CallState {
  /** How much of its answer it reads; where that is `lines`, it is read piece by piece. */
  readonly bound: number | 'lines';
  /** The success that came last, while nothing else is asked. */
  answer?: HeldAnswer | undefined;
}

const callStates = new AsyncLocalStorage<CallState>();

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
  const findRoute = await openRoutes(callTimeoutMs === undefined ? timeoutMs : 0, environment);
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
  const askOnce: Fetch = (address, init) => fetchOnce(address, init, findRoute, environment);
  const ask = onRequest ? tellRequests(askOnce, words, asError, onRequest) : askOnce;

  const fetchAnswer: typeof globalThis.fetch = async (address, init) => {
    // OpenAI's SDK asks for `data:,` to learn what fetch can do.
    if (!/^https?:/i.test(String(address))) return globalThis.fetch(address, init);
    const state: CallState = callStates.getStore() ?? { bound: mostAnswerBytes };
    state.answer = undefined;
    const response = await followRedirects(ask, String(address), { ...init });
    if (isMarked(response)) onSandbox?.();
    if (response.ok && state.bound === 'lines') return new Response(unpackBody(response));
    if (response.ok) {
      const bytes = await readWhole(response, Number(state.bound));
      state.answer = readAnswer(bytes, response.headers.get('content-type'));
      return showAsJson(response, state.answer);
    }
    const { text, isCut } = await readRefusalText(response);
    const refusal = readRefusal(response.status, response.headers, words.hide(text));
    throw new RefusedCall(refusalToError(refusal, isCut ? classifyCut : classify, words));
  };

  return {
    fetch: fetchAnswer,
    answer: () => callStates.getStore()?.answer?.object,
    refuse: (status, body) =>
      refusalToError(readRefusedBody(status, new Headers(), asObject(body), ''), classify, words),

    async call(signal, work, kind = 'plain') {
      const plainMs = callTimeoutMs ?? timeoutMs;
      const longest = { plain: plainMs, inline: inlineTimes * plainMs, upload: longestTransferMs };
      const link = linkSignal(signal, longest[kind], () => tookTooLong(callTimeoutMs));
      const state: CallState = { bound: kind === 'inline' ? mostInlineBytes : mostAnswerBytes };
      try {
        const working = callStates.run(state, () => work(link.signal));
        return await Promise.race([working, link.aborted]);
      } catch (failure) {
        signal.throwIfAborted();
        throw asUnread(failure, state.answer) ?? asError(failure);
      } finally {
        link.release();
      }
    },

    async *lines(signal, requests, open) {
      const link = linkSignal(signal, timeoutMs, () => tookTooLong(undefined));
      let start = '';
      let isRead = false;
      try {
        const opening = callStates.run({ bound: 'lines' }, () => open(link.signal));
        const response = await Promise.race([opening, link.aborted]);
        link.allow(longestTransferMs);
        const body = noteStart(response.body ?? [], (text) => {
          start = text;
        });
        for await (const lines of readJsonLines(body, mostLinesFor(requests))) {
          isRead = true;
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
  // One signal stops all workers, which Node would take for a leak.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', stop, { once: true });
  const release = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
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
async function followRedirects(ask: Fetch, address: string, init: RequestInit): Promise<Response> {
  let response = await ask(address, init);
  let from = address;
  for (let hop = 0; hop < mostRedirects && (init.method ?? 'GET') === 'GET'; hop++) {
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || !location) break;
    const target = new URL(location, from);
    const headers = target.origin === new URL(from).origin ? init.headers : { accept: '*/*' };
    await response.body?.cancel();
    from = target.href;
    init = { ...init, ...(headers && { headers }) };
    response = await ask(from, init);
  }
  return response;
}

async function fetchOnce(
  address: string,
  init: RequestInit,
  findRoute: (target: URL) => Route,
  environment: NodeJS.ProcessEnv,
): Promise<Response> {
  const target = new URL(address);
  const { dispatcher, proxy } = findRoute(target);
  try {
    return await globalThis.fetch(address, { ...init, dispatcher, redirect: 'manual' });
  } catch (failure) {
    const reason = readRouteFailure(failure, target, proxy, environment);
    throw reason ? new RefusedCall(reason) : failure;
  }
}
