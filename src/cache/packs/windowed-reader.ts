/** Reads parts of a file, the larger a piece at once, the more it is read from start to end. */
import { readSync } from 'node:fs';

const window = { least: 1_024, most: 64 * 1_024 };

export class WindowedReader {
  readonly #file: number;
  /** Where the part that is read ends. */
  readonly #end: number;
  #memory = Buffer.alloc(0);
  #start = 0;
  #length = 0;
  #size = window.least;

  constructor(file: number, end: number) {
    this.#file = file;
    this.#end = end;
  }

  /** Less where there is no more. Good until the next call. */
  read(place: number, length: number): Buffer {
    const offset = place - this.#start;
    if (offset < 0 || offset + length > this.#length) return this.#move(place, length);
    return this.#memory.subarray(offset, offset + length);
  }

  #move(place: number, length: number): Buffer {
    const isNext = place >= this.#start && place <= this.#start + this.#length + this.#size;
    this.#size = isNext ? Math.min(this.#size * 2, window.most) : window.least;
    const wanted = Math.max(0, Math.min(Math.max(length, this.#size), this.#end - place));
    if (wanted > this.#memory.length || this.#memory.length > Math.max(wanted, window.most))
      this.#memory = Buffer.allocUnsafeSlow(wanted);
    this.#start = place;
    this.#length = readSync(this.#file, this.#memory, 0, wanted, place);
    return this.#memory.subarray(0, Math.min(length, this.#length));
  }
}
