/**
 * The texts of a page as the bytes that they stand in, and where each of them lies: a thread gives them on without a copy,
 * and a string is made only of a text that somebody asks for.
 */
import { isUtf8 } from 'node:buffer';
import { fail } from './checks.ts';

/** Consecutive values. Its buffers belong to it alone, so that they can be given away. */
export interface TextPage {
  readonly bytes: Buffer;
  /** Where each text starts; `none` for a null. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

const none = -1;

/** Tells in turn how many values are there (1), or null (0). */
export type EachRun = (visit: (isThere: number, count: number) => void) => void;

export function textAt({ bytes, starts, ends }: TextPage, place: number): string | null {
  const start = starts[place] as number;
  return start === none ? null : bytes.toString('utf8', start, ends[place]);
}

/** How many bytes the text has; 0 for a null. */
export function byteLengthAt({ starts, ends }: TextPage, place: number): number {
  return (ends[place] as number) - (starts[place] as number);
}

/** The place of the first text whose bytes are not UTF-8. */
export function findStrangeText({ bytes, starts, ends }: TextPage): number | undefined {
  // Between two texts stands a zero: where all bytes together are UTF-8, those of each are.
  if (isUtf8(bytes)) return undefined;
  const found = starts.findIndex(
    (start, place) => start !== none && !isUtf8(bytes.subarray(start, ends[place])),
  );
  return found < 0 ? undefined : found;
}

export function emptyTexts(values: number): TextPage {
  const { starts, ends } = makeBounds(values);
  return { bytes: Buffer.alloc(0), starts, ends };
}

const lengthBytes = 4;

/** Texts that each have their length ahead. The bytes are taken: zeros go to where the lengths were. */
export function readPlainTexts(bytes: Buffer, values: number, eachRun: EachRun): TextPage {
  const { starts, ends } = makeBounds(values);
  let place = 0;
  let at = 0;
  eachRun((isThere, count) => {
    const end = place + count;
    if (isThere === 0) place = end;
    for (; place < end; place += 1) {
      const start = at + lengthBytes;
      if (start > bytes.length) fail('a page has fewer values than it says');
      const length = bytes.readUInt32LE(at);
      bytes.writeUInt32LE(0, at);
      at = start + length;
      if (at > bytes.length) fail('a page has fewer values than it says');
      starts[place] = start;
      ends[place] = at;
    }
  });
  if (place !== values) fail('a page has other values than it says');
  return { bytes: bytes.subarray(0, at), starts, ends };
}

/** The texts that stand at these indexes of a dictionary. Each takes room once, however often it comes. */
export function pickTexts(
  dictionary: TextPage,
  indexes: Uint32Array,
  values: number,
  eachRun: EachRun,
): TextPage {
  const { starts, ends } = makeBounds(values);
  const { placed, bytes } = copyPicked(dictionary, indexes);
  let place = 0;
  let taken = 0;
  eachRun((isThere, count) => {
    const end = place + count;
    if (isThere === 0) place = end;
    for (; place < end; place += 1) {
      const index = indexes[taken] as number;
      const start = placed[index] as number;
      starts[place] = start;
      ends[place] = start + byteLengthAt(dictionary, index);
      taken += 1;
    }
  });
  return { bytes, starts, ends };
}

/** What is needed of a dictionary, and where each of its texts starts in that. */
function copyPicked(dictionary: TextPage, indexes: Uint32Array): { placed: Int32Array; bytes: Buffer } {
  const placed = new Int32Array(dictionary.starts.length).fill(none);
  let size = 0;
  for (const index of indexes) {
    if (placed[index] !== none) continue;
    placed[index] = size;
    size += byteLengthAt(dictionary, index) + 1;
  }
  const bytes = Buffer.from(new ArrayBuffer(size));
  placed.forEach((start, index) => {
    if (start !== none) dictionary.bytes.copy(bytes, start, dictionary.starts[index], dictionary.ends[index]);
  });
  return { placed, bytes };
}

/** Texts that a decoder has made objects of. */
export function writeTexts(texts: readonly (string | Uint8Array | null)[]): TextPage {
  const { starts, ends } = makeBounds(texts.length);
  const sizeOf = (text: string | Uint8Array) =>
    typeof text === 'string' ? Buffer.byteLength(text) : text.length;
  const size = texts.reduce((sum, text) => sum + (text === null ? 0 : sizeOf(text) + 1), 0);
  const bytes = Buffer.from(new ArrayBuffer(size));
  let at = 0;
  for (const [place, text] of texts.entries()) {
    if (text === null) continue;
    starts[place] = at;
    if (typeof text === 'string') at += bytes.write(text, at);
    else {
      bytes.set(text, at);
      at += text.length;
    }
    ends[place] = at;
    at += 1;
  }
  return { bytes, starts, ends };
}

function makeBounds(values: number): { starts: Int32Array; ends: Int32Array } {
  return { starts: new Int32Array(values).fill(none), ends: new Int32Array(values).fill(none) };
}
