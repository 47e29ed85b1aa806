/** Decodes one page of a column that is not nested. A page is from outside: it is checked ahead of the decoder and after it. */
import { type parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert } from 'hyparquet/src/convert.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { compressors } from 'hyparquet-compressors';
import {
  checkChecksum,
  checkCount,
  countNulls,
  framedLevelsStart,
  readFramedLevels,
  readIndexes,
  readRuns,
} from './checks.ts';
import type { TextWriter } from './text.ts';
import {
  type EachRun,
  emptyTexts,
  pickTexts,
  readPlainTexts,
  type TextPage,
  writeTexts,
} from './text-page.ts';

export type ColumnDecoder = Parameters<typeof readPage>[2] & {
  /** How a value is written that is not null. */
  readonly toText: TextWriter;
};
export type PageHeader = ReturnType<typeof parquetHeader>;

export interface RawPage {
  readonly header: PageHeader;
  readonly body: Buffer;
}

/**
 * The values of a page, which are checked ahead of the decoder and after it: a page has at most so many. Texts that stand
 * as they are in the page, or in a dictionary, stay bytes: an object for each would take ten times their memory.
 */
export function decodePage(
  { header, body }: RawPage,
  decoder: ColumnDecoder,
  dictionary: TextPage | undefined,
  most: { readonly values: number; readonly bytes: number },
): TextPage {
  checkChecksum(body, header.crc);
  checkCount(header.uncompressed_page_size, most.bytes, 'a size');
  if (header.type === 'DICTIONARY_PAGE') return decodeDictionary(header, body, decoder);
  if (header.type === 'DATA_PAGE') return decodeFramedPage(header, body, decoder, dictionary, most.values);
  if (header.type === 'DATA_PAGE_V2') return decodeSplitPage(header, body, decoder, dictionary, most.values);
  throw new Error(`parquet unsupported page type: ${header.type}`);
}

function decodeDictionary(header: PageHeader, body: Buffer, decoder: ColumnDecoder): TextPage {
  const page = unpackPage(body, header.uncompressed_page_size, decoder);
  const values = checkCount(header.dictionary_page_header?.num_values, page.length * 8, 'a number of values');
  if (decoder.type === 'BYTE_ARRAY') return readPlainTexts(page, values, (visit) => visit(1, values));
  checkPlain(page, values, decoder);
  return writeValues(
    Array.from(convert(callDecoder(header, page, decoder), decoder) as ArrayLike<unknown>),
    decoder,
  );
}

/** A page of the first kind, compressed whole, whose levels have their length ahead. */
function decodeFramedPage(
  header: PageHeader,
  body: Buffer,
  decoder: ColumnDecoder,
  dictionary: TextPage | undefined,
  mostValues: number,
): TextPage {
  const { num_values, encoding } = header.data_page_header ?? {};
  const values = checkCount(num_values, mostValues, 'a number of values');
  const page = unpackPage(body, header.uncompressed_page_size, decoder);
  const { nulls, end } = isNullable(decoder) ? readFramedLevels(page, values) : { nulls: 0, end: 0 };
  return decodeValues(
    { header, levels: page.subarray(0, end), bytes: page.subarray(end), values, nulls, encoding },
    decoder,
    dictionary,
  );
}

/** A page of the second kind, whose levels are not compressed. */
function decodeSplitPage(
  header: PageHeader,
  body: Buffer,
  decoder: ColumnDecoder,
  dictionary: TextPage | undefined,
  mostValues: number,
): TextPage {
  const told = header.data_page_header_v2;
  const values = checkCount(told?.num_values, mostValues, 'a number of values');
  const levelBytes = checkCount(told?.definition_levels_byte_length, body.length, 'a size');
  checkCount(told?.repetition_levels_byte_length, 0, 'a size');
  const levels = body.subarray(0, levelBytes);
  const nulls = isNullable(decoder) ? countNulls(levels, values) : 0;
  if (nulls !== told?.num_nulls) throw new Error('parquet a page has another number of nulls than it says');
  const rest = body.subarray(levelBytes);
  const size = header.uncompressed_page_size - levelBytes;
  const isPacked = told.is_compressed !== false && rest.length > 0;
  const bytes = isPacked ? unpackPage(rest, size, decoder) : ownBytes(rest);
  return decodeValues({ header, levels, bytes, values, nulls, encoding: told.encoding }, decoder, dictionary);
}

