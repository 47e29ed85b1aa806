import { expect, test } from 'vitest';
import {
  arrayOf,
  changed,
  either,
  filledString,
  looseObject,
  nullish,
  number,
  object,
  oneOf,
  optional,
  readShape,
  string,
  stringLike,
  withDefault,
} from '../../../src/core/shapes/shapes.ts';

const shape = object({
  id: stringLike(/^job_\w+$/),
  state: oneOf(['open', 'done']),
  note: optional(string),
  parts: arrayOf(object({ rows: number, reason: nullish(filledString) })),
  pick: optional(either(object({ limit: number }), object({ sample: number, seed: number }))),
  words: withDefault(changed(string, Number), 0),
});

const whole = { id: 'job_1', state: 'open', parts: [{ rows: 2, reason: null }] };

test('gives what fits, without fields that it does not know, and with what is left out by default', () => {
  expect(
    readShape(shape, { ...whole, other: 1, words: '7', pick: { sample: 1, seed: 2, limit: 'x' } }),
  ).toEqual({
    ...whole,
    words: 7,
    pick: { sample: 1, seed: 2 },
  });
  expect(shape.check(whole)).toEqual({ value: { ...whole, words: 0 } });
  expect(Object.keys(readShape(shape, whole) ?? {})).toEqual(['id', 'state', 'parts', 'words']);
});

test('keeps other fields of a loose object, with their order', () => {
  const value = { b: 1, id: 'x', a: [null] };
  expect(JSON.stringify(readShape(looseObject({ id: string }), value))).toBe(JSON.stringify(value));
});

test.each([
  ['a text', []],
  [null, []],
  [[], []],
  [{}, ['id']],
  [{ ...whole, id: '../job' }, ['id']],
  [{ ...whole, state: 'closed' }, ['state']],
  [{ ...whole, note: null }, ['note']],
  [{ ...whole, parts: {} }, ['parts']],
  [{ ...whole, parts: [whole.parts[0], { rows: '2' }] }, ['parts', 1, 'rows']],
  [{ ...whole, parts: [{ rows: Number.NaN }] }, ['parts', 0, 'rows']],
  [{ ...whole, parts: [{ rows: 1, reason: '' }] }, ['parts', 0, 'reason']],
  [{ ...whole, pick: { sample: 1 } }, ['pick']],
  [{ ...whole, words: 7 }, ['words']],
])('%j does not fit, and the way to the fault is told', (value, misfit) => {
  expect(shape.check(value)).toEqual({ misfit });
  expect(readShape(shape, value)).toBeUndefined();
});
