/**
 * Parquet. A merge copies every byte of the data to the place where it was, and appends our columns and new metadata:
 * whatever type, encoding or compression the other columns have, it stays as it is. Of a column of ours that is there
 * already, what it held is blanked.
 */
import type { Row } from '../../core/models.ts';
import { type AddedFields, type Converter, type ReadOptions, type TextRecord, textOf } from '../format.ts';
import { prepareBatches } from '../rows.ts';
import { createRecordMaker } from '../table-records.ts';
import { findIdColumn, findPromptColumns } from '../template/prompt-columns.ts';
import type { PromptRecipe } from '../template/prompt-source.ts';
import { refuseTaken } from '../template/reserved-names.ts';
import { isTextColumn, ParquetColumn } from './column.ts';
import { explainFailure } from './errors.ts';
import { ParquetFile } from './file.ts';
import { type ByteRange, FooterEditor } from './footer.ts';
import { byteLengthAt, emptyTexts, type TextPage, textAt } from './text-page.ts';
import { encodeStruct } from './thrift/structs.ts';
import { codecLike, ValuePages } from './writing/pages.ts';

export const parquetConverter: Converter = {
  async *readRows(path, _gzip, options) {
    const file = await ParquetFile.open(path, options);
    try {
      const reader = new RowReader(file, options);
      for (let group = 0; group < file.metadata.row_groups.length; group += 1) {
        for await (const { rows } of reader.readGroup(group)) yield rows;
      }
    } finally {
      await file.close();
    }
  },
  async readNames(path) {
    const file = await ParquetFile.open(path, {});
    try {
      return listTextColumns(file);
    } finally {
      await file.close();
    }
  },
  async *readRecords(path, _gzip, { isWanted = () => true, signal } = {}) {
    const file = await ParquetFile.open(path, { signal });
    try {
      yield* readRecords(file, isWanted);
    } finally {
      await file.close();
    }
  },
  async *mergeRows(path, _gzip, options, fields) {
    const file = await ParquetFile.open(path, options);
    try {
      yield* merge(file, options, fields);
    } finally {
      await file.close();
    }
  },
};

interface RowBatch {
  readonly rows: readonly Row[];
}

/** A column's values in a row group that are read and not yet taken. */
interface OpenColumn {
  readonly pages: AsyncGenerator<TextPage>;
  page: TextPage;
  at: number;
}

/** Consecutive rows. */
interface CellBatch {
  readonly firstRow: number;
  readonly count: number;
  /** Of a row of the batch and a column, by their places. */
  textOf(row: number, column: number): string | null;
}

/** So much is given on at a time: what asks for it drops it before it gets old, and old objects are freed late. */
const mostRows = 2_000;
const mostBytes = 64 * 1024;

/** Gives the values of some columns, one row group after the other. */
class ColumnsReader {
  readonly #columns: readonly ParquetColumn[];
  #rowCount = 0;

  constructor(file: ParquetFile, names: readonly string[]) {
    this.#columns = names.map((name, number) => new ParquetColumn(file, number, name));
  }

  async *readGroup(group: number): AsyncGenerator<CellBatch> {
    const columns = this.#columns.map((column): OpenColumn => {
      return { pages: column.readPages(group, this.#rowCount), page: emptyTexts(0), at: 0 };
    });
    for (;;) {
      const ready = await Promise.all(columns.map(countReady));
      const count = countFitting(columns, Math.min(...ready, mostRows));
      if (count === 0) return;
      const taken = columns.map(({ page, at }) => ({ page, at }));
      for (const column of columns) column.at += count;
      const firstRow = this.#rowCount;
      this.#rowCount += count;
      const textOf = (row: number, column: number) => {
        const { page, at } = taken[column] as (typeof taken)[number];
        return textAt(page, at + row);
      };
      yield { firstRow, count, textOf };
    }
  }
}

/** Gives the rows of one row group after the other. */
class RowReader {
  readonly #columns: ColumnsReader;
  /** Whether the first of the columns tells rows apart. */
  readonly #hasIds: boolean;
  /** How many columns make the prompt; they stand behind it. */
  readonly #prompts: number;
  readonly #compose: PromptRecipe['compose'];

