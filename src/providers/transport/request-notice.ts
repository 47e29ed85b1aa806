/** What is told of each HTTP request: enough to follow a run, and never a key, a prompt or an answer. */
import { currentAttempt } from './attempt.ts';
import type { Words } from '../protocol/words.ts';

export interface RequestNotice {
  readonly method: string;
  /** Host and path, without query and user info. */
  readonly address: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  /** Why no answer came. */
  readonly failure: string | undefined;
  /** From the first byte sent to the head of the answer, in milliseconds. */
  readonly durationMs: number;
  /** Which try of its call this is, from 1. */
  readonly attempt: number;
  /** The provider's name for the request, which its support asks for. */
  readonly requestId: string | undefined;
}

/** A fetch as both the built-in one and ours are called. */
export type Fetch = (address: string, init: RequestInit) => Promise<Response>;

/** The fetch, with a notice of each request once its answer begins or fails to come. */
export function tellRequests(
  fetch: Fetch,
  words: Words,
  asError: (failure: unknown) => Error,
  onRequest: (notice: RequestNotice) => void,
): Fetch {
  return async (address, init) => {
    const startedAt = performance.now();
    const tell = (end: Pick<RequestNotice, 'status' | 'failure' | 'requestId'>) =>
      onRequest({
        method: init.method?.toUpperCase() ?? 'GET',
        address: showAddress(address, words),
        durationMs: Math.round(performance.now() - startedAt),
        attempt: currentAttempt(),
        ...end,
      });
    try {
      const response = await fetch(address, init);
      const requestId = readRequestId(response.headers, words);
      tell({ status: response.status, failure: undefined, requestId });
      return response;
    } catch (failure) {
      const reason = init.signal?.aborted ? 'stopped' : asError(failure).message;
      tell({ status: undefined, failure: reason, requestId: undefined });
      throw failure;
    }
  };
}

/** Host and path; a gateway may want a key in either. */
function showAddress(address: string, words: Words): string {
  const { host, pathname } = new URL(address);
  return words.message(`${host}${pathname}`);
}

/** One word, or none: a header may hold anything. */
function readRequestId(headers: Headers, words: Words): string | undefined {
  const id = headers.get('x-request-id') ?? headers.get('request-id') ?? '';
  return /^[\w.:/=+-]{1,128}$/.test(id) ? words.message(id) : undefined;
}
