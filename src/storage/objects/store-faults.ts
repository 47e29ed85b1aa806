/** What drivers share about what goes wrong: with a store, and with the pieces that are to be put there. */
import type { ObjectFault } from './object-store.ts';

/** What the pieces of an object threw, which is no matter of the store: `cause` is thrown on as it is. */
export class PiecesError extends Error {
  constructor(cause: unknown) {
    super('The pieces of an object ended with an error.', { cause });
  }
}

/** The pieces as they come; what they throw is a PiecesError. */
export async function* guardPieces(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* content;
  } catch (error) {
    throw new PiecesError(error);
  }
}

/** What a status means where the store has no word of its own that says it better. */
export function faultOfStatus(status: number | undefined): ObjectFault {
  if (status === 404) return 'missing';
  if (status === 401 || status === 403) return 'refused';
  return status === 400 || status === 405 || status === 501 ? 'unsupported' : 'unavailable';
}
