/** Reads the pages of one column of a row group, from bytes that are handed to it in their order. */
import type { ColumnChunk, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { compressors } from 'hyparquet-compressors';
import { quoteValue } from '../../core/words.ts';
import { type ColumnDecoder, decodePage, type PageHeader } from './decode.ts';
import { textWriterFor } from './text.ts';
import { findStrangeText, type TextPage } from './text-page.ts';
import { decodeStruct } from './thrift/structs.ts';

/** Of a page's header, statistics and all; Arrow's C++ reader has the same limit. */
const longestHeaderBytes = 16 * 1024 * 1024;
/** Of pages that are read before their texts are given on: what a file holds need not fit into memory. */
const fullBytes = 256 * 1024;

/** A page that tells more is broken: no writer makes such, and a few bytes can claim any number of nulls. */
const mostPageValues = 2 ** 27;

/** Text stays bytes until its row is known: an error about them names it. */
const keepBytes = (bytes: unknown) => bytes;
const parsers = {
  stringFromBytes: keepBytes,
  jsonFromBytes: keepBytes,
} as unknown as ColumnDecoder['parsers'];

/** A column of a row group, as the metadata of its file has it. */
export interface ChunkOrder {
  readonly chunk: NonNullable<ColumnChunk['meta_data']>;
  readonly schemaPath: readonly SchemaTree[];
  readonly rows: number;
}

/** What was read from a piece of the chunk. */
export interface PagesRead {
  readonly pages: readonly TextPage[];
  /** How many bytes these pages take. */
  readonly usedBytes: number;
  /** How many bytes behind them are needed to go on; the chunk has them. 0 at its end. */
  readonly neededBytes: number;
  /** The place, among all texts of the chunk, of one whose bytes are not UTF-8; nothing behind it was read. */
  readonly strangeText?: number | undefined;
}

export class ChunkReader {
  readonly #order: ChunkOrder;
  readonly #decoder: ColumnDecoder;
  #dictionary: TextPage | undefined;
  #rowsRead = 0;
  #bytesLeft: number;

  constructor(order: ChunkOrder) {
    const { chunk, schemaPath } = order;
    const column = schemaPath[1] as SchemaTree;
    this.#order = order;
    const { element } = column;
    const toText = textWriterFor(column);
    const decoder: unknown = { ...chunk, parsers, compressors, schemaPath, element, toText };
    this.#decoder = decoder as ColumnDecoder;
    this.#bytesLeft = Number(chunk.total_compressed_size);
  }

  /**
   * The next pages that lie whole in these bytes, which start where the last ones that were used end. Throws, in words
   * that start with `parquet`, what is wrong with a page.
   */
  read(bytes: Buffer): PagesRead {
    const pages: TextPage[] = [];
    let used = 0;
    let size = 0;
    const answer = (neededBytes: number) => ({ pages, usedBytes: used, neededBytes });
    while (this.#bytesLeft > 0) {
      const left = bytes.subarray(used);
      if (size >= fullBytes) return answer(left.length || 1);
      const found = findHeader(left);
      if (!found) return answer(this.#growHeader(left.length));
      const { header, length } = found;
      if (!(header.compressed_page_size >= 0)) throw new Error('parquet a page has no size');
      const pageBytes = length + header.compressed_page_size;
      if (pageBytes > this.#bytesLeft) throw new Error(`parquet ${this.#name} is cut short`);
      if (pageBytes > left.length) return answer(pageBytes);
      const page = this.#decodePage(header, left.subarray(length, pageBytes));
      const strange = page && findStrangeText(page);
      if (strange !== undefined) return { ...answer(0), strangeText: this.#rowsRead + strange };
      if (page) pages.push(page);
      this.#rowsRead += page?.starts.length ?? 0;
      used += pageBytes;
      size += header.uncompressed_page_size;
      this.#bytesLeft -= pageBytes;
    }
    return answer(0);
  }

  get #name(): string {
    return `a page of column ${quoteValue(this.#order.chunk.path_in_schema.join('.'))}`;
  }

  /** Twice as much each time: the header is read from its start again. */
  #growHeader(had: number): number {
    if (had >= this.#bytesLeft) throw new Error(`parquet ${this.#name} is cut short`);
    if (had >= longestHeaderBytes) throw new Error(`parquet ${this.#name} has no header`);
    return Math.max(had + 1, Math.min(had * 2, this.#bytesLeft, longestHeaderBytes));
  }

  /** Undefined for a dictionary, which is kept for the pages that point into it. */
  #decodePage(header: PageHeader, body: Buffer): TextPage | undefined {
    const { chunk, rows } = this.#order;
    const values = Math.min(rows - this.#rowsRead, mostPageValues);
    const most = { values, bytes: Number(chunk.total_uncompressed_size) };
    const page = decodePage({ header, body }, this.#decoder, this.#dictionary, most);
    if (header.type !== 'DICTIONARY_PAGE') return page;
    this.#dictionary = page;
    return undefined;
  }
}

/** The header of a page, undefined while it is not there whole. */
function findHeader(window: Buffer): { header: PageHeader; length: number } | undefined {
  const reader = { view: new DataView(window.buffer, window.byteOffset, window.length), offset: 0 };
  try {
    // Bounded by its bytes, which the other reader of the same struct is not.
    decodeStruct(window);
    const header = parquetHeader(reader);
    return { header, length: reader.offset };
  } catch {
    return undefined;
  }
}
