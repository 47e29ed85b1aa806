/** JSON Schema in the dialects of the providers. */
import { isJsonObject, type JsonObject } from '../core/models.ts';

/** Keywords whose value is a schema, a list of schemas, or an object of them. */
const schemaKeywords = [
  'items',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
];
const listKeywords = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
const mapKeywords = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];

/** A schema within another, and where: `/properties/age`. */
interface Inner {
  readonly schema: JsonObject;
  readonly path: string;
}

/** A schema and all within it, outer ones first. */
function* allSchemas(schema: JsonObject, path = ''): Generator<Inner> {
  yield { schema, path };
  for (const [keyword, value] of Object.entries(schema)) {
    for (const [name, inner] of Object.entries(innerSchemas(keyword, value))) {
      if (isJsonObject(inner)) yield* allSchemas(inner, `${path}/${keyword}${name && `/${name}`}`);
    }
  }
}

function innerSchemas(keyword: string, value: unknown): Readonly<Record<string, unknown>> {
  if (schemaKeywords.includes(keyword)) return { '': value };
  const isContainer = listKeywords.includes(keyword) ? Array.isArray(value) : mapKeywords.includes(keyword);
  return isContainer && typeof value === 'object' ? { ...value } : {};
}

/** A copy in which each schema is what `change` makes of it, inner ones first. */
function mapSchemas(schema: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject {
  const mapInner = (inner: unknown) => (isJsonObject(inner) ? mapSchemas(inner, change) : inner);
  const members = Object.entries(schema).map(([keyword, value]) => {
    if (schemaKeywords.includes(keyword)) return [keyword, mapInner(value)];
    if (listKeywords.includes(keyword) && Array.isArray(value)) return [keyword, value.map(mapInner)];
    if (!mapKeywords.includes(keyword) || !isJsonObject(value)) return [keyword, value];
    return [
      keyword,
      Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapInner(inner)])),
    ];
  });
  return change(Object.fromEntries(members));
}

/**
 * A schema with nothing in it but what validators of any draft agree on. What others add, or older drafts say otherwise,
 * is put in their words: the name of a draft, `id`, `nullable` (OpenAPI), bounds that are exclusive as a yes or no.
 */
export function plainSchema(schema: JsonObject): JsonObject {
  return mapSchemas(schema, ({ $schema, id, nullable, ...inner }) => {
    const named = typeof id === 'string' || id === undefined ? inner : { ...inner, id };
    const bounded = Object.entries(exclusiveBounds).reduce(writeBound, named);
    return nullable === true ? allowNull(bounded) : bounded;
  });
}

/** Each keyword that says something of null takes it; the schema stays where it is, so that references to it hold. */
function allowNull({ type, enum: values, const: value, $ref, allOf, ...rest }: JsonObject): JsonObject {
  const asList = (given: unknown) => (Array.isArray(given) ? given : [given]);
  const isNull = { type: 'null' };
  const all = [...($ref === undefined ? [] : [{ $ref }]), ...(allOf === undefined ? [] : asList(allOf))];
  const choices = ['anyOf', 'oneOf'].filter((name) => rest[name] !== undefined);
  return {
    ...rest,
    ...(type !== undefined && { type: [...new Set([...asList(type), 'null'])] }),
    ...(values !== undefined && { enum: [...asList(values), null] }),
    ...(value !== undefined && { enum: [value, null] }),
    ...Object.fromEntries(choices.map((name) => [name, [...asList(rest[name]), isNull]])),
    ...(all.length > 0 && { allOf: all.map((schema) => ({ anyOf: [schema, isNull] })) }),
  };
}

const exclusiveBounds = { exclusiveMinimum: 'minimum', exclusiveMaximum: 'maximum' };

function writeBound(schema: JsonObject, [exclusive, inclusive]: readonly [string, string]): JsonObject {
  if (typeof schema[exclusive] !== 'boolean') return schema;
  const { [exclusive]: isExclusive, [inclusive]: bound, ...rest } = schema;
  return bound === undefined ? rest : { ...rest, [isExclusive ? exclusive : inclusive]: bound };
}

function describesObject({ type }: JsonObject): boolean {
  return type === 'object' || (Array.isArray(type) && type.includes('object'));
}

/** Keywords that Anthropic refuses and that only narrow an answer, which is checked against the whole schema anyway. */
const narrowing = [
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...[
    'pattern',
    'maxItems',
    'uniqueItems',
    'minProperties',
    'maxProperties',
    'propertyNames',
    '$schema',
    '$id',
  ],
];

/**
 * The schema as Anthropic takes it (its SDK's transformJSONSchema does the like): each object says that it has no other
 * properties, and a choice is `anyOf`.
 */
export function toAnthropicSchema(schema: JsonObject): JsonObject {
  return mapSchemas(schema, ({ oneOf, minItems, ...inner }) => {
    const kept = Object.fromEntries(
      Object.entries(inner).filter(([keyword]) => !narrowing.includes(keyword)),
    );
    return {
      ...kept,
      ...(describesObject(inner) && { additionalProperties: false }),
      ...(oneOf !== undefined && { anyOf: oneOf }),
      ...((minItems === 0 || minItems === 1) && { minItems }),
    };
  });
}

/** The first object that is open to other properties on purpose, which Anthropic refuses (BerriAI/litellm#35808). */
export function findOpenObject(schema: JsonObject): string | undefined {
  for (const { schema: inner, path } of allSchemas(schema)) {
    const { additionalProperties = false } = inner;
    if (describesObject(inner) && additionalProperties !== false)
      return `additionalProperties must be false at ${path || '/'}`;
  }
  return undefined;
}

/** What OpenAI's strict mode does not know (its guide on structured outputs). */
const unstrict = ['oneOf', 'allOf', 'not', 'if', 'prefixItems', 'patternProperties', 'dependentSchemas'];

/**
 * The schema as OpenAI takes it in strict mode, where an object requires each of its properties and takes no other: one
 * that may be left out or be null is null there. Undefined for what can't be said so.
 */
export function toStrictSchema(schema: JsonObject): JsonObject | undefined {
  const strict = mapSchemas(schema, (inner) => {
    const { properties, required } = inner;
    if (!isJsonObject(properties)) return inner;
    const named = Array.isArray(required) ? required : [];
    const nullable = Object.keys(properties).filter(
      (name) => !named.includes(name) && mayBeNull(properties[name]),
    );
    return nullable.length === 0 ? inner : { ...inner, required: [...named, ...nullable] };
  });
  return fitsStrictMode(strict) ? strict : undefined;
}

function mayBeNull(schema: unknown): boolean {
  if (!isJsonObject(schema)) return false;
  const { type, anyOf, enum: values } = schema;
  if (Array.isArray(values) && !values.includes(null)) return false;
  return [type].flat().includes('null') || (Array.isArray(anyOf) && anyOf.some(mayBeNull));
}

function fitsStrictMode(schema: JsonObject): boolean {
  for (const { schema: inner } of allSchemas(schema)) {
    if (unstrict.some((keyword) => inner[keyword] !== undefined)) return false;
    if (!describesObject(inner)) continue;
    const required = Array.isArray(inner.required) ? inner.required : [];
    const properties = isJsonObject(inner.properties) ? Object.keys(inner.properties) : [];
    if (inner.additionalProperties !== false || !properties.every((name) => required.includes(name)))
      return false;
  }
  return describesObject(schema);
}
