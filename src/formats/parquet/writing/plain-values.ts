/** Gathers the values of a page as the encoding PLAIN has them: bytes at once, as strings that wait for a page grow old. */

const startBytes = 16 * 1024;
/** The most bytes that one UTF-16 unit takes as UTF-8. */
const bytesPerUnit = 3;
const lengthBytes = 4;
const integerBytes = 8;
const doubleBytes = 8;
const bitsPerByte = 8;

export class PlainValues {
  #bytes = Buffer.allocUnsafeSlow(startBytes);
  #length = 0;
  /** How many of the last byte are taken by booleans. */
  #bits = 0;

  addText(text: string): void {
    this.#makeRoom(lengthBytes + text.length * bytesPerUnit);
    const written = this.#bytes.write(text, this.#length + lengthBytes);
    this.#bytes.writeUInt32LE(written, this.#length);
    this.#length += lengthBytes + written;
  }

  addInteger(number: bigint | number): void {
    this.#makeRoom(integerBytes);
    if (typeof number === 'bigint') this.#length = this.#bytes.writeBigInt64LE(number, this.#length);
    else {
      // In two halves: a BigInt takes several times as long.
      this.#bytes.writeUInt32LE(number >>> 0, this.#length);
      this.#length = this.#bytes.writeInt32LE(Math.floor(number / 2 ** 32), this.#length + integerBytes / 2);
    }
  }

  addDouble(number: number): void {
    this.#makeRoom(doubleBytes);
    this.#length = this.#bytes.writeDoubleLE(number, this.#length);
  }

  /** Eight in a byte, the first in its lowest bit. */
  addBoolean(value: boolean): void {
    if (this.#bits === 0) {
      this.#makeRoom(1);
      this.#length = this.#bytes.writeUInt8(0, this.#length);
    }
    if (value) this.#bytes[this.#length - 1] = (this.#bytes[this.#length - 1] as number) | (1 << this.#bits);
    this.#bits = (this.#bits + 1) % bitsPerByte;
  }

  /** All that was added since; the bytes are there until the next value is. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    this.#bits = 0;
    return taken;
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
