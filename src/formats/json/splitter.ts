/** Cuts a JSON list into its top-level entries as the bytes come in, without parsing them. */

import { mostLevels } from '../../core/nesting.ts';

/** An open bracket must not pull a whole file of any size into memory. */
const longestEntryBytes = 100 * 1024 * 1024;

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const letterI = 0x49;
const letterN = 0x4e;

/** What a byte outside of strings means; 0 is a byte that no JSON has there. */
const kinds = new Uint8Array(256);
const kindSpace = 1;
const kindPlain = 2;
const kindQuote = 3;
const kindOpen = 4;
const kindClose = 5;
for (const byte of Buffer.from(' \t\r\n')) kinds[byte] = kindSpace;
for (const byte of Buffer.from(',:+-.0123456789eEtrufalsn')) kinds[byte] = kindPlain;
for (const byte of Buffer.from('[{')) kinds[byte] = kindOpen;
for (const byte of Buffer.from(']}')) kinds[byte] = kindClose;
kinds[quote] = kindQuote;

export const noNumberHint = 'JSON has no NaN or Infinity; write null.';

/** Where an entry lies in the text, from its `{` to after its `}`. */
export interface EntryPlace {
  readonly start: number;
  readonly end: number;
  /** JSONL: the line, from 1. */
  readonly line?: number;
}

/** What the text is wrong about; the reader knows which file it is. */
export interface SplitProblem {
  readonly problem: string;
  readonly hint: string;
}

/** Finds the objects in a text as its bytes come in. */
export interface Splitter {
  /** Set at the first thing that is wrong; nothing is read after it. */
  readonly problem: SplitProblem | undefined;
  /** Reads the next bytes of the text. */
  feed(chunk: Buffer): void;
  /** The text is at its end. */
  finish(): void;
  /** The entries found since they were last taken. */
  takeEntries(): EntryPlace[];
  /** Where the reading stands, in words. */
  describePlace(): string;
  /** An entry, in words. */
  nameEntry(index: number, place: EntryPlace): string;
  /** What to do about an entry that is no JSON. */
  readonly syntaxHint: string;
}

type State = 'before list' | 'first entry' | 'entry' | 'inside entry' | 'after entry' | 'after list';

/** What a value is, by its first character. */
export const valueKinds: Readonly<Record<string, string>> = {
  '[': 'a list',
  '"': 'a string',
  t: 'a boolean',
  f: 'a boolean',
  n: 'null',
  ...Object.fromEntries([...'-0123456789'].map((digit) => [digit, 'a number'])),
};

const entryHint = 'Each entry must be an object such as {"prompt": "…"}.';
const listHint = 'The file must be one list of objects: [{"prompt": "…"}, …].';
const unclosedHint = 'A quote or a bracket may be missing, or the end of the file.';
export const deepHint = 'Leave the inner levels out, or put them in as text.';
const syntaxHint = 'Correct the JSON there and run again.';

export class EntrySplitter implements Splitter {
  readonly syntaxHint = syntaxHint;
  /** The entries found since they were last taken. */
  #found: EntryPlace[] = [];
  #foundCount = 0;
  #state: State = 'before list';
  /** Where the chunk that is being read starts in the text. */
  #chunkStart = 0;
  #entryStart = 0;
  /** The brackets that wait for their partner. */
  #open: number[] = [];
  #inString = false;
  #afterBackslash = false;
  #problem: SplitProblem | undefined;

