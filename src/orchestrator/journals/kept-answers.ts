/**
 * Answers that live runs were paid for before they were cut off: each is given to one row with the very same prompt. One
 * that came in the place of another is given instead of that: a row that was asked twice has one answer, the later.
 */

import { NumberPages } from '../../core/growing.ts';
import { digestContent, plainContent } from '../../core/request/content.ts';
import { type AskedRow, type KeptLine, type KeptPlace, readKeptLines } from '../../state/journal.ts';
import { ResultPlaces } from '../../state/result-lines.ts';
import type { Store } from '../../storage/store.ts';
import { parseCustomId } from '../dataset/custom-ids.ts';
import { PromptIndex } from '../dataset/first-rows.ts';

const none = -1;

/** 60 to 76 bytes an answer. Rows may have moved since: what counts is the prompt. */
export class KeptAnswers {
  size = 0;
  readonly #firsts = new PromptIndex();
  readonly #places = new ResultPlaces();
  /** By the first answer to a prompt: the next one that no row has, and the last. */
  readonly #free: number[] = [];
  readonly #last: number[] = [];
  /** The next answer to the same prompt. */
  readonly #next: number[] = [];
  /** Of the journal that is being read: the answer of each row, counted from 1. */
  #ofRows = { file: none, numbers: new NumberPages(Uint32Array) };

  static async read(store: Store, journals: readonly string[]): Promise<KeptAnswers> {
    const kept = new KeptAnswers();
    /** They take the place of an answer in another journal, and those come in any order. */
    const ofOthers: { key: Buffer; line: KeptLine }[] = [];
    for await (const line of readKeptLines(store, journals)) {
      const { customId, promptSha256 } = line;
      const key = promptSha256 === undefined ? keyOfId(customId) : Buffer.from(promptSha256, 'hex');
      // A file that is no journal of ours may hold anything.
      if (key.length === 32 && !kept.#keep(key, line)) ofOthers.push({ key, line });
    }
    for (const { key, line } of ofOthers) {
      const replaced = kept.#firsts.find(key);
      if (replaced === undefined) kept.#add(key, line);
      else kept.#places.set(replaced, line.file, line.offset, line.length);
    }
    return kept;
  }

  /** False for one that takes the place of an answer which its journal does not have. */
  #keep(key: Buffer, line: KeptLine): boolean {
    const { file, offset, length, customId, replaces } = line;
    if (this.#ofRows.file !== file) this.#ofRows = { file, numbers: new NumberPages(Uint32Array) };
    const { numbers } = this.#ofRows;
    const row = parseCustomId(customId)?.index;
    const replaced = row === undefined ? 0 : numbers.get(row);
    if (replaces && replaced > 0) this.#places.set(replaced - 1, file, offset, length);
    else if (replaces) return false;
    else {
      if (row !== undefined) numbers.set(row, this.size + 1);
      this.#add(key, line);
    }
    return true;
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
