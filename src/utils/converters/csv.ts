/**
 * CSV and TSV: RFC 4180 with commas or tabs. A merge keeps every byte of the input, empty lines too, and adds our cells at
 * the end of each record that is part of the output; columns of ours that are already there are overwritten where they stand.
 */
import { LoomError } from '../../errors.ts';
import type { FileType, Row } from '../../models.ts';
import { comma, type Delimiter, tab } from './csv-cells.ts';
import { RecordMerger } from './csv-merge.ts';
import { type RecordBatch, RecordReader } from './csv-records.ts';
import type { AddedFields, Converter, ReadOptions, TextRecord } from './format.ts';
import { OutputChunks } from './output-chunks.ts';
import { findIdColumn, openPromptColumns } from './prompt-columns.ts';
import { flatten, prepareBatches, readFirstNames } from './rows.ts';
import { createRecordMaker } from './table-records.ts';
import { byteOrderMark, TextSource } from './text-source.ts';

/** What sets the two apart. */
interface Dialect {
  readonly fileType: FileType;
  readonly delimiter: Delimiter;
}

export const csvConverter = createConverter({ fileType: 'csv', delimiter: comma });
export const tsvConverter = createConverter({ fileType: 'tsv', delimiter: tab });

function createConverter(dialect: Dialect): Converter {
  return {
    readRows: (path, gzip, options) =>
      flatten(readRowBatches(dialect, new TextSource(path, gzip, options), options)),
    readNames: (path, gzip) => readFirstNames(readRecords(dialect, new TextSource(path, gzip, {}))),
    readRecords: (path, gzip) => readRecords(dialect, new TextSource(path, gzip, {})),
    mergeRows: (path, gzip, options, fields) =>
      mergeRows(dialect, new TextSource(path, gzip, options), options, fields),
  };
}

interface TableBatch {
  readonly batch: RecordBatch;
  /** In the first batch, whose first record it is. */
  readonly header: readonly string[] | undefined;
  readonly rows: readonly Row[];
}

async function* readRowBatches(
  dialect: Dialect,
  source: TextSource,
  options: ReadOptions,
): AsyncGenerator<readonly Row[]> {
  for await (const { rows } of readTable(dialect, source, options)) yield rows;
}

async function* readRecords({ delimiter }: Dialect, source: TextSource): AsyncGenerator<TextRecord> {
  let makeRecord: ReturnType<typeof createRecordMaker> | undefined;
  for await (const { records } of new RecordReader(source, delimiter).readBatches()) {
    const isFirst = makeRecord === undefined;
    makeRecord ??= createRecordMaker(records[0] ?? throwNoHeader(source.path));
    for (const cells of isFirst ? records.slice(1) : records) yield makeRecord(cells);
  }
}

async function* mergeRows(
  dialect: Dialect,
  source: TextSource,
  options: ReadOptions,
  fields: AddedFields,
): AsyncGenerator<Buffer> {
  const output = new OutputChunks();
  let merger: RecordMerger | undefined;
  for await (const { batch, header, rows } of prepareBatches(readTable(dialect, source, options), fields)) {
    if (source.hasByteOrderMark && header) output.appendBytes(byteOrderMark);
    merger ??= new RecordMerger(output, dialect.delimiter, header ?? [], fields.names);
    const rowsStart = header ? 1 : 0;
    let start = 0;
    for (const [index, end] of batch.ends.entries()) {
      const row = rows[index - rowsStart];
      const values = row ? fields.valuesFor(row) : fields.names;
      if (values) merger.appendRecord(batch.bytes, start, end, values);
      yield* output.takeReady();
      start = end;
    }
    output.appendBytes(batch.bytes, start);
  }
  yield* output.takeRest();
}

/** The one reading of the file that both passes share, so that they agree on every row. */
async function* readTable(
  { fileType, delimiter }: Dialect,
  source: TextSource,
  options: ReadOptions,
): AsyncGenerator<TableBatch> {
  let composePrompt: ((cells: readonly string[]) => string | null) | undefined;
  let idPlace: number | undefined;
  let rowCount = 0;
  for await (const batch of new RecordReader(source, delimiter).readBatches()) {
    const header = composePrompt ? undefined : (batch.records[0] ?? throwNoHeader(source.path));
    const file = { path: source.path, fileType };
    const compose = composePrompt ?? openPromptColumns(options.promptSource, header ?? [], file);
    composePrompt = compose;
    if (header) idPlace = findIdColumn(options.rowId, header, source.path);
    const records = header ? batch.records.slice(1) : batch.records;
    const lines = header ? batch.lines.slice(1) : batch.lines;
    const rows = records.map((cells, offset): Row => {
      const index = rowCount + offset;
      const givenId = idPlace === undefined ? undefined : cells[idPlace] || undefined;
      return { index, id: String(index), givenId, line: lines[offset], prompt: compose(cells) };
    });
    rowCount += rows.length;
    yield { batch, header, rows };
  }
}

function throwNoHeader(path: string): never {
  throw new LoomError('input', `${path}: the file has no header line.`, {
    hint: 'Its first line must name the columns.',
  });
}
