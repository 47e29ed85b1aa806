/** The text of a field is what is written in its place, wherever else its name stands. */
import { expect, test } from 'vitest';
import { textOfField } from '../../../src/formats/json/text.ts';

const textIn = (text: string, name = 'n') => textOfField(JSON.parse(text)[name], text, name);

test.each([
  ['{"n":1.50}', '1.50'],
  ['{ "n" : 4e1 , "m": 2 }', '4e1'],
  ['{"m":2,"n":true}', 'true'],
  ['{"n": 12345678901234567890}', '12345678901234567890'],
  ['{"n":\n-0\n}', '-0'],
  // Its name is a key elsewhere, a value, and a part of one.
  ['{"a":{"n":1},"n":2}', '2'],
  ['{"n":2,"a":[{"n":1}]}', '2'],
  ['{"a":"n","n":2}', '2'],
  ['{"a":"is \\"n\\": 1","n":2}', '2'],
  ['{"a":"ends in \\"n","n":2}', '2'],
  // Doubled, and spelled otherwise.
  ['{"n":1,"n":2}', '2'],
  ['{"a":{"n":1},"\\u006e":2}', '2'],
  ['{"a":"n","\\u006e":2}', '2'],
  ['{"n":[1, 2.0]}', '[1,2.0]'],
])('in %s', (text, found) => {
  expect(textIn(text)).toBe(found);
});

test('of a name with characters that are escaped', () => {
  expect(textIn('{"a\\"b\\n":7}', 'a"b\n')).toBe('7');
  expect(textIn('{"x\\/y":7,"a":"x/y"}', 'x/y')).toBe('7');
});
