/** Finds the first row that had the same prompt, in 16 to 32 bytes a row. */

/** The hash is cut to 96 bits: among a billion prompts the odds that any two meet are one in 10^11. */
const words = 3;

type CutHash = readonly [number, number, number];

function cutHash(digest: Buffer): CutHash {
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)];
}

export class PromptIndex {
  #size = 0;
  #capacity = 1024;
  #hashes = new Uint32Array(this.#capacity * words);
  /** Row index + 1; 0 is a free place. */
  #rows = new Uint32Array(this.#capacity);

  /** The index of the first row that came with this digest of a prompt; undefined when none did. */
  find(digest: Buffer): number | undefined {
    const place = this.#find(this.#hashes, this.#rows, this.#capacity, cutHash(digest));
    const known = this.#rows[place] as number;
    return known === 0 ? undefined : known - 1;
  }

  /** The same: `row` itself when it is new, and known from now on. */
  firstRowWith(digest: Buffer, row: number): number {
    const hash = cutHash(digest);
    const place = this.#find(this.#hashes, this.#rows, this.#capacity, hash);
    const known = this.#rows[place] as number;
    if (known !== 0) return known - 1;
    this.#hashes.set(hash, place * words);
    this.#rows[place] = row + 1;
    this.#size += 1;
    if (this.#size * 2 > this.#capacity) this.#grow();
    return row;
  }

  /** The place of this hash, or the free one where it goes. */
  #find(hashes: Uint32Array, rows: Uint32Array, capacity: number, hash: CutHash): number {
    for (let place = hash[0] & (capacity - 1); ; place = (place + 1) & (capacity - 1)) {
      const at = place * words;
      if (rows[place] === 0) return place;
      if (hashes[at] === hash[0] && hashes[at + 1] === hash[1] && hashes[at + 2] === hash[2]) return place;
    }
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    const hashes = new Uint32Array(capacity * words);
    const rows = new Uint32Array(capacity);
    for (let old = 0; old < this.#capacity; old++) {
      if (this.#rows[old] === 0) continue;
      const at = old * words;
      const hash = [this.#hashes[at], this.#hashes[at + 1], this.#hashes[at + 2]] as unknown as CutHash;
      const place = this.#find(hashes, rows, capacity, hash);
      hashes.set(hash, place * words);
      rows[place] = this.#rows[old] as number;
    }
    this.#capacity = capacity;
    this.#hashes = hashes;
    this.#rows = rows;
  }
}
