import { expect, it } from 'vitest';
import { IdRows } from '../../../src/orchestrator/dataset/first-rows.ts';
import { makeRandom } from '../../formats/files.ts';

it('knows the first row of each of 300,000 ids and takes none for another', () => {
  const ids = new IdRows();
  const random = makeRandom(1);
  const makers = [
    (index: number) => `row-${index}`,
    (index: number) => String(index),
    (index: number) =>
      `${index.toString(16).padStart(8, '0')}-${Math.floor(random() * 2 ** 32).toString(16)}`,
  ];
  const given = makers.flatMap((make) => Array.from({ length: 100_000 }, (_, index) => make(index)));
  expect(given.filter((id, row) => ids.firstRowWith(id, row) !== row)).toEqual([]);
  expect(given.filter((id, row) => ids.firstRowWith(id, row + 300_000) !== row)).toEqual([]);
});

it('tells apart ids that differ in order, length or the high byte of a character', () => {
  const ids = new IdRows();
  const given = ['', '\0', '\0\0', 'ab', 'ba', 'a', 'š', 'ša', 'aš', '1', '１', 'A', 'a ', ' a'];
  expect(given.map((id, row) => ids.firstRowWith(id, row))).toEqual(given.map((_, row) => row));
  expect(ids.firstRowWith('ab', 99)).toBe(3);
});
