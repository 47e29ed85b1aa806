/** What answers cost at the price of their model. */

import { type ModelPrice, priceOfBatch } from '../../cache/prices/model-price.ts';
import { openPriceBook } from '../../cache/prices/price-book.ts';
import { describeTold, type LoomError } from '../../core/errors.ts';
import type { GenerationSettings } from '../../core/models.ts';
import type { ProviderName } from '../../core/names.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { isProvider, providerEntry } from '../../providers/registry.ts';
import { findAskedTier, priceOfTier } from '../../providers/tiers.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { UsageTally, UsedPrice } from './usage-tally.ts';

/** What answers are priced by. */
export interface PricedModel {
  /** Where a person's own prices are. */
  readonly home: Pick<LoomHome, 'base'>;
  readonly provider: ProviderName;
  readonly model: string;
  /** At the price of a batch, where the provider has one. */
  readonly batch: boolean;
  /** The tier of live calls that was asked for; answers that name none are taken for its. */
  readonly tier?: string | undefined;
  readonly settings?: GenerationSettings | undefined;
}

interface FoundPrice {
  /** What the model is used at; undefined when no price is known. */
  readonly price: UsedPrice | undefined;
  /** What is wrong with a person's own prices, without which it was looked up. */
  readonly fault: LoomError | undefined;
}

export async function findPrice({
  home,
  provider,
  model,
  batch,
  ...asked
}: PricedModel): Promise<FoundPrice> {
  const entry = providerEntry(provider);
  const { find, fault } = await openPriceBook(home, isProvider);
  const price = find(entry, model);
  if (!price) return { price, fault };
  const asBatch = priceBatches(entry, model, price);
  if (batch) return { price: asBatch, fault };
  const askedTier = findAskedTier(entry, asked.tier, asked.settings);
  const prices = { list: price, batch: asBatch, unknown: undefined };
  const costOf: UsedPrice['costOf'] = (usage, tier) =>
    prices[priceOfTier(entry.tiers, tier ?? askedTier)]?.costOf(usage);
  return { price: { costOf }, fault };
}

/** What batches cost by the list's own word on the model, else at the provider's usual share. */
export function priceBatches({ batchPriceShare: share }: ProviderEntry, model: string, price: ModelPrice) {
  return priceOfBatch(price, typeof share === 'number' ? share : share(model));
}

/** Tokens that were paid for. */
export interface PaidUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars, about; undefined when no price is known for the model, or for a tier in which it answered. */
  readonly cost: number | undefined;
  /** Answers that came without a count of tokens, where there are some. */
  readonly untold?: number;
  /** What is wrong with a person's own prices, which do not count then: the cost is by the lists alone. */
  readonly priceError?: string;
  /** Of live calls that asked for a tier, or were answered in one at another price: how many answers in each. */
  readonly tiers?: readonly TierUsage[];
}

/** How many answers came in one tier of live calls. */
export interface TierUsage {
  readonly tier: string;
  readonly answers: number;
  /** Whether its price is known. */
  readonly isPriced: boolean;
  /** They do not say in which: it is the one that was asked for. */
  readonly isAssumed: boolean;
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
  const tiers = priced.batch ? [] : listTiers(usage, priced);
  return {
    ...tokens,
    cost: usage.cost(price),
    ...(fault && { priceError: describeTold(fault) }),
    ...(tiers.length > 0 && { tiers }),
  };
}

function listTiers(usage: UsageTally, { provider, tier, settings }: PricedModel): TierUsage[] {
  const entry = providerEntry(provider);
  if (!entry.tiers) return [];
  const asked = findAskedTier(entry, tier, settings);
  const named = usage.listTiers().flatMap(([name, answers]): TierUsage[] => {
    const word = name ?? asked;
    if (word === undefined) return [];
    const isPriced = priceOfTier(entry.tiers, word) !== 'unknown';
    return [{ tier: word, answers, isPriced, isAssumed: name === undefined }];
  });
  const isOrdinary = named.every(({ tier: word }) => priceOfTier(entry.tiers, word) === 'list');
  return asked === undefined && isOrdinary ? [] : named;
}
