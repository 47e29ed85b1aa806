/**
 * CSV: RFC 4180 with commas. A merge keeps every byte of the input, empty lines too, and adds our cells at the end of
 * each record; columns of ours that are already there are overwritten where they stand.
 */
import { LoomError } from '../../errors.ts';
import type { Row } from '../../models.ts';
import { RecordMerger } from './csv-merge.ts';
import { type RecordBatch, RecordReader } from './csv-records.ts';
import type { AddedFields, Converter, ReadOptions } from './format.ts';
import { OutputChunks } from './output-chunks.ts';
import { blankToNull, flatten, prepareBatches } from './rows.ts';
import { byteOrderMark, TextSource } from './text-source.ts';
import { findClosestName, listNames, quoteValue } from './words.ts';

export const csvConverter: Converter = {
  readRows: (path, gzip, options) => flatten(readRowBatches(new TextSource(path, gzip, options), options)),
  mergeRows,
};

interface TableBatch {
  readonly batch: RecordBatch;
  /** In the first batch, whose first record it is. */
  readonly header: readonly string[] | undefined;
  readonly rows: readonly Row[];
}

async function* readRowBatches(source: TextSource, options: ReadOptions): AsyncGenerator<readonly Row[]> {
  for await (const { rows } of readTable(source, options)) yield rows;
}

async function* mergeRows(
  path: string,
  gzip: boolean,
  options: ReadOptions,
  fields: AddedFields,
): AsyncGenerator<Buffer> {
  const source = new TextSource(path, gzip, options);
  const output = new OutputChunks();
  let merger: RecordMerger | undefined;
  for await (const { batch, header, rows } of prepareBatches(readTable(source, options), fields)) {
    if (source.hasByteOrderMark && header) output.appendBytes(byteOrderMark);
    merger ??= new RecordMerger(output, header ?? [], fields.names);
    const rowsStart = header ? 1 : 0;
    let start = 0;
    for (const [index, end] of batch.ends.entries()) {
      const row = rows[index - rowsStart];
      merger.appendRecord(batch.bytes, start, end, row ? fields.valuesFor(row) : fields.names);
      yield* output.takeReady();
      start = end;
    }
    output.appendBytes(batch.bytes, start);
  }
  yield* output.takeRest();
}

/** The one reading of the file that both passes share, so that they agree on every row. */
async function* readTable(source: TextSource, options: ReadOptions): AsyncGenerator<TableBatch> {
  let column = -1;
  let rowCount = 0;
  for await (const batch of new RecordReader(source).readBatches()) {
    const header = column === -1 ? (batch.records[0] ?? throwNoHeader(source.path)) : undefined;
    if (header) column = findColumn(header, options.column, source.path);
    const records = header ? batch.records.slice(1) : batch.records;
    const rows = records.map((cells, index) => makeRow(rowCount + index, cells[column] as string));
    rowCount += rows.length;
    yield { batch, header, rows };
  }
}

function makeRow(index: number, cell: string): Row {
  return { index, id: String(index), prompt: blankToNull(cell) };
}

function throwNoHeader(path: string): never {
  throw new LoomError('input', `${path}: the file has no header line.`, {
    hint: 'Its first line must name the columns.',
  });
}

function findColumn(header: readonly string[], column: string | undefined, path: string): number {
  if (column === undefined) {
    throw new LoomError('input', `--col is required for CSV input; ${path} has ${describeColumns(header)}.`, {
      hint: 'Pass --col with the one that holds the prompts.',
    });
  }
  const index = header.indexOf(column);
  if (index === -1) throw unknownColumnError(header, column, path);
  if (header.lastIndexOf(column) !== index) {
    throw new LoomError('input', `${path}: more than one column is named ${quoteValue(column)}.`, {
      hint: 'Give the column that holds the prompts a name of its own.',
    });
  }
  return index;
}

function unknownColumnError(header: readonly string[], column: string, path: string): LoomError {
  const closest = findClosestName(column, header);
  const hint =
    closest === undefined ? 'Pass one of these with --col.' : `Did you mean ${quoteValue(closest)}?`;
  return new LoomError(
    'input',
    `${path}: no column ${quoteValue(column)}; it has ${describeColumns(header)}.`,
    {
      hint,
    },
  );
}

function describeColumns(header: readonly string[]): string {
  return `the ${header.length === 1 ? 'column' : 'columns'} ${listNames(header)}`;
}
