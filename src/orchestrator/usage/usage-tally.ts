/** Adds up the tokens of answers, so that their cost can be told at the end. */

import type { RowOutcome, Usage } from '../../core/models.ts';
import type { RetryNotice } from '../calls/retry.ts';

/** Some models cost more per token from a length of the input on; of all in the lists of prices this is the lowest. */
const ordinaryInputTokens = 32_000;

export interface UsedPrice {
  /** US dollars for one request with these tokens, in the tier that its answer names; undefined where that is not known. */
  costOf(usage: Usage, tier?: string): number | undefined;
}

/** Answers of ordinary length in one tier: they have one price, so their sum is enough. */
interface OrdinaryAnswers {
  answers: number;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
}

type Tier = string | undefined;

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
  readonly #ordinary = new Map<Tier, OrdinaryAnswers>();
  /** Few, beside the size of what they are about. */
  readonly #long: { readonly usage: Usage; readonly tier: Tier }[] = [];

  add(outcome: RowOutcome): void {
    const { usage, tier } = outcome;
    if (!usage) {
      if (outcome.outcome === 'succeeded') this.untold += 1;
      return;
    }
    this.addUsage(usage, tier);
  }

  addRetry({ error }: RetryNotice): void {
    if (error.brokeOff) this.madeAgain += 1;
  }

  addUsage(usage: Usage, tier?: string): void {
    this.answers += 1;
    this.inputTokens += usage.inputTokens;
    this.outputTokens += usage.outputTokens;
    if (usage.cost !== undefined) this.#toldCost += usage.cost;
    else if (usage.inputTokens > ordinaryInputTokens) this.#long.push({ usage, tier });
    else this.#addOrdinary(usage, tier);
  }

  /** How many answers in each tier, by the word for it; undefined: of those that named none. */
  listTiers(): [Tier, number][] {
    const counts = new Map<Tier, number>();
    for (const [tier, { answers }] of this.#ordinary) counts.set(tier, answers);
    for (const { tier } of this.#long) counts.set(tier, (counts.get(tier) ?? 0) + 1);
    return [...counts];
  }

  /** The same answers, each with so many tokens of output. */
  withOutput(outputTokens: number): UsageTally {
    const tally = new UsageTally();
    for (const [tier, ordinary] of this.#ordinary)
      tally.#ordinary.set(tier, { ...ordinary, outputTokens: ordinary.answers * outputTokens });
    tally.#long.push(...this.#long.map(({ usage, tier }) => ({ usage: { ...usage, outputTokens }, tier })));
    tally.#toldCost = this.#toldCost;
    tally.answers = this.answers;
    tally.inputTokens = this.inputTokens;
    tally.outputTokens = this.answers * outputTokens;
    return tally;
  }

  /** US dollars at this price; undefined when it takes a price and there is none. */
  cost(price: UsedPrice | undefined): number | undefined {
    let sum = this.#toldCost;
    for (const [tier, ordinary] of this.#ordinary) {
      // The cost of the mean answer, so that a long sum is not taken for a long input.
      const mean = price?.costOf(meanOf(ordinary), tier);
      if (mean === undefined) return undefined;
      sum += ordinary.answers * mean;
    }
    for (const { usage, tier } of this.#long) {
      const cost = price?.costOf(usage, tier);
      if (cost === undefined) return undefined;
      sum += cost;
    }
    return sum;
  }

  #addOrdinary(
    { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 }: Usage,
    tier: Tier,
  ): void {
    const sum = this.#ordinary.get(tier) ?? {
      ...{ answers: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
    };
    sum.answers += 1;
    sum.inputTokens += inputTokens;
    sum.outputTokens += outputTokens;
    sum.cacheReadTokens += cacheReadTokens;
    sum.cacheWriteTokens += cacheWriteTokens;
    this.#ordinary.set(tier, sum);
  }
}

function meanOf({ answers, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: OrdinaryAnswers) {
  return {
    inputTokens: inputTokens / answers,
    outputTokens: outputTokens / answers,
    cacheReadTokens: cacheReadTokens / answers,
    cacheWriteTokens: cacheWriteTokens / answers,
  };
}
