import { expect, it } from 'vitest';
import { NumberPages, RowSet } from '../../src/core/growing.ts';

it('keeps numbers at any places, in any order, and has 0 at all others', () => {
  const numbers = new NumberPages(Uint32Array);
  const places = [0, 1, 16_383, 16_384, 16_385, 999_999, 50_000, 123_456_789_012_345];
  for (const place of [...places].reverse()) expect(numbers.get(place)).toBe(0);
  for (const [index, place] of places.entries()) numbers.set(place, index + 1);
  expect(places.map((place) => numbers.get(place))).toEqual(places.map((_, index) => index + 1));
  expect([2, 16_382, 16_386, 1_000_000, 123_456_789_012_346].map((place) => numbers.get(place))).toEqual([
    0, 0, 0, 0, 0,
  ]);
  numbers.set(1, 0xffffffff);
  expect(numbers.get(1)).toBe(0xffffffff);
});

it('keeps places in files of many gigabytes', () => {
  const numbers = new NumberPages(Float64Array);
  numbers.set(7, 2 ** 45 + 1);
  expect(numbers.get(7)).toBe(2 ** 45 + 1);
});

it('knows the rows of a set', () => {
  const rows = new RowSet();
  for (const row of [0, 9, 100_000]) rows.add(row);
  expect([0, 1, 8, 9, 10, 99_999, 100_000, 100_001].filter((row) => rows.has(row))).toEqual([0, 9, 100_000]);
});
