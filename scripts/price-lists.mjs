/**
 * The lists of prices as the program has them: of genai-prices the vendors and the fields that are asked for, and the
 * names of models by themselves, which a run asks about. Read from the modules that read them in the sources, and put in
 * their place when the program is bundled.
 */
import { importSource } from './sources.mjs';

/** Prices of other things than tokens of text are never asked for. */
const asked = ['input_mtok', 'output_mtok', 'cache_read_mtok', 'cache_write_mtok'];

/** A plugin for the bundle of the program. */
export async function bundlePriceLists() {
  const { builtInNames, providerEntry } = await importSource('src/providers/registry.ts');
  const lists = builtInNames.map((name) => providerEntry(name).priceListName);
  const { readBundledList } = await importSource('src/cache/prices/bundled-list.ts');
  const { readListedNames } = await importSource('src/cache/prices/listed-names.ts');
  const modules = {
    'bundled-list': writeModule('readBundledList', lists, (list) => cutList(readBundledList(list))),
    'listed-names': writeModule('readListedNames', lists, readListedNames),
  };
  return {
    name: 'price-lists',
    setup(build) {
      const filter = /[\\/]src[\\/]cache[\\/]prices[\\/](bundled-list|listed-names)\.ts$/;
      build.onLoad({ filter }, ({ path }) => ({ contents: modules[filter.exec(path)[1]] }));
    },
  };
}

/** A module whose function tells of each list what `read` does now. A text is parsed when it is asked for. */
function writeModule(name, lists, read) {
  const told = lists.flatMap((list) => {
    const value = read(list);
    return value === undefined ? [] : [[list, JSON.stringify(value)]];
  });
  // Of a list that is not in the package the reader of the sources tells what there is to tell, too.
  const untold = JSON.stringify(JSON.stringify(read('none of the lists'))) ?? 'undefined';
  return `const texts = new Map(${JSON.stringify(told)});
const untold = ${untold};
export function ${name}(list) { const text = texts.get(list) ?? untold; return text && JSON.parse(text); }`;
}

function cutList(list) {
  const cut = ({ id, match, context_window, prices }) => ({
    id,
    match,
    context_window,
    prices: cutPrices(prices),
  });
  return list && { id: list.id, models: list.models.map(cut) };
}

/** Either prices, or several with what has to be so for each; they are chosen by day alone. */
function cutPrices(prices) {
  if (!Array.isArray(prices))
    return Object.fromEntries(asked.flatMap((key) => (key in prices ? [[key, prices[key]]] : [])));
  return prices.map(({ constraint, prices }) => {
    if (constraint && constraint.type !== 'start_date')
      throw new Error(
        `Prices by ${constraint.type} are new in genai-prices: src/cache/prices/listed-prices.ts has to know them.`,
      );
    return { constraint, prices: cutPrices(prices) };
  });
}
