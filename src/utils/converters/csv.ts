/**
 * CSV: RFC 4180 with commas. A merge keeps every byte of the input, empty lines too, and adds our cells at the end of
 * each record that is part of the output; columns of ours that are already there are overwritten where they stand.
 */
import { LoomError } from '../../errors.ts';
import type { Row } from '../../models.ts';
import { RecordMerger } from './csv-merge.ts';
import { type RecordBatch, RecordReader } from './csv-records.ts';
import type { AddedFields, Converter, ReadOptions } from './format.ts';
import { OutputChunks } from './output-chunks.ts';
import { openPromptColumns } from './prompt-columns.ts';
import { flatten, prepareBatches } from './rows.ts';
import { byteOrderMark, TextSource } from './text-source.ts';

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
async function* readTable(source: TextSource, options: ReadOptions): AsyncGenerator<TableBatch> {
  let composePrompt: ((cells: readonly string[]) => string | null) | undefined;
  let rowCount = 0;
  for await (const batch of new RecordReader(source).readBatches()) {
    const header = composePrompt ? undefined : (batch.records[0] ?? throwNoHeader(source.path));
    const compose = composePrompt ?? openPromptColumns(options.promptSource, header ?? [], source.path);
    composePrompt = compose;
    const records = header ? batch.records.slice(1) : batch.records;
    const rows = records.map((cells, index) => makeRow(rowCount + index, compose(cells)));
    rowCount += rows.length;
    yield { batch, header, rows };
  }
}

function makeRow(index: number, prompt: string | null): Row {
  return { index, id: String(index), prompt };
}

function throwNoHeader(path: string): never {
  throw new LoomError('input', `${path}: the file has no header line.`, {
    hint: 'Its first line must name the columns.',
  });
}
