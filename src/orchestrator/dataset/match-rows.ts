/**
 * Finds the row that a custom id belongs to, and says of each row whether it is the one that was sent. For what we sent
 * this is proved row by row, by the prompt as it is read now: also where the input looked the same a moment ago.
 */

import { NumberPages } from '../../core/growing.ts';
import type { FileType, IdMap, Row } from '../../core/models.ts';
import { contentOf, digestContent } from '../../core/request/content.ts';
import { fingerprintOf, parseCustomId } from './custom-ids.ts';
import { PromptIndex } from './first-rows.ts';

export interface RowMatcher {
  /** The slot of the row that was sent under this custom id; undefined for an id that was not sent. */
  slotOf(customId: string): number | undefined;
  /** The slot of a row's answer. Call it for every row, in order. */
  locate(row: Row): number | 'not_sent' | 'too_large' | 'no_result' | 'changed';
}

export interface OwnRowsOptions {
  /** Equal prompts were sent once, under the first row that has them. */
  readonly equalPromptsOnce: boolean;
  /** What a row with a prompt is of which no record knows: too large to be sent, of a lost part, or another batch's. */
  readonly unknownRow: 'too_large' | 'no_result' | 'not_sent';
  /** How many rows of the input had one: when as many were sent, no two of them shared a request. */
  readonly rowsWithPrompt: number | undefined;
}

/** Custom ids of ours that were sent, by row: five bytes a row. */
export class SentIds {
  readonly #fingerprints = new NumberPages(Uint32Array);
  readonly #sent = new NumberPages(Uint8Array);
  #count = 0;

  /** How many rows were sent. */
  get count(): number {
    return this.#count;
  }

  add(customId: string): void {
    const id = parseCustomId(customId);
    if (!id) return;
    if (!this.has(id.index)) this.#count += 1;
    this.#sent.set(id.index, 1);
    this.#fingerprints.set(id.index, id.fingerprint);
  }

  has(index: number): boolean {
    return this.#sent.get(index) === 1;
  }

  /** The first 32 bits of the digest of the prompt that was sent. */
  fingerprintAt(index: number): number {
    return this.#fingerprints.get(index);
  }

  slotOf(customId: string): number | undefined {
    const id = parseCustomId(customId);
    return id && this.has(id.index) && this.fingerprintAt(id.index) === id.fingerprint ? id.index : undefined;
  }
}

/** For records of ours, whose custom ids prove the prompt. Holds five bytes a row, and 32 more with equal prompts. */
export class OwnRowMatcher implements RowMatcher {
  readonly #ids = new SentIds();
  readonly #prompts = new PromptIndex();
  readonly #options: OwnRowsOptions;
  #isUnchanged = false;

  constructor(options: OwnRowsOptions) {
    this.#options = options;
  }

  /** Whether each row that had a prompt was sent under an id of its own: a row that is not known is not one of those. */
  get knowsEveryRow(): boolean {
    return this.#ids.count === this.#options.rowsWithPrompt;
  }

  /** Notes that the input is the very file that was submitted: a row that is not known was not sent, and is not another. */
  noteUnchanged(): void {
    this.#isUnchanged = true;
  }

  /** Notes that a row was sent, or its answer known when the job was planned. */
  add(customId: string): void {
    this.#ids.add(customId);
  }

  slotOf(customId: string): number | undefined {
    return this.#ids.slotOf(customId);
  }

  locate(row: Row): number | 'not_sent' | 'too_large' | 'no_result' | 'changed' {
    const { unknownRow } = this.#options;
    const ids = this.#ids;
    const equalPromptsOnce = this.#options.equalPromptsOnce && !this.knowsEveryRow;
    const content = contentOf(row);
    if (content === null) return ids.has(row.index) ? 'changed' : 'not_sent';
    const digest = digestContent(content);
    const first = equalPromptsOnce ? this.#prompts.firstRowWith(digest, row.index) : row.index;
    const slot = ids.has(row.index) ? row.index : first;
    if (ids.has(slot)) return ids.fingerprintAt(slot) === fingerprintOf(digest) ? slot : 'changed';
    return this.#isUnchanged || unknownRow === 'not_sent' ? unknownRow : 'changed';
  }
}

/** For records of the Python tool: custom ids of any form, mapped to the ids of rows, which are numbers in a table. */
export function matchMappedRows(idMap: IdMap, fileType: FileType): RowMatcher {
  const slots = new Map<string, number>();
  /** In the order of the rows: several may have one id. */
  const slotsByReference = new Map<string, number[]>();
  for (const [customId, reference] of Object.entries(idMap)) {
    const slot = slots.size;
    slots.set(customId, slot);
    // Of Parquet it notes what pandas keeps as the index, which may be any column. But it leaves out no row.
    const key = fileType === 'parquet' ? `${slot}` : reference;
    slotsByReference.set(key, [...(slotsByReference.get(key) ?? []), slot]);
  }
  const taken = new Map<string, number>();
  let lastIndex = -1;
  return {
    slotOf: (customId) => slots.get(customId),
    locate(row) {
      const [first, ...others] = slotsByReference.get(row.id) ?? [];
      if (first === undefined) return 'not_sent';
      if (others.length === 0) return first;
      if (row.prompt === null) return 'not_sent';
      // Each pass over the rows starts with the first.
      if (row.index <= lastIndex) taken.clear();
      lastIndex = row.index;
      const number = taken.get(row.id) ?? 0;
      taken.set(row.id, number + 1);
      return [first, ...others][number] ?? 'not_sent';
    },
  };
}
