/** Results on disk: one line each, in whatever order they came, found again by the row they belong to. */
import { type FileHandle, open } from 'node:fs/promises';
import { LoomError } from '../errors.ts';
import type { RowResult } from '../models.ts';
import { describeDiskError, isDiskError, writeFileAtomic } from './files.ts';
import type { LoomHome } from './home.ts';
import {
  decodeResult,
  encodeResult,
  type FoundResult,
  LineReader,
  pieceBytes,
  ResultPlaces,
  readCustomId,
  readLines,
  readResult,
} from './result-lines.ts';

/**
 * Writes a provider's results to a file that is there whole or not at all. Returns how many there were. What the
 * results throw is thrown on; LoomError `state` where the disk refuses, and when the lock of the home is lost.
 */
export async function saveResults(
  home: Pick<LoomHome, 'ensureHeld'>,
  path: string,
  results: AsyncIterable<RowResult>,
): Promise<number> {
  let count = 0;
  try {
    await writeFileAtomic(path, chunkLines(countLines()), { onComplete: home.ensureHeld });
  } catch (error) {
    if (!isDiskError(error)) throw error;
    throw new LoomError('state', `can't write the results ${path}: ${describeDiskError(error)}.`, {
      hint: 'Free some space or make the folder writable, then fetch again; nothing is lost.',
      cause: error,
    });
  }
  return count;

  async function* countLines() {
    for await (const result of results) {
      count += 1;
      yield encodeResult(result);
    }
  }
}

async function* chunkLines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk: string[] = [];
  let length = 0;
  for await (const line of lines) {
    chunk.push(line);
    length += line.length;
    if (length < pieceBytes) continue;
    yield chunk.join('');
    chunk = [];
    length = 0;
  }
  yield chunk.join('');
}

/** The custom id of the first result in a file; undefined when it holds none. */
export async function readFirstCustomId(path: string): Promise<string | undefined> {
  for await (const { line } of readLines(path)) return readCustomId(line);
  return undefined;
}

/** The first result in a file; undefined when its first line is none. */
export async function readFirstResult(path: string): Promise<RowResult | undefined> {
  for await (const { line } of readLines(path)) {
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
  /** How many had one that it knew. */
  readonly known: number;
  close(): Promise<void>;
}

/**
 * Indexes results that `saveResults` wrote. `slotOf` gives the number of the row that a custom id belongs to;
 * the first result of a row wins.
 */
export async function indexResults(
  paths: readonly string[],
  slotOf: (customId: string, file: number) => number | undefined,
): Promise<ResultIndex> {
  const places = new ResultPlaces();
  const readers: LineReader[] = [];
  const counts = { unknown: 0, known: 0 };
  const close = async () => {
    for (const reader of readers) await reader.close();
  };
  try {
    for (const [file, path] of paths.entries()) {
      readers.push(new LineReader(await openResults(path)));
      for await (const { line, offset } of readLines(path)) {
        const slot = slotOf(readCustomId(line), file);
        counts[slot === undefined ? 'unknown' : 'known'] += 1;
        if (slot !== undefined && !places.has(slot)) places.set(slot, file, offset, line.length);
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { ...counts, get: (slot) => readResult(places, readers, slot), close };
}

async function openResults(path: string): Promise<FileHandle> {
  return open(path, 'r').catch((error: unknown) => {
    throw new LoomError('state', `can't read the results ${path}: ${describeDiskError(error)}.`, {
      cause: error,
    });
  });
}
