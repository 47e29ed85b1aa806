/** Results on disk: one line each, in whatever order they came, found again by the row they belong to. */
import { createReadStream, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { LoomError } from '../errors.ts';
import type { RowResult } from '../models.ts';
import { describeDiskError, writeFileAtomic } from './files.ts';

const writeBytes = 64 * 1024;

/** A result as one line, its custom id first so that it can be read without the rest. */
function encodeResult(result: RowResult): string {
  const { customId, ...rest } = result;
  return `${JSON.stringify({ custom_id: customId, ...rest })}\n`;
}

function decodeResult(line: string): RowResult {
  const { custom_id, ...rest } = JSON.parse(line);
  return { customId: custom_id, ...rest };
}

/** The custom id of an encoded line. It never holds a quote or a backslash unescaped, so the first bare quote ends it. */
function readCustomId(line: Buffer): string {
  const start = '{"custom_id":'.length;
  let end = start + 1;
  while (end < line.length && line[end] !== 0x22) end += line[end] === 0x5c ? 2 : 1;
  return JSON.parse(line.toString('utf8', start, end + 1));
}

/** Writes a provider's results to a file that is there whole or not at all. Returns how many there were. */
export async function saveResults(path: string, results: AsyncIterable<RowResult>): Promise<number> {
  let count = 0;
  await writeFileAtomic(path, chunkLines(countLines()));
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
    if (length < writeBytes) continue;
    yield chunk.join('');
    chunk = [];
    length = 0;
  }
  yield chunk.join('');
}

/** Where each row's result lies: 16 bytes a row, whatever the results hold. */
class ResultPlaces {
  #offsets = new Float64Array(1024);
  #lengths = new Uint32Array(1024);
  #files = new Uint16Array(1024);

  has(slot: number): boolean {
    return slot < this.#lengths.length && this.#lengths[slot] !== 0;
  }

  set(slot: number, file: number, offset: number, length: number): void {
    if (slot >= this.#lengths.length) this.#grow(slot + 1);
    this.#files[slot] = file;
    this.#offsets[slot] = offset;
    this.#lengths[slot] = length;
  }

  get(slot: number): { file: number; offset: number; length: number } | undefined {
    if (!this.has(slot)) return undefined;
    return {
      file: this.#files[slot] as number,
      offset: this.#offsets[slot] as number,
      length: this.#lengths[slot] as number,
    };
  }

  #grow(needed: number): void {
    const size = Math.max(needed, this.#lengths.length * 2);
    this.#offsets = copyInto(new Float64Array(size), this.#offsets);
    this.#lengths = copyInto(new Uint32Array(size), this.#lengths);
    this.#files = copyInto(new Uint16Array(size), this.#files);
  }
}

function copyInto<Numbers extends Float64Array | Uint32Array | Uint16Array>(
  target: Numbers,
  source: Numbers,
): Numbers {
  target.set(source);
  return target;
}

/** Reads lines of a results file by their place, a window at a time: neighbours come from memory. */
class LineReader {
  readonly #file: FileHandle;
  #window = Buffer.alloc(0);
  #windowStart = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  // Synchronous on purpose: a merge does nothing else meanwhile, and a trip through the thread pool costs more than the read.
  read(offset: number, length: number): Buffer {
    const start = offset - this.#windowStart;
    if (start < 0 || start + length > this.#window.length) {
      const window = Buffer.allocUnsafe(Math.max(length, writeBytes));
      this.#window = window.subarray(0, readSync(this.#file.fd, window, 0, window.length, offset));
      this.#windowStart = offset;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(start, start + length);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** The results of some files, by row. */
export interface ResultIndex {
  /** The result of a row, by the number that `slotOf` gave its custom id. */
  get(slot: number): RowResult | undefined;
  /** How many results had a custom id that `slotOf` did not know. */
  readonly unknown: number;
  close(): Promise<void>;
}

/**
 * Indexes results that `saveResults` wrote. `slotOf` gives the number of the row that a custom id belongs to;
 * the first result of a row wins.
 */
export async function indexResults(
  paths: readonly string[],
  slotOf: (customId: string) => number | undefined,
): Promise<ResultIndex> {
  const places = new ResultPlaces();
  const readers: LineReader[] = [];
  let unknown = 0;
  for (const [file, path] of paths.entries()) {
    readers.push(new LineReader(await openResults(path)));
    for await (const { line, offset } of readLines(path)) {
      const slot = slotOf(readCustomId(line));
      if (slot === undefined) unknown += 1;
      else if (!places.has(slot)) places.set(slot, file, offset, line.length);
    }
  }
  return {
    unknown,
    get: (slot) => readResult(places, readers, slot),
    close: async () => {
      for (const reader of readers) await reader.close();
    },
  };
}

function readResult(
  places: ResultPlaces,
  readers: readonly LineReader[],
  slot: number,
): RowResult | undefined {
  const place = places.get(slot);
  if (!place) return undefined;
  const line = readers[place.file]?.read(place.offset, place.length);
  return line && decodeResult(line.toString('utf8'));
}

async function openResults(path: string): Promise<FileHandle> {
  return open(path, 'r').catch((error: unknown) => {
    throw new LoomError('state', `can't read the results ${path}: ${describeDiskError(error)}.`, {
      cause: error,
    });
  });
}

interface Line {
  readonly line: Buffer;
  readonly offset: number;
}

async function* readLines(path: string): AsyncGenerator<Line> {
  let pending: Buffer[] = [];
  let lineStart = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const last = chunk.subarray(start, end);
      const line = pending.length > 0 ? Buffer.concat([...pending, last]) : last;
      yield { line, offset: lineStart };
      lineStart += line.length + 1;
      pending = [];
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
}

/** Results of a live run on their way into its output, kept on disk in the order in which they arrive. */
export interface Journal {
  add(slot: number, result: RowResult): Promise<void>;
  get(slot: number): RowResult | undefined;
  /** Everything added so far can be got. Call it before the first `get`. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export async function openJournal(path: string): Promise<Journal> {
  const file = await open(path, 'wx+', 0o600).catch((error: unknown) => {
    throw new LoomError('state', `can't write ${path}: ${describeDiskError(error)}.`, {
      hint: 'Make the folder writable and free some space.',
      cause: error,
    });
  });
  const places = new ResultPlaces();
  const reader = new LineReader(file);
  let pending: string[] = [];
  let pendingBytes = 0;
  let size = 0;
  let writing = Promise.resolve();

  function flush(): Promise<void> {
    const lines = pending.join('');
    pending = [];
    pendingBytes = 0;
    writing = writing.then(async () => {
      await file.appendFile(lines);
    });
    return writing;
  }

  return {
    async add(slot, result) {
      const line = encodeResult(result);
      const bytes = Buffer.byteLength(line);
      places.set(slot, 0, size, bytes - 1);
      size += bytes;
      pending.push(line);
      pendingBytes += bytes;
      if (pendingBytes >= writeBytes) await flush();
    },
    get: (slot) => readResult(places, [reader], slot),
    flush,
    close: () => reader.close(),
  };
}
