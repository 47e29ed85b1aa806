/** Results on disk: one line each, in whatever order they came, found again by the row they belong to. */
import { createHash } from 'node:crypto';
import { ProviderError } from '../core/errors.ts';
import { NumberPages } from '../core/growing.ts';
import type { RowResult } from '../core/models.ts';
import { diskFailure, isDiskError } from '../storage/files.ts';
import type { LoomHome } from '../storage/home.ts';
import type { OpenFile, Store } from '../storage/store.ts';
import {
  decodeResult,
  encodeResult,
  type FoundResult,
  isAnswerLine,
  type Line,
  LineReader,
  pieceBytes,
  ResultPlaces,
  readCustomId,
  readLineGroups,
  readLines,
  readResult,
  tryDecodeResult,
} from './result-lines.ts';

/** What a file of results holds of the rows that were sent, each counted once. */
export interface HeldResults {
  readonly answered: number;
  readonly refused: number;
  /** Of those that were refused: successes that could not be read. */
  readonly unread: number;
  /** What is told of one of these; undefined without one. */
  readonly unreadReason: string | undefined;
  /** Results with an id that was not sent. */
  readonly foreign: number;
}

export interface KeptResults extends HeldResults {
  /** How many results this download had. */
  readonly downloaded: number;
  /** The whole file, by its bytes. */
  readonly file: { readonly size: number; readonly sha256: string };
  /** Why the download broke off, when it did: what came before is in the file. */
  readonly trouble: ProviderError | undefined;
}

/** The number of the row that was sent under a custom id; undefined for an id that was not sent. */
export type SlotOf = (customId: string) => number | undefined;

/**
 * Adds a download to the results that are in a file from earlier ones; the file is there as it was, or whole. No row
 * that once came is lost: the first answer of a row stays, and one that comes later takes the place of a refusal only.
 * A file that is not the one that was written (`isTrusted` false) gives only what the download does not. A download
 * that breaks off keeps what came. LoomError `state` where the disk refuses, and when the lock of the home is lost.
 */
export async function keepResults(
  { results: store, ensureHeld }: Pick<LoomHome, 'results' | 'ensureHeld'>,
  name: string,
  results: AsyncIterable<readonly RowResult[]>,
  { slotOf, isTrusted }: { readonly slotOf: SlotOf; readonly isTrusted: boolean },
): Promise<KeptResults> {
  const tally = new ResultTally(slotOf);
  const hash = createHash('sha256');
  let size = 0;
  let downloaded = 0;
  let trouble: ProviderError | undefined;
  try {
    await store.write(name, measured(chunkLines(allLines())), { onComplete: ensureHeld });
  } catch (error) {
    if (!isDiskError(error)) throw error;
    throw diskFailure('state', `write the results ${store.locate(name)}`, error, {
      hint: 'Free some space or make the folder writable, then fetch again; nothing is lost.',
    });
  }
  return { ...tally.counts, downloaded, file: { size, sha256: hash.digest('hex') }, trouble };

  async function* allLines() {
    if (isTrusted) yield* earlierLines();
    try {
      for await (const some of results) {
        downloaded += some.length;
        yield encodeResults(some.filter((result) => tally.takes(result, true)));
      }
    } catch (error) {
      // An end that was asked for leaves the file as it was.
      if (!(error instanceof ProviderError)) throw error;
      trouble = error;
    }
    if (!isTrusted) yield* earlierLines();
  }

  async function* earlierLines() {
    for await (const some of readDecodedResults(store, name))
      yield encodeResults(some.filter((result) => tally.takes(result, false)));
  }

  async function* measured(chunks: AsyncIterable<string>) {
    for await (const chunk of chunks) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      hash.update(bytes);
      yield bytes;
    }
  }
}

/** What a file of results holds, whoever wrote it; nothing where there is none. */
export async function countResults(store: Store, name: string, slotOf: SlotOf): Promise<HeldResults> {
  const tally = new ResultTally(slotOf);
  for await (const some of readDecodedResults(store, name))
    for (const result of some) tally.takes(result, true);
  return tally.counts;
}

/** How long a file of results is; undefined where there is none, or what is there is no file. */
export async function sizeOfResults(store: Store, name: string): Promise<number | undefined> {
  return (await store.readEnds(name, { first: 0, last: 0 }).catch(() => undefined))?.size;
}

/** Whether a file of results is the one that was written, by its bytes. */
export async function isSameFile(store: Store, name: string, known: KeptResults['file']): Promise<boolean> {
  if ((await sizeOfResults(store, name)) !== known.size) return false;
  const hash = createHash('sha256');
  try {
    for await (const piece of store.stream(name)) hash.update(piece);
  } catch {
    return false;
  }
  return hash.digest('hex') === known.sha256;
}

