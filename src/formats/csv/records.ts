/** Splits a CSV file into records: csv-parse finds the cells, and each record keeps its own bytes. */
import { type CsvError, Parser } from 'csv-parse';
import { LoomError } from '../../core/errors.ts';
import { ByteWindow } from '../text/byte-window.ts';
import type { TextSource } from '../text/text-source.ts';
import type { Delimiter } from './cells.ts';

/** An open quote must not pull a whole file of any size into memory. */
const longestRecordBytes = 100 * 1024 * 1024;
const carriageReturn = 0x0d;
const newline = 0x0a;

/** Consecutive records. Every byte of the text is in exactly one batch. */
export interface RecordBatch {
  readonly records: readonly string[][];
  /** Where each record ends in `bytes`, its line end included; empty lines stand before the record they precede. */
  readonly ends: readonly number[];
  /** The line on which each record starts, from 1. */
  readonly lines: readonly number[];
  /** In the last batch, empty lines may follow the last record. */
  readonly bytes: Buffer;
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

/** csv-parse with its records taken at once where it puts them out: its own queue and `info` objects are slow. */
class RecordParser extends Parser {
  readonly #take: (cells: string[], end: number) => void;

  constructor(delimiter: Delimiter, take: (cells: string[], end: number) => void) {
    super({
      delimiter: delimiter.text,
      record_delimiter: ['\n', '\r\n'],
      skip_empty_lines: true,
      max_record_size: longestRecordBytes,
    });
    this.#take = take;
  }

  override push(record: string[] | null): boolean {
    if (record === null) return super.push(null);
    this.#take(record, this.info.bytes);
    return true;
  }
}

export class RecordReader {
  readonly #source: TextSource;
  readonly #delimiter: Delimiter;
  readonly #parser: Parser;
  readonly #window = new ByteWindow();
  #newlinesTaken = 0;
  #headerLength = 0;
  #records: string[][] = [];
  /** Counted from the start of the text. */
  #ends: number[] = [];

  constructor(source: TextSource, delimiter: Delimiter) {
    this.#source = source;
    this.#delimiter = delimiter;
    this.#parser = new RecordParser(delimiter, (cells, end) => {
      if (this.#headerLength === 0) this.#headerLength = cells.length;
      this.#records.push(cells);
      this.#ends.push(end);
    });
    // The error also reaches the callback of the write that met it.
    this.#parser.on('error', () => {});
  }

  async *readBatches(): AsyncGenerator<RecordBatch> {
    for await (const chunk of this.#source.readChunks(() => `on line ${this.#currentLine()}`)) {
      this.#window.append(chunk);
      const error = await settle((done) => this.#parser.write(chunk, done));
      if (this.#records.length > 0) yield this.#takeBatch(this.#ends.at(-1) as number);
      if (error) throw this.#explain(error);
    }
    const error = await settle((done) => this.#parser.end(done));
    if (!error) yield this.#takeBatch(this.#window.start + this.#window.length);
    else if (this.#records.length > 0) yield this.#takeBatch(this.#ends.at(-1) as number);
    if (error) throw this.#explain(error);
  }

  #takeBatch(end: number): RecordBatch {
    const start = this.#window.start;
    const bytes = this.#window.takeUntil(end);
    const ends = this.#ends.map((place) => place - start);
    const batch = { records: this.#records, ends, lines: this.#countLines(bytes, ends), bytes };
    this.#records = [];
    this.#ends = [];
    return batch;
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

  /** The line on which the record starts that the parser is in. */
  #recordLine(): number {
    const held = this.#window.join();
    return this.#newlinesTaken + countNewlines(held.subarray(0, skipEmptyLines(held, 0))) + 1;
  }

  #explain(error: CsvError): LoomError {
    const place = `${this.#source.path}: line ${this.#recordLine()}`;
    const { problem, hint } = describeProblem(error, this.#headerLength, this.#delimiter);
    return new LoomError('input', `${place} ${problem}.`, { hint, cause: error });
  }
}

function settle(act: (done: (error?: Error | null) => void) => void): Promise<CsvError | undefined> {
  return new Promise((resolve) => act((error) => resolve((error as CsvError | null) ?? undefined)));
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at] === newline) count += 1;
  return count;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const quoteHint = 'Put the whole cell in quotes and double each quote inside it.';

function describeProblem(
  error: CsvError,
  headerLength: number,
  delimiter: Delimiter,
): { problem: string; hint: string } {
  switch (error.code as string) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH':
      return {
        problem: `has ${countOf((error.record as string[]).length, 'cell')}, but the header has ${headerLength}`,
        hint: `Quote each cell that holds ${delimiter.name}, and leave no cell out.`,
      };
    case 'CSV_QUOTE_NOT_CLOSED':
      return { problem: 'opens a quote that is never closed', hint: quoteHint };
    case 'CSV_INVALID_CLOSING_QUOTE':
      return { problem: 'has text after a closing quote', hint: quoteHint };
    case 'INVALID_OPENING_QUOTE':
      return { problem: 'has a quote inside a cell that does not start with one', hint: quoteHint };
    case 'CSV_MAX_RECORD_SIZE':
      return {
        problem: 'starts a row of more than 100 MB',
        hint: 'A closing quote may be missing; see that line.',
      };
    default:
      return { problem: `could not be parsed (${error.message})`, hint: 'Correct that line and run again.' };
  }
}
