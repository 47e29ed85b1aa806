/** The list of prices of each vendor: of those that the program is built with, and where there is none, of ours. */
import { alibaba } from './alibaba-list.ts';
import { type PriceList, readBundledList } from './bundled-list.ts';

const lists = new Map<string, PriceList | undefined>([[alibaba.id, alibaba]]);

/** Undefined for a name that no list has. */
export function findPriceList(name: string): PriceList | undefined {
  if (!lists.has(name)) lists.set(name, withoutOthers(readBundledList(name)));
  return lists.get(name);
}

/** The list has what a vendor resells on other platforms of its own, as Google does Claude; loom does not ask those. */
function withoutOthers(list: PriceList | undefined): PriceList | undefined {
  if (list?.id !== 'google') return list;
  return { ...list, models: list.models.filter(({ id }) => !id.startsWith('claude')) };
}
