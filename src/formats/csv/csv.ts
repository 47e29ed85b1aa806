/**
 * CSV and TSV: RFC 4180 with commas, tabs, or what else stands between cells. A merge keeps every byte of the input, empty lines too, and adds our cells at
 * the end of each record that is part of the output; columns of ours that are already there are overwritten where they stand.
 */
import { LoomError } from '../../core/errors.ts';
import type { FileType, Row } from '../../core/models.ts';
import type { AddedFields, Converter, ReadOptions, TextRecord } from '../format.ts';
import { OutputChunks } from '../output-chunks.ts';
import { prepareBatches, readFirstNames } from '../rows.ts';
import { createRecordMaker } from '../table-records.ts';
import { findIdColumn, findPromptColumns } from '../template/prompt-columns.ts';
import { readPromptSource } from '../template/prompt-source.ts';
import { refuseTaken } from '../template/reserved-names.ts';
import { byteOrderMark, TextSource } from '../text/text-source.ts';
import { type Delimiter, type Dialect, knownDelimiters } from './cells.ts';
import { RecordMerger } from './merge.ts';
import { type RecordBatch, RecordReader } from './records.ts';
import { SwallowedLines } from './swallowed-lines.ts';

export const csvConverter = createConverter('csv');
export const tsvConverter = createConverter('tsv');

function createConverter(fileType: FileType): Converter {
  const open = (path: string, gzip: boolean, options: Pick<ReadOptions, 'layout'> = {}) =>
    new TextSource(path, { fileType, gzip }, options);
  return {
    readRows: (path, gzip, options) => readRows(open(path, gzip, options), options),
    readNames: (path, gzip, options) => readFirstNames(readRecords(open(path, gzip, options), options)),
    readRecords: (path, gzip, options) => readRecords(open(path, gzip, options), options),
    mergeRows: (path, gzip, options, fields) => mergeRows(open(path, gzip, options), options, fields),
  };
}

interface TableBatch {
  readonly batch: RecordBatch;
  readonly reader: RecordReader;
  /** In the first batch, whose first record it is. */
  readonly header: readonly string[] | undefined;
  readonly rows: readonly Row[];
}

async function* readRows(source: TextSource, options: ReadOptions): AsyncGenerator<readonly Row[]> {
  for await (const { rows } of readTable(source, options)) yield rows;
}

async function* readRecords(
  source: TextSource,
  { layout }: Pick<ReadOptions, 'layout'> = {},
): AsyncGenerator<Iterable<TextRecord>> {
  let makeRecord: ReturnType<typeof createRecordMaker> | undefined;
  for await (const batch of new RecordReader(source, layout).readBatches()) {
    const first = makeRecord ? 0 : 1;
    makeRecord ??= createRecordMaker(readHeader(batch, source));
    yield listRecords(batch, first, makeRecord);
  }
  if (!makeRecord) throw noHeader(source.path);
}

function* listRecords(
  batch: RecordBatch,
  first: number,
  makeRecord: ReturnType<typeof createRecordMaker>,
): Generator<TextRecord> {
  for (let record = first; record < batch.count; record += 1) yield makeRecord(batch, record);
}

async function* mergeRows(
  source: TextSource,
  options: ReadOptions,
  fields: AddedFields,
): AsyncGenerator<Buffer> {
  const output = new OutputChunks();
  let merger: RecordMerger | undefined;
  const names = fields.columns.map(({ name }) => name);
  for await (const { batch, reader, header, rows } of prepareBatches(readTable(source, options), fields)) {
    if (source.hasByteOrderMark && header) output.appendBytes(byteOrderMark);
    if (reader.sepLine && header) output.appendBytes(reader.sepLine);
    merger ??= new RecordMerger(output, reader.dialect, header ?? [], names);
    const rowsStart = header ? 1 : 0;
    let start = 0;
    for (const [index, end] of batch.ends.entries()) {
      const row = rows[index - rowsStart];
      const values = row ? fields.valuesFor(row) : names;
      if (values) merger.appendRecord(batch.bytes, start, end, values);
      for (const chunk of output.takeReady()) yield chunk;
      start = end;
    }
    output.appendBytes(batch.bytes, start);
  }
  yield* output.takeRest();
}

/** The one reading of the file that both passes share, so that they agree on every row. */
async function* readTable(source: TextSource, options: ReadOptions): AsyncGenerator<TableBatch> {
  const { path, fileType } = source;
  const reader = new RecordReader(source, options.layout);
  let prompts: ReturnType<typeof findPromptColumns> | undefined;
  let idPlace: number | undefined;
  let rowCount = 0;
  let swallowed: SwallowedLines | undefined;
  for await (const batch of reader.readBatches()) {
    const header = prompts ? undefined : readHeader(batch, source);
    if (header) {
      refuseTitleLine(source, header, options, reader.dialect);
      refuseTaken(header, options, path);
    }
    prompts ??= findPromptColumns(options, header ?? [], { path, fileType });
    if (header) idPlace = findIdColumn(options.rowId, header, path);
    const rows: Row[] = [];
    for (let record = header ? 1 : 0; record < batch.count; record += 1) {
      const index = rowCount + rows.length;
      const givenId = idPlace === undefined ? undefined : batch.textOf(record, idPlace) || undefined;
      const asked = prompts.compose(prompts.places.map((place) => batch.textOf(record, place)));
      rows.push({ index, id: String(index), givenId, line: batch.lines[record], ...asked });
    }
    swallowed ??= new SwallowedLines(reader.dialect, header?.length ?? 0);
    swallowed.add(batch, header ? 0 : rowCount + 1);
    rowCount += rows.length;
    yield { batch, reader, header, rows };
  }
  if (!prompts) throw noHeader(path);
  const remark = swallowed?.describe(path);
  if (remark !== undefined) options.onRemark?.({ message: remark });
}

/** So many lines may stand above a header. */
const mostTitleLines = 20;

/** LoomError `input` where the columns that are named stand together on a later line than the first. */
function refuseTitleLine(
  { start, path }: TextSource,
  header: readonly string[],
  { promptSource, attach }: ReadOptions,
  { delimiter }: Dialect,
): void {
  const names = promptSource ? readPromptSource(promptSource, attach).names : [];
  const isHeader = (cells: readonly string[]) => names.every((name) => cells.includes(name));
  if (names.length === 0 || isHeader(header.map((cell) => cell.trim())) || isHeader(header)) return;
  const lines = start.toString('utf8').split(/\r?\n/, mostTitleLines);
  // A line that names nothing says no delimiter either.
  const isHeaderBy = (line: string, { text }: Delimiter) => {
    const cells = line.split(text).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    return cells.length > header.length && isHeader(cells);
  };
  const found = lines.findIndex(
    (line, number) => number > 0 && [delimiter, ...knownDelimiters].some((each) => isHeaderBy(line, each)),
  );
  if (found === -1) return;
  throw new LoomError('input', `${path}: the header is on line ${found + 1}, below something else.`, {
    hint: 'Remove the lines above it: the first line must name the columns.',
  });
}

function readHeader(batch: RecordBatch, { path }: TextSource): string[] {
  if (batch.count === 0) throw noHeader(path);
  return batch.cellsOf(0);
}

function noHeader(path: string): LoomError {
  return new LoomError('input', `${path}: the file has no header line.`, {
    hint: 'Its first line must name the columns.',
  });
}
