/** The columns that the top level of a schema makes, and what an answer has for each. */
import { LoomError } from '../../core/errors.ts';
import { type ColumnType, isJsonObject, type JsonObject } from '../../core/models.ts';
import type { AddedValue } from '../../formats/format.ts';
import { compactValue, findMembers } from '../../formats/json/text.ts';

/** A field of each answer, and its type where formats have types. */
export interface FieldColumn {
  readonly field: string;
  readonly type: ColumnType;
}

/** In the schema's order. LoomError `usage` for a schema whose top level is no object with properties of its own. */
export function columnsOfSchema(schema: JsonObject): readonly FieldColumn[] {
  const { properties } = follow(schema, schema);
  if (isJsonObject(properties) && Object.keys(properties).length > 0) {
    return Object.entries(properties).map(([field, property]) => ({
      field,
      type: typeOf(follow(property, schema), schema),
    }));
  }
  throw new LoomError('usage', 'the schema has no properties at its top level to make columns of.', {
    code: 'schema_without_columns',
    facts: {},
    hint: 'Columns need a schema like {"type": "object", "properties": {…}}.',
  });
}

/** The schema, or the one in the same document that it refers to. */
function follow(schema: unknown, root: JsonObject, followed = 0): JsonObject {
  if (!isJsonObject(schema)) return {};
  const { $ref, ...beside } = schema;
  if (typeof $ref !== 'string' || !$ref.startsWith('#') || followed > mostReferences) return schema;
  const steps = $ref.split('/').slice(1).map(decodeStep);
  const target = steps.reduce<unknown>((at, step) => (isJsonObject(at) ? at[step] : undefined), root);
  return { ...follow(target, root, followed + 1), ...beside };
}

/** A schema may refer to itself. */
const mostReferences = 20;

function decodeStep(step: string): string {
  return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
}

const columnTypes: Readonly<Record<string, ColumnType>> = {
  string: 'text',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
};

/** `json` for what is a list, an object, or may be of several types. */
function typeOf(schema: JsonObject, root: JsonObject): ColumnType {
  const types = new Set(typesOf(schema, root));
  types.delete('null');
  const [type, ...others] = types;
  return (others.length === 0 && columnTypes[type ?? '']) || 'json';
}

function typesOf(schema: JsonObject, root: JsonObject): string[] {
  const { type, enum: values, const: value } = schema;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) return type.map(String);
  if (Array.isArray(values)) return values.map(typeOfValue);
  if (value !== undefined) return [typeOfValue(value)];
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  return Array.isArray(choices) ? choices.flatMap((choice) => typesOf(follow(choice, root), root)) : ['any'];
}

function typeOfValue(value: unknown): string {
  if (value === null) return 'null';
  return Number.isInteger(value) ? 'integer' : Array.isArray(value) ? 'array' : typeof value;
}

const nothing: AddedValue = null;

/** What the JSON of an answer has for each column, as it is written there; null for what is absent or null. */
export function readFields(answer: string, columns: readonly FieldColumn[]): readonly AddedValue[] {
  if (!answer.trimStart().startsWith('{')) return columns.map(() => nothing);
  const values = new Map<string, string>();
  for (const { name, valueStart, valueEnd } of findMembers(answer))
    values.set(name, answer.slice(valueStart, valueEnd));
  return columns.map(({ field }) => {
    const json = values.get(field);
    return json === undefined || json === 'null' ? nothing : { json: compactValue(json) };
  });
}
