/** Cuts the elements of one list out of a JSON object that is too large to hold: `{"requests":[{…},{…}]}`. */

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBrace = 0x7b;
const openBracket = 0x5b;
const closeBrace = 0x7d;
const closeBracket = 0x5d;

/** A body that is not the JSON it should be. */
export class BrokenJson extends Error {}

/**
 * Takes the bytes of a JSON object as they come and gives the elements of the list under `listName` one by one.
 * What surrounds the list is kept as text and returned at the end, with the list emptied.
 */
export class ElementReader {
  readonly #listName: string;
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** Everything outside the list; small in any sensible body. */
  #outside = '';
  #inList = false;
  #begun: Buffer[] = [];

  constructor(listName: string) {
    this.#listName = listName;
  }

  /** The elements that end in this chunk, as JSON text. */
  push(chunk: Buffer): string[] {
    const elements: string[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#inText) at = this.#skipText(chunk, at);
      else if (byte === quote) this.#inText = true;
      else if (byte === openBrace || byte === openBracket) from = this.#open(chunk, from, at);
      else if (byte === closeBrace || byte === closeBracket) from = this.#close(elements, chunk, from, at);
      else if (byte === comma && this.#inList && this.#depth === 2) {
        elements.push(this.#element(chunk.subarray(from, at)));
        from = at + 1;
      }
    }
    this.#carry(chunk.subarray(from));
    return elements;
  }

  /** Goes one level down, at the list's own bracket into the list; returns where the text in work begins. */
  #open(chunk: Buffer, from: number, at: number): number {
    this.#depth += 1;
    const mayBeList = this.#depth === 2 && chunk[at] === openBracket;
    if (!mayBeList || !this.#isListNext(chunk.subarray(from, at))) return from;
    this.#outside += chunk.subarray(from, at + 1).toString('latin1');
    this.#inList = true;
    return at + 1;
  }

  /** Goes one level up, at the list's own bracket out of the list; returns where the text in work begins. */
  #close(elements: string[], chunk: Buffer, from: number, at: number): number {
    this.#depth -= 1;
    if (!this.#inList || this.#depth > 1) return from;
    const last = this.#element(chunk.subarray(from, at));
    if (last !== '') elements.push(last);
    this.#inList = false;
    return at;
  }

  /** The object without the list's elements; throws BrokenJson when it ends too early or is no JSON. */
  end(): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(Buffer.from(this.#outside, 'latin1').toString());
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Record<string, unknown>;
    } catch {
      // Said below.
    }
    throw new BrokenJson();
  }

  /** Moves to the last byte of the text that is begun, or of the chunk. */
  #skipText(chunk: Buffer, start: number): number {
    let escaped = this.#escaped;
    let at = start;
    for (; at < chunk.length; at += 1) {
      if (escaped) escaped = false;
      else if (chunk[at] === backslash) escaped = true;
      else if (chunk[at] === quote) break;
    }
    this.#escaped = escaped;
    this.#inText = at === chunk.length;
    return at;
  }

  /** True when the list that opens now is the one to be read: its name is the last thing before it. */
  #isListNext(before: Buffer): boolean {
    return new RegExp(`"${this.#listName}"\\s*:\\s*$`).test(this.#outside + before.toString('latin1'));
  }

  /** The element that ends with this tail. */
  #element(tail: Buffer): string {
    const text =
      this.#begun.length === 0 ? tail.toString() : Buffer.concat([...this.#begun, tail]).toString();
    this.#begun = [];
    return text.trim();
  }

  #carry(rest: Buffer): void {
    if (rest.length === 0) return;
    if (this.#inList) this.#begun.push(rest);
    else this.#outside += rest.toString('latin1');
    if (this.#outside.length > 1_000_000) throw new BrokenJson();
  }
}
