/** Objects as the tests of drivers put and find them. */
import type { ObjectStore } from '../../../src/storage/objects/object-store.ts';

export async function readAll(
  store: ObjectStore,
  key: string,
  range?: { start: number; end?: number },
): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.read(key, range ? { range } : {})) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

export async function listKeys(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** Pieces that come one after the other; an error among them is thrown in its place. */
export async function* piecesOf(...pieces: (string | Buffer | Error)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece;
    yield Buffer.from(piece);
  }
}
