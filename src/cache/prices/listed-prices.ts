/** Prices by the lists that come with the program. Loaded to tell a cost, or all models. */
import type { Usage } from '../../core/models.ts';
import type { ListedModel } from './bundled-list.ts';
import type { ModelPrice, PricedVendor, PriceLevel } from './model-price.ts';
import { findPriceList } from './price-lists.ts';

type ListedVendor = Pick<PricedVendor, 'priceListName'>;
type ListedPrice = number | { readonly base: number; readonly tiers: readonly Tier[] } | undefined;
type Tier = { readonly start: number; readonly price: number };
type TokenPrices = Readonly<Record<string, ListedPrice>>;

export function findListed(vendor: ListedVendor, model: string): ModelPrice | undefined {
  const asked = model.trim();
  const name = asked.toLowerCase();
  const found = findModel(vendor, name) ?? findModel(vendor, spellDates(name));
  return found && priceOf(found, asked);
}

export function listListed(vendor: ListedVendor): ModelPrice[] {
  const models = findPriceList(vendor.priceListName)?.models ?? [];
  return models.flatMap((model) => priceOf(model, model.id) ?? []);
}

function findModel({ priceListName }: ListedVendor, name: string): ListedModel | undefined {
  return findPriceList(priceListName)?.models.find(({ match }) => fits(match, name));
}

/** `gpt-4o-20240806` → `gpt-4o-2024-08-06`: lists have one of the two. */
function spellDates(name: string): string {
  return name.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3');
}

/** Names are in small letters, but for what an expression asks of them. */
function fits(rule: ListedModel['match'], name: string): boolean {
  if ('or' in rule) return rule.or.some((part) => fits(part, name));
  if ('and' in rule) return rule.and.every((part) => fits(part, name));
  if ('equals' in rule) return name === rule.equals.toLowerCase();
  if ('starts_with' in rule) return name.startsWith(rule.starts_with.toLowerCase());
  if ('ends_with' in rule) return name.endsWith(rule.ends_with.toLowerCase());
  if ('contains' in rule) return name.includes(rule.contains.toLowerCase());
  return new RegExp(rule.regex).test(name);
}

function priceOf(model: ListedModel, asked: string): ModelPrice | undefined {
  const prices = pricesOfToday(model);
  // Some models are listed without a price for tokens. Only OpenRouter's free ones cost nothing.
  if (prices.input_mtok === undefined && !asked.endsWith(':free')) return undefined;
  return {
    name: model.id,
    levels: readLevels(prices),
    context: model.context_window,
    costOf: (usage) => costAt(prices, usage),
  };
}

/** The last that have begun, else the first: each but the first says on which day it begins. */
function pricesOfToday({ prices }: ListedModel): TokenPrices {
  if (!Array.isArray(prices)) return prices;
  const now = new Date();
  const hasBegun = ({ constraint }: (typeof prices)[number]) =>
    constraint?.type !== 'start_date' || now >= new Date(constraint.start_date);
  return (prices.findLast(hasBegun) ?? prices[0])?.prices ?? {};
}

/** Tokens that the provider read from its own cache, or wrote there, cost as others do where the list does not say more. */
function costAt(prices: TokenPrices, { inputTokens, outputTokens, ...cache }: Usage): number {
  const costOf = (key: string, tokens: number) =>
    ((priceAt(prices[key], inputTokens) ?? 0) * tokens) / 1_000_000;
  // A provider may tell of parts that are more than the whole.
  const read = Math.min(cache.cacheReadTokens ?? 0, inputTokens);
  const written = Math.min(cache.cacheWriteTokens ?? 0, inputTokens - read);
  const apart = (key: string, tokens: number) => (prices[key] === undefined ? 0 : tokens);
  const [readApart, writtenApart] = [apart('cache_read_mtok', read), apart('cache_write_mtok', written)];
  const input = costOf('input_mtok', inputTokens - readApart - writtenApart);
  const parts = costOf('cache_read_mtok', readApart) + costOf('cache_write_mtok', writtenApart);
  return input + parts + costOf('output_mtok', outputTokens);
}

/** Of a request whose input is so long. */
function priceAt(price: ListedPrice, inputTokens: number): number | undefined {
  return typeof price === 'object' ? tierPrice(price, ({ start }) => inputTokens > start) : price;
}

function readLevels({ input_mtok, output_mtok, cache_read_mtok }: TokenPrices) {
  const starts = [input_mtok, output_mtok].flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  );
  const priceAbove = (price: ListedPrice, above: number) =>
    typeof price === 'object' ? tierPrice(price, ({ start }) => start <= above) : price;
  const levelFrom = (above: number): PriceLevel => ({
    above,
    input: priceAbove(input_mtok, above) ?? 0,
    output: priceAbove(output_mtok, above) ?? 0,
    cachedInput: priceAbove(cache_read_mtok, above),
  });
  const longer = [...new Set(starts)].sort((a, b) => a - b).map(levelFrom);
  return [levelFrom(0), ...longer] as const;
}

function tierPrice(
  { base, tiers }: Exclude<ListedPrice, number | undefined>,
  isReached: (tier: Tier) => boolean,
) {
  return tiers.findLast(isReached)?.price ?? base;
}
