/** JSON that fits a JSON Schema, for answers. */
import { isObject } from '../http/http.ts';

/** The schema that a system text ends with, as a model reads it that is told in words; undefined where there is none. */
export function readToldSchema(system: string): unknown {
  const [, told] = /JSON Schema: (\{.*\})\s*$/s.exec(system) ?? [];
  try {
    return told === undefined ? undefined : JSON.parse(told);
  } catch {
    return undefined;
  }
}

/** True for the model names that stand for a model without structured output. */
export function hasNoSchemas(model: string): boolean {
  return model.startsWith('no-schemas-');
}

/** A value that fits the schema, with the text wherever one may be: as much of JSON Schema as people give to models. */
export function exampleOf(schema: unknown, text: string, root: unknown = schema): unknown {
  if (!isObject(schema)) return text;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (typeof schema.$ref === 'string') return exampleOf(resolve(schema.$ref, root), text, root);
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (Array.isArray(choices)) return exampleOf(choices[0], text, root);
  switch (String([schema.type ?? 'object'].flat()[0]).toLowerCase()) {
    case 'object': {
      // What is not required stays out.
      const properties = isObject(schema.properties) ? schema.properties : {};
      const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
      return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name], text, root)]));
    }
    case 'array': {
      const length = Math.max(1, Number(schema.minItems ?? 1));
      return Array.from({ length }, () => exampleOf(schema.items, text, root));
    }
    case 'string':
      return text
        .slice(0, Number(schema.maxLength ?? text.length))
        .padEnd(Number(schema.minLength ?? 0), '.');
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return schema.minimum === undefined
        ? Math.floor(Number(schema.maximum ?? 1))
        : Math.ceil(Number(schema.minimum));
  }
}

function resolve(reference: string, root: unknown): unknown {
  const steps = reference.split('/').slice(1);
  return steps.reduce<unknown>((schema, step) => (isObject(schema) ? schema[step] : undefined), root);
}
