/** Codes and places of rows come back as they were set, whichever way they are kept. */
import { expect, test } from 'vitest';
import { RowCodes, RowPlaces } from '../../../src/orchestrator/compare/row-codes.ts';

test('codes of labels come back, also behind rows that have none', () => {
  const codes = new RowCodes();
  codes.set(0, 3);
  codes.set(5_000, 1_000);
  expect([0, 1, 4_999, 5_000, 5_001].map((row) => codes.get(row))).toEqual([3, 0, 0, 1_000, 0]);
});

test('the code of a text among labels comes back whole, and so do those before and after it', () => {
  const codes = new RowCodes();
  const stray = 2 ** 52 + 12_345;
  codes.set(0, 7);
  codes.set(1, stray);
  codes.set(3_000, 8);
  codes.set(3_001, stray - 1);
  expect([0, 1, 2, 3_000, 3_001].map((row) => codes.get(row))).toEqual([7, stray, 0, 8, stray - 1]);
});

test('rows in their order are each at their own place, and others are not there', () => {
  const places = new RowPlaces(4);
  for (const row of [0, 1, 2]) places.set(row, row + 1);
  expect([0, 1, 2, 3].map((row) => places.get(row))).toEqual([1, 2, 3, 0]);
});

test('a row at another place leaves those before it where they are', () => {
  const places = new RowPlaces(5);
  places.set(0, 1);
  places.set(1, 2);
  places.set(4, 3);
  places.set(3, 5);
  expect([0, 1, 2, 3, 4].map((row) => places.get(row))).toEqual([1, 2, 0, 5, 3]);
});
