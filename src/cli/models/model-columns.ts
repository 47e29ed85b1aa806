/** How models are told in a table; in a pipe and on a screen it is the same. */
import type { KnownModel } from '../../api/models.ts';
import type { Column } from '../terminal/table.ts';
import { formatCount } from '../words/counts.ts';

export function modelColumns(known: readonly KnownModel[]): Column[] {
  const prices = (
    title: string,
    levelsOf: 'levels' | 'batchLevels',
    part: 'input' | 'output',
    worth?: number,
  ) => ({
    title,
    cells: known.map((model) => describePrice(model[levelsOf], part)),
    alignRight: true,
    ...(worth !== undefined && { worth }),
  });
  return [
    { title: 'model', cells: known.map(({ model }) => model), least: 40 },
    { title: 'provider', cells: known.map(({ provider }) => provider), worth: 3 },
    prices('input', 'levels', 'input'),
    prices('output', 'levels', 'output'),
    prices('batch_in', 'batchLevels', 'input', 2),
    prices('batch_out', 'batchLevels', 'output', 2),
    {
      title: 'context',
      cells: known.map(({ context }) => (context === undefined ? '-' : formatCount(context))),
      alignRight: true,
      worth: 1,
    },
  ];
}

/** `0.15`, `0.0375`, `1.25+`; `-` where it is not known. */
function describePrice(levels: KnownModel['levels'], part: 'input' | 'output'): string {
  const [first] = levels;
  if (!first) return '-';
  const price = first[part];
  // The product of a price and a share may have a digit of rounding far behind.
  const exact = String(Number(price.toPrecision(12)));
  const decimals = exact.includes('e')
    ? exact
    : exact.replace(/^(\d+)(?:\.(\d*))?$/, (_, whole, rest = '') => `${whole}.${rest.padEnd(2, '0')}`);
  const rises = levels.some((level) => level[part] !== price);
  return rises ? `${decimals}+` : decimals;
}
