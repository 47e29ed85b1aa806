import { expect, it } from 'vitest';
import { IdSet } from '../../../src/utils/converters/id-set.ts';
import { makeRandom } from './files.ts';

it('knows each of 300,000 ids again and takes none for another', () => {
  const ids = new IdSet();
  const random = makeRandom(1);
  const makers = [
    (index: number) => `row-${index}`,
    (index: number) => String(index),
    (index: number) =>
      `${index.toString(16).padStart(8, '0')}-${Math.floor(random() * 2 ** 32).toString(16)}`,
  ];
  const given = makers.flatMap((make) => Array.from({ length: 100_000 }, (_, index) => make(index)));
  expect(given.filter((id) => !ids.add(id))).toEqual([]);
  expect(given.filter((id) => ids.add(id))).toEqual([]);
});

it('tells apart ids that differ in order, length or the high byte of a character', () => {
  const ids = new IdSet();
  const given = ['', '\0', '\0\0', 'ab', 'ba', 'a', 'š', 'ša', 'aš', '1', '１', 'A', 'a ', ' a'];
  expect(given.filter((id) => !ids.add(id))).toEqual([]);
  expect(ids.add('ab')).toBe(false);
});
