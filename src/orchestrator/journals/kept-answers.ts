/** Answers that live runs were paid for before they were cut off: each is given to one row with the very same prompt. */
import { digestContent, plainContent } from '../../core/request/content.ts';
import { type AskedRow, type KeptPlace, readKeptLines } from '../../state/journal.ts';
import { ResultPlaces } from '../../state/result-lines.ts';
import type { Store } from '../../storage/store.ts';
import { PromptIndex } from '../dataset/first-rows.ts';

const none = -1;

/** 56 to 72 bytes an answer. Rows may have moved since: what counts is the prompt. */
export class KeptAnswers {
  size = 0;
  readonly #firsts = new PromptIndex();
  readonly #places = new ResultPlaces();
  /** By the first answer to a prompt: the next one that no row has, and the last. */
  readonly #free: number[] = [];
  readonly #last: number[] = [];
  /** The next answer to the same prompt. */
  readonly #next: number[] = [];

  static async read(store: Store, journals: readonly string[]): Promise<KeptAnswers> {
    const kept = new KeptAnswers();
    for await (const { customId, promptSha256, file, offset, length } of readKeptLines(store, journals)) {
      const key = promptSha256 === undefined ? keyOfId(customId) : Buffer.from(promptSha256, 'hex');
      // A file that is no journal of ours may hold anything.
      if (key.length === 32) kept.#add(key, { file, offset, length });
    }
    return kept;
  }

  #add(key: Buffer, { file, offset, length }: KeptPlace): void {
    const number = this.size;
    this.size += 1;
    this.#places.set(number, file, offset, length);
    const first = this.#firsts.firstRowWith(key, number);
    const isFirst = first === number;
    if (!isFirst) this.#next[this.#last[first] as number] = number;
    // Every number has a value: an array with holes takes several times the memory.
    this.#next[number] = none;
    this.#free[number] = isFirst ? number : none;
    this.#last[number] = isFirst ? number : none;
    this.#last[first] = number;
  }

  /** An answer to this row's prompt that no row has got yet. */
  take({ digest, customId }: Pick<AskedRow, 'digest' | 'customId'>): KeptPlace | undefined {
    if (this.size === 0) return undefined;
    return this.#takeBy(digest) ?? this.#takeBy(keyOfId(customId));
  }

  #takeBy(key: Buffer): KeptPlace | undefined {
    const first = this.#firsts.find(key);
    const number = first === undefined ? none : (this.#free[first] as number);
    if (first === undefined || number === none) return undefined;
    this.#free[first] = this.#next[number] as number;
    return this.#places.get(number);
  }
}

/** Journals of older versions tell a prompt by the custom id of its row alone. */
function keyOfId(customId: string): Buffer {
  return digestContent(plainContent(`custom id ${customId}`));
}
