/** What one model costs. All prices are US dollars for a million tokens. */
import type { Usage } from '../../core/models.ts';
import type { ProviderName } from '../../core/names.ts';

/** A provider, as lists of prices know it. */
export interface PricedVendor {
  readonly name: ProviderName;
  /** Its name in the list of prices. */
  readonly priceListName: string;
}

/** The prices of requests whose input is longer than `above` tokens: all of the request has them. */
export interface PriceLevel {
  readonly above: number;
  readonly input: number;
  readonly output: number;
  /** Of input that the provider has in its own cache. */
  readonly cachedInput?: number | undefined;
}

export interface BatchPrice {
  readonly input: number;
  readonly output: number;
}

export interface ModelPrice {
  /** What the list calls it. */
  readonly name: string;
  /** By the length of the input, from 0 on. */
  readonly levels: readonly [PriceLevel, ...PriceLevel[]];
  /** Tokens of input and output. */
  readonly context?: number | undefined;
  /** Of a batch, where the list tells it of this very model: a share of the price of live calls, or prices. */
  readonly batch?: number | BatchPrice | undefined;
  /** US dollars for one request with these tokens, as a live call. */
  costOf(usage: Usage): number;
}

/** The same for the requests of a batch: by the list's own word, else at the provider's usual share. */
export function priceOfBatch(price: ModelPrice, usualShare: number): Pick<ModelPrice, 'levels' | 'costOf'> {
  const { batch = usualShare, levels } = price;
  if (typeof batch === 'number') {
    const shareOf = <Value extends number | undefined>(value: Value) =>
      (value === undefined ? undefined : value * batch) as Value;
    const [first, ...rest] = levels.map(({ above, input, output, cachedInput }) => ({
      ...{ above, input: input * batch, output: output * batch },
      cachedInput: shareOf(cachedInput),
    }));
    return {
      levels: [first as PriceLevel, ...rest],
      costOf: (usage) => batch * price.costOf(usage),
    };
  }
  return {
    levels: [{ above: 0, ...batch }],
    costOf: ({ inputTokens, outputTokens }) =>
      (inputTokens * batch.input + outputTokens * batch.output) / 1_000_000,
  };
}
