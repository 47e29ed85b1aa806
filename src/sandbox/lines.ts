/** Request files, read a block of lines at a time, so that a file of any size costs the same memory. */
import { open } from 'node:fs/promises';

const blockBytes = 256 * 1024;
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
  const splitter = new LineSplitter();
  const handle = await open(path, 'r');
  try {
    for (;;) {
      // A buffer of its own for each read: a line that goes on keeps the part it has.
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(blockBytes), 0, blockBytes, null);
      if (bytesRead === 0) break;
      const lines = splitter.push(buffer.subarray(0, bytesRead));
      if (lines.length > 0) yield lines;
    }
    const last = splitter.end();
    if (last.length > 0) yield last;
  } finally {
    await handle.close();
  }
}

class LineSplitter {
  #begun: Buffer[] = [];
  #number = 0;
  #index = 0;

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      this.#add(lines, this.#complete(chunk.subarray(from, end)));
      from = end + 1;
    }
    if (from < chunk.length) this.#begun.push(chunk.subarray(from));
    return lines;
  }

  end(): Line[] {
    const lines: Line[] = [];
    if (this.#begun.length > 0) this.#add(lines, this.#complete(Buffer.alloc(0)));
    return lines;
  }

  #complete(tail: Buffer): string {
    if (this.#begun.length === 0) return tail.toString();
    const whole = Buffer.concat([...this.#begun, tail]).toString();
    this.#begun = [];
    return whole;
  }

  #add(lines: Line[], text: string): void {
    this.#number += 1;
    if (text.trim() === '') return;
    lines.push({ text, number: this.#number, index: this.#index });
    this.#index += 1;
  }
}
