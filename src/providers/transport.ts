/** The way to one provider: the fetch that its SDK is given, and the frame around every call. */
import { setMaxListeners } from 'node:events';
import { ProviderError } from '../errors.ts';
import { readJsonLines } from './json-lines.ts';
import type { Connection } from './provider.ts';
import { type Classify, failureToError, readRefusal, refusalToError } from './refusal.ts';
import { type Fetch, tellRequests } from './request-notice.ts';
import { readRouteFailure } from './route-failures.ts';
import { openRoutes, type Route } from './routes.ts';

export interface Transport {
  /** The built-in fetch with our time limits and proxies; an answer outside 200–299 is thrown, classed. */
  readonly fetch: typeof globalThis.fetch;
  /** Runs one call. What goes wrong is thrown as ProviderError, an abort at once as the signal's reason. */
  call<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The JSON lines of one download; throws as `call` does, also in the middle. */
  lines(signal: AbortSignal, open: (signal: AbortSignal) => Promise<Response>): AsyncGenerator<unknown>;
  /** Classes an error that came in the body of a 200. */
  refuse(status: number, body: unknown): ProviderError;
}

/** An SDK's own timer would cut a long upload short; ours watches for silence only. */
export const noTimeLimit = 2 ** 31 - 1;

const mostRedirects = 5;

export async function openTransport(
  { apiKey, timeoutMs, environment, onRequest }: Connection,
  baseUrl: string,
  classify: Classify,
): Promise<Transport> {
  if (!URL.canParse(baseUrl))
    throw new ProviderError('run', 'invalid_base_url', `${baseUrl} is no valid address.`);
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new ProviderError(
      'run',
      'invalid_api_key',
      'The API key is empty or holds characters that no key has.',
    );
  }
  const findRoute = await openRoutes(timeoutMs, environment);
  const { proxy } = findRoute(new URL(baseUrl));
  const asError = (failure: unknown): ProviderError =>
    findRefusal(failure) ?? failureToError(failure, apiKey);
  const askOnce: Fetch = (address, init) => fetchOnce(address, init, findRoute, environment);
  const ask = onRequest ? tellRequests(askOnce, apiKey, asError, onRequest) : askOnce;

  const fetchAnswer: typeof globalThis.fetch = async (address, init) => {
    const response = await followRedirects(ask, String(address), { ...init });
    if (response.ok) return response;
    const answerText = await response.text().catch(() => '');
    // A proxy's own page may repeat what it was sent.
    const bodyText = proxy ? proxy.hide(answerText) : answerText;
    throw new RefusedCall(
      refusalToError(readRefusal(response.status, response.headers, bodyText), classify, apiKey),
    );
  };

  return {
    fetch: fetchAnswer,
    refuse: (status, body) =>
      refusalToError(readRefusal(status, new Headers(), JSON.stringify(body)), classify, apiKey),

    async call(signal, work) {
      const link = linkSignal(signal);
      try {
        return await Promise.race([work(link.signal), link.aborted]);
      } catch (failure) {
        signal.throwIfAborted();
        throw asError(failure);
      } finally {
        link.release();
      }
    },

    async *lines(signal, open) {
      const link = linkSignal(signal);
      try {
        const response = await Promise.race([open(link.signal), link.aborted]);
        yield* readJsonLines(response.body);
      } catch (failure) {
        signal.throwIfAborted();
        throw asError(failure);
      } finally {
        link.release();
      }
    },
  };
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

/** A signal of its own for each call: the SDKs leave their listeners on the one that they are given. */
function linkSignal(signal: AbortSignal) {
  signal.throwIfAborted();
  const controller = new AbortController();
  const { promise: aborted, reject } = withRejection();
  const stop = () => {
    controller.abort(signal.reason);
    reject(signal.reason);
  };
  // One signal stops all workers, which Node would take for a leak.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', stop, { once: true });
  return { signal: controller.signal, aborted, release: () => signal.removeEventListener('abort', stop) };
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
