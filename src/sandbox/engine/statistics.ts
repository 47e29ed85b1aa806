/** What a running sandbox has seen: a few counters, and each prompt when that is asked for. */

import type { OperationKind } from '../http/http.ts';
import { type VendorName, vendorNames } from '../vendors.ts';
import { promptHash } from './answers.ts';

/** Counters of one server, from its start. */
export class Statistics {
  readonly #vendors = Object.fromEntries(vendorNames.map((name) => [name, new Counts()])) as Record<
    VendorName,
    Counts
  >;
  /** Prompt hash → times answered live and in batches; undefined when prompts are not counted. */
  readonly #prompts: Map<string, { live: number; batch: number }> | undefined;

  constructor(countPrompts: boolean) {
    this.#prompts = countPrompts ? new Map() : undefined;
  }

  /** A call of a kind, those that failed too; an answer by its HTTP status, or `cut` where a fault ended the call. */
  count(vendor: VendorName, what: 'calls' | 'statuses', name: OperationKind | number | 'cut'): void {
    const counts = this.#vendors[vendor][what];
    counts[name] = (counts[name] ?? 0) + 1;
  }

  /** A live prompt that was answered, and would be paid for, even when the answer was lost on its way. */
  answered(vendor: VendorName, prompt: string): void {
    this.#vendors[vendor].answered += 1;
    this.#count(prompt, 'live', 1);
  }

  /** A live answer that a fault cut off. */
  lost(vendor: VendorName): void {
    this.#vendors[vendor].lost += 1;
  }

  batchCreated(vendor: VendorName): void {
    this.#vendors[vendor].batches += 1;
  }

  /** A row of a batch that will be answered; -1 when a cancelled batch does not get that far after all. */
  batchRow(vendor: VendorName, prompt: string, times: 1 | -1): void {
    this.#vendors[vendor].batchRows += times;
    this.#count(prompt, 'batch', times);
  }

  #count(prompt: string, way: 'live' | 'batch', times: number): void {
    if (this.#prompts === undefined) return;
    const key = promptHash(prompt);
    const counts = this.#prompts.get(key) ?? { live: 0, batch: 0 };
    counts[way] += times;
    this.#prompts.set(key, counts);
  }

  /** The counters as JSON text, in pieces: there can be a million prompts. */
  async *report(): AsyncGenerator<string> {
    yield `{"vendors":${JSON.stringify(this.#vendors)}`;
    if (this.#prompts !== undefined) {
      let before = ',"prompts":{\n';
      for (const [key, counts] of this.#prompts) {
        yield `${before}"${key}":${JSON.stringify(counts)}`;
        before = ',\n';
      }
      yield this.#prompts.size > 0 ? '\n}' : ',"prompts":{}';
    }
    yield '}\n';
  }
}

class Counts {
  readonly calls: Record<string, number> = {};
  readonly statuses: Record<string, number> = {};
  answered = 0;
  lost = 0;
  batches = 0;
  batchRows = 0;
}
