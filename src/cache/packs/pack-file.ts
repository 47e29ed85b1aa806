/**
 * Reads a pack: an answer by its key in two reads or three, whatever the size of the pack. A part of it that is damaged
 * holds nothing, and so does a pack that can't be read any more. Other readers, and who deletes it, are not in the way.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { ownNames } from '../../core/own-names.ts';
import { errorCode } from '../../storage/files.ts';
import { openPlainFile } from '../../storage/plain-file.ts';
import {
  decodeFooter,
  decodeRecord,
  decodeSources,
  footerBytes,
  hasFooterEnd,
  headerBytes,
  keyBytes,
  type PackedEntry,
  type PackedSource,
  type PackFooter,
  packHead,
  prefixBytes,
  recordLength,
  rowBytes,
} from './pack-format.ts';
import { WindowedReader } from './windowed-reader.ts';

export interface PackRecord {
  /** undefined for one that is damaged. */
  readonly entry: PackedEntry | undefined;
  /** What it takes in the pack, its row included. */
  readonly bytes: number;
}

/** Many answers in one file, to be looked up and looked through. */
export interface AnswerPack {
  readonly path: string;
  /** Of the file. */
  readonly bytes: number;
  /** When it was written, or its answers were. */
  readonly modifiedMs: number;
  readonly sources: readonly PackedSource[];
  /** Of answers. */
  readonly count: number;
  /** What is filed under a key, good until the next call; undefined where it is not there, or can't be read. */
  find(key: Buffer): PackedEntry | undefined;
  /** All records in the order of their places, each as `find` would read it. Throws what the disk throws. */
  records(): Generator<PackRecord>;
  close(): void;
}

export class PackFile implements AnswerPack {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly sources: readonly PackedSource[];
  readonly #file: number;
  readonly #footer: PackFooter;
  readonly #records: WindowedReader;
  readonly #prefixes: WindowedReader;
  #samples: Samples | undefined;
  #rows: Buffer | undefined;

  private constructor(
    path: string,
    file: number,
    state: { readonly size: number; readonly mtimeMs: number },
    footer: PackFooter,
    sources: readonly PackedSource[],
  ) {
    this.path = path;
    this.bytes = state.size;
    this.modifiedMs = state.mtimeMs;
    this.sources = sources;
    this.#file = file;
    this.#footer = footer;
    this.#records = new WindowedReader(file, footer.recordsEnd);
    this.#prefixes = new WindowedReader(file, footer.recordsEnd + footer.count * prefixBytes);
  }

  /** undefined for what is no whole pack, or can't be read: gone, cut off, or something else of that name. */
  static open(path: string): PackFile | undefined {
    let file: number | undefined;
    try {
      if (!ownNames.pack.test(basename(path))) return undefined;
      file = openPlainFile(path);
      const state = fstatSync(file);
      const footer = decodeFooter(readAt(file, state.size - footerBytes, footerBytes), state.size);
      if (footer && readAt(file, 0, packHead.length).equals(packHead)) {
        const sourcesStart = state.size - footerBytes - footer.sourcesBytes;
        const sources = decodeSources(readAt(file, sourcesStart, footer.sourcesBytes), footer.sourcesCrc);
        if (sources) return new PackFile(path, file, state, footer, sources);
      }
    } catch {}
    if (file !== undefined) closeSync(file);
    return undefined;
  }

  get count(): number {
    return this.#footer.count;
  }

