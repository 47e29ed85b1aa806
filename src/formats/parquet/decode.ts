/** Decodes one page of a column that is not nested. A page is from outside: it is checked ahead of the decoder and after it. */
import { type parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert } from 'hyparquet/src/convert.js';
import { decompressPage } from 'hyparquet/src/datapage.js';
import { compressors } from 'hyparquet-compressors';
import {
  checkChecksum,
  checkCount,
  checkIndexes,
  countNulls,
  framedLevelsStart,
  readFramedLevels,
  readRuns,
} from './checks.ts';
import { readPlainTexts } from './text.ts';

export type ColumnDecoder = Parameters<typeof readPage>[2];
export type PageHeader = ReturnType<typeof parquetHeader>;
export type Values = ArrayLike<unknown>;

export interface RawPage {
  readonly header: PageHeader;
  readonly body: Buffer;
}

/**
 * The values of a page, which are checked ahead of the decoder and after it: a page has at most so many. Texts that stand
 * as they are in the page come as texts: an object for the bytes of each would take ten times their memory.
 */
export function decodePage(
  { header, body }: RawPage,
  decoder: ColumnDecoder,
  dictionary: Values | undefined,
  most: { readonly values: number; readonly bytes: number },
): Values {
  checkChecksum(body, header.crc);
  checkCount(header.uncompressed_page_size, most.bytes, 'a size');
  if (header.type === 'DICTIONARY_PAGE') return decodeDictionary(header, body, decoder);
  if (header.type === 'DATA_PAGE') return decodeFramedPage(header, body, decoder, dictionary, most.values);
  if (header.type === 'DATA_PAGE_V2') return decodeSplitPage(header, body, decoder, dictionary, most.values);
  throw new Error(`parquet unsupported page type: ${header.type}`);
}

function decodeDictionary(header: PageHeader, body: Buffer, decoder: ColumnDecoder): Values {
  const page = unpackPage(body, header.uncompressed_page_size, decoder);
  const values = checkCount(header.dictionary_page_header?.num_values, page.length * 8, 'a number of values');
  if (decoder.type === 'BYTE_ARRAY') return readPlainTexts(page, values, (visit) => visit(1, values));
  checkPlain(page, values, decoder);
  return convert(callDecoder(header, page, decoder, undefined), decoder);
}

/** A page of the first kind, compressed whole, whose levels have their length ahead. */
function decodeFramedPage(
  header: PageHeader,
  body: Buffer,
  decoder: ColumnDecoder,
  dictionary: Values | undefined,
  mostValues: number,
): Values {
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
  dictionary: Values | undefined,
  mostValues: number,
): Values {
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
  const bytes = isPacked ? unpackPage(rest, size, decoder) : rest;
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
  dictionary: Values | undefined,
): Values {
  const present = values - nulls;
  if (present === 0) return new Array(values).fill(null);
  if (encoding === 'PLAIN' && decoder.type === 'BYTE_ARRAY') {
    if (nulls === 0) return readPlainTexts(bytes, values, (visit) => visit(1, values));
    const runs = header.data_page_header_v2 ? levels : levels.subarray(framedLevelsStart);
    return readPlainTexts(bytes, values, (visit) => readRuns(runs, 1, values, visit));
  }
  const isIndexed = encoding === 'PLAIN_DICTIONARY' || encoding === 'RLE_DICTIONARY';
  if (isIndexed) checkIndexes(bytes, present, dictionary?.length ?? 0);
  if (encoding === 'PLAIN') checkPlain(bytes, present, decoder);
  // Some writers leave out the bytes of a last group that no value needs; the decoder reads them.
  const padding = isIndexed ? Buffer.alloc(32) : Buffer.alloc(0);
  const decoded = callDecoder(header, Buffer.concat([levels, bytes, padding]), decoder, dictionary);
  const found = Array.from(decoded as ArrayLike<unknown>);
  const missing = found.reduce<number>(
    (count, value) => count + (value === null || value === undefined ? 1 : 0),
    0,
  );
  if (found.length !== values || missing !== nulls)
    throw new Error('parquet a page has other values than it says');
  return found;
}

function callDecoder(
  header: PageHeader,
  page: Buffer,
  decoder: ColumnDecoder,
  dictionary: Values | undefined,
): ReturnType<typeof convert> {
  type Dictionary = Parameters<typeof readPage>[3];
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
  const { data } = readPage(reader, plainHeader, plainDecoder, dictionary as Dictionary, undefined, 0);
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
  const page = decompressPage(body, size, codec, compressors);
  return Buffer.from(page.buffer, page.byteOffset, page.length);
}

function isNullable({ element }: ColumnDecoder): boolean {
  return element.repetition_type === 'OPTIONAL';
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
