/** Finds the object on each line of a JSONL file as the bytes come in, without parsing them. */
import { type EntryPlace, type SplitProblem, type Splitter, valueKinds } from './splitter.ts';

/** A file without line ends must not be pulled into memory whole. */
const longestLineBytes = 100 * 1024 * 1024;

const newline = 0x0a;
const openBrace = 0x7b;

/** Lines end at `\n`: `\r` before it is white space, and the line ends that only Unicode knows are text. */
export class LineSplitter implements Splitter {
  readonly entryHint = 'Each line must be an object such as {"prompt": "…"}.';
  readonly syntaxHint = 'Each line must hold one whole object; correct it and run again.';
  #found: EntryPlace[] = [];
  #line = 1;
  /** Where the next chunk starts in the text. */
  #chunkStart = 0;
  /** Of the line that is being read, without white space around it; -1 while it has nothing else. */
  #start = -1;
  #end = 0;
  #problem: SplitProblem | undefined;

  get problem(): SplitProblem | undefined {
    return this.#problem;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#problem) {
      const newlineAt = chunk.indexOf(newline, at);
      const end = newlineAt === -1 ? chunk.length : newlineAt;
      this.#readPiece(chunk, at, end);
      if (newlineAt !== -1) this.#endLine();
      at = end + 1;
    }
    this.#chunkStart += chunk.length;
    if (this.#start !== -1 && this.#chunkStart - this.#start > longestLineBytes) {
      this.#fail(`line ${this.#line} does not end within 100 MB`, this.syntaxHint);
    }
  }

  finish(): void {
    if (!this.#problem) this.#endLine();
  }

  takeEntries(): EntryPlace[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  describePlace(): string {
    return `on line ${this.#line}`;
  }

  nameEntry(_index: number, place: EntryPlace): string {
    return `line ${place.line}`;
  }

  /** A line, or as much of it as is in the chunk. */
  #readPiece(chunk: Buffer, start: number, end: number): void {
    let first = start;
    while (first < end && isSpace(chunk[first] as number)) first += 1;
    if (first === end) return;
    let last = end - 1;
    while (isSpace(chunk[last] as number)) last -= 1;
    if (this.#start === -1) {
      this.#start = this.#chunkStart + first;
      if (chunk[first] !== openBrace) this.#failAtStart(chunk[first] as number);
    }
    this.#end = this.#chunkStart + last + 1;
  }

  #endLine(): void {
    if (this.#start !== -1 && !this.#problem) {
      this.#found.push({ start: this.#start, end: this.#end, line: this.#line });
    }
    this.#start = -1;
    this.#line += 1;
  }

  #failAtStart(byte: number): void {
    const kind = valueKinds[String.fromCharCode(byte)];
    const problem = kind ? `is ${kind}, not an object` : 'is not valid JSON';
    this.#fail(`line ${this.#line} ${problem}`, this.entryHint);
  }

  #fail(problem: string, hint: string): void {
    this.#problem ??= { problem, hint };
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
