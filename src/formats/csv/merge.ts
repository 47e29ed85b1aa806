/** Writes CSV records as they stand in the input, with our cells set in each. */

import { type AddedValue, textOf } from '../format.ts';
import type { OutputChunks } from '../output-chunks.ts';
import { type Dialect, findCells, formatCell } from './cells.ts';
import { skipEmptyLines } from './records.ts';

const carriageReturn = 0x0d;
const newline = 0x0a;

export class RecordMerger {
  readonly #output: OutputChunks;
  readonly #dialect: Dialect;
  /** For each column of the input, which of our cells takes its place; undefined keeps it. */
  readonly #overwrites: readonly (number | undefined)[];
  readonly #appended: readonly number[];
  /** The line end seen last, for a last line that has none. */
  #lineEnd = '\n';

  constructor(output: OutputChunks, dialect: Dialect, header: readonly string[], names: readonly string[]) {
    this.#output = output;
    this.#dialect = dialect;
    this.#overwrites = header.map((column) => indexOrUndefined(names, column));
    this.#appended = names
      .map((_, index) => index)
      .filter((index) => !header.includes(names[index] as string));
  }

  /** One record of the input, which lies between the two places with the empty lines before it. */
  appendRecord(bytes: Buffer, start: number, end: number, values: readonly AddedValue[]): void {
    const bodyStart = skipEmptyLines(bytes, start);
    const lineEnd = lineEndBefore(bytes, end);
    this.#lineEnd = lineEnd || this.#lineEnd;
    const bodyEnd = end - lineEnd.length;
    this.#output.appendBytes(bytes, start, bodyStart);
    const { text: delimiter } = this.#dialect.delimiter;
    const added = this.#appended.map((index) => delimiter + this.#format(values[index])).join('');
    if (this.#dialect.padsRows) {
      this.#appendCells(this.#pad(bytes.subarray(bodyStart, bodyEnd)), 0, undefined, values);
    } else this.#appendCells(bytes, bodyStart, bodyEnd, values);
    this.#output.appendText(added + this.#lineEnd);
  }

  #appendCells(bytes: Buffer, start: number, end: number | undefined, values: readonly AddedValue[]): void {
    if (this.#appended.length === values.length) this.#output.appendBytes(bytes, start, end);
    else this.#overwriteCells(bytes.subarray(start, end), values);
  }

  /** The record with the cells that it lacks. */
  #pad(record: Buffer): Buffer {
    const missing = this.#overwrites.length - findCells(record, this.#dialect).length;
    if (missing <= 0) return record;
    return Buffer.concat([record, Buffer.from(this.#dialect.delimiter.text.repeat(missing))]);
  }

  #overwriteCells(record: Buffer, values: readonly AddedValue[]): void {
    findCells(record, this.#dialect).forEach(({ start, end }, column) => {
      if (column > 0) this.#output.appendText(this.#dialect.delimiter.text);
      const ours = this.#overwrites[column];
      if (ours === undefined) this.#output.appendBytes(record, start, end);
      else this.#output.appendText(this.#formatInPlace(values[ours]));
    });
  }

  /** A lone empty cell would make an empty line, which is no row. */
  #formatInPlace(value: AddedValue | undefined): string {
    const isWholeLine = this.#overwrites.length === 1 && this.#appended.length === 0;
    return isWholeLine && (value ?? '') === '' ? '""' : this.#format(value);
  }

  #format(value: AddedValue | undefined): string {
    return formatCell(textOf(value) ?? '', this.#dialect);
  }
}

function indexOrUndefined(names: readonly string[], name: string): number | undefined {
  const index = names.indexOf(name);
  return index === -1 ? undefined : index;
}

/** Empty only at the end of the file. */
function lineEndBefore(bytes: Buffer, end: number): string {
  if (bytes[end - 1] !== newline) return '';
  return bytes[end - 2] === carriageReturn ? '\r\n' : '\n';
}
