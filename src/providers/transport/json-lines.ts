/** JSON Lines from the network, one value at a time, however long a line is. */
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
 * lines, blank ones included, or a line that is longer than any answer, ends the reading with an error that stays.
 */
export async function* readJsonLines(
  body: AsyncIterable<Uint8Array> | null,
  mostLines: number,
  mostBytes = mostLineBytes,
): AsyncGenerator<unknown> {
  let openLine: Buffer[] = [];
  let openBytes = 0;
  let lines = 0;
  let readable = 0;
  let unreadable = 0;
  // fetch itself rejects a body that is shorter than its content-length or breaks off between two chunks.
  for await (const chunk of body ?? []) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      if (++lines > mostLines) throw tooMuch(`more than ${mostLines} lines`);
      if (openBytes + end - start > mostBytes) throw tooLongLine(mostBytes);
      const line = joinLine(openLine, bytes.subarray(start, end));
      start = end + 1;
      if (openLine.length > 0) openLine = [];
      openBytes = 0;
      if (line.trim() === '') continue;
      const value = parseLine(line);
      if (value === undefined) {
        unreadable++;
        continue;
      }
      readable++;
      yield* listOf(value);
    }
    if (start === bytes.length) continue;
    openLine.push(bytes.subarray(start));
    openBytes += bytes.length - start;
    if (openBytes > mostBytes) throw tooLongLine(mostBytes);
  }
  const lastLine = Buffer.concat(openLine).toString('utf8');
  if (lastLine.trim() !== '') {
    const value = parseLine(lastLine);
    if (value === undefined) throw brokenAnswer('its last line breaks off');
    readable++;
    yield* listOf(value);
  }
  if (readable === 0 && unreadable > 0) throw brokenAnswer('it holds no JSON lines');
}

function tooLongLine(mostBytes: number): ProviderError {
  return tooMuch(`a line of more than ${Math.round(mostBytes / 2 ** 20)} MB`);
}

/** What a server sends without end is the same at the next try. */
function tooMuch(what: string): ProviderError {
  return new ProviderError('run', 'too_large', `The provider's results hold ${what}, and were not read on.`);
}

function joinLine(pieces: Buffer[], lastPiece: Buffer): string {
  if (pieces.length === 0) return lastPiece.toString('utf8');
  return Buffer.concat([...pieces, lastPiece]).toString('utf8');
}

/** A line that is nested deeper than any result is as good as none. A byte order mark is white space to `trim`. */
function parseLine(line: string): unknown {
  try {
    const value = isDeepText(line) ? undefined : (JSON.parse(line.trim()) as unknown);
    return typeof value === 'string' ? openObject(value) : value;
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
