/** What tells the rows of an output apart, as digests in typed arrays: 8 bytes for a row, and 8 more to find it by. */
import { digestWords, type TextDigest } from './text-digest.ts';

const firstRows = 1024;

export class RowKeys {
  #digests = new Uint32Array(firstRows * digestWords);
  /** The number of a row, from 1, at a place that its digest tells; 0 where there is none. */
  #slots: Int32Array | undefined;
  /** Of the row that is asked about. */
  readonly #asked = new Uint32Array(digestWords);
  count = 0;

  /** Without an index, rows are compared with those at the same place alone. */
  constructor(hasIndex: boolean) {
    if (hasIndex) this.#slots = new Int32Array(firstRows * 4);
  }

  /** Adds the next row; in an index, the number from 0 of an earlier row with the same key, if there is one. */
  add(digest: TextDigest): number | undefined {
    this.#makeRoom();
    digest.write(this.#digests, this.count * digestWords);
    this.count += 1;
    if (!this.#slots) return undefined;
    digest.write(this.#asked, 0);
    const slot = this.#findSlot(this.#slots, this.#asked, 0);
    const before = this.#slots[slot] as number;
    if (before > 0) return before - 1;
    this.#slots[slot] = this.count;
    return undefined;
  }

  /** The row with this key: the one at this place, where that has it. */
  find(digest: TextDigest, place: number): number | undefined {
    digest.write(this.#asked, 0);
    if (place < this.count && this.#isAt(place, this.#asked, 0)) return place;
    if (!this.#slots) return undefined;
    const row = this.#slots[this.#findSlot(this.#slots, this.#asked, 0)] as number;
    return row > 0 ? row - 1 : undefined;
  }

  #isAt(row: number, words: Uint32Array, at: number): boolean {
    const digests = this.#digests;
    const start = row * digestWords;
    return digests[start] === words[at] && digests[start + 1] === words[at + 1];
  }

  /** The slot of the row with this digest, else the empty one where it would be. */
  #findSlot(slots: Int32Array, words: Uint32Array, at: number): number {
    const mask = slots.length - 1;
    for (let slot = (words[at] as number) & mask; ; slot = (slot + 1) & mask) {
      const row = slots[slot] as number;
      if (row === 0 || this.#isAt(row - 1, words, at)) return slot;
    }
  }

  #makeRoom(): void {
    const room = this.#digests.length / digestWords;
    if (this.count < room) return;
    const digests = new Uint32Array(this.#digests.length * 2);
    digests.set(this.#digests);
    this.#digests = digests;
    // At most half of the slots are taken: a search ends soon.
    if (this.#slots && this.#slots.length < room * 4) this.#spread(new Int32Array(room * 4));
  }

  #spread(slots: Int32Array): void {
    this.#slots = slots;
    for (let row = 0; row < this.count; row += 1) {
      const slot = this.#findSlot(slots, this.#digests, row * digestWords);
      if (slots[slot] === 0) slots[slot] = row + 1;
    }
  }
}
