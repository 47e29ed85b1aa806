/** Cuts the elements of one list out of a JSON object that is too large to hold: `{"requests":[{…},{…}]}`. */
import { isObject, parseJson } from './http.ts';

const [quote, backslash, comma] = Buffer.from('"\\,');
const opens: readonly number[] = [...Buffer.from('{[')];
const closes: readonly number[] = [...Buffer.from('}]')];
const longestOutside = 1_000_000;

/**
 * Takes the bytes of a JSON object as they come and gives the elements of the list under `listName` one by one.
 * What surrounds the list is kept as text and returned at the end, with the list emptied.
 */
export class ElementReader {
  readonly #listStart: RegExp;
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  /** Everything outside the list; small in any sensible body. */
  #outside = '';
  #inList = false;
  /** The element that has begun. */
  #begun: Buffer[] = [];

  constructor(listName: string) {
    this.#listStart = new RegExp(`"${listName}"\\s*:\\s*\\[$`);
  }

  /** The elements that end in this chunk, as JSON text. */
  push(chunk: Buffer): string[] {
    const elements: string[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#inText) at = this.#skipText(chunk, at);
      else if (byte === quote) this.#inText = true;
      else if (opens.includes(byte)) {
        this.#depth += 1;
        if (this.#depth !== 2 || this.#inList) continue;
        this.#keepOutside(chunk.subarray(from, at + 1));
        from = at + 1;
        this.#inList = this.#listStart.test(this.#outside);
      } else if (closes.includes(byte)) {
        this.#depth -= 1;
        if (!this.#inList || this.#depth > 1) continue;
        const last = this.#endElement(chunk.subarray(from, at));
        if (last !== '') elements.push(last);
        from = at;
        this.#inList = false;
      } else if (byte === comma && this.#inList && this.#depth === 2) {
        elements.push(this.#endElement(chunk.subarray(from, at)));
        from = at + 1;
      }
    }
    const rest = chunk.subarray(from);
    if (this.#inList) this.#begun.push(rest);
    else this.#keepOutside(rest);
    return elements;
  }

  /** What is cut off here is no JSON at its end. */
  #keepOutside(bytes: Buffer): void {
    if (this.#outside.length < longestOutside) this.#outside += bytes.toString('latin1');
  }

  /** The object without the list's elements; undefined when it ends too early or is no JSON. */
  end(): Record<string, unknown> | undefined {
    const value = parseJson(Buffer.from(this.#outside, 'latin1').toString());
    return isObject(value) ? value : undefined;
  }

  /** What stands ahead of the list, once that has begun. */
  begun(): Record<string, unknown> | undefined {
    const text = Buffer.from(this.#outside, 'latin1').toString();
    const value = parseJson(`${text.replace(/,?\s*"[^"]*"\s*:\s*\[[^[]*$/, '')}}`);
    return isObject(value) ? value : undefined;
  }

  /** Moves to the last byte of the text that is begun, or of the chunk. */
  #skipText(chunk: Buffer, start: number): number {
    let at = start;
    for (; at < chunk.length; at += 1) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (chunk[at] === backslash) this.#isEscaped = true;
      else if (chunk[at] === quote) break;
    }
    this.#inText = at === chunk.length;
    return at;
  }

  #endElement(tail: Buffer): string {
    const text = Buffer.concat([...this.#begun, tail]).toString();
    this.#begun = [];
    return text.trim();
  }
}
