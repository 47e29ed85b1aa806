/** The JSON Schema that fields stand for: an object with them in it, and nothing else. */
import type { JsonObject } from '../../core/models.ts';
import type { Field, FieldType } from './parse-fields.ts';

/**
 * An optional field may be left out or be null: some providers know only the one, some only the other.
 */
export function schemaOfFields(fields: readonly Field[]): JsonObject {
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.name, schemaOfField(field)])),
    required: fields.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
    additionalProperties: false,
  };
}

function schemaOfField({ type, isList, isOptional, description }: Field): JsonObject {
  const described = description === undefined ? {} : { description };
  if (isList) return { type: orNull('array', isOptional), ...described, items: schemaOfType(type, false) };
  return { ...described, ...schemaOfType(type, isOptional) };
}

function schemaOfType(type: FieldType, isOptional: boolean): JsonObject {
  if (typeof type === 'string') return { type: orNull(type, isOptional) };
  return { type: orNull('string', isOptional), enum: isOptional ? [...type.labels, null] : type.labels };
}

function orNull(type: string, isOptional: boolean): string | readonly string[] {
  return isOptional ? [type, 'null'] : type;
}
