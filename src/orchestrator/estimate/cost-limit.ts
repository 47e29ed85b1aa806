/** Keeps a live run from costing more than it may. */

import { LoomError } from '../../core/errors.ts';
import type { RowOutcome } from '../../core/models.ts';
import type { UsedPrice } from '../usage/usage-tally.ts';

/** Thrown to stop a run before its next call. How much was spent in the end is known only when it has stopped. */
class CostLimitReached extends Error {}

export class CostLimit {
  /** US dollars. */
  readonly #most: number;
  #spent = 0;
  /** Why nobody can tell what was spent, with the tier whose price is not known, if it is that. */
  #blind: { readonly tier: string | undefined } | undefined;
  readonly #price: UsedPrice;

  constructor(most: number, price: UsedPrice) {
    this.#most = most;
    this.#price = price;
  }

  add(result: RowOutcome): void {
    const { usage, tier } = result;
    const cost = usage && (usage.cost ?? this.#price.costOf(usage, tier));
    if (cost !== undefined) this.#spent += cost;
    else if (usage || result.outcome === 'succeeded') this.#blind = { tier: usage && tier };
  }

  /** To be called before each call. Throws what `explain` explains, or LoomError `cost` where nobody can tell. */
  check(): void {
    if (this.#blind) {
      const { tier } = this.#blind;
      const came =
        tier === undefined
          ? 'without a count of tokens'
          : `in the tier ${JSON.stringify(tier)}, whose price is not known`;
      const what = `an answer came ${came}, so the limit of the cost can't be kept.`;
      throw new LoomError('cost', what, {
        code: 'cost_unknown',
        facts: { tier },
        hint: 'The answers so far are kept; the same run without the limit goes on from there.',
      });
    }
    if (this.#spent >= this.#most) throw new CostLimitReached();
  }

  /** The error of a run that has stopped: that of `check` tells what was spent in the end, any other is given back. */
  explain(error: unknown): unknown {
    if (!(error instanceof CostLimitReached)) return error;
    const facts = { maxCost: this.#most, spent: this.#spent };
    const what = `maxCost $${facts.maxCost} is reached: this run has spent about $${facts.spent}.`;
    return new LoomError('cost', what, {
      code: 'cost_spent',
      facts,
      hint: 'The answers so far are kept, and no output is written: the same call with a higher maxCost goes on from there.',
    });
  }
}