/** Which rows have a result, a byte each. */
class ResultTally {
  readonly counts = {
    ...{ answered: 0, refused: 0, unread: 0, foreign: 0 },
    unreadReason: undefined as string | undefined,
  };
  readonly #slotOf: SlotOf;
  readonly #states = new NumberPages(Uint8Array);

  constructor(slotOf: SlotOf) {
    this.#slotOf = slotOf;
  }

  /** Notes a result, and says whether it is one to keep: the row's first, or an answer after a refusal. */
  takes(result: RowResult, takesForeign: boolean): boolean {
    const { customId, outcome } = result;
    const slot = this.#slotOf(customId);
    if (slot === undefined) {
      if (takesForeign) this.counts.foreign += 1;
      return takesForeign;
    }
    const state = this.#states.get(slot);
    const next = outcome === 'succeeded' ? answered : result.error.kind === 'unreadable' ? unread : refused;
    if (state === answered || (state !== none && next !== answered)) return false;
    this.#states.set(slot, next);
    this.#count(state, -1);
    this.#count(next, 1);
    if (next === unread && outcome !== 'succeeded') this.counts.unreadReason ??= result.error.message;
    return true;
  }

  #count(state: number, by: number): void {
    if (state === none) return;
    this.counts[state === answered ? 'answered' : 'refused'] += by;
    if (state === unread) this.counts.unread += by;
  }
}

const [none, refused, answered, unread] = [0, 1, 2, 3] as const;

/** The results in a file that can be read; none where there is no file. */
export async function* readDecodedResults(store: Store, name: string): AsyncGenerator<readonly RowResult[]> {
  if ((await sizeOfResults(store, name)) === undefined) return;
  for await (const lines of readLineGroups(store.stream(name)))
    yield lines.map(({ line }) => tryDecodeResult(line)).filter((result) => result !== undefined);
}

function encodeResults(results: readonly RowResult[]): string {
  return results.map(encodeResult).join('');
}

/** Lines in pieces that are worth a write. */
async function* chunkLines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk: string[] = [];
  let length = 0;
  for await (const text of texts) {
    chunk.push(text);
    length += text.length;
    if (length < pieceBytes) continue;
    yield chunk.join('');
    chunk = [];
    length = 0;
  }
  yield chunk.join('');
}

/** The first result in a file; undefined when its first line is none. */
export async function readFirstResult(store: Store, name: string): Promise<RowResult | undefined> {
  for await (const { line } of readLines(store.stream(name))) {
    const result = decodeResult(line.toString('utf8'));
    return typeof result.customId === 'string' && typeof result.outcome === 'string' ? result : undefined;
  }
  return undefined;
}

/** The results of some files, by row. */
export interface ResultIndex {
  /** The result of a row, by the number that `slotOf` gave its custom id. */
  get(slot: number): FoundResult | undefined;
  /** How many results had a custom id that `slotOf` did not know. */
  readonly unknown: number;
  close(): Promise<void>;
}

/**
 * Indexes results that `keepResults` wrote. `slotOf` gives the number of the row that a custom id belongs to. The first
 * answer of a row wins, and its first refusal where it has none.
 */
export async function indexResults(
  store: Store,
  names: readonly string[],
  slotOf: (customId: string, file: number) => number | undefined,
): Promise<ResultIndex> {
  const places = new ResultPlaces();
  const readers: LineReader[] = [];
  let unknown = 0;
  const refusals = new Set<number>();
  const close = async () => {
    for (const reader of readers) await reader.close();
  };
  const note = ({ line, offset }: Line, file: number) => {
    const slot = slotOf(readCustomId(line), file);
    if (slot === undefined) {
      unknown += 1;
      return;
    }
    const isAnswer = isAnswerLine(line);
    if (places.has(slot) && (!isAnswer || !refusals.delete(slot))) return;
    places.set(slot, file, offset, line.length);
    if (!isAnswer) refusals.add(slot);
  };
  try {
    for (const [file, name] of names.entries()) {
      readers.push(new LineReader(await openResults(store, name)));
      for await (const lines of readLineGroups(store.stream(name))) {
        for (const line of lines) note(line, file);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { unknown, get: (slot) => readResult(places, readers, slot), close };
}

async function openResults(store: Store, name: string): Promise<OpenFile> {
  return store.open(name).catch((error: unknown) => {
    throw diskFailure('state', `read the results ${store.locate(name)}`, error);
  });
}
