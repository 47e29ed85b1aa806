/** The reasons of rows without a response, from the file beside an output, as its rows are read. */
import { isJsonObject, type RowError } from '../../core/models.ts';
import { readJson } from '../../core/nesting.ts';
import { type Line, readLines } from '../../state/result-lines.ts';
import { streamPlainFile } from '../../storage/plain-file.ts';

interface RowErrorLine extends RowError {
  /** The row's number in the input, from 0. */
  readonly row: number;
}

/** A row's number, from 1; older versions counted from 0, and had the row's id right after it. */
function readRowNumber(reason: { row: number }): number {
  return Object.keys(reason)[1] === 'id' ? reason.row : reason.row - 1;
}

export class RowErrors {
  readonly #lines: AsyncGenerator<Line>;
  #next: RowErrorLine | undefined;
  #isOpen = false;
  /** Lines of rows that nobody asked for: with any, the file may be of other rows. */
  unused = 0;

  constructor(path: string) {
    this.#lines = readLines(streamPlainFile(path));
  }

  /** The reason of a row by its number from 0, if there is one. Ask for rows in their order. */
  async take(row: number): Promise<RowError | undefined> {
    if (!this.#isOpen) await this.#advance();
    while (this.#next && this.#next.row < row) {
      this.unused += 1;
      await this.#advance();
    }
    if (this.#next?.row !== row) return undefined;
    const { kind, message } = this.#next;
    await this.#advance();
    return { kind, message };
  }

  async close(): Promise<void> {
    if (this.#next) this.unused += 1;
    await this.#lines.return(undefined);
  }

  async #advance(): Promise<void> {
    this.#isOpen = true;
    this.#next = undefined;
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return;
      this.#next = parseLine(value.line);
      if (this.#next) return;
      this.unused += 1;
    }
  }
}

function parseLine(line: Buffer): RowErrorLine | undefined {
  const reason = readJson(line.toString('utf8'));
  if (!isJsonObject(reason) || typeof reason.row !== 'number') return undefined;
  const { row, kind, message } = reason;
  return { row: readRowNumber({ ...reason, row }), kind: String(kind), message: String(message) };
}

const lineMembers = new Set(['row', 'line', 'id', 'kind', 'message', 'text']);

/** Whether a line is a reason as this program writes them: its members and no others. */
export function isReasonLine(text: string): boolean {
  const value = readJson(text);
  if (!isJsonObject(value)) return false;
  const { row, kind, message } = value;
  return (
    [typeof row, typeof kind, typeof message].join() === 'number,string,string' &&
    Object.keys(value).every((name) => lineMembers.has(name))
  );
}

/** A reason as it stands in the column `llm_error`. */
export function parseRowError(text: string): RowError {
  const end = text.indexOf(': ');
  return end > 0
    ? { kind: text.slice(0, end), message: text.slice(end + 2) }
    : { kind: 'error', message: text };
}