  find(key: Buffer): PackedEntry | undefined {
    try {
      const samples = this.#samples ?? this.#readSamples(1);
      const prefix = key.readUInt32BE(0);
      const start = samples.rowBefore(prefix);
      for (let row = start; row < this.count; row++) {
        const found = this.#prefixAt(samples, row);
        if (found > prefix || (found < prefix && row >= start + samples.step)) return undefined;
        if (found < prefix) continue;
        const place = this.#placeInRow(row, key);
        const entry = place === undefined ? undefined : this.#readRecord(place)?.entry;
        if (entry?.key.equals(key.subarray(0, keyBytes))) return entry;
      }
      return undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps the rows of a small pack in memory: a look-up reads nothing but its record then. */
  holdRows(): void {
    this.#rows ??= readAt(this.#file, this.#rowsStart, this.count * rowBytes);
  }

  /** Keeps every so many-th prefix in memory, in place of all of them. */
  thinOut(step: number): void {
    if (this.#samples?.step !== step) this.#samples = this.#readSamples(step);
  }

  *records(): Generator<PackRecord> {
    for (const place of this.#readPlaces()) yield this.#readRecord(place) ?? { entry: undefined, bytes: 0 };
  }

  close(): void {
    closeSync(this.#file);
  }

  #readSamples(step: number): Samples {
    const samples = new Samples(step, this.count);
    for (let row = 0; row < this.count; row += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, this.count - row);
      samples.take(row, readAt(this.#file, this.#footer.recordsEnd + row * prefixBytes, rows * prefixBytes));
    }
    this.#samples = samples;
    return samples;
  }

  #prefixAt(samples: Samples, row: number): number {
    if (samples.step === 1) return samples.at(row);
    return this.#prefixes.read(this.#footer.recordsEnd + row * prefixBytes, prefixBytes).readUInt32LE(0);
  }

  get #rowsStart(): number {
    return this.#footer.recordsEnd + this.count * prefixBytes;
  }

  /** Where the record of a row is, if the row is that of this key. */
  #placeInRow(number: number, key: Buffer): number | undefined {
    const rows = this.#rows ?? rowMemory;
    const at = this.#rows ? number * rowBytes : 0;
    if (!this.#rows) readSync(this.#file, rows, 0, rowBytes, this.#rowsStart + number * rowBytes);
    const keyEnd = at + keyBytes - prefixBytes;
    const isMeant = rows.compare(key, prefixBytes, keyBytes, at, keyEnd) === 0;
    return isMeant ? rows.readUIntLE(keyEnd, 6) : undefined;
  }

  #readPlaces(): Float64Array {
    const places = new Float64Array(this.count);
    for (let start = 0; start < this.count; start += rowsAtOnce) {
      const number = Math.min(rowsAtOnce, this.count - start);
      const rows = readAt(this.#file, this.#rowsStart + start * rowBytes, number * rowBytes);
      for (let row = 0; row < number; row++)
        places[start + row] = rows.readUIntLE((row + 1) * rowBytes - 6, 6);
    }
    return places.sort();
  }

  /** undefined where there can be none. What it gives is good until the next record is read. */
  #readRecord(place: number): PackRecord | undefined {
    const length = recordLength(this.#records.read(place, headerBytes));
    if (length === undefined || place + length > this.#footer.recordsEnd) return undefined;
    const entry = decodeRecord(this.#records.read(place, length));
    return { entry, bytes: length + prefixBytes + rowBytes };
  }
}

const rowsAtOnce = 16_384;
const rowMemory = Buffer.alloc(rowBytes);

function readAt(file: number, place: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, place));
}

/** Every so many-th prefix of a pack, with the number of its row. */
class Samples {
  readonly step: number;
  readonly #prefixes: Uint32Array;

  constructor(step: number, rows: number) {
    this.step = step;
    this.#prefixes = new Uint32Array(Math.ceil(rows / step));
  }

  /** The prefixes from this row on. */
  take(firstRow: number, column: Buffer): void {
    const next = Math.ceil(firstRow / this.step) * this.step;
    for (let row = next; (row - firstRow + 1) * prefixBytes <= column.length; row += this.step)
      this.#prefixes[row / this.step] = column.readUInt32LE((row - firstRow) * prefixBytes);
  }

  at(row: number): number {
    return this.#prefixes[row / this.step] as number;
  }

  /** The first row that may have this prefix: it is that one, or less than `step` behind it. */
  rowBefore(prefix: number): number {
    let [low, high] = [0, this.#prefixes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#prefixes[middle] as number) < prefix) low = middle + 1;
      else high = middle;
    }
    return this.step === 1 ? low : Math.max(low - 1, 0) * this.step;
  }
}

/** Why a file that is there can't be read by us: it may well be a pack, and counts as a damaged one. */
const unreadable = new Set(['EACCES', 'EPERM', 'EIO', 'EMFILE', 'ENFILE', 'EBUSY']);

/** Whether a file that is called like a pack is one, be it damaged: it begins or ends like one. */
export function isPackLike(path: string): boolean {
  let file: number | undefined;
  try {
    file = openPlainFile(path);
    const { size } = fstatSync(file);
    const ends = readAt(file, Math.max(0, size - footerBytes), footerBytes);
    const head = readAt(file, 0, packHead.length);
    return hasFooterEnd(ends) || packHead.subarray(0, size).equals(head);
  } catch (error) {
    return unreadable.has(errorCode(error) ?? '');
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
