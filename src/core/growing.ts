/** Numbers and sets of rows that grow: a few bytes or bits a row, where an object would take a hundred bytes. */

type Numbers = Float64Array | Uint32Array | Uint16Array | Uint8Array;

const pageLength = 16 * 1024;

/**
 * A number at each place, 0 where none was set. It lies in pages: of a million rows none is copied as more come, and rows
 * from the middle of a file take no room for those ahead of them.
 */
export class NumberPages {
  readonly #makePage: new (
    length: number,
  ) => Numbers;
  readonly #pages = new Map<number, Numbers>();
  /** The page that was asked for last: neighbours are asked for together. */
  #page: Numbers | undefined;
  #pageNumber = -1;

  constructor(makePage: new (length: number) => Numbers) {
    this.#makePage = makePage;
  }

  get(place: number): number {
    return this.#find(Math.floor(place / pageLength))?.[place % pageLength] ?? 0;
  }

  set(place: number, value: number): void {
    const number = Math.floor(place / pageLength);
    const page = this.#find(number) ?? this.#add(number);
    page[place % pageLength] = value;
  }

  #find(number: number): Numbers | undefined {
    if (number !== this.#pageNumber) {
      this.#page = this.#pages.get(number);
      this.#pageNumber = number;
    }
    return this.#page;
  }

  #add(number: number): Numbers {
    const page = new this.#makePage(pageLength);
    this.#pages.set(number, page);
    this.#page = page;
    return page;
  }
}

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
    const grown = new Uint8Array(Math.max(needed, this.#bits.length * 2));
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
