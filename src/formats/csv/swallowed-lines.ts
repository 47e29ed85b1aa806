/** Finds quoted cells that go over several lines where one of these could be a row: a stray quote does that. */
import type { Delimiter, Dialect } from './cells.ts';
import type { RecordBatch } from './records.ts';

const newline = 0x0a;
const mostTold = 3;

export class SwallowedLines {
  readonly #delimiter: Delimiter;
  readonly #columns: number;
  #count = 0;
  readonly #told: string[] = [];

  constructor({ delimiter }: Dialect, columns: number) {
    this.#delimiter = delimiter;
    this.#columns = columns;
  }

  /** A batch of records, of which the one in the first place has this number; the header's is 0. */
  add({ bytes, ends, lines }: RecordBatch, firstRow: number): void {
    ends.forEach((end, place) => {
      const start = place === 0 ? 0 : (ends[place - 1] as number);
      const bodyEnd = bytes[end - 1] === newline ? end - 1 : end;
      const body = bytes.subarray(start, bodyEnd);
      if (body.indexOf(newline) === -1) return;
      const [, ...others] = body
        .toString('utf8')
        .replace(/^[\r\n]+/, '')
        .split('\n');
      if (!others.some((line) => line.split(this.#delimiter.text).length === this.#columns)) return;
      this.#count += 1;
      if (this.#told.length === mostTold) return;
      const line = lines[place] as number;
      this.#told.push(`row ${firstRow + place} (lines ${line} to ${line + others.length})`);
    });
  }

  /** undefined where no cell could have swallowed a row. */
  describe(path: string): string | undefined {
    if (this.#count === 0) return undefined;
    const more = this.#count > this.#told.length ? ', …' : '';
    const rows = this.#count === 1 ? '1 row goes' : `${this.#count} rows go`;
    return `${path}: ${rows} over several lines, as a quote opens on the first and closes on the last: ${this.#told.join(', ')}${more}. If these are rows of their own, a quote there is a plain character: write it twice, in a cell in quotes.`;
  }
}
