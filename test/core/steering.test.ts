import { expect, it } from 'vitest';
import { escapeSteering, withoutSteering } from '../../src/core/steering.ts';

const steering =
  '\u0000\u0007\u001b\u007f\u0085\u009b\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\u{e0041}';
const harmless = 'é 😀 👩‍👩‍👧 क्‍ष می‌خواهم שלום';

it('makes one line in which nothing steers, and keeps what words are written with', () => {
  for (const character of steering) expect(withoutSteering(`a${character}b`)).toBe('a b');
  expect(withoutSteering(`a${steering}\r\n\tb`)).toBe('a b');
  expect(withoutSteering(harmless)).toBe(harmless);
  expect(withoutSteering('half \ud800')).toBe('half \ufffd');
});

it('writes the same JSON without such characters', () => {
  const value = { [`key ${steering}`]: [steering, harmless, 'line\nbreak'] };
  const json = escapeSteering(JSON.stringify(value, null, 2));
  expect(JSON.parse(json)).toEqual(value);
  expect(withoutSteering(json.replaceAll('\n', ''))).toBe(json.replaceAll('\n', ''));
  expect(json).toContain('\\u202e');
  expect(json).toContain('\\udb40\\udc41');
});
