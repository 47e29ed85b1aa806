/** What the filter field asks for: all rows, those of a status, of a kind of failure, or with a label. */
import { labelsOf } from '../../../core/words.ts';
import type { PageTable } from '../page-data.ts';
import type { Filter } from './search.ts';

export function readFilter(value: string, { kinds, labels, reasonColumn }: PageTable): Filter['isShown'] {
  if (value === '') return () => true;
  const [group, number] = value.split('-');
  if (number === undefined) return (row) => row[1] === Number(value);
  if (group === 'kind') {
    const start = `${kinds[Number(number)]}: `;
    return (row) => String(row[reasonColumn + 2] ?? '').startsWith(start);
  }
  const { column = 0, label = null } = labels[Number(number)] ?? {};
  return (row) => row[1] === 0 && labelsOf(textOf(row[column + 2])).includes(label);
}

function textOf(value: string | number | null | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
