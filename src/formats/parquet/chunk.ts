/** Reads the pages of one column of a row group as texts, from bytes that are handed to it in their order. */
import type { ColumnChunk, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { compressors } from 'hyparquet-compressors';
import { quoteValue } from '../../core/words.ts';
import { type ColumnDecoder, decodePage, type PageHeader, type Values } from './decode.ts';
import { notText, type TextWriter, textWriterFor } from './text.ts';
import { decodeStruct } from './thrift/structs.ts';

/** Of a page's header, statistics and all; Arrow's C++ reader has the same limit. */
const longestHeaderBytes = 16 * 1024 * 1024;
/** Of pages that are read before their texts are given on: what a file holds need not fit into memory. */
const fullBytes = 256 * 1024;
/** So much is given on at a time: what asks for it drops it before it gets old, and old objects are freed late. */
const mostTexts = 2_000;
const mostUnits = 64 * 1024;

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
  /** The texts of whole pages; null for a row without one. */
  readonly texts: readonly (string | null)[];
  /** Whether more texts of the pages that were read can be had, without any bytes. */
  readonly hasMore: boolean;
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
  readonly #toText: TextWriter;
  #dictionary: Values | undefined;
  /** Of the pages that were read last, and how many of them were given on. */
  #texts: (string | null)[] = [];
  #given = 0;
  #rowsRead = 0;
  #bytesLeft: number;

  constructor(order: ChunkOrder) {
    const { chunk, schemaPath } = order;
    const column = schemaPath[1] as SchemaTree;
    this.#order = order;
    const decoder: unknown = { ...chunk, parsers, compressors, schemaPath, element: column.element };
    this.#decoder = decoder as ColumnDecoder;
    this.#toText = textWriterFor(column) as TextWriter;
    this.#bytesLeft = Number(chunk.total_compressed_size);
  }

  /**
   * The next pages that lie whole in these bytes, which start where the last ones that were used end. Throws, in words
   * that start with `parquet`, what is wrong with a page.
   */
  read(bytes: Buffer): PagesRead {
    this.#texts = [];
    this.#given = 0;
    const pages = this.#readPages(bytes);
    return { ...this.readMore(), ...pages };
  }

  /** The texts that follow those which were given on. */
  readMore(): PagesRead {
    const start = this.#given;
    for (let units = 0; units < mostUnits && this.#given < this.#texts.length; this.#given += 1) {
      if (this.#given - start === mostTexts) break;
      units += this.#texts[this.#given]?.length ?? 0;
    }
    const texts = this.#texts.slice(start, this.#given);
    return { texts, hasMore: this.#given < this.#texts.length, usedBytes: 0, neededBytes: 0 };
  }

  #readPages(bytes: Buffer): Pick<PagesRead, 'usedBytes' | 'neededBytes' | 'strangeText'> {
    let used = 0;
    let size = 0;
    const answer = (neededBytes: number) => ({ usedBytes: used, neededBytes });
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
      const values = this.#decodePage(header, left.subarray(length, pageBytes));
      for (const value of values) {
        const text = this.#readValue(value);
        if (text === notText) return { ...answer(0), strangeText: this.#rowsRead };
        this.#texts.push(text);
        this.#rowsRead += 1;
      }
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

  /** The values of a page; none of a dictionary, which is kept for the pages that point into it. */
  #decodePage(header: PageHeader, body: Buffer): unknown[] {
    const { chunk, rows } = this.#order;
    const most = { values: rows - this.#rowsRead, bytes: Number(chunk.total_uncompressed_size) };
    const values = decodePage({ header, body }, this.#decoder, this.#dictionary, most);
    if (header.type !== 'DICTIONARY_PAGE') return Array.from(values);
    // Each is written once, however many pages point to it.
    this.#dictionary = Array.from(values, (value) => this.#readValue(value));
    return [];
  }

  #readValue(value: unknown): string | null | typeof notText {
    if (value === null || value === undefined) return null;
    return typeof value === 'string' || value === notText ? value : this.#toText(value);
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
