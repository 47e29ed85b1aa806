/** Which columns of a Parquet file can be read as text, and how their values are written. */
import { isUtf8 } from 'node:buffer';
import type { SchemaElement, SchemaTree } from 'hyparquet';
import { fail } from './checks.ts';

/** In the place of a text whose bytes are not UTF-8. */
export const notText = Symbol('not UTF-8');

export type TextWriter = (value: unknown) => string | typeof notText;

/** Undefined for a nested column, and for values such as times that could be written in many ways. */
export function textWriterFor({ element, children }: SchemaTree): TextWriter | undefined {
  if (children.length > 0 || element.repetition_type === 'REPEATED') return undefined;
  const annotation = annotationOf(element);
  switch (element.type) {
    case 'BYTE_ARRAY':
      return [undefined, 'STRING', 'UTF8', 'ENUM', 'JSON'].includes(annotation) ? writeBytes : undefined;
    case 'BOOLEAN':
    case 'DOUBLE':
      return annotation === undefined ? String : undefined;
    case 'FLOAT':
      return annotation === undefined ? (value) => writeFloat(value as number) : undefined;
    case 'INT32':
    case 'INT64':
      return annotation === undefined || /^U?INT(EGER|_\d+)$/.test(annotation) ? String : undefined;
    default:
      return undefined;
  }
}

/** What a column holds, in words. */
export function describeColumnType({ element, children }: SchemaTree): string {
  if (element.repetition_type === 'REPEATED' || annotationOf(element) === 'LIST') return 'lists';
  if (children.length > 0) return annotationOf(element) === 'MAP' ? 'maps' : 'structs';
  return `values of type ${annotationOf(element) ?? element.type}`;
}

/** What its bytes mean, where the physical type does not tell. */
function annotationOf({ logical_type, converted_type }: SchemaElement): string | undefined {
  return logical_type?.type ?? converted_type;
}

function writeBytes(value: unknown): string | typeof notText {
  const { buffer, byteOffset, length } = value as Uint8Array;
  return readText(Buffer.from(buffer, byteOffset, length), 0, length);
}

function readText(bytes: Buffer, start: number, end: number): string | typeof notText {
  const text = bytes.toString('utf8', start, end);
  // In the place of what is no UTF-8, and also where it stands for itself.
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)) ? notText : text;
}

const lengthBytes = 4;

/** Texts that each have their length ahead. `eachRun` tells in turn how many values are there (1), or null (0). */
export function readPlainTexts(
  bytes: Buffer,
  values: number,
  eachRun: (visit: (isThere: number, count: number) => void) => void,
): (string | typeof notText | null)[] {
  const texts: (string | typeof notText | null)[] = [];
  let at = 0;
  eachRun((isThere, count) => {
    const end = texts.length + count;
    while (isThere === 0 && texts.length < end) texts.push(null);
    while (texts.length < end) {
      const start = at + lengthBytes;
      if (start > bytes.length) fail('a page has fewer values than it says');
      at = start + bytes.readUInt32LE(at);
      if (at > bytes.length) fail('a page has fewer values than it says');
      texts.push(readText(bytes, start, at));
    }
  });
  if (texts.length !== values) fail('a page has other values than it says');
  return texts;
}

/** With no more digits than tell it from its neighbours: 0.1, not 0.10000000149011612. */
function writeFloat(value: number): string {
  for (let digits = 1; digits <= 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}
