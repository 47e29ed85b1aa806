/**
 * An answer as the SDKs want it: of a Response they take the head and `json`. A real one costs as much as sending the
 * call does, as it makes a stream, a signal and checked headers for a body that is read already.
 */
import type { HttpAnswer } from '../http/http-call.ts';
import type { HeaderTexts } from '../network/rate-limits.ts';

/** With an object in place of the body. The words beside the status stay behind: nobody reads them. */
export function showAnswer({ status, headers }: HttpAnswer, object: object): Response {
  const { 'content-length': _, 'transfer-encoding': __, ...shown } = headers;
  const answer = {
    ok: true,
    // A success without a body by its definition would not be looked into.
    status: status === 204 || status === 205 ? 200 : status,
    statusText: '',
    url: '',
    headers: new ShownHeaders({ ...shown, 'content-type': 'application/json' }),
    body: null,
    json: async () => object,
    text: async () => JSON.stringify(object),
  };
  return answer as unknown as Response;
}

/** What of `Headers` is read. */
class ShownHeaders {
  readonly #texts: HeaderTexts;

  constructor(texts: HeaderTexts) {
    this.#texts = texts;
  }

  get(name: string): string | null {
    return this.#texts[name.toLowerCase()] ?? null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  entries(): IterableIterator<[string, string]> {
    return Object.entries(this.#texts)[Symbol.iterator]();
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}
