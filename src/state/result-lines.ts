/** Results as lines of a file, and where in it each row's line lies. */
import { NumberPages } from '../core/growing.ts';
import type { RowResult } from '../core/models.ts';
import type { OpenFile } from '../storage/store.ts';

/** Results are written in pieces of about this size, and read again through windows of it. */
export const pieceBytes = 64 * 1024;

/** A result as one line, its custom id and outcome first so that they can be read without the rest. */
export function encodeResult(result: RowResult): string {
  const { customId, outcome, ...rest } = result;
  return `${JSON.stringify({ custom_id: customId, outcome, ...rest })}\n`;
}

const answerMark = Buffer.from('"outcome":"succeeded"');

/** Whether an encoded line has an answer. What follows its id begins with the first comma before a bare quote. */
export function isAnswerLine(line: Buffer): boolean {
  const start = line.indexOf(',"') + 1;
  return line.subarray(start, start + answerMark.length).equals(answerMark);
}

/** The result in a line; throws on a line that was cut off. */
export function decodeResult(line: string): RowResult {
  const { custom_id, ...rest } = JSON.parse(line);
  return { customId: custom_id, ...rest };
}

/** The result in a line; undefined for a line that was cut off or is none. */
export function tryDecodeResult(line: Buffer): RowResult | undefined {
  try {
    const result = decodeResult(line.toString('utf8'));
    return typeof result.customId === 'string' ? result : undefined;
  } catch {
    return undefined;
  }
}

/** The custom id of an encoded line. It never holds a quote or a backslash unescaped, so the first bare quote ends it. */
export function readCustomId(line: Buffer): string {
  const start = '{"custom_id":'.length;
  let end = start + 1;
  while (end < line.length && line[end] !== 0x22) end += line[end] === 0x5c ? 2 : 1;
  return JSON.parse(line.toString('utf8', start, end + 1));
}

/** Where each row's result lies: 16 bytes a row, whatever the results hold. */
export class ResultPlaces {
  readonly #offsets = new NumberPages(Float64Array);
  readonly #lengths = new NumberPages(Uint32Array);
  readonly #files = new NumberPages(Uint16Array);

  has(slot: number): boolean {
    return this.#lengths.get(slot) !== 0;
  }

  set(slot: number, file: number, offset: number, length: number): void {
    this.#files.set(slot, file);
    this.#offsets.set(slot, offset);
    this.#lengths.set(slot, length);
  }

  get(slot: number): { file: number; offset: number; length: number } | undefined {
    const length = this.#lengths.get(slot);
    return length === 0
      ? undefined
      : { file: this.#files.get(slot), offset: this.#offsets.get(slot), length };
  }
}

/** A line that lies so close behind the last one, or ahead of it, is read with those that follow on that side. */
const nearBytes = 4 * 1024;

/**
 * Reads lines of a results file by their place. Neighbours come from memory, a window at a time, forwards or backwards; a
 * provider may give its results in any order, and then each line is read alone, as a window for each would be a hundred
 * times as much.
 */
export class LineReader {
  readonly #file: OpenFile;
  readonly #windowMemory = Buffer.allocUnsafeSlow(pieceBytes);
  #window = this.#windowMemory.subarray(0, 0);
  #windowStart = 0;
  #lineMemory = Buffer.allocUnsafeSlow(nearBytes);
  /** Where the line lies that was read last. */
  #last = { start: 0, end: 0 };

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** What it gives is there until the next line is read. */
  read(offset: number, length: number): Buffer {
    const last = this.#last;
    const end = offset + length;
    this.#last = { start: offset, end };
    if (!this.#holds(offset, end)) {
      const isNext = isNear(offset - last.end);
      const isBefore = isNear(last.start - end);
      if (length > pieceBytes || !(isNext || isBefore)) return this.#readAlone(offset, length);
      this.#readWindow(isNext ? offset : Math.max(0, end - pieceBytes));
    }
    return this.#window.subarray(offset - this.#windowStart, end - this.#windowStart);
  }

  #holds(start: number, end: number): boolean {
    return start >= this.#windowStart && end <= this.#windowStart + this.#window.length;
  }

  #readWindow(start: number): void {
    this.#window = this.#windowMemory.subarray(0, this.#file.readAt(this.#windowMemory, start));
    this.#windowStart = start;
  }

  #readAlone(offset: number, length: number): Buffer {
    if (length > this.#lineMemory.length) this.#lineMemory = Buffer.allocUnsafeSlow(length);
    return this.#lineMemory.subarray(0, this.#file.readAt(this.#lineMemory.subarray(0, length), offset));
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function isNear(gap: number): boolean {
  return gap >= 0 && gap <= nearBytes;
}

/** A result, and the number of the file that it lies in. */
export interface FoundResult {
  readonly result: RowResult;
  readonly file: number;
}

/** The result of a slot, if its line is known; the readers are those of the files, by number. */
export function readResult(
  places: ResultPlaces,
  readers: readonly LineReader[],
  slot: number,
): FoundResult | undefined {
  const place = places.get(slot);
  if (!place) return undefined;
  const line = readers[place.file]?.read(place.offset, place.length);
  return line && { result: decodeResult(line.toString('utf8')), file: place.file };
}

/** A line without its end, and where in the file it starts. */
export interface Line {
  readonly line: Buffer;
  readonly offset: number;
}

/** The complete lines in the pieces of a file; a last one that was cut off is not among them. */
export async function* readLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  for await (const lines of readLineGroups(pieces)) yield* lines;
}

/** The same with as many lines at a time as end in a piece: a step for each costs more than most of them. */
export async function* readLineGroups(pieces: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  let pending: Buffer[] = [];
  let lineStart = 0;
  for await (const chunk of pieces) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const last = chunk.subarray(start, end);
      const line = pending.length > 0 ? Buffer.concat([...pending, last]) : last;
      lines.push({ line, offset: lineStart });
      lineStart += line.length + 1;
      pending = [];
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
    yield lines;
  }
}
