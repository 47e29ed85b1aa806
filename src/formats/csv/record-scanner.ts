/**
 * Finds the records in bytes of a CSV file, and where their cells lie, as long as they are written beyond doubt: each cell
 * bare and without a quote, or in quotes with those inside doubled. The first record that is not stops it: what that one
 * is, or what is wrong with it, says csv-parse. test/formats/csv/record-scanner.test.ts compares the two.
 */
import type { Dialect } from './cells.ts';

const carriageReturn = 0x0d;
const newline = 0x0a;

/** Whole records, in their order. */
export interface ScannedRecords {
  /** Where each ends, its line end included; empty lines stand before the record that they precede. */
  readonly ends: readonly number[];
  /** How many line ends lie before each, in the bytes; and at last before the end of the last. */
  readonly newlines: readonly number[];
  /** For each cell of each record where it starts and where it ends, its quotes included; the same for one that it lacks. */
  readonly bounds: readonly number[];
  /** How many cells each record has. */
  readonly columns: number;
  /** Whether the bytes that follow are a part of a record, if any are left, or one that is not beyond doubt. */
  readonly rest: 'incomplete' | 'doubtful';
}

/** What follows a cell, or why its record is not one. */
type Follower = 'cell' | 'record' | ScannedRecords['rest'];

/**
 * Goes over each byte once. `columns` is how many cells each record has, which the first tells where it is undefined;
 * `isLast` says that nothing follows the bytes.
 */
export function scanRecords(
  bytes: Buffer,
  isLast: boolean,
  dialect: Dialect,
  columns: number | undefined,
): ScannedRecords {
  return new RecordScanner(bytes, isLast, dialect, columns).scan();
}

class RecordScanner {
  readonly #bytes: Buffer;
  readonly #length: number;
  readonly #isLast: boolean;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #padsRows: boolean;
  #columns: number | undefined;
  #at = 0;
  #newlines = 0;

  constructor(
    bytes: Buffer,
    isLast: boolean,
    { delimiter, quote, padsRows }: Dialect,
    columns: number | undefined,
  ) {
    this.#bytes = bytes;
    this.#length = bytes.length;
    this.#isLast = isLast;
    this.#delimiter = delimiter.byte;
    this.#quote = quote;
    this.#padsRows = padsRows;
    this.#columns = columns;
  }

  scan(): ScannedRecords {
    const ends: number[] = [];
    const newlines: number[] = [];
    const bounds: number[] = [];
    for (let taken = 0; ; taken = this.#newlines) {
      this.#skipEmptyLines();
      const before = this.#newlines;
      const known = bounds.length;
      const rest = this.#at === this.#length ? 'incomplete' : this.#scanRecord(bounds);
      if (rest) {
        bounds.length = known;
        newlines.push(taken);
        return { ends, newlines, bounds, columns: this.#columns ?? 0, rest };
      }
      ends.push(this.#at);
      newlines.push(before);
    }
  }

  #skipEmptyLines(): void {
    const bytes = this.#bytes;
    for (;;) {
      if (bytes[this.#at] === newline) this.#at += 1;
      else if (bytes[this.#at] === carriageReturn && bytes[this.#at + 1] === newline) this.#at += 2;
      else return;
      this.#newlines += 1;
    }
  }

  /** Adds the bounds of its cells; why it is no record, if it is none. */
  #scanRecord(bounds: number[]): ScannedRecords['rest'] | undefined {
    for (let cells = 1; ; cells += 1) {
      const start = this.#at;
      const problem = this.#bytes[start] === this.#quote ? this.#goOverQuoted() : this.#goOverBare();
      if (problem) return problem;
      bounds.push(start, this.#at);
      const follower = this.#goOverFollower();
      if (follower === 'cell') continue;
      if (follower !== 'record') return follower;
      this.#columns ??= cells;
      if (cells < this.#columns && this.#padsRows) pad(bounds, this.#columns - cells);
      else if (cells !== this.#columns) return 'doubtful';
      return undefined;
    }
  }

  #goOverQuoted(): ScannedRecords['rest'] | undefined {
    const bytes = this.#bytes;
    const length = this.#length;
    const quote = this.#quote;
    for (let at = this.#at + 1; at < length; at += 1) {
      const byte = bytes[at];
      if (byte === newline) this.#newlines += 1;
      if (byte !== quote) continue;
      // The last byte may be the half of a doubled quote.
      if (at + 1 === length && !this.#isLast) return 'incomplete';
      if (bytes[at + 1] !== quote) {
        this.#at = at + 1;
        return undefined;
      }
      at += 1;
    }
    return this.#isLast ? 'doubtful' : 'incomplete';
  }

  /** A carriage return is a part of it, unless a line feed follows. */
  #goOverBare(): ScannedRecords['rest'] | undefined {
    const bytes = this.#bytes;
    const length = this.#length;
    const delimiter = this.#delimiter;
    const quote = this.#quote;
    let at = this.#at;
    for (; at < length; at += 1) {
      const byte = bytes[at];
      if (byte === delimiter || byte === newline) break;
      if (byte === quote) return 'doubtful';
      if (byte === carriageReturn && bytes[at + 1] === newline) break;
    }
    this.#at = at;
    return undefined;
  }

  #goOverFollower(): Follower {
    const at = this.#at;
    const byte = at < this.#length ? this.#bytes[at] : undefined;
    if (byte === undefined) return this.#isLast ? 'record' : 'incomplete';
    if (byte === this.#delimiter) {
      this.#at = at + 1;
      return 'cell';
    }
    if (byte === newline) this.#at = at + 1;
    else if (byte !== carriageReturn) return 'doubtful';
    else if (at + 1 === this.#length) return this.#isLast ? 'doubtful' : 'incomplete';
    else if (this.#bytes[at + 1] === newline) this.#at = at + 2;
    else return 'doubtful';
    this.#newlines += 1;
    return 'record';
  }
}

/** Adds cells with nothing in them at the end of the last one. */
function pad(bounds: number[], count: number): void {
  const end = bounds.at(-1) as number;
  for (let added = 0; added < count; added += 1) bounds.push(end, end);
}