  constructor(file: ParquetFile, options: ReadOptions) {
    const { rowId } = options;
    const names = listColumns(file);
    refuseTaken(names, options, file.path);
    const { places, compose } = findPromptColumns(options, names, {
      path: file.path,
      fileType: 'parquet',
    });
    const idPlace = findIdColumn(rowId, names, file.path);
    // One that nobody named may be of a type that is no text, and stays out.
    this.#hasIds =
      idPlace !== undefined && (rowId !== undefined || isTextColumn(file, names[idPlace] as string));
    const all = this.#hasIds ? [idPlace as number, ...places] : places;
    this.#columns = new ColumnsReader(
      file,
      all.map((place) => names[place] as string),
    );
    this.#prompts = places.length;
    this.#compose = compose;
  }

  async *readGroup(group: number): AsyncGenerator<RowBatch> {
    const firstPrompt = this.#hasIds ? 1 : 0;
    for await (const { firstRow, count, textOf } of this.#columns.readGroup(group)) {
      const rows: Row[] = [];
      for (let row = 0; row < count; row += 1) {
        const index = firstRow + row;
        const givenId = (this.#hasIds && textOf(row, 0)) || undefined;
        const texts = Array.from(
          { length: this.#prompts },
          (_, place) => textOf(row, firstPrompt + place) ?? '',
        );
        rows.push({ index, id: String(index), givenId, ...this.#compose(texts) });
      }
      yield { rows };
    }
  }
}

async function* readRecords(
  file: ParquetFile,
  isWanted: (name: string) => boolean,
): AsyncGenerator<Iterable<TextRecord>> {
  const names = listTextColumns(file).filter(isWanted);
  if (names.length === 0) return;
  const columns = new ColumnsReader(file, names);
  const makeRecord = createRecordMaker(names);
  for (let group = 0; group < file.metadata.row_groups.length; group += 1) {
    for await (const batch of columns.readGroup(group))
      yield Array.from({ length: batch.count }, (_, row) => makeRecord(batch, row));
  }
}

/** How many values can be taken; 0 at the end of the row group. */
async function countReady(column: OpenColumn): Promise<number> {
  while (column.at === column.page.starts.length) {
    const { value, done } = await column.pages.next();
    if (done) return 0;
    Object.assign(column, { page: value, at: 0 });
  }
  return column.page.starts.length - column.at;
}

/** How many of the next rows are given on together; one at least. */
function countFitting(columns: readonly OpenColumn[], most: number): number {
  let bytes = 0;
  let count = 0;
  for (; count < most && bytes < mostBytes; count += 1) {
    for (const { page, at } of columns) bytes += byteLengthAt(page, at + count);
  }
  return count;
}

/** The names of the top-level columns. */
function listColumns({ metadata }: ParquetFile): string[] {
  const names: string[] = [];
  let nested = 0;
  for (const { name, num_children = 0 } of metadata.schema.slice(1)) {
    if (nested === 0) names.push(name);
    else nested -= 1;
    nested += num_children;
  }
  return names;
}

function listTextColumns(file: ParquetFile): string[] {
  return listColumns(file).filter((name) => isTextColumn(file, name));
}

async function* merge(file: ParquetFile, options: ReadOptions, fields: AddedFields): AsyncGenerator<Buffer> {
  const reader = new RowReader(file, options);
  const editor = await explainFailure(file.path, () => new FooterEditor(file, fields));
  yield* copyData(file, editor.replacedRanges);
  const codec = codecLike(file.metadata.row_groups[0]?.columns[0]?.meta_data?.codec);
  let end = file.dataEnd;
  for (let group = 0; group < file.metadata.row_groups.length; group += 1) {
    const columns = fields.columns.map((column) => new ValuePages(column, codec));
    const start = end;
    for await (const page of writeGroup(reader.readGroup(group), columns, fields)) {
      end += page.length;
      yield page;
    }
    editor.addChunks(group, columns, start);
  }
  const footer = encodeStruct(file.footer);
  const tail = Buffer.from('0000PAR1');
  tail.writeUInt32LE(footer.length);
  yield Buffer.concat([footer, tail]);
}

/** The pages of our columns in a row group, one column after the other: those of the first as they fill. */
async function* writeGroup(
  batches: AsyncGenerator<RowBatch>,
  columns: readonly ValuePages[],
  fields: AddedFields,
): AsyncGenerator<Buffer> {
  const [first, ...others] = columns.map((column) => ({ column, pages: [] as Buffer[] }));
  if (!first) return;
  for await (const { rows } of prepareBatches(batches, fields)) {
    for (const row of rows) {
      const [value = null, ...values] = fields.valuesFor(row) ?? refuseToLeaveOut();
      const full = first.column.add(textOf(value));
      if (full) yield full;
      others.forEach(({ column, pages }, index) => {
        const filled = column.add(textOf(values[index]));
        if (filled) pages.push(filled);
      });
    }
  }
  yield first.column.finish();
  for (const { column, pages } of others) {
    yield* pages;
    yield column.finish();
  }
}

function refuseToLeaveOut(): never {
  throw new Error('no row of a Parquet file can be left out: its data is copied as it is');
}

async function* copyData(file: ParquetFile, blanked: readonly ByteRange[]): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.dataEnd; at += file.chunkBytes) {
    const bytes = await file.read(at, Math.min(file.chunkBytes, file.dataEnd - at));
    for (const { start, end } of blanked) {
      if (start < at + bytes.length && end > at)
        bytes.fill(0, Math.max(0, start - at), Math.min(bytes.length, end - at));
    }
    yield bytes;
  }
}
