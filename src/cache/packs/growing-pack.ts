/**
 * A pack on its way: `cache/packs/answers_<time>_<random>.growing`, to which a long live run adds each answer as it comes,
 * while others read it. What callers may rely on:
 * - An answer is found from the moment it was added, by every process, and after a kill of its writer too. What was cut
 *   off at the end is no answer.
 * - One process writes it, the one that made it, and only to its end.
 *
 * ```text
 * "loom growing v1\n"
 * records    as those of a pack (pack-format.ts), one after the other. The first one's body is JSON: the source of all, with
 *            its settings as they are. A later one's is the other 16 bytes of the key, and the answer as a pack has it.
 * ```
 */

import { closeSync, fstatSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { NumberPages } from '../../core/growing.ts';
import { type Answer, generationSettingsShape } from '../../core/models.ts';
import { ownNames } from '../../core/own-names.ts';
import { object, optional, readShape, type ValueOf } from '../../core/shapes/shapes.ts';
import { openPlainFile } from '../../storage/plain-file.ts';
import type { AnswerPack } from './pack-file.ts';
import {
  decodeRecord,
  encodeAnswer,
  encodeRecord,
  headerBytes,
  keyBytes,
  type PackedEntry,
  type PackedSource,
  packedSourceShape,
  recordLength,
} from './pack-format.ts';
import { WindowedReader } from './windowed-reader.ts';

const growingHead = Buffer.from('loom growing v1\n');

const growingSourceShape = object({ ...packedSourceShape.fields, params: optional(generationSettingsShape) });

/** Whose answers they are, and with what settings. */
export type GrowingSource = ValueOf<typeof growingSourceShape>;

export interface GrowingEntry extends PackedEntry {
  /** 32 bytes. */
  readonly wholeKey: Buffer;
}

/** What such a file begins with. */
export function encodeStart(source: GrowingSource): Buffer {
  const body = Buffer.from(JSON.stringify(source));
  const record = encodeRecord({ key: Buffer.alloc(keyBytes), createdAt: 0, source: 0, body });
  return Buffer.concat([growingHead, record]);
}

export function encodeGrown(key: Buffer, answer: Answer, createdAt: number): Buffer {
  const body = Buffer.concat([key.subarray(keyBytes), encodeAnswer(answer)]);
  return encodeRecord({ key, createdAt, source: 0, body });
}

export class GrowingPack implements AnswerPack {
  readonly path: string;
  readonly #file: number;
  readonly #records: WindowedReader;
  readonly #index = new KeyIndex();
  #source: GrowingSource | undefined;
  /** Where the records end that were looked at. */
  #end = growingHead.length;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
    this.#records = new WindowedReader(file, Number.POSITIVE_INFINITY);
    this.refresh();
  }

  /** undefined for what is not called so, or can't be read. One that holds something else has no answers. */
  static open(path: string): GrowingPack | undefined {
    if (!ownNames.growingPack.test(basename(path))) return undefined;
    let file: number | undefined;
    try {
      file = openPlainFile(path);
      return new GrowingPack(path, file);
    } catch {
      if (file !== undefined) closeSync(file);
      return undefined;
    }
  }

  get count(): number {
    return this.#index.count;
  }

  get bytes(): number {
    return fstatSync(this.#file).size;
  }

  get modifiedMs(): number {
    return fstatSync(this.#file).mtimeMs;
  }

  /** undefined where the file is damaged from its start, or something else. */
  get source(): GrowingSource | undefined {
    return this.#source;
  }

  /** Whether it begins as such a file does, whatever comes behind that. */
  get isBegun(): boolean {
    return this.#readHead().equals(growingHead);
  }

  get isEmpty(): boolean {
    return this.bytes === 0;
  }

  get sources(): readonly PackedSource[] {
    return this.#source ? [this.#source] : [];
  }

  /** Takes in what was added since. Throws what the disk throws. */
  refresh(): void {
    const size = this.bytes;
    if (size === this.#end) return;
    if (!this.#source && !this.#readStart(size)) return;
    for (let length = this.#lengthAt(this.#end, size); length !== undefined; ) {
      this.#index.add(this.#records.read(this.#end + 8, 4).readUInt32BE(0), this.#end);
      this.#end += length;
      length = this.#lengthAt(this.#end, size);
    }
  }

  find(key: Buffer): GrowingEntry | undefined {
    try {
      for (const place of this.#index.placesOf(key.readUInt32BE(0))) {
        const entry = this.#readEntry(place);
        if (entry?.key.equals(key.subarray(0, keyBytes))) return entry;
      }
    } catch {}
    return undefined;
  }

  /** From the record of this number on, those that were looked at. */
  *records(first = 0) {
    for (let number = first; number < this.count; number++) {
      const place = this.#index.placeOf(number);
      const next = number + 1 < this.count ? this.#index.placeOf(number + 1) : this.#end;
      yield { entry: this.#readEntry(place), bytes: next - place };
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #readStart(size: number): boolean {
    const length = this.isBegun ? this.#lengthAt(this.#end, size) : undefined;
    if (length === undefined) return false;
    this.#source = readSource(decodeRecord(this.#records.read(this.#end, length)));
    if (this.#source) this.#end += length;
    return this.#source !== undefined;
  }

  #readHead(): Buffer {
    const head = Buffer.alloc(growingHead.length);
    return head.subarray(0, readSync(this.#file, head, 0, head.length, 0));
  }

  /** undefined where no whole record is. */
  #lengthAt(place: number, size: number): number | undefined {
    const length =
      place + headerBytes > size ? undefined : recordLength(this.#records.read(place, headerBytes));
    return length === undefined || place + length > size ? undefined : length;
  }

  #readEntry(place: number): GrowingEntry | undefined {
    const length = recordLength(this.#records.read(place, headerBytes));
    const entry = length === undefined ? undefined : decodeRecord(this.#records.read(place, length));
    if (!entry || entry.body.length < keyBytes) return undefined;
    const wholeKey = Buffer.concat([entry.key, entry.body.subarray(0, keyBytes)]);
    return { ...entry, wholeKey, body: entry.body.subarray(keyBytes) };
  }
}

function readSource(entry: PackedEntry | undefined): GrowingSource | undefined {
  try {
    return entry && readShape(growingSourceShape, JSON.parse(entry.body.toString('utf8')));
  } catch {
    return undefined;
  }
}

const fewestBuckets = 1_024;

/** Places by the first 32 bits of their keys, 16 bytes each: a chain for each bucket, from the newest on. */
class KeyIndex {
  count = 0;
  readonly #places = new NumberPages(Float64Array);
  readonly #prefixes = new NumberPages(Uint32Array);
  /** The number, from 1, of the one ahead in its bucket; 0 for none. */
  readonly #next = new NumberPages(Uint32Array);
  #buckets = new Uint32Array(fewestBuckets);

  add(prefix: number, place: number): void {
    if (this.count === this.#buckets.length) this.#grow();
    this.#places.set(this.count, place);
    this.#prefixes.set(this.count, prefix);
    this.#chain(this.count);
    this.count += 1;
  }

  placeOf(number: number): number {
    return this.#places.get(number);
  }

  *placesOf(prefix: number): Generator<number> {
    const bucket = prefix & (this.#buckets.length - 1);
    for (let known = this.#buckets[bucket] ?? 0; known !== 0; known = this.#next.get(known - 1))
      if (this.#prefixes.get(known - 1) === prefix) yield this.#places.get(known - 1);
  }

  #chain(number: number): void {
    const bucket = this.#prefixes.get(number) & (this.#buckets.length - 1);
    this.#next.set(number, this.#buckets[bucket] ?? 0);
    this.#buckets[bucket] = number + 1;
  }

  #grow(): void {
    this.#buckets = new Uint32Array(this.#buckets.length * 2);
    for (let number = 0; number < this.count; number++) this.#chain(number);
  }
}
