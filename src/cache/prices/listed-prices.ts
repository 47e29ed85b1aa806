/** Prices by the lists that come with the program. Loaded to tell a cost, or a model. */
import type { Usage } from '../../core/models.ts';
import { alibaba } from './alibaba-list.ts';
import { calcPrice, findProvider, type ModelInfo, type Provider } from './bundled-list.ts';
import type { ModelPrice, PricedVendor, PriceLevel } from './model-price.ts';

type ListedVendor = Pick<PricedVendor, 'priceListName'>;
type ListedPrice = number | { readonly base: number; readonly tiers: readonly Tier[] } | undefined;
type Tier = { readonly start: number; readonly price: number };

const ownLists: readonly Provider[] = [alibaba];
const noTokens = { input_tokens: 0, output_tokens: 0 };

export function findListed(vendor: ListedVendor, model: string): ModelPrice | undefined {
  const asked = model.trim();
  const provider = listOf(vendor);
  const found = provider && calcPrice(noTokens, asked, { provider });
  return found ? priceOf(provider, found.model, asked) : undefined;
}

export function listListed(vendor: ListedVendor): ModelPrice[] {
  const provider = listOf(vendor);
  if (!provider) return [];
  return provider.models.flatMap((model) => priceOf(provider, model, model.id) ?? []);
}

export function listNames(vendor: ListedVendor): string[] {
  return listOf(vendor)?.models.flatMap(({ id, match }) => [id, ...namesIn(match, ['equals'])]) ?? [];
}

/** Whether a list has a rule that takes this name, with a price for tokens or without, and says it letter by letter. */
export function isListed(vendor: ListedVendor, name: string): boolean {
  const models = listOf(vendor)?.models ?? [];
  const spelled = ({ id, match }: ModelInfo) => [id, ...namesIn(match, spellings)];
  return models.some((model) => spelled(model).includes(name)) || isPattern(models, name);
}

/** By an expression alone, which has most of a name in it. */
function isPattern(models: readonly ModelInfo[], name: string): boolean {
  const expressions = models.flatMap(({ match }) => namesIn(match, ['regex']));
  return expressions.some((expression) => /^\^\w/.test(expression) && new RegExp(expression).test(name));
}

const spellings = ['equals', 'starts_with', 'ends_with', 'contains'];

function listOf({ priceListName }: ListedVendor): Provider | undefined {
  const own = ownLists.find(({ id }) => id === priceListName);
  if (own) return own;
  const listed = findProvider({ providerId: priceListName });
  if (!listed) return undefined;
  // The list has what a vendor resells on other platforms of its own, as Google does Claude; loom does not ask those.
  const models = listed.models.filter(({ id }) => !(listed.id === 'google' && id.startsWith('claude')));
  return { ...listed, models, fallback_model_providers: [] };
}

/** With nothing else in the list, the model is found at once each time. */
function priceOf(provider: Provider, model: ModelInfo, asked: string): ModelPrice | undefined {
  const alone = { ...provider, models: [{ ...model, match: { equals: asked } }] };
  const calculate = (tokens: Record<string, number>) => calcPrice(tokens, asked, { provider: alone });
  const prices: Record<string, ListedPrice> = calculate(noTokens)?.model_price ?? {};
  // Some models are listed without a price for tokens. Only OpenRouter's free ones cost nothing.
  if (prices.input_mtok === undefined && !asked.endsWith(':free')) return undefined;
  return {
    name: model.id,
    levels: readLevels(prices),
    context: model.context_window,
    costOf: (usage) => calculate(readTokens(usage))?.total_price ?? 0,
  };
}

function readLevels({ input_mtok, output_mtok, cache_read_mtok }: Record<string, ListedPrice>) {
  const starts = [input_mtok, output_mtok].flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  );
  const levelFrom = (above: number): PriceLevel => ({
    above,
    input: priceAbove(input_mtok, above) ?? 0,
    output: priceAbove(output_mtok, above) ?? 0,
    cachedInput: priceAbove(cache_read_mtok, above),
  });
  const longer = [...new Set(starts)].sort((a, b) => a - b).map(levelFrom);
  return [levelFrom(0), ...longer] as const;
}

function priceAbove(price: ListedPrice, above: number): number | undefined {
  if (typeof price !== 'object') return price;
  return price.tiers.filter(({ start }) => start <= above).at(-1)?.price ?? price.base;
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

/** What such rules of the list say of names. */
function namesIn(match: ModelInfo['match'], kinds: readonly string[]): string[] {
  if ('or' in match) return match.or.flatMap((rule) => namesIn(rule, kinds));
  if ('and' in match) return match.and.flatMap((rule) => namesIn(rule, kinds));
  return Object.entries(match).flatMap(([kind, text]) => (kinds.includes(kind) ? [text as string] : []));
}
