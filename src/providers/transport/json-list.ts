/** One list out of a JSON object from the network that is too large to hold: `{"results":[{…},{…}]}`. */
import type { ProviderError } from '../../core/errors.ts';
import { readJson } from '../../core/nesting.ts';
import { mostAnswerBytes, mostLineBytes } from '../network/limits.ts';
import { brokenAnswer } from '../protocol/refusal.ts';
import { openObject } from '../protocol/wrappings.ts';
import { tooMuch } from './json-lines.ts';

const [quote, backslash, comma] = Buffer.from('"\\,');
const closings = new Map([...Buffer.from('{[')].map((byte) => [byte, byte === 0x7b ? '}' : ']']));
const closes: readonly number[] = [...Buffer.from('}]')];

/**
 * Reads the list under a name, wherever it stands in objects; its elements come out as many at a time as came, and one
 * that is no JSON is skipped. A body that is no whole JSON object is an error worth another try; more elements than are
 * wanted, or one that is longer than any answer, is one that stays. What stands ahead of an error is given out first.
 */
export class JsonListReading {
  readonly #listStart: RegExp;
  /** The bytes of all but the elements, a character each. */
  #outside = '';
  /** How the brackets close that are open outside of the list. */
  #open: string[] = [];
  #hasList = false;
  #inList = false;
  /** Brackets that are open within the list. */
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #elements = 0;
  #values: unknown[] = [];

  constructor(name: string) {
    this.#listStart = new RegExp(`"${name}"\\s*:\\s*$`);
  }

  /** Whether the list has begun: where it is null, or not there, it never does. */
  get hasList(): boolean {
    return this.#hasList;
  }

  /** The object with its list emptied, as far as it came; undefined where that is no JSON. */
  outside(): unknown {
    const text = Buffer.from(this.#outside + [...this.#open].reverse().join(''), 'latin1').toString();
    const value = readJson(text.trim());
    return typeof value === 'string' ? openObject(value) : value;
  }

  async *read(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<readonly unknown[]> {
    for await (const chunk of body) {
      const failure = this.#take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), most);
      const values = this.#values;
      this.#values = [];
      // Also none: the object may have told enough by now.
      yield values;
      if (failure) throw failure;
    }
    if (this.#open.length > 0 || this.#inText) throw brokenAnswer('it breaks off');
    if (typeof this.outside() !== 'object') throw brokenAnswer('it is no JSON object');
  }

  /** Gives the error that ends the reading. */
  #take(chunk: Buffer, most: number): ProviderError | undefined {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      const closing = closings.get(byte);
      if (this.#inText) at = this.#skipText(chunk, at);
      else if (byte === quote) this.#inText = true;
      else if (closing !== undefined) {
        if (this.#inList) this.#depth += 1;
        else {
          this.#open.push(closing);
          if (closing !== ']') continue;
          this.#outside += chunk.toString('latin1', from, at);
          this.#inList = !this.#hasList && this.#listStart.test(this.#outside.slice(-longestLook));
          this.#hasList ||= this.#inList;
          this.#outside += '[';
          from = at + 1;
        }
      } else if (closes.includes(byte)) {
        if (this.#depth > 0) this.#depth -= 1;
        else {
          if (this.#open.pop() !== String.fromCharCode(byte))
            return brokenAnswer('its brackets do not match');
          if (!this.#inList) continue;
          const failure = this.#endElement(chunk.subarray(from, at), most);
          if (failure) return failure;
          this.#inList = false;
          from = at;
        }
      } else if (byte === comma && this.#inList && this.#depth === 0) {
        const failure = this.#endElement(chunk.subarray(from, at), most);
        if (failure) return failure;
        from = at + 1;
      }
    }
    const rest = chunk.subarray(from);
    if (!this.#inList) {
      this.#outside += rest.toString('latin1');
      return this.#outside.length > mostAnswerBytes ? tooMuch('an object that is too large') : undefined;
    }
    this.#begun.push(rest);
    this.#begunBytes += rest.length;
    return this.#begunBytes > mostLineBytes ? tooMuch('an answer that is too large') : undefined;
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

  #endElement(tail: Buffer, most: number): ProviderError | undefined {
    const text = Buffer.concat([...this.#begun, tail])
      .toString()
      .trim();
    this.#begun = [];
    this.#begunBytes = 0;
    if (text === '') return undefined;
    if (++this.#elements > most) return tooMuch(`more than ${most} of them`);
    const value = readJson(text);
    if (value !== undefined) this.#values.push(typeof value === 'string' ? openObject(value) : value);
    return undefined;
  }
}

/** What stands ahead of a list, with its name. */
const longestLook = 200;
