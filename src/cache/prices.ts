/** What a model's tokens cost, by the price list that the program was built with: nothing is fetched. */
import type { Usage } from '../core/models.ts';

export interface ModelPrice {
  /** US dollars for one request with these tokens, as a live call. */
  costOf(usage: Usage): number;
}

/** The price of a model under the price list's name for its provider; undefined when the list has none. */
export async function findPrice(provider: string, model: string): Promise<ModelPrice | undefined> {
  const { calcPrice } = await import('./price-list.ts');
  const found = calcPrice({ input_tokens: 0, output_tokens: 0 }, model, { providerId: provider });
  if (!found) return undefined;
  // Some models are listed without a price for tokens. Only OpenRouter's free ones cost nothing.
  if (found.model_price.input_mtok === undefined && !model.endsWith(':free')) return undefined;
  // With nothing else in the list, the model is found at once each time.
  const alone = { ...found.provider, models: [found.model] };
  return {
    costOf: (usage) => calcPrice(readTokens(usage), model, { provider: alone })?.total_price ?? 0,
  };
}

/** The list refuses parts of the input that are more than all of it, which a provider may tell all the same. */
function readTokens({ inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 }: Usage) {
  const read = Math.min(cacheReadTokens, inputTokens);
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_read_tokens: read,
    cache_write_tokens: Math.min(cacheWriteTokens, inputTokens - read),
  };
}
