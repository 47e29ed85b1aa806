/**
 * What the lists of prices say of the names of models, without the prices. The build reads them with this module and puts
 * them in its place (`scripts/price-lists.mjs`): a run that asks about a name loads no list.
 */
import type { ListedModel } from './bundled-list.ts';
import { findPriceList } from './price-lists.ts';

export interface ListedNames {
  /** Of models with a price for tokens or without, in the order of the list. */
  readonly whole: readonly string[];
  /** What rules spell besides: how names begin or end, or what is in them. */
  readonly parts: readonly string[];
  /** Expressions with most of a name in them, from its beginning on. */
  readonly patterns: readonly string[];
}

export function readListedNames(list: string): ListedNames {
  const models = findPriceList(list)?.models ?? [];
  const spelled = (kinds: readonly string[]) => models.flatMap(({ match }) => textsOf(match, kinds));
  const whole = models.flatMap(({ id, match }) => [id, ...textsOf(match, ['equals'])]);
  const parts = spelled(['starts_with', 'ends_with', 'contains']);
  const patterns = spelled(['regex']).filter((expression) => /^\^\w/.test(expression));
  return { whole: unique(whole), parts: unique(parts.filter((part) => !whole.includes(part))), patterns };
}

/** What rules of these kinds say. */
function textsOf(match: ListedModel['match'], kinds: readonly string[]): string[] {
  if ('or' in match) return match.or.flatMap((rule) => textsOf(rule, kinds));
  if ('and' in match) return match.and.flatMap((rule) => textsOf(rule, kinds));
  return Object.entries(match).flatMap(([kind, text]) => (kinds.includes(kind) ? [text as string] : []));
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
