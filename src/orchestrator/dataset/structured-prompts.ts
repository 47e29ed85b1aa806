/** Finds prompts that are JSON themselves: whoever has conversations in a column may mean more than their text. */
import type { Told } from '../../core/errors.ts';
import { isJsonObject, type Row } from '../../core/models.ts';
import { readJson } from '../../core/nesting.ts';
import type { DatasetOrder } from './dataset-order.ts';

/** Longer ones are no lists of messages that somebody wrote. */
const longestLooked = 1_000_000;

export class StructuredPrompts {
  readonly #counts = { conversation: 0, list: 0, object: 0 };
  readonly #firstRows = { conversation: 0, list: 0, object: 0 };

  add({ prompt, index }: Row): void {
    const kind = prompt === null ? undefined : classify(prompt);
    if (!kind) return;
    if (this.#counts[kind] === 0) this.#firstRows[kind] = index + 1;
    this.#counts[kind] += 1;
  }

  /** A remark for each kind that there is. */
  describe({ path }: Pick<DatasetOrder, 'path'>): Told[] {
    return kinds
      .filter((kind) => this.#counts[kind] > 0)
      .map((kind) => {
        const count = this.#counts[kind];
        const [one, many] = words[kind];
        const what = count === 1 ? `1 prompt is ${one}, in` : `${count} prompts are ${many}, the first in`;
        const hint = 'Each goes out as it is written, as the text of one user message.';
        return { message: `${path}: ${what} row ${this.#firstRows[kind]}.`, hint };
      });
  }
}

const kinds = ['conversation', 'list', 'object'] as const;
type Kind = (typeof kinds)[number];

const words: Readonly<Record<Kind, readonly [string, string]>> = {
  conversation: ['a conversation (a list of messages)', 'conversations (lists of messages)'],
  list: ['a JSON list', 'JSON lists'],
  object: ['a JSON object', 'JSON objects'],
};

function classify(prompt: string): Kind | undefined {
  if (!/^\s*[[{]/.test(prompt) || prompt.length > longestLooked) return undefined;
  const value = readJson(prompt);
  if (isJsonObject(value)) return 'object';
  if (!Array.isArray(value)) return undefined;
  return value.length > 0 && value.every(isMessage) ? 'conversation' : 'list';
}

function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'role' in value && 'content' in value;
}
