/** What answers cost at the price of their model. */

import { type ModelPrice, priceOfBatch } from '../../cache/prices/model-price.ts';
import { openPriceBook } from '../../cache/prices/price-book.ts';
import { describeTold, LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { UsageTally } from './usage-tally.ts';

/** What answers are priced by. */
export interface PricedModel {
  /** Where a person's own prices are. */
  readonly home: Pick<LoomHome, 'base'>;
  readonly provider: ProviderName;
  readonly model: string;
  /** At the price of a batch, where the provider has one. */
  readonly batch: boolean;
}

/** The price that the model is used at; undefined when none is known. LoomError `state` for own prices that are wrong. */
export async function findPrice({
  home,
  provider,
  model,
  batch,
}: PricedModel): Promise<Pick<ModelPrice, 'levels' | 'costOf'> | undefined> {
  const entry = providerEntry(provider);
  const price = (await openPriceBook(home)).find(entry, model);
  return price && batch ? priceBatches(entry, model, price) : price;
}

/** What batches cost by the list's own word on the model, else at the provider's usual share. */
export function priceBatches({ batchPriceShare: share }: ProviderEntry, model: string, price: ModelPrice) {
  return priceOfBatch(price, typeof share === 'number' ? share : share(model));
}

/** US dollars for these answers; undefined when their price is not known. Throws as `findPrice` does. */
export async function priceUsage(usage: UsageTally, priced: PricedModel): Promise<number | undefined> {
  return usage.cost(await findPrice(priced));
}

/** Tokens that were paid for. */
export interface PaidUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars, about; undefined when no price is known for the model. */
  readonly cost: number | undefined;
  /** Answers that came without a count of tokens, where there are some. */
  readonly untold?: number;
  /** Why no price could be looked up, where a person's own prices are wrong. */
  readonly priceError?: string;
}

/** Undefined when the provider told no tokens. What was paid for is never lost over a price: this throws nothing of it. */
export async function describeUsage(
  usage: UsageTally | undefined,
  priced: PricedModel,
): Promise<PaidUsage | undefined> {
  if (!usage || usage.answers === 0) return undefined;
  const { inputTokens, outputTokens, untold } = usage;
  const tokens = { inputTokens, outputTokens, ...(untold > 0 && { untold }) };
  try {
    return { ...tokens, cost: await priceUsage(usage, priced) };
  } catch (error) {
    if (!(error instanceof LoomError)) throw error;
    return { ...tokens, cost: undefined, priceError: describeTold(error) };
  }
}
