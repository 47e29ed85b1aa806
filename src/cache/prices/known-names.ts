/** The names that are known of models: those in a person's own file, and those of the lists. Loads no prices. */
import type { LoomHome } from '../../storage/home.ts';
import type { ListedNames } from './listed-names.ts';
import type { PricedVendor } from './model-price.ts';
import { findOwnPrice, type IsProvider, readOwnPricesIfSound } from './own-prices.ts';

export interface KnownNames {
  /** Every name of a model of the vendor, the person's own first. */
  list(vendor: PricedVendor): readonly string[];
  /** Whether a list, or the person's own file, has a rule for this name of a model of the vendor that spells it. */
  spells(vendor: PricedVendor, name: string): boolean;
}

/** A person's own file that is wrong has no names. */
export async function openKnownNames(
  home: Pick<LoomHome, 'base'>,
  isProvider: IsProvider,
): Promise<KnownNames> {
  const { prices: own } = readOwnPricesIfSound(home, isProvider);
  const { readListedNames } = await import('./listed-names.ts');
  const read = new Map<string, ListedNames>();
  const ownOf = ({ name }: PricedVendor) => own.get(name) ?? [];
  const listedOf = ({ priceListName }: PricedVendor) => {
    const names = read.get(priceListName) ?? readListedNames(priceListName);
    read.set(priceListName, names);
    return names;
  };
  return {
    list: (vendor) => [...ownOf(vendor).map(({ name }) => name), ...listedOf(vendor).whole],
    spells: (vendor, name) =>
      findOwnPrice(ownOf(vendor), name) !== undefined || isListed(listedOf(vendor), name),
  };
}

function isListed({ whole, parts, patterns }: ListedNames, name: string): boolean {
  if (whole.includes(name) || parts.includes(name)) return true;
  return patterns.some((expression) => new RegExp(expression).test(name));
}