  get problem(): SplitProblem | undefined {
    return this.#problem;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#problem) {
      at = this.#state === 'inside entry' ? this.#readInside(chunk, at) : this.#readBetween(chunk, at);
    }
    this.#chunkStart += chunk.length;
    if (this.#state === 'inside entry' && this.#chunkStart - this.#entryStart > longestEntryBytes) {
      this.#fail(`entry ${this.#foundCount + 1} does not end within 100 MB`, unclosedHint);
    }
  }

  finish(): void {
    if (this.#state === 'before list') this.#fail('there is no list in the file', listHint);
    else if (this.#state !== 'after list')
      this.#fail(`the list is cut off ${this.describePlace()}`, unclosedHint);
  }

  takeEntries(): EntryPlace[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  nameEntry(index: number): string {
    return `entry ${index + 1}`;
  }

  describePlace(): string {
    if (this.#state === 'inside entry') return `in entry ${this.#foundCount + 1}`;
    return this.#foundCount === 0 ? 'before entry 1' : `after entry ${this.#foundCount}`;
  }

  /** One byte that belongs to no entry. */
  #readBetween(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number;
    if (kinds[byte] === kindSpace) return at + 1;
    switch (this.#state) {
      case 'before list':
        if (byte === openBracket) this.#state = 'first entry';
        else this.#fail('the file is not a list', listHint);
        return at + 1;
      case 'first entry':
        if (byte === closeBracket) this.#state = 'after list';
        else this.#startEntry(byte, at);
        return at + 1;
      case 'entry':
        this.#startEntry(byte, at);
        return at + 1;
      case 'after entry':
        this.#leaveEntry(byte);
        return at + 1;
      default:
        this.#fail('there is more text after the end of the list', 'Remove what follows the last ].');
        return at + 1;
    }
  }

  #startEntry(byte: number, at: number): void {
    if (byte !== openBrace) {
      this.#failAtEntry(byte);
      return;
    }
    this.#state = 'inside entry';
    this.#entryStart = this.#chunkStart + at;
    this.#open = [openBrace];
  }

  #failAtEntry(byte: number): void {
    const kind = valueKinds[String.fromCharCode(byte)];
    if (byte === closeBracket) this.#fail(`no entry follows the comma ${this.describePlace()}`, syntaxHint);
    else if (kind) this.#fail(`entry ${this.#foundCount + 1} is ${kind}, not an object`, entryHint);
    else this.#fail(`entry ${this.#foundCount + 1} is not valid JSON`, syntaxHint);
  }

  #leaveEntry(byte: number): void {
    if (byte === comma) this.#state = 'entry';
    else if (byte === closeBracket) this.#state = 'after list';
    else this.#fail(`there is no comma after entry ${this.#foundCount}`, syntaxHint);
  }

  /** Bytes of one entry, up to its end or the chunk's. */
  #readInside(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && !this.#problem) {
      if (this.#inString) {
        at = this.#readString(chunk, at);
        continue;
      }
      const byte = chunk[at++] as number;
      const kind = kinds[byte] as number;
      if (kind === kindPlain || kind === kindSpace) continue;
      if (kind === kindQuote) this.#inString = true;
      else if (kind === kindOpen) this.#openBracket(byte);
      else if (kind !== kindClose || !this.#closeBracket(byte)) return this.#failInside(chunk, at);
      else if (this.#open.length === 0) return this.#endEntry(at);
    }
    return at;
  }

  /** Bytes of one string, up to its end or the chunk's. What it may hold is left to JSON.parse. */
  #readString(chunk: Buffer, start: number): number {
    let at = this.#afterBackslash ? start + 1 : start;
    this.#afterBackslash = false;
    for (;;) {
      const found = chunk.indexOf(quote, at);
      const end = found === -1 ? chunk.length : found;
      const isEscaped = countBackslashes(chunk, at, end) % 2 === 1;
      if (found === -1) {
        this.#afterBackslash = isEscaped;
        return end;
      }
      if (!isEscaped) {
        this.#inString = false;
        return end + 1;
      }
      at = end + 1;
    }
  }

  #openBracket(byte: number): void {
    this.#open.push(byte);
    if (this.#open.length > mostLevels) {
      this.#fail(`entry ${this.#foundCount + 1} is nested more than ${mostLevels} levels deep`, deepHint);
    }
  }

  /** False when this bracket is not the partner of the one that was opened last. `{` and `[` are two before theirs. */
  #closeBracket(byte: number): boolean {
    return this.#open.pop() === byte - 2;
  }

  #endEntry(at: number): number {
    this.#found.push({ start: this.#entryStart, end: this.#chunkStart + at });
    this.#foundCount += 1;
    this.#state = 'after entry';
    return at;
  }

  #failInside(chunk: Buffer, at: number): number {
    const isBarePythonNumber = chunk[at - 1] === letterI || chunk[at - 1] === letterN;
    const hint = isBarePythonNumber ? noNumberHint : syntaxHint;
    this.#fail(`entry ${this.#foundCount + 1} is not valid JSON`, hint);
    return at;
  }

  #fail(problem: string, hint: string): void {
    this.#problem ??= { problem, hint };
  }
}

/** Those right before `end`. */
function countBackslashes(chunk: Buffer, start: number, end: number): number {
  let first = end;
  while (first > start && chunk[first - 1] === backslash) first -= 1;
  return end - first;
}
