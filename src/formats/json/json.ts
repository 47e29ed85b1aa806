/**
 * JSON: a list of objects. A merge lays the white space anew with two spaces of indent and keeps everything else as it
 * is written. A field of ours that is already there is overwritten where it stands (each time, if the key is doubled),
 * the others go to the end. The file ends with a line end if the input does.
 */

import type { Row } from '../../core/models.ts';
import { type AddedFields, type AddedValue, type Converter, jsonOf, type ReadOptions } from '../format.ts';
import { OutputChunks } from '../output-chunks.ts';
import { prepareBatches, readFirstNames } from '../rows.ts';
import { byteOrderMark, TextSource } from '../text/text-source.ts';
import { EntryReader } from './entries.ts';
import { readEntryRecords } from './entry-pieces.ts';
import { EntrySplitter } from './splitter.ts';
import { findMembers, layOutValue } from './text.ts';

const entryMargin = '  ';
const memberMargin = '    ';

export const jsonConverter: Converter = {
  readRows: (path, gzip, options) => readRows(openSource(path, gzip, options), options),
  readNames: (path, gzip, options) => readFirstNames(readRecords(path, gzip, options)),
  readRecords,
  mergeRows,
};

function openSource(path: string, gzip: boolean, options: ReadOptions): TextSource {
  return new TextSource(path, { fileType: 'json', gzip }, options);
}

function readRecords(path: string, gzip: boolean, { layout }: Pick<ReadOptions, 'layout'> = {}) {
  return readEntryRecords(openSource(path, gzip, { layout }), new EntrySplitter());
}

async function* readRows(source: TextSource, options: ReadOptions): AsyncGenerator<readonly Row[]> {
  for await (const { rows } of new EntryReader(source, options, new EntrySplitter()).readBatches())
    yield rows;
}

async function* mergeRows(
  path: string,
  gzip: boolean,
  options: ReadOptions,
  fields: AddedFields,
): AsyncGenerator<Buffer> {
  const source = openSource(path, gzip, options);
  const output = new OutputChunks();
  const names = fields.columns.map(({ name }) => name);
  let entryCount = 0;
  const reader = new EntryReader(source, options, new EntrySplitter());
  for await (const { texts, rows } of prepareBatches(reader.readBatches(), fields)) {
    for (const [index, row] of rows.entries()) {
      const values = fields.valuesFor(row);
      if (!values) continue;
      if (entryCount === 0 && source.hasByteOrderMark) output.appendBytes(byteOrderMark);
      output.appendText(entryCount === 0 ? '[\n' : ',\n');
      output.appendText(layOutEntry(texts[index] as string, names, values));
      entryCount += 1;
      for (const chunk of output.takeReady()) yield chunk;
    }
  }
  if (entryCount === 0 && source.hasByteOrderMark) output.appendBytes(byteOrderMark);
  output.appendText(entryCount === 0 ? '[]' : '\n]');
  if (source.endsWithNewline) output.appendText('\n');
  yield* output.takeRest();
}

/** The entry on lines of its own with our fields set. */
function layOutEntry(text: string, names: readonly string[], values: readonly AddedValue[]): string {
  const written = new Set<string>();
  const lines: string[] = [];
  for (const member of findMembers(text)) {
    const key = text.slice(member.keyStart, member.keyEnd);
    const ours = names.indexOf(member.name);
    if (ours !== -1) written.add(member.name);
    const value =
      ours === -1
        ? layOutValue(text.slice(member.valueStart, member.valueEnd), memberMargin)
        : layOutValue(jsonOf(values[ours]), memberMargin);
    lines.push(`${memberMargin}${key}: ${value}`);
  }
  names.forEach((name, index) => {
    if (written.has(name)) return;
    lines.push(`${memberMargin}${JSON.stringify(name)}: ${layOutValue(jsonOf(values[index]), memberMargin)}`);
  });
  return `${entryMargin}{\n${lines.join(',\n')}\n${entryMargin}}`;
}
