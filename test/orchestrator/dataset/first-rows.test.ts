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

it.each([
  [
    'numbers that start anew, jump, are padded, and have texts before them',
    [1, 2, 3, 'a1', 'a2', 3, '003', '004', 4, 'a2', '0', '00', 'a', '4 '],
  ],
  ['more runs than are kept', Array.from({ length: 100 }, (_, index) => (index * 7) % 60)],
  ['a text after a run', ['r-1', 'r-2', 'r-3', 'other', 'r-2', 'r-4', 'r-4', 'other']],
  [
    'numbers too long to be counted',
    ['9007199254740993', '9007199254740992', '9007199254740993', '123456789012345678'],
  ],
  ['a number that goes on into an earlier run', [5, 6, 7, 3, 4, 5, 6, 8]],
])('finds the first row of ids that are %s', (_what, given) => {
  const ids = new IdRows();
  const known = new Map<string, number>();
  for (const [row, id] of given.map(String).entries()) {
    if (!known.has(id)) known.set(id, row);
    expect([id, ids.firstRowWith(id, row)]).toEqual([id, known.get(id)]);
  }
});

it('knows the rows of numbered ids of which some were not picked', () => {
  const ids = new IdRows();
  for (const row of [2, 3, 7, 8, 9]) expect(ids.firstRowWith(`id-${row}`, row)).toBe(row);
  for (const row of [9, 3, 7]) expect(ids.firstRowWith(`id-${row}`, 100)).toBe(row);
});
