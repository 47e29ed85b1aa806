/** Remembers the first row that has an id, in 12 bytes an id, so that a million of them fit in a few megabytes. */

const firstCapacity = 1024;
/** Of a place: two 32-bit halves of the id's hash, and the row; 0, 0 is a free place. */
const words = 3;

export class IdRows {
  #size = 0;
  /** A power of two. */
  #capacity = firstCapacity;
  #places = new Uint32Array(firstCapacity * words);

  /**
   * The first row with this id: `row` itself when the id is new. Two ids share a 64-bit hash once in some 40 million
   * files of a million rows.
   */
  firstRowWith(id: string, row: number): number {
    const { low, high } = hashText(id);
    const first = this.#put(low, high, row);
    if (first !== undefined) return first;
    this.#size += 1;
    if (this.#size * 2 > this.#capacity) this.#grow();
    return row;
  }

  /** The row that is there already. */
  #put(low: number, high: number, row: number): number | undefined {
    const places = this.#places;
    const mask = this.#capacity - 1;
    for (let place = low & mask; ; place = (place + 1) & mask) {
      const at = place * words;
      if (places[at] === low && places[at + 1] === high) return places[at + 2];
      if (places[at] === 0 && places[at + 1] === 0) {
        places.set([low, high, row], at);
        return undefined;
      }
    }
  }

  #grow(): void {
    const old = this.#places;
    this.#capacity *= 2;
    this.#places = new Uint32Array(this.#capacity * words);
    for (let at = 0; at < old.length; at += words) {
      const [low, high, row] = old.subarray(at, at + words) as unknown as [number, number, number];
      if (low !== 0 || high !== 0) this.#put(low, high, row);
    }
  }
}

/** Two lanes of multiply and shift, each a bijection of its state in every step, mixed once more at the end. */
function hashText(text: string): { low: number; high: number } {
  let low = 0x9e3779b9 ^ text.length;
  let high = 0x85ebca6b;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x9e3779b1);
    low ^= low >>> 15;
    high = Math.imul(high ^ unit, 0x5f356495);
    high ^= high >>> 13;
  }
  low = Math.imul(low ^ (high >>> 16), 0x85ebca6b);
  high = Math.imul(high ^ (low >>> 13), 0xc2b2ae35);
  // 0, 0 marks a free place.
  return { low: (low ^ (low >>> 16)) >>> 0 || 1, high: high >>> 0 };
}
