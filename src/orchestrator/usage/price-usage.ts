/** What answers cost at the price of their model. */

import { findPrice } from '../../cache/prices.ts';
import type { ProviderName } from '../../core/names.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { UsageTally } from './usage-tally.ts';

/** What answers are priced by. */
export interface PricedModel {
  readonly provider: ProviderName;
  readonly model: string;
  /** At the price of a batch, where the provider has one. */
  readonly batch: boolean;
}

/** US dollars for these answers at the price that the model is used at; undefined when that is not known. */
export async function priceUsage(
  usage: UsageTally,
  { provider, model, batch }: PricedModel,
): Promise<number | undefined> {
  const { priceListName, batchPriceShare: share } = providerEntry(provider);
  const cost = usage.cost(await findPrice(priceListName, model));
  if (cost === undefined || !batch) return cost;
  return cost * (typeof share === 'number' ? share : share(model));
}

/** Tokens that were paid for. */
export interface PaidUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars, about; undefined when no price is known for the model. */
  readonly cost: number | undefined;
  /** Answers that came without a count of tokens, where there are some. */
  readonly untold?: number;
}

/** Undefined when the provider told no tokens. */
export async function describeUsage(
  usage: UsageTally | undefined,
  priced: PricedModel,
): Promise<PaidUsage | undefined> {
  if (!usage || usage.answers === 0) return undefined;
  const { inputTokens, outputTokens, untold } = usage;
  const cost = await priceUsage(usage, priced);
  return { inputTokens, outputTokens, cost, ...(untold > 0 && { untold }) };
}
