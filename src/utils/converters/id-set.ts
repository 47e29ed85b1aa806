/** Remembers which ids were seen in 8 bytes each, so that a million of them fit in a few megabytes. */

const firstCapacity = 1024;

export class IdSet {
  #size = 0;
  /** Two 32-bit halves of each id's hash, side by side; 0, 0 is a free place. The capacity is a power of two. */
  #places = new Uint32Array(firstCapacity * 2);

  /** Adds the id; false when it was there. Two ids share a 64-bit hash once in some 40 million files of a million rows. */
  add(id: string): boolean {
    const { low, high } = hashText(id);
    if (!this.#put(low, high)) return false;
    this.#size += 1;
    if (this.#size * 4 > this.#places.length) this.#grow();
    return true;
  }

  #put(low: number, high: number): boolean {
    const places = this.#places;
    const mask = places.length - 1;
    let at = (low * 2) & mask;
    while (places[at] !== 0 || places[at + 1] !== 0) {
      if (places[at] === low && places[at + 1] === high) return false;
      at = (at + 2) & mask;
    }
    places[at] = low;
    places[at + 1] = high;
    return true;
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const low = old[at] as number;
      const high = old[at + 1] as number;
      if (low !== 0 || high !== 0) this.#put(low, high);
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
