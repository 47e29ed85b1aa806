/** Gathers small pieces of output into chunks of a size that is worth a write. */

const chunkBytes = 64 * 1024;
/** The most bytes that one UTF-16 unit takes as UTF-8. */
const bytesPerUnit = 3;

export class OutputChunks {
  #ready: Buffer[] = [];
  #current = Buffer.allocUnsafeSlow(chunkBytes);
  #length = 0;

  appendBytes(source: Buffer, start = 0, end = source.length): void {
    const length = end - start;
    if (length > chunkBytes - this.#length) this.#finishCurrent();
    if (length > chunkBytes) {
      this.#ready.push(source.subarray(start, end));
      return;
    }
    source.copy(this.#current, this.#length, start, end);
    this.#length += length;
  }

  appendText(text: string): void {
    if (text.length * bytesPerUnit > chunkBytes - this.#length) this.#finishCurrent();
    if (text.length * bytesPerUnit > chunkBytes) {
      this.#ready.push(Buffer.from(text));
      return;
    }
    this.#length += this.#current.write(text, this.#length);
  }

  /** The chunks that are full. Few rows fill one: a loop over none takes no step of a generator, as `yield*` would. */
  takeReady(): Buffer[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** Everything that is left. */
  takeRest(): Buffer[] {
    this.#finishCurrent();
    return this.takeReady();
  }

  #finishCurrent(): void {
    if (this.#length === 0) return;
    this.#ready.push(this.#current.subarray(0, this.#length));
    this.#current = Buffer.allocUnsafeSlow(chunkBytes);
    this.#length = 0;
  }
}
