/**
 * Writes a pack in one pass: records go to a temporary file as they come, and the index, which is kept in 22 bytes a
 * record meanwhile, behind them. It is in place whole and durable when `finish` returns or `finishBeside` resolves, or not
 * at all.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsync, fsyncSync, renameSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { packName } from '../../core/own-names.ts';
import { flushFolderNow, removeQuietly } from '../../storage/files.ts';
import { makeSharedFolder, openSharedFile, type Sharing } from '../../storage/sharing.ts';
import { packFolder } from '../cache-folders.ts';
import { describeCacheTrouble, nameTemporary, prepareCacheFolder } from '../loose-entries.ts';
import {
  encodeFooter,
  encodeRecord,
  encodeSources,
  headerBytes,
  keyBytes,
  mostSources,
  type PackedEntry,
  type PackedSource,
  packHead,
  prefixBytes,
  rowBytes,
  writeHeader,
} from './pack-format.ts';

/** More than this goes into another pack: its index is in memory while it is written. */
export const mostRecords = 1_000_000;

const pieceBytes = 256 * 1024;
/** No character of a string takes more in UTF-8. */
const mostPerCharacter = 3;

/** What goes into a pack; its body may be text still. */
export type NewEntry = Omit<PackedEntry, 'body'> & { readonly body: Buffer | string };

export interface FinishOptions {
  /** Asked when all is written, right before others see it; false, and the pack is given up. */
  isWanted?(): boolean;
  /** When its answers were written, in milliseconds since 1970, where that was before now. */
  readonly writtenAt?: number | undefined;
}

export class PackWriter {
  readonly #folder: string;
  readonly #temporary: string;
  readonly #sharing: Sharing;
  /** undefined once it is closed: the number may be another file's by then, of another thread too. */
  #file: number | undefined;
  #trouble: { readonly error: unknown } | undefined;
  readonly #index = new IndexRows();
  readonly #sources: PackedSource[] = [];
  readonly #sourceNumbers = new Map<string, number>();
  readonly #piece = Buffer.allocUnsafeSlow(pieceBytes);
  #filled = packHead.copy(this.#piece);
  #place = packHead.length;

  /** `folder` is the cache's. LoomError `state` where the disk refuses, here and in all that follows: the first stays. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#temporary = nameTemporary(folder);
    try {
      this.#sharing = prepareCacheFolder(folder);
      this.#file = openSharedFile(this.#temporary, this.#sharing);
    } catch (error) {
      throw describeCacheTrouble('pack of cached answers', this.#temporary, error);
    }
  }

  get count(): number {
    return this.#index.count;
  }

  get isFull(): boolean {
    return this.#index.count >= mostRecords || this.#sources.length >= mostSources;
  }

  /** The number of a source in this pack. */
  numberOf(source: PackedSource): number {
    const name = JSON.stringify([source.provider, source.model, source.settings, source.address]);
    const known = this.#sourceNumbers.get(name);
    if (known !== undefined) return known;
    this.#sourceNumbers.set(name, this.#sources.length);
    return this.#sources.push(source) - 1;
  }

  add(entry: NewEntry): void {
    const bytes = this.#attempt(() => this.#append(entry));
    this.#index.add(entry.key, this.#place);
    this.#place += bytes;
  }

