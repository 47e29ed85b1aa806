/** Has csv-parse read what the scanner leaves: it knows what is wrong with a record, and we the words for it. */
import { type CsvError, Parser } from 'csv-parse';
import type { Dialect } from './cells.ts';
import { longestRecordBytes, type RecordProblem, tooLongRecord } from './record-problem.ts';

/** A record, and where it ends in the bytes that were written, its line end included. */
type Take = (cells: string[], end: number) => void;

/** csv-parse with its records taken at once where it puts them out: its own queue and `info` objects are slow. */
class RecordParser extends Parser {
  readonly #take: Take;

  constructor({ delimiter, quote, padsRows }: Dialect, take: Take) {
    super({
      delimiter: delimiter.text,
      quote: quote === -1 ? null : '"',
      relax_column_count_less: padsRows,
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

export class StrictParser {
  readonly #parser: Parser;
  readonly #dialect: Dialect;
  #columns: number | undefined;
  #isHeaderTaken: boolean;
  /** How many bytes stand for the header. */
  #headerBytes = 0;

  /** `columns` is how many cells each record has, where that is known: a header of so many goes ahead. */
  constructor(dialect: Dialect, columns: number | undefined, take: Take) {
    this.#dialect = dialect;
    this.#columns = columns;
    this.#isHeaderTaken = columns === undefined;
    this.#parser = new RecordParser(dialect, (cells, end) => {
      this.#columns ??= cells.length;
      while (cells.length < this.#columns) cells.push('');
      if (this.#isHeaderTaken) take(cells, end - this.#headerBytes);
      this.#isHeaderTaken = true;
    });
    // The error also reaches the callback of the write that met it.
    this.#parser.on('error', () => {});
  }

  async write(bytes: Buffer): Promise<RecordProblem | undefined> {
    if (!this.#isHeaderTaken && this.#headerBytes === 0 && this.#columns !== undefined) {
      const header = Buffer.from(this.#writeHeader(this.#columns));
      this.#headerBytes = header.length;
      await settle((done) => this.#parser.write(header, done));
    }
    return this.#explain(await settle((done) => this.#parser.write(bytes, done)));
  }

  async end(): Promise<RecordProblem | undefined> {
    return this.#explain(await settle((done) => this.#parser.end(done)));
  }

  /** Each cell has something in it: one without is an empty line where quotes are text. */
  #writeHeader(columns: number): string {
    return `${Array<string>(columns).fill('-').join(this.#dialect.delimiter.text)}\n`;
  }

  #explain(error: CsvError | undefined): RecordProblem | undefined {
    return error && { ...describeProblem(error, this.#columns ?? 0, this.#dialect), cause: error };
  }
}

function settle(act: (done: (error?: Error | null) => void) => void): Promise<CsvError | undefined> {
  return new Promise((resolve) => act((error) => resolve((error as CsvError | null) ?? undefined)));
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function describeCount({ delimiter, quote }: Dialect, isShort: boolean): string {
  if (isShort)
    return `Quote each cell that holds ${delimiter.name}, and leave no cell out; set padRows for rows that lack empty cells at their end.`;
  return quote === -1
    ? `No cell may hold ${delimiter.name}.`
    : `Quote each cell that holds ${delimiter.name}, and leave no cell out.`;
}

const quoteHint = 'Put the whole cell in quotes and double each quote inside it.';

function describeProblem(
  error: CsvError,
  headerLength: number,
  dialect: Dialect,
): { problem: string; hint: string; isShort?: true } {
  switch (error.code as string) {
    case 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH': {
      const { length } = error.record as string[];
      return {
        problem: `has ${countOf(length, 'cell')}, but the header has ${headerLength}`,
        hint: describeCount(dialect, length < headerLength),
        ...(length < headerLength && { isShort: true }),
      };
    }
    case 'CSV_QUOTE_NOT_CLOSED':
      return { problem: 'opens a quote that is never closed', hint: quoteHint };
    case 'CSV_INVALID_CLOSING_QUOTE':
      return { problem: 'has text after a closing quote', hint: quoteHint };
    case 'INVALID_OPENING_QUOTE':
      return { problem: 'has a quote inside a cell that does not start with one', hint: quoteHint };
    case 'CSV_MAX_RECORD_SIZE':
      return tooLongRecord;
    default:
      return { problem: `could not be parsed (${error.message})`, hint: 'Correct that line and run again.' };
  }
}
