/** What answers cost at the price of their model. */

import { type ModelPrice, priceOfBatch } from '../../cache/prices/model-price.ts';
import { openPriceBook } from '../../cache/prices/price-book.ts';
import { describeTold, type LoomError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/names.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { isProvider, providerEntry } from '../../providers/registry.ts';
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

interface FoundPrice {
  /** What the model is used at; undefined when no price is known. */
  readonly price: Pick<ModelPrice, 'levels' | 'costOf'> | undefined;
  /** What is wrong with a person's own prices, without which it was looked up. */
  readonly fault: LoomError | undefined;
}

export async function findPrice({ home, provider, model, batch }: PricedModel): Promise<FoundPrice> {
  const entry = providerEntry(provider);
  const { find, fault } = await openPriceBook(home, isProvider);
  const price = find(entry, model);
  return { price: price && batch ? priceBatches(entry, model, price) : price, fault };
}

/** What batches cost by the list's own word on the model, else at the provider's usual share. */
export function priceBatches({ batchPriceShare: share }: ProviderEntry, model: string, price: ModelPrice) {
  return priceOfBatch(price, typeof share === 'number' ? share : share(model));
}

/** Tokens that were paid for. */
export interface PaidUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars, about; undefined when no price is known for the model. */
  readonly cost: number | undefined;
  /** Answers that came without a count of tokens, where there are some. */
  readonly untold?: number;
  /** What is wrong with a person's own prices, which do not count then: the cost is by the lists alone. */
  readonly priceError?: string;
}

/** Undefined when the provider told no tokens. */
export async function describeUsage(
  usage: UsageTally | undefined,
  priced: PricedModel,
): Promise<PaidUsage | undefined> {
  if (!usage || usage.answers === 0) return undefined;
  const { inputTokens, outputTokens, untold } = usage;
  const tokens = { inputTokens, outputTokens, ...(untold > 0 && { untold }) };
  const { price, fault } = await findPrice(priced);
  return { ...tokens, cost: usage.cost(price), ...(fault && { priceError: describeTold(fault) }) };
}
