/** JSON Lines from the network, one value at a time, however long a line is. */
import { unreadableAnswer } from './refusal.ts';

const lineFeed = 0x0a;

/**
 * Lines end at LF or CR LF only: answers may hold U+2028 and its like. A line that is no JSON is skipped; a last
 * line that breaks off, or a body without one readable line, is an error worth another try.
 */
export async function* readJsonLines(body: ReadableStream<Uint8Array> | null): AsyncGenerator<unknown> {
  let openLine: Buffer[] = [];
  let readable = 0;
  let unreadable = 0;
  // fetch itself rejects a body that is shorter than its content-length or breaks off between two chunks.
  for await (const chunk of body ?? []) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      const line = joinLine(openLine, bytes.subarray(start, end));
      start = end + 1;
      if (openLine.length > 0) openLine = [];
      if (line.trim() === '') continue;
      const value = parseLine(line);
      if (value === undefined) {
        unreadable++;
        continue;
      }
      readable++;
      yield value;
    }
    if (start < bytes.length) openLine.push(bytes.subarray(start));
  }
  const lastLine = Buffer.concat(openLine).toString('utf8');
  if (lastLine.trim() !== '') {
    const value = parseLine(lastLine);
    if (value === undefined) throw unreadableAnswer('its last line breaks off');
    readable++;
    yield value;
  }
  if (readable === 0 && unreadable > 0) throw unreadableAnswer('it holds no JSON lines');
}

function joinLine(pieces: Buffer[], lastPiece: Buffer): string {
  if (pieces.length === 0) return lastPiece.toString('utf8');
  return Buffer.concat([...pieces, lastPiece]).toString('utf8');
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
