/** Values of flags, in the form that all commands share. */
import { describe, expect, test } from 'vitest';
import { formatTimeSpan, parseDuration } from '../../../src/cli/flags/flag-values.ts';

describe('a time span', () => {
  test.each([
    ['90', 90_000, '90s'],
    ['90s', 90_000, '90s'],
    ['0.05s', 50, '0.05s'],
    ['30m', 1_800_000, '30m'],
    ['1.1s', 1_100, '1.1s'],
    ['1.5h', 5_400_000, '90m'],
    ['2h', 7_200_000, '2h'],
    ['24h', 86_400_000, '1d'],
    ['30d', 2_592_000_000, '30d'],
  ])('%s is %d ms, and told as %s', (text, milliseconds, told) => {
    expect(parseDuration(text)).toBe(milliseconds);
    expect(formatTimeSpan(milliseconds)).toBe(told);
  });

  test.each([
    '',
    '0',
    '0m',
    '-5',
    '5 m',
    '5min',
    'm',
    '1h30m',
    '.5',
    '1e3',
    'Infinity',
    `${'9'.repeat(400)}`,
  ])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(
      'It must be a time span above 0, such as 90 (seconds), 30m, 2h or 1d.',
    );
  });
});
