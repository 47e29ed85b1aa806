/**
 * Shapes of what is read from disk: each is told once, checks a value, and gives its type. Such files are read at every
 * start, which a library for schemas would slow down; `core/documents.ts` has the shapes that others get, by zod.
 */
import { isJsonObject, type JsonObject } from './json-object.ts';

/** A value that fits, or where it does not: the names and numbers on the way to the first place that is wrong. */
export type Checked<Value> = { readonly value: Value } | { readonly misfit: readonly (string | number)[] };

export interface Shape<Value> {
  check(value: unknown): Checked<Value>;
}

export type ValueOf<Of> = Of extends Shape<infer Value> ? Value : never;

type Fields = Readonly<Record<string, Shape<unknown>>>;
type OptionalNames<Of extends Fields> = {
  [Name in keyof Of]: undefined extends ValueOf<Of[Name]> ? Name : never;
}[keyof Of];
/** The object that has these fields; those that may be undefined may be absent. */
type ObjectOf<Of extends Fields> = {
  [Name in Exclude<keyof Of, OptionalNames<Of>>]: ValueOf<Of[Name]>;
} & { [Name in OptionalNames<Of>]?: ValueOf<Of[Name]> } extends infer Plain
  ? { [Name in keyof Plain]: Plain[Name] }
  : never;

const misfitHere = { misfit: [] } as const;

function shapeOf<Value>(fits: (value: unknown) => boolean): Shape<Value> {
  return { check: (value) => (fits(value) ? { value: value as Value } : misfitHere) };
}

export const string: Shape<string> = shapeOf((value) => typeof value === 'string');
export const filledString: Shape<string> = shapeOf((value) => typeof value === 'string' && value !== '');
export const number: Shape<number> = shapeOf(Number.isFinite);
export const boolean: Shape<boolean> = shapeOf((value) => typeof value === 'boolean');
export const jsonObject: Shape<JsonObject> = shapeOf(isJsonObject);

export function stringLike(pattern: RegExp): Shape<string> {
  return shapeOf((value) => typeof value === 'string' && pattern.test(value));
}

export function oneOf<const Value extends string | number>(values: readonly Value[]): Shape<Value> {
  return shapeOf((value) => values.includes(value as Value));
}

export function optional<Value>(shape: Shape<Value>): Shape<Value | undefined> {
  return { check: (value) => (value === undefined ? { value } : shape.check(value)) };
}

export function nullable<Value>(shape: Shape<Value>): Shape<Value | null> {
  return { check: (value) => (value === null ? { value } : shape.check(value)) };
}

/** Absent, null, or of the shape. */
export function nullish<Value>(shape: Shape<Value>): Shape<Value | null | undefined> {
  return optional(nullable(shape));
}

export function withDefault<Value>(shape: Shape<Value>, absent: Value): Shape<Value> {
  return { check: (value) => (value === undefined ? { value: absent } : shape.check(value)) };
}

/** The first of some shapes that fits. */
export function either<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return {
    check(value) {
      for (const shape of [first, second]) {
        const checked: Checked<A | B> = shape.check(value);
        if ('value' in checked) return checked;
      }
      return misfitHere;
    },
  };
}

/** Of the shape, and then made into something else. */
export function changed<From, To>(shape: Shape<From>, change: (value: From) => To): Shape<To> {
  return {
    check(value) {
      const checked = shape.check(value);
      return 'value' in checked ? { value: change(checked.value) } : checked;
    },
  };
}

export function arrayOf<Value>(shape: Shape<Value>): Shape<Value[]> {
  return {
    check(value) {
      if (!Array.isArray(value)) return misfitHere;
      const items: Value[] = [];
      for (const [index, item] of value.entries()) {
        const checked = shape.check(item);
        if ('misfit' in checked) return { misfit: [index, ...checked.misfit] };
        items.push(checked.value);
      }
      return { value: items };
    },
  };
}

/** An object with these fields, and no others in what comes out. */
export function object<const Of extends Fields>(fields: Of): Shape<ObjectOf<Of>> & { readonly fields: Of } {
  return { fields, check: (value) => checkFields(fields, value, {}) };
}

/** The same with all the other fields that there are, as they are. */
export function looseObject<const Of extends Fields>(
  fields: Of,
): Shape<ObjectOf<Of> & { [name: string]: unknown }> & { readonly fields: Of } {
  return { fields, check: (value) => checkFields(fields, value, isJsonObject(value) ? { ...value } : {}) };
}

function checkFields<Value>(fields: Fields, value: unknown, found: Record<string, unknown>): Checked<Value> {
  if (!isJsonObject(value)) return misfitHere;
  for (const name of Object.keys(fields)) {
    const checked = (fields[name] as Shape<unknown>).check(value[name]);
    if ('misfit' in checked) return { misfit: [name, ...checked.misfit] };
    if (checked.value !== undefined || name in value) found[name] = checked.value;
  }
  return { value: found as Value };
}

/** The value, where it fits. */
export function readShape<Value>(shape: Shape<Value>, value: unknown): Value | undefined {
  const checked = shape.check(value);
  return 'value' in checked ? checked.value : undefined;
}
