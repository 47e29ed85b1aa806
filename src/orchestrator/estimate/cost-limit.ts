/** Keeps a live run from costing more than it may. */

import type { ModelPrice } from '../../cache/prices/model-price.ts';
import { LoomError } from '../../core/errors.ts';
import type { RowOutcome } from '../../core/models.ts';

/** Thrown to stop a run before its next call. How much was spent in the end is known only when it has stopped. */
class CostLimitReached extends Error {}

export class CostLimit {
  /** US dollars. */
  readonly #most: number;
  #spent = 0;
  /** An answer came without tokens. */
  #isBlind = false;
  readonly #price: Pick<ModelPrice, 'costOf'>;

  constructor(most: number, price: Pick<ModelPrice, 'costOf'>) {
    this.#most = most;
    this.#price = price;
  }

  add(result: RowOutcome): void {
    const { usage } = result;
    if (usage) this.#spent += usage.cost ?? this.#price.costOf(usage);
    else if (result.outcome === 'succeeded') this.#isBlind = true;
  }

  /** To be called before each call. Throws what `explain` explains, or LoomError `cost` where nobody can tell. */
  check(): void {
    if (this.#isBlind) {
      const what = "an answer came without a count of tokens, so the limit of the cost can't be kept.";
      throw new LoomError('cost', what, {
        code: 'cost_unknown',
        facts: {},
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
