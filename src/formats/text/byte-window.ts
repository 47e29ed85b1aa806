/** The bytes that a parser has taken but not yet given out: one record or entry that may span many chunks. */

export class ByteWindow {
  /** Where the first held byte lies in the text. */
  start = 0;
  length = 0;
  #pieces: Buffer[] = [];

  append(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.length += chunk.length;
  }

  /** All held bytes in one piece. Ask only when some will be dropped: joining again and again would be quadratic. */
  join(): Buffer {
    const joined = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [joined];
    return joined;
  }

  /** Takes what lies before this place in the text. */
  takeUntil(end: number): Buffer {
    const joined = this.join();
    const taken = joined.subarray(0, end - this.start);
    this.#pieces = [joined.subarray(taken.length)];
    this.length -= taken.length;
    this.start = end;
    return taken;
  }
}
