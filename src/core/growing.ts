/** Lists of numbers and sets of rows that grow: a few bytes or bits a row, where an object would take a hundred bytes. */

type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** The list with room for so many: itself, or a copy that is at least twice as long, with zeros at its end. */
export function growNumbers<List extends Numbers>(list: List, needed: number): List {
  if (needed <= list.length) return list;
  const grown = new (list.constructor as new (length: number) => List)(Math.max(needed, list.length * 2));
  grown.set(list);
  return grown;
}

/** A set of rows, in one bit each. */
export class RowSet {
  #bits = new Uint8Array(1024);

  add(row: number): void {
    const at = row >>> 3;
    this.#bits = growNumbers(this.#bits, at + 1);
    this.#bits[at] = (this.#bits[at] as number) | (1 << (row & 7));
  }

  has(row: number): boolean {
    return ((this.#bits[row >>> 3] ?? 0) & (1 << (row & 7))) !== 0;
  }
}
