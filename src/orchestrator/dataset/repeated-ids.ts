/** Finds ids that several rows have. It is no error: rows are told apart by their places, ids are for people alone. */
import type { Told } from '../../core/errors.ts';
import type { Row } from '../../core/models.ts';
import { quoteValue } from '../../core/words.ts';
import type { DatasetOrder } from './dataset-order.ts';
import { IdRows } from './first-rows.ts';

const mostIdsTold = 3;
const mostRowsTold = 4;

export class RepeatedIds {
  readonly #rows = new IdRows();
  /** The first ids that repeat, and the first rows of each, from 1. */
  readonly #told = new Map<string, number[]>();
  /** Rows whose id an earlier row has. */
  #count = 0;

  add({ givenId, index }: Row): void {
    if (givenId === undefined) return;
    const first = this.#rows.firstRowWith(givenId, index);
    if (first === index) return;
    this.#count += 1;
    const rows = this.#told.get(givenId) ?? (this.#told.size < mostIdsTold ? [first + 1] : undefined);
    if (!rows) return;
    this.#told.set(givenId, rows);
    if (rows.length <= mostRowsTold) rows.push(index + 1);
  }

  /** One remark, or none where each row has an id of its own. */
  describe({ path, rowId = 'id' }: Pick<DatasetOrder, 'path' | 'rowId'>): Told[] {
    if (this.#count === 0) return [];
    const ids = [...this.#told].map(([id, rows]) => `${quoteValue(id)} (rows ${listRows(rows)})`).join(', ');
    const rows = this.#count === 1 ? '1 row has' : `${this.#count} rows have`;
    const told = `${ids}${this.#hasMore() ? ', …' : ''}`;
    const found = `${rows} the ${quoteValue(rowId)} of an earlier row: ${told}`;
    return [
      {
        message: `${path}: ${found}.`,
        hint: 'Each row is asked and answered by its place; name another column or field as rowId.',
        code: 'ids_repeated',
        facts: { path, found },
      },
    ];
  }

  #hasMore(): boolean {
    const told = [...this.#told.values()].reduce((sum, rows) => sum + rows.length - 1, 0);
    return this.#told.size === mostIdsTold && told < this.#count;
  }
}

function listRows(rows: readonly number[]): string {
  return rows.length > mostRowsTold ? `${rows.slice(0, mostRowsTold).join(', ')}, …` : rows.join(', ');
}
