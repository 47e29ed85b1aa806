/** Reads one column of a Parquet file as text, page by page: a row group may be larger than memory. */
import type { ColumnChunk, SchemaTree } from 'hyparquet';
import { getSchemaPath } from 'hyparquet/src/schema.js';
import { LoomError } from '../../core/errors.ts';
import { quoteValue } from '../../core/words.ts';
import type { ChunkOrder, PagesRead } from './chunk.ts';
import { brokenError, explainFailure } from './errors.ts';
import { firstPlace, type ParquetFile } from './file.ts';
import { describeColumnType, textWriterFor } from './text.ts';
import type { TextPage } from './text-page.ts';

export class ParquetColumn {
  readonly #file: ParquetFile;
  readonly #number: number;
  readonly #name: string;
  readonly #schemaPath: SchemaTree[];

  /**
   * LoomError `input` when its values are no text and can't be written as text in one obvious way. No other column of
   * the open file that is read has the same number.
   */
  constructor(file: ParquetFile, number: number, name: string) {
    this.#file = file;
    this.#number = number;
    this.#name = name;
    this.#schemaPath = getSchemaPath(file.metadata.schema, [name]);
    const column = this.#schemaPath[1] as SchemaTree;
    if (!textWriterFor(column)) {
      throw new LoomError(
        'input',
        `${file.path}: column ${quoteValue(name)} holds ${describeColumnType(column)}, not text.`,
        {
          hint: 'Add a column that has it as text.',
        },
      );
    }
  }

  /** The values in a row group. `firstRow` is that of the row group. */
  async *readPages(group: number, firstRow: number): AsyncGenerator<TextPage> {
    const order = this.#findChunk(group);
    const { data_page_offset, dictionary_page_offset, total_compressed_size } = order.chunk;
    let at = firstPlace(Number(data_page_offset), Number(dictionary_page_offset ?? 0));
    const end = at + Number(total_compressed_size);
    let window: Buffer = Buffer.alloc(0);
    let starts: ChunkOrder | undefined = order;
    let done = 0;
    for (let needed = at < end ? 1 : 0; needed > 0; ) {
      if (needed > window.length) {
        const wanted = Math.min(Math.max(needed, window.length + this.#file.chunkBytes), end - at);
        const more = await this.#file.read(at + window.length, wanted - window.length);
        window = Buffer.concat([window, more]);
      }
      const read = await this.#decode(starts, window);
      starts = undefined;
      if (read.strangeText !== undefined) throw this.#describeStrangeText(firstRow + read.strangeText);
      for (const { bytes, starts, ends } of read.pages) {
        // A buffer is plain bytes when it comes from another thread.
        yield { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), starts, ends };
        done += starts.length;
      }
      at += read.usedBytes;
      window = window.subarray(read.usedBytes);
      needed = read.neededBytes;
    }
    if (done !== order.rows) {
      const counts = `row group ${group} has ${order.rows} rows, and ${done} values in column ${quoteValue(this.#name)}`;
      throw brokenError(this.#file.path, counts);
    }
  }

  #findChunk(group: number): ChunkOrder {
    const { columns, num_rows } = this.#file.metadata.row_groups[group] as {
      columns: ColumnChunk[];
      num_rows: bigint;
    };
    const found = columns.find(({ meta_data }) => meta_data?.path_in_schema.join('\0') === this.#name);
    if (found?.meta_data && !found.file_path)
      return { chunk: found.meta_data, schemaPath: this.#schemaPath, rows: Number(num_rows) };
    throw brokenError(this.#file.path, `column ${quoteValue(this.#name)} is not in it, but elsewhere`);
  }

  async #decode(starts: ChunkOrder | undefined, window: Buffer): Promise<PagesRead> {
    // A copy, which is given away: a part of a larger buffer would be sent with all of it.
    const bytes = new Uint8Array(window);
    const task = { column: this.#number, starts, bytes };
    const reply = await this.#file.decode(task, [bytes.buffer]);
    if (!('fault' in reply)) return reply;
    return explainFailure(this.#file.path, () => {
      throw new Error(reply.fault);
    });
  }

  #describeStrangeText(row: number): LoomError {
    return new LoomError(
      'input',
      `${this.#file.path}: row ${row + 1} has bytes in column ${quoteValue(this.#name)} that are not UTF-8.`,
      {
        hint: 'Write the column as UTF-8 and run again.',
      },
    );
  }
}

/** Whether the values of a column can be read as text. */
export function isTextColumn(file: ParquetFile, name: string): boolean {
  const [, column] = getSchemaPath(file.metadata.schema, [name]);
  return column !== undefined && textWriterFor(column) !== undefined;
}
