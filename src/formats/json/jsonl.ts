/**
 * JSONL: an object on each line. A merge keeps every byte of the input, empty lines too, and adds our fields at the end
 * of each object that is part of the output, with white space as the object has it; fields of ours that are already there are overwritten where
 * they stand (each time, if the key is doubled).
 */

import { type AddedFields, type AddedValue, type Converter, jsonOf, type ReadOptions } from '../format.ts';
import { OutputChunks } from '../output-chunks.ts';
import { prepareBatches, readFirstNames } from '../rows.ts';
import { byteOrderMark, TextSource } from '../text/text-source.ts';
import { EntryReader } from './entries.ts';
import { readEntryRecords } from './entry-pieces.ts';
import { LineSplitter } from './line-splitter.ts';
import type { EntryPlace } from './splitter.ts';
import { createNameSearch, findMembers, hasSpaces } from './text.ts';

const newline = 0x0a;
const carriageReturn = 0x0d;
const openBrace = 0x7b;

export const jsonlConverter: Converter = {
  readRows: (path, gzip, options) => readRows(openSource(path, gzip, options), options),
  readNames: (path, gzip, options) => readFirstNames(readRecords(path, gzip, options)),
  readRecords,
  mergeRows: (path, gzip, options, fields) => mergeRows(openSource(path, gzip, options), options, fields),
};

function openSource(path: string, gzip: boolean, options: ReadOptions): TextSource {
  return new TextSource(path, { fileType: 'jsonl', gzip }, options);
}

function readRecords(path: string, gzip: boolean, { layout }: Pick<ReadOptions, 'layout'> = {}) {
  return readEntryRecords(openSource(path, gzip, { layout }), new LineSplitter());
}

async function* readRows(source: TextSource, options: ReadOptions) {
  for await (const { rows } of new EntryReader(source, options, new LineSplitter()).readBatches()) yield rows;
}

async function* mergeRows(
  source: TextSource,
  options: ReadOptions,
  fields: AddedFields,
): AsyncGenerator<Buffer> {
  const reader = new EntryReader(source, options, new LineSplitter());
  const output = new OutputChunks();
  const names = fields.columns.map(({ name }) => name);
  const mayHoldOurs = createNameSearch(names);
  let rowCount = 0;
  /** Whether the row before is part of the output, and so the end of its line. */
  let isLineOpen = false;
  let lineEnd = '\n';
  for await (const { texts, rows, places, bytes } of prepareBatches(reader.readBatches(), fields)) {
    if (rowCount === 0 && source.hasByteOrderMark) output.appendBytes(byteOrderMark);
    let at = 0;
    for (const [index, row] of rows.entries()) {
      const { start, end } = places[index] as EntryPlace;
      const lineStart = rowCount === 0 ? 0 : bytes.indexOf(newline, at) + 1;
      if (lineStart > 0) lineEnd = bytes[lineStart - 2] === carriageReturn ? '\r\n' : '\n';
      if (isLineOpen) output.appendBytes(bytes, at, lineStart);
      const values = fields.valuesFor(row);
      isLineOpen = values !== undefined;
      if (values) {
        const text = texts[index] as string;
        if (mayHoldOurs(text)) {
          output.appendBytes(bytes, lineStart, start);
          output.appendText(setFields(text, names, values));
        } else {
          const membersEnd = findMembersEnd(bytes, end);
          const isEmpty = bytes[membersEnd - 1] === openBrace;
          output.appendBytes(bytes, lineStart, membersEnd);
          output.appendText(writeFields(names, values, hasSpaces(text), isEmpty));
          output.appendBytes(bytes, membersEnd, end);
        }
      }
      at = end;
      rowCount += 1;
      for (const chunk of output.takeReady()) yield chunk;
    }
  }
  if (rowCount === 0 && source.hasByteOrderMark) output.appendBytes(byteOrderMark);
  const { tail } = reader;
  const tailStart = rowCount === 0 ? 0 : tail.indexOf(newline) + 1 || tail.length;
  if (isLineOpen) output.appendBytes(tail, 0, tailStart);
  if (isLineOpen && !source.endsWithNewline && tailStart === tail.length) output.appendText(lineEnd);
  output.appendBytes(tail, tailStart);
  yield* output.takeRest();
}

/** Where the last member ends of an object that ends here; right behind its `{` where there is none. */
function findMembersEnd(bytes: Buffer, objectEnd: number): number {
  let end = objectEnd - 1;
  while ((bytes[end - 1] as number) <= 0x20) end -= 1;
  return end;
}

/** Our fields as they follow the other members of an object. */
function writeFields(
  names: readonly string[],
  values: readonly AddedValue[],
  isSpaced: boolean,
  isFirst: boolean,
): string {
  const gap = isSpaced ? ' ' : '';
  let written = '';
  for (const [index, name] of names.entries()) {
    const separator = isFirst && index === 0 ? '' : `,${gap}`;
    written += `${separator}${JSON.stringify(name)}:${gap}${jsonOf(values[index])}`;
  }
  return written;
}

/** The text of an object that may have fields of ours, with those set. */
function setFields(text: string, names: readonly string[], values: readonly AddedValue[]): string {
  const members = findMembers(text);
  const written = new Set<string>();
  let set = '';
  let kept = 0;
  for (const { name, valueStart, valueEnd } of members) {
    const ours = names.indexOf(name);
    if (ours === -1) continue;
    written.add(name);
    set += text.slice(kept, valueStart) + jsonOf(values[ours]);
    kept = valueEnd;
  }
  // An object without members has no comma before ours.
  const lastEnd = members.at(-1)?.valueEnd ?? text.indexOf('{') + 1;
  const isOpen = (name: string) => !written.has(name);
  const openValues = values.filter((_, index) => isOpen(names[index] as string));
  const added = writeFields(names.filter(isOpen), openValues, hasSpaces(text), members.length === 0);
  return set + text.slice(kept, lastEnd) + added + text.slice(lastEnd);
}