  /** The path of the pack; undefined where it was given up. */
  finish(options: FinishOptions = {}): string | undefined {
    return this.#attempt(() => {
      this.#writeIndex();
      fsyncSync(this.#openFile());
      return this.#putInPlace(options);
    });
  }

  /** The same, for a thread that has other work while the disk makes all of it durable. */
  async finishBeside(): Promise<void> {
    const file = this.#attempt(() => {
      this.#writeIndex();
      return this.#openFile();
    });
    const trouble = await flushFile(file).catch((error: unknown) => ({ error }));
    this.#attempt(() => {
      if (trouble) throw trouble.error;
      this.#putInPlace({});
    });
  }

  /** Leaves nothing. What is added afterwards is an error. */
  discard(): void {
    try {
      this.#close();
    } catch {}
    removeQuietly(this.#temporary);
  }

  #close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }

  #openFile(): number {
    if (this.#file === undefined) throw new Error('it is closed');
    return this.#file;
  }

  #writeIndex(): void {
    this.#flush();
    for (const piece of this.#index.encode()) this.#write(piece);
    this.#writeEnd();
  }

  #putInPlace({ isWanted, writtenAt }: FinishOptions): string | undefined {
    const packs = packFolder(this.#folder);
    const path = join(packs, packName(new Date(), randomBytes(8).toString('hex')));
    this.#close();
    if (writtenAt !== undefined) utimesSync(this.#temporary, new Date(), new Date(writtenAt));
    makeSharedFolder(packs, this.#sharing);
    if (isWanted && !isWanted()) {
      removeQuietly(this.#temporary);
      return undefined;
    }
    renameSync(this.#temporary, path);
    flushFolderNow(packs);
    return path;
  }

  #writeEnd(): void {
    const sources = encodeSources(this.#sources);
    this.#write(sources);
    this.#write(
      encodeFooter({
        recordsEnd: this.#place,
        count: this.#index.count,
        sourcesBytes: sources.length,
        sourcesCrc: crc32(sources),
      }),
    );
  }

  /** Encodes a record where it is to stand, unless it may be longer than a piece. Returns its length, in bytes. */
  #append({ body, ...about }: NewEntry): number {
    const most = headerBytes + body.length * (typeof body === 'string' ? mostPerCharacter : 1);
    if (this.#filled + most > pieceBytes) this.#flush();
    if (most > pieceBytes) {
      const record = encodeRecord({ ...about, body: Buffer.from(body) });
      this.#write(record);
      return record.length;
    }
    const bodyAt = this.#filled + headerBytes;
    const length =
      typeof body === 'string' ? this.#piece.write(body, bodyAt) : body.copy(this.#piece, bodyAt);
    const end = bodyAt + length;
    writeHeader(this.#piece.subarray(this.#filled, end), about);
    this.#filled = end;
    return headerBytes + length;
  }

  #flush(): void {
    this.#write(this.#piece.subarray(0, this.#filled));
    this.#filled = 0;
  }

  #write(bytes: Buffer): void {
    for (let written = 0; written < bytes.length; )
      written += writeSync(this.#openFile(), bytes, written, bytes.length - written);
  }

  #attempt<Result>(work: () => Result): Result {
    if (this.#trouble) throw this.#trouble.error;
    try {
      return work();
    } catch (error) {
      this.discard();
      this.#trouble = { error: describeCacheTrouble('pack of cached answers', this.#temporary, error) };
      throw this.#trouble.error;
    }
  }
}

function flushFile(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(file, (error) => (error ? reject(error) : resolve()));
  });
}

const chunkRows = 16_384;
/** What is kept of a record: its key and its place. */
const keptBytes = keyBytes + 6;
/** The rows are sorted in so many shares, by the first bits of their keys, so that this takes little memory. */
const shares = 16;
const shareShift = 28;
/** More than `mostRecords`: with 32 bits of a key beside it, a number stays exact. */
const mostNumbers = 2 ** 20;

class IndexRows {
  readonly #chunks: Buffer[] = [];
  count = 0;

  add(key: Buffer, place: number): void {
    const at = (this.count % chunkRows) * keptBytes;
    if (at === 0) this.#chunks.push(Buffer.allocUnsafeSlow(chunkRows * keptBytes));
    const chunk = this.#chunks[this.#chunks.length - 1] as Buffer;
    key.copy(chunk, at, 0, keyBytes);
    chunk.writeUIntLE(place, at + keyBytes, 6);
    this.count += 1;
  }

  /** Prefixes and rows, as they stand in the file. */
  *encode(): Generator<Buffer> {
    const order = this.#sort();
    yield* this.#encodeColumn(order, prefixBytes, (chunk, row, column, at) => {
      column.writeUInt32LE(chunk.readUInt32BE(row), at);
    });
    yield* this.#encodeColumn(order, rowBytes, (chunk, row, column, at) => {
      chunk.copy(column, at, row + prefixBytes, row + keptBytes);
    });
  }

  /** The numbers of the rows in the order of their prefixes. */
  #sort(): Uint32Array {
    const prefixes = Uint32Array.from({ length: this.count }, (_, number) => this.#prefixOf(number));
    const order = new Uint32Array(this.count);
    let sorted = 0;
    for (let share = 0; share < shares; share++) {
      // A prefix and the number of its row, in one number that is exact.
      const found: number[] = [];
      prefixes.forEach((prefix, number) => {
        if (prefix >>> shareShift === share) found.push(prefix * mostNumbers + number);
      });
      for (const value of Float64Array.from(found).sort()) order[sorted++] = value % mostNumbers;
    }
    return order;
  }

  *#encodeColumn(
    order: Uint32Array,
    width: number,
    write: (chunk: Buffer, row: number, column: Buffer, at: number) => void,
  ): Generator<Buffer> {
    for (let start = 0; start < order.length; start += chunkRows) {
      const numbers = order.subarray(start, start + chunkRows);
      const column = Buffer.allocUnsafe(numbers.length * width);
      for (const [at, number] of numbers.entries())
        write(this.#chunkOf(number), placeOf(number), column, at * width);
      yield column;
    }
  }

  #prefixOf(number: number): number {
    return this.#chunkOf(number).readUInt32BE(placeOf(number));
  }

  #chunkOf(number: number): Buffer {
    return this.#chunks[Math.floor(number / chunkRows)] as Buffer;
  }
}

function placeOf(number: number): number {
  return (number % chunkRows) * keptBytes;
}
