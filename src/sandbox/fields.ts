/** What the fields of a request may hold, in no vendor's words. */
import { isObject } from './http.ts';

/** Undefined when the value is in order, else what it should have been: `a number from 0 to 2`. */
export type FieldCheck = (value: unknown) => string | undefined;

/** A field that is not in order; `expected` is undefined where there is no such field at all. */
export interface WrongField {
  readonly field: string;
  readonly expected: string | undefined;
}

/** The first field that is wrong; those that are null count as absent, and unknown ones pass where `others` may be. */
export function findWrongField(
  body: Record<string, unknown>,
  checks: Readonly<Record<string, FieldCheck>>,
  others: 'refused' | 'ignored',
): WrongField | undefined {
  for (const [field, value] of Object.entries(body)) {
    const check = Object.hasOwn(checks, field) ? checks[field] : undefined;
    if (check === undefined && others === 'refused') return { field, expected: undefined };
    const expected = value === null ? undefined : check?.(value);
    if (expected !== undefined) return { field, expected };
  }
  return undefined;
}

function mustBe(expected: string, isOne: (value: unknown) => boolean): FieldCheck {
  return (value) => (isOne(value) ? undefined : expected);
}

export const anything: FieldCheck = () => undefined;
export const text = mustBe('a string', (value) => typeof value === 'string');
export const flag = mustBe('a boolean', (value) => typeof value === 'boolean');
export const object = mustBe('an object', isObject);
export const list = mustBe('an array', Array.isArray);

export function number(least: number, most: number): FieldCheck {
  const isOne = (value: unknown) => typeof value === 'number' && value >= least && value <= most;
  return mustBe(`a number from ${least} to ${most}`, isOne);
}

export function whole(least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): FieldCheck {
  const isOne = (value: unknown) =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
  return mustBe(`an integer from ${least} to ${most}`, isOne);
}

/** Up to so many texts, none of them empty. */
export function texts(most: number): FieldCheck {
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  const isOne = (value: unknown) => Array.isArray(value) && value.length <= most && value.every(isText);
  return mustBe(`an array of at most ${most} strings`, isOne);
}
