/** Samples: as many rows as asked for, the same for the same seed, and fairly drawn. */
import { describe, expect, test } from 'vitest';
import { createPicker } from '../../../src/orchestrator/dataset/pick-rows.ts';

function listPicked(pick: Parameters<typeof createPicker>[0], rows: number): number[] {
  const isPicked = createPicker(pick);
  return Array.from({ length: rows }, (_, index) => index).filter(isPicked);
}

function drawSample(sample: number, of: number, seed = 0): number[] {
  return listPicked({ sample, seed, of }, of);
}

test('without a pick, every row is run', () => {
  expect(listPicked(undefined, 3)).toEqual([0, 1, 2]);
});

test('a limit takes the first rows', () => {
  expect(listPicked({ limit: 2 }, 5)).toEqual([0, 1]);
  expect(listPicked({ limit: 9 }, 3)).toEqual([0, 1, 2]);
});

describe('a sample', () => {
  test.each([
    [1, 1],
    [1, 2],
    [10, 11],
    [3, 1000],
    [500, 1000],
    [999, 1000],
    [1000, 1000],
    [7, 300_000],
    [100_000, 300_000],
  ])('of %i from %i rows has just as many', (sample, of) => {
    for (const seed of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(drawSample(sample, of, seed)).toHaveLength(sample);
    }
  });

  test('of more rows than there are has all of them', () => {
    expect(drawSample(10, 3)).toEqual([0, 1, 2]);
  });

  // Records of batches that are pending hold the seed: another choice would merge other rows than were sent.
  test('is the same for ever', () => {
    expect(drawSample(5, 100)).toEqual([5, 10, 18, 30, 92]);
    expect(drawSample(5, 100, 1)).toEqual([2, 4, 37, 75, 83]);
    expect(drawSample(5, 100, 2 ** 40 + 1)).toEqual([26, 52, 86, 92, 99]);
  });

  test('holds every row of a smaller one', () => {
    const larger = new Set(drawSample(50, 1000));
    expect(drawSample(10, 1000).filter((row) => !larger.has(row))).toEqual([]);
  });

  test('takes no row that came later', () => {
    const picked = drawSample(20, 100);
    expect(listPicked({ sample: 20, seed: 0, of: 100 }, 1000)).toEqual(picked);
    expect(listPicked({ sample: 200, seed: 0, of: 100 }, 1000)).toHaveLength(100);
  });

  test('takes each row, and each pair of rows, about as often as any other', () => {
    const rows = 10;
    const seeds = 20_000;
    const counts = new Map<string, number>();
    const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
    for (let seed = 0; seed < seeds; seed += 1) {
      const picked = drawSample(2, rows, seed);
      for (const row of picked) count(`${row}`);
      count(picked.join(' and '));
    }
    const pairs = (rows * (rows - 1)) / 2;
    expect(counts.size).toBe(rows + pairs);
    for (const [name, times] of counts) {
      const expected = name.includes('and') ? seeds / pairs : (2 * seeds) / rows;
      // Five standard deviations.
      expect(Math.abs(times - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });
});
