/** Request files, read a block of lines at a time, so that a file of any size costs the same memory. */
import { createReadStream } from 'node:fs';

const lineFeed = 0x0a;

/** One line that is not blank. */
export interface Line {
  readonly text: string;
  /** From 1, blank lines counted, as people count. */
  readonly number: number;
  /** From 0, blank lines not counted. */
  readonly index: number;
}

/** The lines of a file in blocks. Lines end at LF only: JSON text may hold U+2028 and U+0085. */
export async function* lineBlocks(path: string): AsyncGenerator<Line[]> {
  let begun: Buffer[] = [];
  let number = 0;
  let index = 0;
  let block: Line[] = [];
  const endLine = (tail: Buffer) => {
    const text = (begun.length === 0 ? tail : Buffer.concat([...begun, tail])).toString();
    begun = [];
    number += 1;
    if (text.trim() !== '') block.push({ text, number, index: index++ });
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      endLine(chunk.subarray(from, end));
      from = end + 1;
    }
    if (from < chunk.length) begun.push(chunk.subarray(from));
    if (block.length > 0) yield block;
    block = [];
  }
  if (begun.length > 0) endLine(Buffer.alloc(0));
  if (block.length > 0) yield block;
}