interface UnpackedPage {
  readonly header: PageHeader;
  readonly levels: Buffer;
  readonly bytes: Buffer;
  readonly values: number;
  readonly nulls: number;
  readonly encoding: string | undefined;
}

function decodeValues(
  { header, levels, bytes, values, nulls, encoding }: UnpackedPage,
  decoder: ColumnDecoder,
  dictionary: TextPage | undefined,
): TextPage {
  const present = values - nulls;
  if (present === 0) return emptyTexts(values);
  const runs = header.data_page_header_v2 ? levels : levels.subarray(framedLevelsStart);
  const eachRun: EachRun = (visit) => (nulls === 0 ? visit(1, values) : readRuns(runs, 1, values, visit));
  if (encoding === 'PLAIN' && decoder.type === 'BYTE_ARRAY') return readPlainTexts(bytes, values, eachRun);
  if (encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY') {
    const known = dictionary ?? emptyTexts(0);
    return pickTexts(known, readIndexes(bytes, present, known.starts.length), values, eachRun);
  }
  if (encoding === 'PLAIN') checkPlain(bytes, present, decoder);
  const decoded = callDecoder(header, Buffer.concat([levels, bytes]), decoder);
  const found = Array.from(decoded as ArrayLike<unknown>);
  const missing = found.reduce<number>(
    (count, value) => count + (value === null || value === undefined ? 1 : 0),
    0,
  );
  if (found.length !== values || missing !== nulls)
    throw new Error('parquet a page has other values than it says');
  return writeValues(found, decoder);
}

function writeValues(values: readonly unknown[], { toText }: ColumnDecoder): TextPage {
  return writeTexts(values.map((value) => (value === null || value === undefined ? null : toText(value))));
}

function callDecoder(header: PageHeader, page: Buffer, decoder: ColumnDecoder): ReturnType<typeof convert> {
  const size = page.length;
  const split = header.data_page_header_v2 && { ...header.data_page_header_v2, is_compressed: false };
  const plainHeader = {
    ...header,
    compressed_page_size: size,
    uncompressed_page_size: size,
    ...(split && { data_page_header_v2: split }),
  };
  const plainDecoder = { ...decoder, codec: 'UNCOMPRESSED' as const };
  const reader = { view: viewOf(page), offset: 0 };
  const { data } = readPage(reader, plainHeader, plainDecoder, undefined, undefined, 0);
  return data ?? [];
}

function checkPlain(bytes: Buffer, values: number, { type }: ColumnDecoder): void {
  const bits = valueBits[type];
  if (bits !== undefined && Math.ceil((values * bits) / 8) > bytes.length)
    throw new Error('parquet a page has fewer values than it says');
}

const valueBits: Readonly<Record<string, number>> = {
  BOOLEAN: 1,
  INT32: 32,
  FLOAT: 32,
  INT64: 64,
  DOUBLE: 64,
};

function unpackPage(body: Buffer, size: number, { codec }: ColumnDecoder): Buffer {
  return ownBytes(decompressPage(body, size, codec, compressors));
}

/** In a buffer that holds nothing else: they are changed, and given away. */
function ownBytes(bytes: Uint8Array): Buffer {
  const { buffer } =
    bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
  return Buffer.from(buffer);
}

function isNullable({ element }: ColumnDecoder): boolean {
  return element.repetition_type === 'OPTIONAL';
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
