/** Splits a CSV file into records, each of which keeps its own bytes: cells are read of those bytes when somebody asks. */
import { LoomError } from '../../core/errors.ts';
import type { TextLayout } from '../format.ts';
import { ByteWindow } from '../text/byte-window.ts';
import type { TextSource } from '../text/text-source.ts';
import { type Dialect, readCell } from './cells.ts';
import { findDialect } from './find-dialect.ts';
import { longestRecordBytes, type RecordProblem, tooLongRecord } from './record-problem.ts';
import { type ScannedRecords, scanRecords } from './record-scanner.ts';
import type { StrictParser } from './strict-parser.ts';

const carriageReturn = 0x0d;
const newline = 0x0a;

/** Consecutive records. Every byte of the text is in exactly one batch. */
export interface RecordBatch {
  readonly count: number;
  /** Where each record ends in `bytes`, its line end included; empty lines stand before the record they precede. */
  readonly ends: readonly number[];
  /** The line on which each record starts, from 1. */
  readonly lines: readonly number[];
  /** In the last batch, empty lines may follow the last record. */
  readonly bytes: Buffer;
  textOf(record: number, column: number): string;
  cellsOf(record: number): string[];
}

/** The first byte at or after `start` that belongs to a record and not to an empty line. */
export function skipEmptyLines(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    if (bytes[at] === newline) at += 1;
    else if (bytes[at] === carriageReturn && bytes[at + 1] === newline) at += 2;
    else return at;
  }
}

export class RecordReader {
  readonly #source: TextSource;
  readonly #layout: TextLayout | undefined;
  readonly #window = new ByteWindow();
  #dialect: Dialect | undefined;
  #sepLine: Buffer | undefined;
  #newlinesTaken = 0;
  #columns: number | undefined;
  /** A record that is longer than what is there is looked for again when this much is there. */
  #nextScan = 0;
  /** Reads the rest, once there was a record that is not beyond doubt. */
  #strict: StrictReading | undefined;

  /** The dialect is found at the start of the source, as far as the layout leaves it open. */
  constructor(source: TextSource, layout: TextLayout | undefined) {
    this.#source = source;
    this.#layout = layout;
  }

  /** Known once the first batch is out. */
  get dialect(): Dialect {
    return this.#dialect as Dialect;
  }

  /** The line ahead of the records that says the delimiter, its line end included. Known once the first batch is out. */
  get sepLine(): Buffer | undefined {
    return this.#sepLine;
  }

