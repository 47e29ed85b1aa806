import { expect, test } from 'vitest';
import { LabelTally } from '../../../src/orchestrator/report/label-tally.ts';

function spread(...texts: (string | null)[]) {
  const tally = new LabelTally();
  for (const text of texts) tally.add(text);
  return tally.summarize()?.map(({ label, count }) => [label, count]);
}

test('labels come by how many they are, with nothing at the end', () => {
  expect(spread('bad', null, null, null, 'good', 'good')).toEqual([
    ['good', 2],
    ['bad', 1],
    [null, 3],
  ]);
});

test('numbers come in their order', () => {
  expect(spread('10', '9', '9', '-1', '9')).toEqual([
    ['-1', 1],
    ['9', 3],
    ['10', 1],
  ]);
});

test('each different element of a list counts once in its row, and an empty list is nothing', () => {
  expect(spread('["a","b","a"]', '["b",1]', '[]', '[no list')).toEqual([
    ['b', 2],
    ['a', 1],
    ['1', 1],
    ['[no list', 1],
    [null, 1],
  ]);
});

test('texts are no labels: as many as there are rows, long ones, objects, and more than 20 of them', () => {
  const many = Array.from({ length: 21 }, (_, index) => `label ${index}`);
  expect(spread('a', 'b', 'c')).toBeUndefined();
  expect(spread('a', 'b', 'c', 'd', 'e', 'f', 'f')).toBeUndefined();
  expect(spread('x'.repeat(81), 'x'.repeat(81))).toBeUndefined();
  expect(spread('{"a":1}', '{"a":1}')).toBeUndefined();
  expect(spread(...many, ...many)).toBeUndefined();
  expect(spread(...many.slice(1), ...many.slice(1))).toHaveLength(20);
  expect(spread(null, null)).toBeUndefined();
  expect(spread()).toBeUndefined();
});
