/** A set of rows, in one bit each. */
export class RowSet {
  #bits = new Uint8Array(1024);

  add(row: number): void {
    const at = row >>> 3;
    if (at >= this.#bits.length) this.#grow(at + 1);
    this.#bits[at] = (this.#bits[at] as number) | (1 << (row & 7));
  }

  has(row: number): boolean {
    return ((this.#bits[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }

  #grow(needed: number): void {
    const bits = new Uint8Array(Math.max(needed, this.#bits.length * 2));
    bits.set(this.#bits);
    this.#bits = bits;
  }
}
