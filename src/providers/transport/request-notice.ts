/** What is told of each HTTP request: enough to follow a run, and never a key, a prompt or an answer. */
import type { RequestNotice } from '../connection.ts';
import type { HttpAnswer } from '../http/http-call.ts';
import type { HeaderTexts } from '../network/rate-limits.ts';
import type { Words } from '../protocol/words.ts';
import { currentAttempt } from './attempt.ts';

/** Makes a call, and resolves with the head of its answer. */
export type Ask = (address: string, init: RequestInit) => Promise<HttpAnswer>;

/** The same, with a notice of each request once its answer begins or fails to come. */
export function tellRequests(
  ask: Ask,
  words: Words,
  asError: (failure: unknown) => Error,
  onRequest: (notice: RequestNotice) => void,
): Ask {
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
      const answer = await ask(address, init);
      const requestId = readRequestId(answer.headers, words);
      tell({ status: answer.status, failure: undefined, requestId });
      return answer;
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
function readRequestId(headers: HeaderTexts, words: Words): string | undefined {
  const id = headers['x-request-id'] ?? headers['request-id'] ?? '';
  return /^[\w.:/=+-]{1,128}$/.test(id) ? words.message(id) : undefined;
}
