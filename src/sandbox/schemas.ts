/** JSON that fits a JSON Schema, for answers; and what vendors ask of schemas. */
import { isObject } from './http.ts';

type Schema = Record<string, unknown>;

/** A value that fits the schema, with the text wherever one may be: as much of JSON Schema as people give to models. */
export function exampleOf(schema: unknown, text: string, root: unknown = schema): unknown {
  if (!isObject(schema)) return text;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (typeof schema.$ref === 'string') return exampleOf(resolve(schema.$ref, root), text, root);
  for (const choices of [schema.anyOf, schema.oneOf, schema.allOf]) {
    if (Array.isArray(choices)) return exampleOf(choices[0], text, root);
  }
  const type = String([schema.type ?? 'object'].flat()[0]).toLowerCase();
  if (type === 'object') return exampleObject(schema, text, root);
  if (type === 'array') return exampleList(schema, text, root);
  if (type === 'string') return exampleText(schema, text);
  if (type === 'boolean') return true;
  return type === 'null' ? null : exampleNumber(schema);
}

function resolve(reference: string, root: unknown): unknown {
  const steps = reference.split('/').slice(1);
  return steps.reduce<unknown>((schema, step) => (isObject(schema) ? schema[step] : undefined), root);
}

/** What is not required stays out. */
function exampleObject(schema: Schema, text: string, root: unknown): Schema {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name], text, root)]));
}

function exampleList(schema: Schema, text: string, root: unknown): unknown[] {
  const length = Math.max(1, Number(schema.minItems ?? 1));
  return Array.from({ length }, () => exampleOf(schema.items, text, root));
}

function exampleText(schema: Schema, text: string): string {
  return text.slice(0, Number(schema.maxLength ?? text.length)).padEnd(Number(schema.minLength ?? 0), '.');
}

function exampleNumber(schema: Schema): number {
  if (schema.minimum !== undefined) return Math.ceil(Number(schema.minimum));
  return schema.maximum === undefined ? 1 : Math.floor(Number(schema.maximum));
}

/** Whether a schema, and each within it, passes; a text says what does not. */
export function findWrongSchema(
  schema: unknown,
  check: (schema: Schema) => string | undefined,
): string | undefined {
  if (Array.isArray(schema)) return firstOf(schema.map((inner) => () => findWrongSchema(inner, check)));
  if (!isObject(schema)) return undefined;
  const inner = [schema.items, schema.anyOf, schema.oneOf, schema.allOf];
  const named = [schema.properties, schema.$defs, schema.definitions].filter(isObject).map(Object.values);
  return check(schema) ?? findWrongSchema([...inner, ...named], check);
}

function firstOf(looks: (() => string | undefined)[]): string | undefined {
  for (const look of looks) {
    const found = look();
    if (found !== undefined) return found;
  }
  return undefined;
}
