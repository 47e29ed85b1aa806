/**
 * What models cost, from three places, the first that knows a model: the person's own file in the home, the list that the
 * program was built with, and for a vendor that this lacks a list of ours. Nothing is fetched.
 */
import type { LoomError } from '../../core/errors.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { ModelPrice, PricedVendor } from './model-price.ts';
import { findOwnPrice, type IsProvider, readOwnPricesIfSound } from './own-prices.ts';

export interface PriceBook {
  /** What is wrong in the person's own file, with its place: the lists count alone then. */
  readonly fault: LoomError | undefined;
  /** Undefined where no list has a price for the tokens of this model. */
  find(vendor: PricedVendor, model: string): ModelPrice | undefined;
  /** The same by the person's own file alone. */
  findOwn(vendor: PricedVendor, model: string): ModelPrice | undefined;
  /** Every model of the vendor with a price for tokens; a name of the person's own that ends in `*` stands for several. */
  list(vendor: PricedVendor): readonly ModelPrice[];
}

export async function openPriceBook(
  home: Pick<LoomHome, 'base'>,
  isProvider: IsProvider,
): Promise<PriceBook> {
  const { prices: own, fault } = readOwnPricesIfSound(home, isProvider);
  const lists = await import('./listed-prices.ts');
  const ownOf = ({ name }: PricedVendor) => own.get(name) ?? [];
  const findOwn = (vendor: PricedVendor, model: string) => findOwnPrice(ownOf(vendor), model);
  return {
    fault,
    findOwn,
    find: (vendor, model) => findOwn(vendor, model) ?? lists.findListed(vendor, model),
    list(vendor) {
      const replaced = new Set(ownOf(vendor).map(({ name }) => name));
      return [...ownOf(vendor), ...lists.listListed(vendor).filter(({ name }) => !replaced.has(name))];
    },
  };
}

/** For work that is all about prices: throws the fault of the person's own file, LoomError `state`. */
export async function openSoundPriceBook(
  home: Pick<LoomHome, 'base'>,
  isProvider: IsProvider,
): Promise<PriceBook> {
  const book = await openPriceBook(home, isProvider);
  if (book.fault) throw book.fault;
  return book;
}
