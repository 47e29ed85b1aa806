/**
 * JSON Schema in Gemini's own dialect, a part of OpenAPI's (ai.google.dev/api/caching#Schema). What only narrows an
 * answer further is left out, because each answer is checked against the whole schema anyway.
 */
import { isJsonObject, type JsonObject } from '../../core/models.ts';

/** Keywords that mean the same there. */
const common = [
  ...['title', 'description', 'default', 'required', 'minimum', 'maximum', 'pattern', 'nullable'],
  ...['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties', 'propertyOrdering'],
];
/** Other formats are refused (googleapis/python-genai, `only 'enum' and 'date-time' are supported`). */
const formats = ['date-time', 'int32', 'int64', 'float', 'double'];
/** Without these an answer would have another form. */
const untold = ['allOf', 'not', 'if', 'prefixItems', 'patternProperties', 'dependentSchemas', '$dynamicRef'];

class Untold extends Error {}

/** The schema as Gemini takes it, or what in it can't be said there. */
export function tryGeminiSchema(schema: JsonObject): {
  readonly schema?: JsonObject;
  readonly problem?: string;
} {
  try {
    return { schema: translate(schema, { root: schema, path: '', followed: [] }) };
  } catch (error) {
    if (error instanceof Untold) return { problem: error.message };
    throw error;
  }
}

/** Where a translation is. */
interface Place {
  readonly root: JsonObject;
  /** `/properties/age`. */
  readonly path: string;
  /** The references that led here. */
  readonly followed: readonly string[];
}

function at({ path, ...place }: Place, step: string): Place {
  return { ...place, path: `${path}/${step}` };
}

function translate(value: unknown, place: Place): JsonObject {
  if (!isJsonObject(value)) throw new Untold(`it needs a type at ${place.path || '/'}`);
  if (typeof value.$ref === 'string') return follow(value, value.$ref, place);
  const stray = untold.find((keyword) => value[keyword] !== undefined);
  if (stray !== undefined) throw new Untold(`it has no word for "${stray}" at ${place.path || '/'}`);
  const kept = Object.fromEntries(Object.entries(value).filter(([keyword]) => common.includes(keyword)));
  const format = formats.includes(value.format as string) ? { format: value.format } : {};
  return { ...kept, ...format, ...translateForm(value, place) };
}

function follow({ $ref: _, ...rest }: JsonObject, reference: string, place: Place): JsonObject {
  if (place.followed.includes(reference)) throw new Untold(`${reference} points to itself`);
  const target = reference
    .split('/')
    .slice(1)
    .map((step) => decodeStep(step).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((schema, step) => (isJsonObject(schema) ? schema[step] : undefined), place.root);
  if (!reference.startsWith('#/') || !isJsonObject(target)) throw new Untold(`${reference} leads nowhere`);
  return translate({ ...target, ...rest }, { ...place, followed: [...place.followed, reference] });
}

/** A step of a reference, which is a part of a URI; one that is none is taken as it stands. */
function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** What the value is: its type, its choices, its parts. */
function translateForm(schema: JsonObject, place: Place): JsonObject {
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return translateChoices(choices, place);
  const types = typesOf(schema);
  const [type, ...others] = types.filter((name) => name !== 'null');
  const nullable = types.includes('null') ? { nullable: true } : {};
  if (type === undefined) throw new Untold(`it needs a type at ${place.path || '/'}`);
  if (others.length > 0) {
    return translateChoices(
      types.map((name) => ({ ...schema, type: name })),
      place,
    );
  }
  return { type: type.toUpperCase(), ...nullable, ...translateParts(schema, type, place) };
}

function typesOf({ type, properties, items, ...schema }: JsonObject): string[] {
  if (type !== undefined) return [type].flat().map((name) => String(name).toLowerCase());
  if (properties !== undefined) return ['object'];
  if (items !== undefined) return ['array'];
  return valuesOf(schema) ? ['string'] : [];
}

/** `enum` and `const`, which Gemini knows for texts only. */
function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  const values = Array.isArray(schema.enum) ? schema.enum : [schema.const];
  const texts = values.filter((value) => value !== null);
  return texts.length > 0 && texts.every((value) => typeof value === 'string') ? texts : undefined;
}

/** A choice of null is a mark there, not a type. */
function translateChoices(choices: readonly unknown[], place: Place): JsonObject {
  const isNull = (choice: unknown) => isJsonObject(choice) && choice.type === 'null';
  const nullable = choices.some(isNull) ? { nullable: true } : {};
  const rest = choices
    .filter((choice) => !isNull(choice))
    .map((choice, index) => translate(choice, at(place, `anyOf/${index}`)));
  return rest.length === 1 ? { ...rest[0], ...nullable } : { anyOf: rest, ...nullable };
}

function translateParts(schema: JsonObject, type: string, place: Place): JsonObject {
  const values = valuesOf(schema);
  if (type === 'string') return values ? { enum: values } : {};
  if (type === 'array') return { items: translate(schema.items, at(place, 'items')) };
  if (type !== 'object') return {};
  const properties = Object.entries(isJsonObject(schema.properties) ? schema.properties : {});
  if (properties.length === 0) throw new Untold(`an object needs properties at ${place.path || '/'}`);
  const translated = properties.map(([name, inner]) => [
    name,
    translate(inner, at(place, `properties/${name}`)),
  ]);
  // Without it they come in the order of the alphabet; a reason that is asked for first is to come first.
  const { propertyOrdering = properties.map(([name]) => name) } = schema;
  return { properties: Object.fromEntries(translated), propertyOrdering };
}
