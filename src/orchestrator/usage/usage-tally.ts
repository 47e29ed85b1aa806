/** Adds up the tokens of answers, so that their cost can be told at the end. */

import type { ModelPrice } from '../../cache/prices/model-price.ts';
import type { RowOutcome, Usage } from '../../core/models.ts';
import type { RetryNotice } from '../calls/retry.ts';

/** Some models cost more per token from a length of the input on; of all in the lists of prices this is the lowest. */
const ordinaryInputTokens = 32_000;

export class UsageTally {
  /** Answers whose tokens are known. */
  answers = 0;
  /** Answers of which the provider told no tokens. */
  untold = 0;
  inputTokens = 0;
  outputTokens = 0;
  /** Calls that broke off once they were on their way, and were made again: the provider may bill both. */
  madeAgain = 0;
  /** US dollars, of answers whose cost the provider told itself. */
  #toldCost = 0;
  /** Answers of ordinary length have one price, so their sum is enough. */
  readonly #ordinary = {
    answers: 0,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
  };
  /** Few, beside the size of what they are about. */
  readonly #long: Usage[] = [];

  add(outcome: RowOutcome): void {
    const { usage } = outcome;
    if (!usage) {
      if (outcome.outcome === 'succeeded') this.untold += 1;
      return;
    }
    this.addUsage(usage);
  }

  addRetry({ error }: RetryNotice): void {
    if (error.brokeOff) this.madeAgain += 1;
  }

  addUsage(usage: Usage): void {
    this.answers += 1;
    this.inputTokens += usage.inputTokens;
    this.outputTokens += usage.outputTokens;
    if (usage.cost !== undefined) this.#toldCost += usage.cost;
    else if (usage.inputTokens > ordinaryInputTokens) this.#long.push(usage);
    else this.#addOrdinary(usage);
  }

  /** The same answers, each with so many tokens of output. */
  withOutput(outputTokens: number): UsageTally {
    const tally = new UsageTally();
    const { answers } = this.#ordinary;
    Object.assign(tally.#ordinary, { ...this.#ordinary, outputTokens: answers * outputTokens });
    tally.#long.push(...this.#long.map((usage) => ({ ...usage, outputTokens })));
    tally.#toldCost = this.#toldCost;
    tally.answers = this.answers;
    tally.inputTokens = this.inputTokens;
    tally.outputTokens = this.answers * outputTokens;
    return tally;
  }

  /** US dollars at this price; undefined when it takes a price and there is none. */
  cost(price: Pick<ModelPrice, 'costOf'> | undefined): number | undefined {
    const { answers } = this.#ordinary;
    if (answers === 0 && this.#long.length === 0) return this.#toldCost;
    if (!price) return undefined;
    // The cost of the mean answer, so that a long sum is not taken for a long input.
    const ordinary = answers === 0 ? 0 : answers * price.costOf(this.#meanOrdinary());
    return this.#long.reduce((sum, usage) => sum + price.costOf(usage), this.#toldCost + ordinary);
  }

  #addOrdinary({ inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 }: Usage): void {
    this.#ordinary.answers += 1;
    this.#ordinary.inputTokens += inputTokens;
    this.#ordinary.outputTokens += outputTokens;
    this.#ordinary.cacheReadTokens += cacheReadTokens;
    this.#ordinary.cacheWriteTokens += cacheWriteTokens;
  }

  #meanOrdinary(): Usage {
    const { answers, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = this.#ordinary;
    return {
      inputTokens: inputTokens / answers,
      outputTokens: outputTokens / answers,
      cacheReadTokens: cacheReadTokens / answers,
      cacheWriteTokens: cacheWriteTokens / answers,
    };
  }
}
