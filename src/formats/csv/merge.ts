/** Writes CSV records as they stand in the input, with our cells set in each. */

import { type AddedValue, textOf } from '../format.ts';
import type { OutputChunks } from '../output-chunks.ts';
import { type Delimiter, findCells, formatCell } from './cells.ts';
import { skipEmptyLines } from './records.ts';

const carriageReturn = 0x0d;
const newline = 0x0a;

export class RecordMerger {
  readonly #output: OutputChunks;
  readonly #delimiter: Delimiter;
  /** For each column of the input, which of our cells takes its place; undefined keeps it. */
  readonly #overwrites: readonly (number | undefined)[];
  readonly #appended: readonly number[];
  /** The line end seen last, for a last line that has none. */
  #lineEnd = '\n';

  constructor(
    output: OutputChunks,
    delimiter: Delimiter,
    header: readonly string[],
    names: readonly string[],
  ) {
    this.#output = output;
    this.#delimiter = delimiter;
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
    const added = this.#appended.map((index) => this.#delimiter.text + this.#format(values[index])).join('');
    if (this.#appended.length === values.length) this.#output.appendBytes(bytes, bodyStart, bodyEnd);
    else this.#overwriteCells(bytes.subarray(bodyStart, bodyEnd), values);
    this.#output.appendText(added + this.#lineEnd);
  }

  #overwriteCells(record: Buffer, values: readonly AddedValue[]): void {
    findCells(record, this.#delimiter).forEach(({ start, end }, column) => {
      if (column > 0) this.#output.appendText(this.#delimiter.text);
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
    return formatCell(textOf(value) ?? '', this.#delimiter);
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
