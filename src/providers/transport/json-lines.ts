/** JSON Lines from the network, as many at a time as came, however long a line is. */
import { ProviderError } from '../../core/errors.ts';
import { isDeepText } from '../../core/nesting.ts';
import { mostLineBytes } from '../network/limits.ts';
import { brokenAnswer } from '../protocol/refusal.ts';
import { openObject } from '../protocol/wrappings.ts';

const lineFeed = 0x0a;

/**
 * Lines end at LF or CR LF only: answers may hold U+2028 and its like. What stands around a line does not count: a byte
 * order mark, a text of JSON that it is written as, a list of several. A line that is no JSON is skipped; a last
 * line that breaks off, or a body without one readable line, is an error worth another try. More than `mostLines`
 * lines, blank ones included, or a line that is longer than any answer, ends the reading with an error that stays. What
 * stands ahead of an error is given out first. One step for each chunk, as one for each line costs more than its JSON.
 */
export async function* readJsonLines(
  body: AsyncIterable<Uint8Array> | null,
  mostLines: number,
  mostBytes = mostLineBytes,
): AsyncGenerator<readonly unknown[]> {
  const lines = new LineReading(mostLines, mostBytes);
  // fetch itself rejects a body that is shorter than its content-length or breaks off between two chunks.
  for await (const chunk of body ?? []) {
    const failure = lines.read(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    yield* lines.take();
    if (failure) throw failure;
  }
  const failure = lines.finish();
  yield* lines.take();
  if (failure) throw failure;
}

class LineReading {
  readonly #mostLines: number;
  readonly #mostBytes: number;
  /** Of a line whose end has not come. */
  #openLine: Buffer[] = [];
  #openBytes = 0;
  #lines = 0;
  #values: unknown[] = [];
  #readable = 0;
  #unreadable = 0;

  constructor(mostLines: number, mostBytes: number) {
    this.#mostLines = mostLines;
    this.#mostBytes = mostBytes;
  }

  /** The values that were read and not taken yet, in one list, if there are any. */
  *take(): Generator<readonly unknown[]> {
    const values = this.#values;
    this.#values = [];
    if (values.length > 0) yield values;
  }

  /** Gives the error that ends the reading. */
  read(bytes: Buffer): ProviderError | undefined {
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      if (++this.#lines > this.#mostLines) return tooMuch(`more than ${this.#mostLines} lines`);
      if (this.#openBytes + end - start > this.#mostBytes) return tooLongLine(this.#mostBytes);
      if (!this.#readLine(this.#closeLine(bytes, start, end))) this.#unreadable += 1;
      start = end + 1;
    }
    if (start === bytes.length) return undefined;
    this.#openLine.push(bytes.subarray(start));
    this.#openBytes += bytes.length - start;
    return this.#openBytes > this.#mostBytes ? tooLongLine(this.#mostBytes) : undefined;
  }

  /** Reads a last line without an end. */
  finish(): ProviderError | undefined {
    if (!this.#readLine(this.#closeLine(Buffer.alloc(0), 0, 0)))
      return brokenAnswer('its last line breaks off');
    if (this.#readable === 0 && this.#unreadable > 0) return brokenAnswer('it holds no JSON lines');
    return undefined;
  }

  #closeLine(bytes: Buffer, start: number, end: number): string {
    if (this.#openLine.length === 0) return bytes.toString('utf8', start, end);
    const line = Buffer.concat([...this.#openLine, bytes.subarray(start, end)]).toString('utf8');
    this.#openLine = [];
    this.#openBytes = 0;
    return line;
  }

  /** Whether a line is blank, or JSON. */
  #readLine(line: string): boolean {
    const text = line.trim();
    if (text === '') return true;
    const value = parseLine(text);
    if (value === undefined) return false;
    this.#readable += 1;
    for (const single of Array.isArray(value) ? value : [value]) this.#values.push(single);
    return true;
  }
}

function tooLongLine(mostBytes: number): ProviderError {
  return tooMuch(`a line of more than ${Math.round(mostBytes / 2 ** 20)} MB`);
}

/** What a server sends without end is the same at the next try. */
export function tooMuch(what: string): ProviderError {
  return new ProviderError('run', 'too_large', `The provider's results hold ${what}, and were not read on.`);
}

/** A line that is nested deeper than any result is as good as none. A byte order mark is white space to `trim`. */
function parseLine(line: string): unknown {
  try {
    const value = isDeepText(line) ? undefined : (JSON.parse(line) as unknown);
    return typeof value === 'string' ? openObject(value) : value;
  } catch {
    return undefined;
  }
}