  async *readBatches(): AsyncGenerator<RecordBatch> {
    for await (const chunk of this.#source.readChunks(() => `on line ${this.#currentLine()}`)) {
      this.#window.append(chunk);
      this.#dialect ??= findDialect(this.#source.start, this.#source.fileType, this.#layout);
      if (this.#dialect.hasSepLine && !this.#sepLine && !this.#takeSepLine()) continue;
      const problem = await this.#strict?.parser.write(chunk);
      if (!this.#strict && this.#window.length >= this.#nextScan) yield* this.#scan(false);
      yield* this.#takeStrict(problem);
    }
    if (this.#dialect?.hasSepLine && !this.#sepLine) this.#takeSepLine(true);
    if (!this.#strict) yield* this.#scan(true);
    const problem = await this.#strict?.parser.end();
    yield* this.#takeStrict(problem);
    if (this.#window.length > 0) yield this.#takeEmptyLines();
  }

  /** Whether the line is there whole, and was taken; the file may end with it. */
  #takeSepLine(isLast = false): boolean {
    const end = this.#window.join().indexOf(newline) + 1 || (isLast ? this.#window.length : 0);
    if (end === 0) return false;
    this.#sepLine = this.#window.takeUntil(end);
    this.#newlinesTaken = 1;
    return true;
  }

  /** The records that are there whole. */
  async *#scan(isLast: boolean): AsyncGenerator<RecordBatch> {
    if (this.#window.length === 0) return;
    const scanned = scanRecords(this.#window.join(), isLast, this.dialect, this.#columns);
    const end = scanned.ends.at(-1);
    if (end !== undefined) yield this.#takeScanned(scanned, end);
    const twice = this.#window.length * 2;
    this.#nextScan = end === undefined ? Math.min(twice, longestRecordBytes + 1) : 0;
    if (scanned.rest !== 'incomplete') return yield* this.#takeStrict(await this.#openStrict());
    // So far it is beyond doubt: there is nothing else to find out.
    if (this.#window.length > longestRecordBytes && this.#recordLength() > longestRecordBytes)
      yield* this.#takeStrict(tooLongRecord);
  }

  #takeScanned({ ends, newlines, bounds, columns }: ScannedRecords, end: number): RecordBatch {
    this.#columns = columns;
    const bytes = this.#window.takeUntil(this.#window.start + end);
    const lines = ends.map((_, record) => this.#newlinesTaken + (newlines[record] as number) + 1);
    this.#newlinesTaken += newlines[ends.length] as number;
    const { quote } = this.dialect;
    const textOf = (record: number, column: number) => {
      const at = (record * columns + column) * 2;
      return readCell(bytes, bounds[at] as number, bounds[at + 1] as number, quote);
    };
    const cellsOf = (record: number) =>
      Array.from({ length: columns }, (_, column) => textOf(record, column));
    return { count: ends.length, ends, lines, bytes, textOf, cellsOf };
  }

  async #openStrict(): Promise<RecordProblem | undefined> {
    const { StrictParser } = await import('./strict-parser.ts');
    const { start } = this.#window;
    const records: string[][] = [];
    const ends: number[] = [];
    const parser = new StrictParser(this.dialect, this.#columns, (cells, end) => {
      records.push(cells);
      ends.push(start + end);
    });
    this.#strict = { parser, records, ends };
    return parser.write(this.#window.join());
  }

  /** The records that csv-parse has put out, and then what is wrong with the next one. */
  *#takeStrict(problem: RecordProblem | undefined): Generator<RecordBatch> {
    const { records = [], ends = [] } = this.#strict ?? {};
    const end = ends.at(-1);
    if (end !== undefined) yield this.#takeParsed(records.splice(0), ends.splice(0), end);
    if (!problem) return;
    const { path } = this.#source;
    const message = `${path}: line ${this.#recordLine()} ${problem.problem}.`;
    const { hint, cause, isShort } = problem;
    if (!isShort) throw new LoomError('input', message, { hint, cause });
    const facts = { path, delimiter: this.dialect.delimiter.name };
    throw new LoomError('input', message, { code: 'row_short', facts, hint, cause });
  }

  #takeParsed(records: readonly string[][], places: readonly number[], end: number): RecordBatch {
    const { start } = this.#window;
    const bytes = this.#window.takeUntil(end);
    const ends = places.map((place) => place - start);
    return {
      count: records.length,
      ends,
      lines: this.#countLines(bytes, ends),
      bytes,
      textOf: (record, column) => records[record]?.[column] as string,
      cellsOf: (record) => records[record] as string[],
    };
  }

  /** What stands behind the last record; all that there is in a file without one. */
  #takeEmptyLines(): RecordBatch {
    const bytes = this.#window.takeUntil(this.#window.start + this.#window.length);
    return { count: 0, ends: [], lines: [], bytes, textOf: () => '', cellsOf: () => [] };
  }

  /** Takes the bytes as read. */
  #countLines(bytes: Buffer, ends: readonly number[]): number[] {
    let at = 0;
    const goTo = (place: number) => {
      this.#newlinesTaken += countNewlines(bytes.subarray(at, place));
      at = place;
    };
    const lines = ends.map((end) => {
      goTo(skipEmptyLines(bytes, at));
      const line = this.#newlinesTaken + 1;
      goTo(end);
      return line;
    });
    goTo(bytes.length);
    return lines;
  }

  /** The line on which the text that was read so far ends. */
  #currentLine(): number {
    return this.#newlinesTaken + countNewlines(this.#window.join()) + 1;
  }

  /** How much there is of the record that the parser is in. */
  #recordLength(): number {
    const held = this.#window.join();
    return held.length - skipEmptyLines(held, 0);
  }

  /** The line on which the record starts that the parser is in. */
  #recordLine(): number {
    const held = this.#window.join();
    return this.#newlinesTaken + countNewlines(held.subarray(0, skipEmptyLines(held, 0))) + 1;
  }
}

interface StrictReading {
  readonly parser: StrictParser;
  /** Put out and not taken yet. */
  readonly records: string[][];
  /** Where each of them ends, counted from the start of the text. */
  readonly ends: number[];
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] === newline) count += 1;
  return count;
}
