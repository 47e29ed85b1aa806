/**
 * What is checked of a page before its values are believed, and before a decoder sees it: its checksum, its sizes, how
 * many values it has, and the levels and indexes that say where they are. Each loop here is bounded by the page's own
 * bytes, and what passes keeps the decoder's loops within them too.
 */
import { crc32 } from 'node:zlib';

/** The levels of a page of a column that is not nested. */
export interface Levels {
  /** How many of the values are null. */
  readonly nulls: number;
  /** Where the bytes behind the levels start. */
  readonly end: number;
}

/** Behind their length. */
export const framedLevelsStart = 4;

export function checkChecksum(body: Buffer, crc: number | undefined): void {
  if (crc !== undefined && crc32(body) !== crc >>> 0) fail('the checksum of a page is not that of its bytes');
}

/** A number that a header tells, within what it can be. */
export function checkCount(count: number | undefined, most: number, what: string): number {
  if (count === undefined || !Number.isSafeInteger(count) || count < 0 || count > most)
    fail(`a page tells ${what} that can't be`);
  return count as number;
}

/** The levels of a page whose first four bytes tell their length. */
export function readFramedLevels(page: Buffer, values: number): Levels {
  if (page.length < framedLevelsStart) fail('a page is cut short');
  const end = framedLevelsStart + page.readUInt32LE(0);
  if (end > page.length) fail('a page is cut short');
  return { nulls: countNulls(page.subarray(framedLevelsStart, end), values), end };
}

/** How many of the levels, each 0 or 1, are 0. */
export function countNulls(levels: Buffer, values: number): number {
  let present = 0;
  readRuns(levels, 1, values, (level, count) => {
    if (level > 1) fail('a page has levels that its column does not have');
    present += level * count;
  });
  return values - present;
}

/** Indexes into a dictionary of so many values: the first byte tells how wide they are. */
export function readIndexes(bytes: Buffer, values: number, dictionarySize: number): Uint32Array {
  const indexes = new Uint32Array(values);
  const width = bytes[0];
  if (width === undefined || width > 32) fail('a page has indexes that are too wide');
  if (width === 0) {
    if (dictionarySize === 0) fail('a page has indexes beyond its dictionary');
    return indexes;
  }
  let place = 0;
  readRuns(bytes.subarray(1), width as number, values, (index, count) => {
    if (index >= dictionarySize) fail('a page has indexes beyond its dictionary');
    indexes.fill(index, place, place + count);
    place += count;
  });
  return indexes;
}

/**
 * Runs of one number, and groups of eight packed ones; the last group may be longer than what is left of the values,
 * and lack the bytes that no value needs.
 */
export function readRuns(
  bytes: Buffer,
  width: number,
  values: number,
  visit: (number: number, count: number) => void,
): void {
  let at = 0;
  let seen = 0;
  while (seen < values) {
    const header = readVarint(bytes, at);
    at = header.end;
    if (header.value % 2 === 0) {
      const count = header.value / 2;
      const runBytes = Math.ceil(width / 8);
      if (count === 0 || seen + count > values || at + runBytes > bytes.length)
        fail('a page has runs that are longer than it');
      visit(bytes.readUIntLE(at, runBytes), count);
      at += runBytes;
      seen += count;
    } else {
      const packed = ((header.value - 1) / 2) * 8;
      const count = Math.min(packed, values - seen);
      if (count === 0 || Math.ceil((count * width) / 8) > bytes.length - at)
        fail('a page has runs that are longer than it');
      for (let index = 0; index < count; index += 1) visit(unpack(bytes, at, index * width, width), 1);
      at += (packed / 8) * width;
      seen += count;
    }
  }
}

/** The number whose bits start so many bits behind this byte. */
function unpack(bytes: Buffer, start: number, firstBit: number, width: number): number {
  const first = start + (firstBit >>> 3);
  const shift = firstBit & 7;
  let number = 0;
  for (let byte = Math.ceil((shift + width) / 8) - 1; byte >= 0; byte -= 1)
    number = number * 256 + (bytes[first + byte] as number);
  return Math.floor(number / 2 ** shift) % 2 ** width;
}

function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start, weight = 1; at < bytes.length && at < start + 5; at += 1, weight *= 128) {
    const byte = bytes[at] as number;
    value += (byte & 127) * weight;
    if (byte < 128) return { value, end: at + 1 };
  }
  return fail('a page is cut short');
}

/** The reader of the file names it. */
export function fail(problem: string): never {
  throw new Error(`parquet ${problem}`);
}
