/** What is told of each HTTP request: enough to follow a run, and never a key, a prompt or an answer. */
import type { RequestNotice } from '../connection.ts';
import type { Words } from '../protocol/words.ts';
import { currentAttempt } from './attempt.ts';

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
