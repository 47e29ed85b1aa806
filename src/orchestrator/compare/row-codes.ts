/** What is kept of each row of an output that is compared: in most comparisons, two bytes. */
import { noAnswer } from './label-book.ts';

const firstRows = 1024;
const largestShort = 0xffff;

/** A code for each row, `noAnswer` where none was set: in two bytes while all are those of labels, else in eight. */
export class RowCodes {
  #codes: Uint16Array | Float64Array = new Uint16Array(firstRows);

  get(row: number): number {
    return this.#codes[row] ?? noAnswer;
  }

  set(row: number, code: number): void {
    if (code > largestShort && this.#codes instanceof Uint16Array)
      this.#codes = Float64Array.from(this.#codes);
    if (row >= this.#codes.length) this.#grow(row);
    this.#codes[row] = code;
  }

  #grow(row: number): void {
    const room = Math.max(this.#codes.length * 2, row + 1);
    const codes = this.#codes instanceof Uint16Array ? new Uint16Array(room) : new Float64Array(room);
    codes.set(this.#codes);
    this.#codes = codes;
  }
}

/** Where the rows of the first output are in another: nothing is kept as long as each is at its own place. */
export class RowPlaces {
  readonly #rows: number;
  /** So many rows from the first on are at their own places. */
  #inOrder = 0;
  #places: Int32Array | undefined;

  /** `rows`: of the first output. */
  constructor(rows: number) {
    this.#rows = rows;
  }

  /** The number from 1 that a row of the first output has in this one; 0 where it is not there. */
  get(row: number): number {
    if (this.#places) return this.#places[row] ?? 0;
    return row < this.#inOrder ? row + 1 : 0;
  }

  set(row: number, number: number): void {
    if (!this.#places && row === this.#inOrder && number === row + 1) {
      this.#inOrder += 1;
      return;
    }
    this.#places ??= this.#spread();
    this.#places[row] = number;
  }

  #spread(): Int32Array {
    const places = new Int32Array(this.#rows);
    for (let row = 0; row < this.#inOrder; row += 1) places[row] = row + 1;
    return places;
  }
}
