/** Pieces of a key that a server shows: what is long enough to be told is hidden, wherever in the key it stands. */
import { expect, test } from 'vitest';
import { openRedactor } from '../../src/providers/protocol/secrets.ts';

const key = 'zq-Live_9f8a7b6c5d4e3f2a1b0c-Qw7Er8Ty9Ui0Op';
const { hide } = openRedactor([key]);

test.each([
  ['without its start', key.slice(8)],
  ['without its end', key.slice(0, -8)],
  ['a piece of its middle', key.slice(6, 30)],
  ['the shortest piece that is told', key.slice(11, 28)],
])('%s, at any place in a text', (_, piece) => {
  for (let before = 0; before < 12; before++) {
    const text = `${'.'.repeat(before)} ${piece} was refused`;
    expect(hide(text)).toBe(`${'.'.repeat(before)} [key] was refused`);
  }
});

test('wrapped at a line end, and with a mark in it that nobody sees', () => {
  for (const gap of ['\n', '\r\n  ', '\u00ad', '\u200b'])
    expect(hide(`The key ${key.slice(0, 20)}${gap}${key.slice(20)}.`)).toBe(`The key [key]${gap}[key].`);
});

test('shorter pieces stay, and so does what merely begins alike', () => {
  const text = `${key.slice(10, 26)} ${key.slice(4, 18)}-and-then-something-else`;
  expect(hide(text)).toBe(text);
});
