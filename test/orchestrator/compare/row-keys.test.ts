/** Rows are found by their keys, wherever they are. */
import { describe, expect, test } from 'vitest';
import { RowKeys } from '../../../src/orchestrator/compare/row-keys.ts';
import { digestWords, TextDigest } from '../../../src/orchestrator/compare/text-digest.ts';

function digestOf(...texts: (string | null)[]): TextDigest {
  const digest = new TextDigest();
  digest.reset();
  for (const text of texts) digest.add(text);
  return digest;
}

function wordsOf(...texts: (string | null)[]): string {
  const words = new Uint32Array(digestWords);
  digestOf(...texts).write(words, 0);
  return words.join();
}

test('every one of many rows is found again, and no other', () => {
  const rows = 50_000;
  const keys = new RowKeys(true);
  for (let row = 0; row < rows; row += 1) expect(keys.add(digestOf(`r${row}`))).toBeUndefined();
  const wrong: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    if (keys.find(digestOf(`r${row}`), row) !== row) wrong.push(row);
    if (keys.find(digestOf(`r${row}`), rows - row - 1) !== row) wrong.push(row);
    if (keys.find(digestOf(`s${row}`), row) !== undefined) wrong.push(row);
  }
  expect(wrong).toEqual([]);
});

test('a key that comes again is told with the row that had it first', () => {
  const keys = new RowKeys(true);
  for (const text of ['a', 'b', 'c']) keys.add(digestOf(text));
  expect(keys.add(digestOf('b'))).toBe(1);
  expect(keys.count).toBe(4);
});

test('without an index, a row is found at its own place alone', () => {
  const keys = new RowKeys(false);
  for (const text of ['a', 'b', 'b']) expect(keys.add(digestOf(text))).toBeUndefined();
  expect([keys.find(digestOf('b'), 1), keys.find(digestOf('b'), 2), keys.find(digestOf('b'), 0)]).toEqual([
    1,
    2,
    undefined,
  ]);
});

describe('a digest', () => {
  test.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [
      ['', 'a'],
      [null, 'a'],
    ],
    [['a', null], ['a']],
    [[''], [null]],
    [['\ud83d\ude00'], ['\ud83d\ude01']],
    [['a'.repeat(64)], ['a'.repeat(65)]],
    [['1'], ['2']],
  ])('of %j is another than that of %j', (one, other) => {
    expect(wordsOf(...one)).not.toBe(wordsOf(...other));
    expect(digestOf(...one).toNumber()).not.toBe(digestOf(...other).toNumber());
  });

  test('differs between many short texts in each of its words', () => {
    const seen = Array.from({ length: digestWords }, () => new Set<number>());
    const words = new Uint32Array(digestWords);
    for (let number = 0; number < 20_000; number += 1) {
      digestOf(String(number)).write(words, 0);
      for (const [place, word] of words.entries()) seen[place]?.add(word);
    }
    // By chance, 20,000 of 2^32 are all different but for a twentieth of one.
    for (const word of seen) expect(word.size).toBeGreaterThan(19_990);
  });
});
