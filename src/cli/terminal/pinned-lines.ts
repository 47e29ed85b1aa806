/** Lines at the bottom of a terminal that are redrawn in place, below everything else that is written. */
import { cleanLine } from './lines.ts';

/** Gives the lines as they are now, none longer and no more of them than fit. */
export type DescribeLines = (room: { readonly columns: number; readonly rows: number }) => readonly string[];

/** Erases to the end of the screen. */
const eraseBelow = '\x1b[J';

export class PinnedLines {
  readonly #stream: NodeJS.WriteStream;
  readonly #describe: DescribeLines;
  /** What stands there now. */
  #drawn: readonly string[] = [];
  #isHidden = false;

  constructor(stream: NodeJS.WriteStream, describe: DescribeLines) {
    this.#stream = stream;
    this.#describe = describe;
    this.redraw();
  }

  /** In one write, so that nothing flickers. The cursor stays where a next line would begin: nothing is to be restored. */
  redraw(): void {
    if (this.#isHidden) return;
    const lines = this.#describe(this.#room()).map(cleanLine);
    if (lines.join('\n') === this.#drawn.join('\n')) return;
    this.#stream.write(this.#erasure() + lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines;
  }

  /** Writes something else, above. */
  above(write: () => void): void {
    this.hide();
    write();
    this.show();
  }

  hide(): void {
    this.#isHidden = true;
    if (this.#drawn.length > 0) this.#stream.write(this.#erasure());
    this.#drawn = [];
  }

  show(): void {
    this.#isHidden = false;
    this.redraw();
  }

  /** A terminal that does not know its size says 0. */
  #room() {
    const { columns, rows } = this.#stream;
    return { columns: columns || 80, rows: rows || 24 };
  }

  /** A terminal that was made narrower meanwhile has broken the lines that were too long for it. */
  #erasure(): string {
    const { columns } = this.#room();
    const height = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    return height === 0 ? '' : `\r\x1b[${height}A${eraseBelow}`;
  }
}
