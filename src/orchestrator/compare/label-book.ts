/** The answers of outputs as numbers: equal texts have the same one, whichever output they are in. */
import { TextDigest } from './text-digest.ts';

/** More different answers than these are texts, not labels. */
export const mostLabels = 1_000;
/** A longer one is shown cut. */
const longestLabel = 200;
/** The code of a row without an answer. */
export const noAnswer = 0;
/** Codes from here on are of texts that are not in the book. */
const firstStray = 2 ** 21;

/** Texts are compared without the white space around them, and in the letter case that they have. */
export class LabelBook {
  readonly #codes = new Map<string, number>();
  readonly #texts: string[] = [''];
  readonly #digest = new TextDigest();
  /** Whether there are texts that found no room in the book. */
  hasStrays = false;

  /** From 1 to `size` for a label in the book, larger for any other text, and `noAnswer` for none. */
  codeOf(text: string | null): number {
    const trimmed = text?.trim();
    if (!trimmed) return noAnswer;
    const isLong = trimmed.length > longestLabel;
    const key = isLong ? `${this.#digestOf(trimmed)} ${trimmed.slice(0, longestLabel)}` : trimmed;
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    if (this.#codes.size >= mostLabels) {
      this.hasStrays = true;
      return firstStray + this.#digestOf(trimmed);
    }
    const code = this.#texts.length;
    this.#codes.set(key, code);
    this.#texts.push(isLong ? `${trimmed.slice(0, longestLabel - 1)}…` : trimmed);
    return code;
  }

  get size(): number {
    return this.#codes.size;
  }

  textOf(code: number): string {
    return this.#texts[code] ?? '';
  }

  #digestOf(text: string): number {
    this.#digest.reset();
    this.#digest.add(text);
    return this.#digest.toNumber();
  }
}
