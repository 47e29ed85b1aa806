/** Reads one column of a Parquet file as text, a page at a time: a row group may be larger than memory. */
import type { ColumnChunk, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { getSchemaPath } from 'hyparquet/src/schema.js';
import { compressors } from 'hyparquet-compressors';
import { LoomError } from '../../errors.ts';
import {
  type ColumnDecoder,
  decodePage,
  type PageHeader,
  type RawPage,
  type Values,
} from './parquet-decode.ts';
import { brokenError, explainFailure, firstPlace, type ParquetFile } from './parquet-file.ts';
import { describeColumnType, type TextWriter, textWriterFor } from './parquet-text.ts';
import { decodeStruct } from './thrift.ts';
import { quoteValue } from './words.ts';

/** Of a page's header, statistics and all; Arrow's C++ reader has the same limit. */
const longestHeaderBytes = 16 * 1024 * 1024;

/** Text stays bytes until its row is known: an error about them names it. */
const keepBytes = (bytes: unknown) => bytes;
const parsers = {
  stringFromBytes: keepBytes,
  jsonFromBytes: keepBytes,
} as unknown as ColumnDecoder['parsers'];

export class ParquetColumn {
  readonly #file: ParquetFile;
  readonly #name: string;
  readonly #schemaPath: SchemaTree[];
  readonly #toText: TextWriter;

  /** LoomError `input` when its values are no text and can't be written as text in one obvious way. */
  constructor(file: ParquetFile, name: string) {
    this.#file = file;
    this.#name = name;
    this.#schemaPath = getSchemaPath(file.metadata.schema, [name]);
    const column = this.#schemaPath[1] as SchemaTree;
    const toText = textWriterFor(column);
    if (!toText) {
      throw new LoomError(
        'input',
        `${file.path}: column ${quoteValue(name)} holds ${describeColumnType(column)}, not text.`,
        {
          hint: 'Add a column that has it as text.',
        },
      );
    }
    this.#toText = toText;
  }

  /** The values in a row group, a page at a time; null for a row without one. `firstRow` is that of the row group. */
  async *readPages(group: number, firstRow: number): AsyncGenerator<(string | null)[]> {
    const { chunk, rows } = this.#findChunk(group);
    const decoder = {
      ...chunk,
      parsers,
      compressors,
      schemaPath: this.#schemaPath,
      element: this.#schemaPath[1]?.element,
    } as unknown as ColumnDecoder;
    let dictionary: Values | undefined;
    let done = 0;
    for await (const page of this.#readRawPages(chunk)) {
      const most = { values: rows - done, bytes: Number(chunk.total_uncompressed_size) };
      const values = await explainFailure(this.#file.path, () => decodePage(page, decoder, dictionary, most));
      if (page.header.type === 'DICTIONARY_PAGE') {
        dictionary = values;
        continue;
      }
      const start = firstRow + done;
      yield Array.from(values, (value, index) => this.#readValue(value, start + index));
      done += values.length;
    }
    if (done !== rows) {
      const counts = `row group ${group} has ${rows} rows, and ${done} values in column ${quoteValue(this.#name)}`;
      throw brokenError(this.#file.path, counts);
    }
  }

  #findChunk(group: number): { chunk: NonNullable<ColumnChunk['meta_data']>; rows: number } {
    const { columns, num_rows } = this.#file.metadata.row_groups[group] as {
      columns: ColumnChunk[];
      num_rows: bigint;
    };
    const found = columns.find(({ meta_data }) => meta_data?.path_in_schema.join('\0') === this.#name);
    if (found?.meta_data && !found.file_path) return { chunk: found.meta_data, rows: Number(num_rows) };
    throw brokenError(this.#file.path, `column ${quoteValue(this.#name)} is not in it, but elsewhere`);
  }

  #readValue(value: unknown, row: number): string | null {
    if (value === null || value === undefined) return null;
    const text = this.#toText(value);
    if (text !== undefined) return text;
    throw new LoomError(
      'input',
      `${this.#file.path}: row ${row + 1} has bytes in column ${quoteValue(this.#name)} that are not UTF-8.`,
      {
        hint: 'Write the column as UTF-8 and run again.',
      },
    );
  }

  async *#readRawPages(chunk: NonNullable<ColumnChunk['meta_data']>): AsyncGenerator<RawPage> {
    const { data_page_offset, dictionary_page_offset, total_compressed_size } = chunk;
    let at = firstPlace(Number(data_page_offset), Number(dictionary_page_offset ?? 0));
    const end = at + Number(total_compressed_size);
    let window: Buffer = Buffer.alloc(0);
    const extendTo = async (length: number) => {
      if (at + length > end)
        throw brokenError(this.#file.path, `a page of column ${quoteValue(this.#name)} is cut short`);
      const wanted = Math.min(Math.max(length, window.length + this.#file.chunkBytes), end - at);
      if (wanted <= window.length) return;
      window = Buffer.concat([window, await this.#file.read(at + window.length, wanted - window.length)]);
    };
    while (at < end) {
      let found = findHeader(window);
      for (; !found; found = findHeader(window)) {
        if (window.length >= longestHeaderBytes)
          throw brokenError(this.#file.path, `a page of column ${quoteValue(this.#name)} has no header`);
        // Twice as much each time: the header is read from its start again.
        await extendTo(
          Math.max(window.length + 1, Math.min(window.length * 2, end - at, longestHeaderBytes)),
        );
      }
      const { header, length } = found;
      const pageEnd = length + header.compressed_page_size;
      if (!(header.compressed_page_size >= 0)) throw brokenError(this.#file.path, 'a page has no size');
      if (window.length < pageEnd) await extendTo(pageEnd);
      yield { header, body: window.subarray(length, pageEnd) };
      window = window.subarray(pageEnd);
      at += pageEnd;
    }
  }
}

/** Whether the values of a column can be read as text. */
export function isTextColumn(file: ParquetFile, name: string): boolean {
  const [, column] = getSchemaPath(file.metadata.schema, [name]);
  return column !== undefined && textWriterFor(column) !== undefined;
}

/** The header of a page, undefined while it is not there whole. */
function findHeader(window: Buffer): { header: PageHeader; length: number } | undefined {
  const reader = { view: viewOf(window), offset: 0 };
  try {
    // Bounded by its bytes, which the other reader of the same struct is not.
    decodeStruct(window);
    const header = parquetHeader(reader);
    return { header, length: reader.offset };
  } catch {
    return undefined;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
