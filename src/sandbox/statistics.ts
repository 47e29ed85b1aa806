/** What a running sandbox has seen: a few counters, and each prompt when that is asked for. */

import { promptHash } from './answers.ts';
import type { OperationKind } from './http.ts';
import { type VendorName, vendorNames } from './vendors.ts';

interface VendorCounts {
  /** Calls by kind, all of them, those that failed too. */
  readonly calls: Partial<Record<OperationKind, number>>;
  /** Answers by HTTP status; `cut` counts connections that a fault ended. */
  readonly statuses: Record<string, number>;
  /** Live prompts that were answered, and would be paid for, even when the answer was lost on its way. */
  answered: number;
  /** Live answers that a fault cut off. */
  lost: number;
  batches: number;
  /** Rows answered by batches. */
  batchRows: number;
}

/** Counters of one server, from its start. */
export class Statistics {
  readonly #vendors = new Map<VendorName, VendorCounts>();
  /** Prompt hash → times answered live and in batches; undefined when prompts are not counted. */
  readonly #prompts: Map<string, [live: number, batch: number]> | undefined;

  constructor(countPrompts: boolean) {
    for (const name of vendorNames) {
      this.#vendors.set(name, { calls: {}, statuses: {}, answered: 0, lost: 0, batches: 0, batchRows: 0 });
    }
    this.#prompts = countPrompts ? new Map() : undefined;
  }

  called(vendor: VendorName, kind: OperationKind): void {
    const { calls } = this.#of(vendor);
    calls[kind] = (calls[kind] ?? 0) + 1;
  }

  sent(vendor: VendorName, status: number | 'cut'): void {
    const { statuses } = this.#of(vendor);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }

  answered(vendor: VendorName, prompt: string): void {
    this.#of(vendor).answered += 1;
    this.#count(prompt, 0, 1);
  }

  lost(vendor: VendorName): void {
    this.#of(vendor).lost += 1;
  }

  batchCreated(vendor: VendorName): void {
    this.#of(vendor).batches += 1;
  }

  /** A row of a batch that will be answered; -1 when a cancelled batch does not get that far after all. */
  batchRow(vendor: VendorName, prompt: string, times: 1 | -1 = 1): void {
    this.#of(vendor).batchRows += times;
    this.#count(prompt, 1, times);
  }

  #of(vendor: VendorName): VendorCounts {
    return this.#vendors.get(vendor) as VendorCounts;
  }

  #count(prompt: string, place: 0 | 1, times: number): void {
    if (this.#prompts === undefined) return;
    const key = promptHash(prompt);
    const counts = this.#prompts.get(key);
    if (counts !== undefined) counts[place] += times;
    else this.#prompts.set(key, place === 0 ? [times, 0] : [0, times]);
  }

  /** The counters as JSON text, in pieces: there can be a million prompts. */
  *report(): Generator<string> {
    const vendors = JSON.stringify(Object.fromEntries(this.#vendors));
    if (this.#prompts === undefined) return yield `{"vendors":${vendors}}\n`;
    yield `{"vendors":${vendors},"prompts":{`;
    let before = '\n';
    for (const [key, [live, batch]] of this.#prompts) {
      yield `${before}"${key}":{"live":${live},"batch":${batch}}`;
      before = ',\n';
    }
    yield '\n}}\n';
  }
}
