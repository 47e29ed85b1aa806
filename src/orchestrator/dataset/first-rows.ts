/** Finds the first row that had the same prompt, or the same id, in a few bytes a row. */

type Hash = readonly number[];

/**
 * The first row with each hash. A place takes four bytes for each 32-bit word of a hash, and four for the row; there are
 * two to four times as many places as hashes.
 */
class FirstRows {
  /** Of a place: the hash, then the row counted from 1; 0 is a free place. */
  readonly #words: number;
  #size = 0;
  #places: Uint32Array;

  constructor(hashWords: number) {
    this.#words = hashWords + 1;
    this.#places = new Uint32Array(1024 * this.#words);
  }

  find(hash: Hash): number | undefined {
    const known = this.#places[this.#locate(hash) + hash.length] as number;
    return known === 0 ? undefined : known - 1;
  }

  firstRowWith(hash: Hash, row: number): number {
    const at = this.#locate(hash);
    const known = this.#places[at + hash.length] as number;
    if (known !== 0) return known - 1;
    this.#put(at, hash, row + 1);
    this.#size += 1;
    if (this.#size * 2 * this.#words > this.#places.length) this.#grow();
    return row;
  }

  /** Where this hash is, or the free place where it goes. */
  #locate(hash: Hash): number {
    const places = this.#places;
    const words = this.#words;
    const mask = places.length / words - 1;
    for (let place = (hash[0] as number) & mask; ; place = (place + 1) & mask) {
      const at = place * words;
      if (places[at + words - 1] === 0) return at;
      let same = 0;
      while (same < words - 1 && places[at + same] === hash[same]) same += 1;
      if (same === words - 1) return at;
    }
  }

  #put(at: number, hash: Hash, rowFromOne: number): void {
    const places = this.#places;
    for (let word = 0; word < hash.length; word += 1) places[at + word] = hash[word] as number;
    places[at + hash.length] = rowFromOne;
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Uint32Array(old.length * 2);
    const hash: number[] = [];
    for (let at = 0; at < old.length; at += this.#words) {
      const row = old[at + this.#words - 1] as number;
      if (row === 0) continue;
      for (let word = 0; word < this.#words - 1; word += 1) hash[word] = old[at + word] as number;
      this.#put(this.#locate(hash), hash, row);
    }
  }
}

/** By prompts: 96 bits of their digests, of which among a billion prompts any two are alike with odds of one in 10^11. */
export class PromptIndex {
  readonly #rows = new FirstRows(3);

  /** The index of the first row that came with this digest of a prompt; undefined when none did. */
  find(digest: Buffer): number | undefined {
    return this.#rows.find(cutDigest(digest));
  }

  /** The same: `row` itself when it is new, and known from now on. */
  firstRowWith(digest: Buffer, row: number): number {
    return this.#rows.firstRowWith(cutDigest(digest), row);
  }
}

function cutDigest(digest: Buffer): Hash {
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)];
}

/** Ids that are numbered, of rows that follow each other: a text and the next number each. */
interface NumberedIds {
  readonly prefix: string;
  readonly first: number;
  readonly firstRow: number;
  count: number;
}

const mostRuns = 16;

/**
 * By ids. Most files number their rows, and those are known by where the numbers begin and end; any others take 12 bytes
 * or more a row. Of these two share a 64-bit hash once in some 40 million files of a million rows.
 */
export class IdRows {
  #runs: NumberedIds[] = [];
  #rows: FirstRows | undefined;

  /** The first row with this id: `row` itself when the id is new. */
  firstRowWith(id: string, row: number): number {
    if (!this.#rows) {
      const first = this.#firstNumberedRow(id, row);
      if (first !== undefined) return first;
    }
    this.#rows ??= this.#spellOut();
    return this.#rows.firstRowWith(hashText(id), row);
  }

  /** The same while the ids are numbered; undefined for one that would be a run too many, and for one without a number. */
  #firstNumberedRow(id: string, row: number): number | undefined {
    const start = findNumber(id);
    if (start === id.length) return undefined;
    const prefix = id.slice(0, start);
    const number = Number(id.slice(start));
    for (const run of this.#runs) {
      const place = number - run.first;
      if (place >= 0 && place < run.count && run.prefix === prefix) return run.firstRow + place;
    }
    const last = this.#runs.at(-1);
    const continues = last?.prefix === prefix && number === last.first + last.count;
    if (continues && row === last.firstRow + last.count) last.count += 1;
    else if (this.#runs.length === mostRuns) return undefined;
    else this.#runs.push({ prefix, first: number, firstRow: row, count: 1 });
    return row;
  }

  /** All that is known, id by id. */
  #spellOut(): FirstRows {
    const rows = new FirstRows(2);
    for (const { prefix, first, firstRow, count } of this.#runs)
      for (let place = 0; place < count; place += 1)
        rows.firstRowWith(hashText(`${prefix}${first + place}`), firstRow + place);
    this.#runs = [];
    return rows;
  }
}

/** More digits than these make no whole number. */
const mostDigits = 15;

/** Where the number at the end of an id begins, without zeros ahead of it: what is written as a number is again the id. */
function findNumber(id: string): number {
  let start = id.length;
  while (start > 0 && id.length - start < mostDigits && isDigit(id.charCodeAt(start - 1))) start -= 1;
  while (start < id.length - 1 && id[start] === '0') start += 1;
  return start;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Two lanes of multiply and shift, each a bijection of its state in every step, mixed once more at the end. */
function hashText(text: string): Hash {
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
  return [(low ^ (low >>> 16)) >>> 0, high >>> 0];
}
