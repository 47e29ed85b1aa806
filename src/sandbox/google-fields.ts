/** `generationConfig` of a GenerateContentRequest: how to generate. */
import type { Wish } from './answers.ts';
import { anything, findWrongField, flag, list, number, object, text, texts, whole } from './fields.ts';
import { isObject } from './http.ts';
import { findWrongSchema } from './schemas.ts';

const most = 2 ** 31 - 1;

const checks = {
  temperature: number(0, 2),
  topP: number(0, 1),
  topK: whole(1, most),
  candidateCount: whole(1, 8),
  maxOutputTokens: whole(1, most),
  stopSequences: texts(5),
  seed: whole(-most - 1, most),
  presencePenalty: number(-2, 2),
  frequencyPenalty: number(-2, 2),
  responseMimeType: text,
  responseSchema: object,
  responseJsonSchema: anything,
  responseFormat: anything,
  responseModalities: list,
  responseLogprobs: flag,
  logprobs: whole(0, 20),
  thinkingConfig: object,
  speechConfig: object,
  mediaResolution: text,
  enableEnhancedCivicAnswers: flag,
};

/** The fields of `Schema` (ai.google.dev/api/caching#Schema): another is refused, `$schema` and `const` too. */
const schemaFields = [
  ...['type', 'format', 'title', 'description', 'nullable', 'enum', 'maxItems', 'minItems', 'properties'],
  ...['required', 'minProperties', 'maxProperties', 'minLength', 'maxLength', 'pattern', 'example', 'anyOf'],
  ...['propertyOrdering', 'default', 'items', 'minimum', 'maximum'],
];
const schemaTypes = ['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL'];

function configOf(request: Record<string, unknown>): Record<string, unknown> {
  const config = request.generationConfig ?? request.generation_config;
  return isObject(config) ? config : {};
}

/** What is not in order, in Google's words. */
export function findWrongGenerationConfig(request: Record<string, unknown>): string | undefined {
  const config = configOf(request);
  const wrong = findWrongField(config, checks, 'refused');
  if (wrong !== undefined) {
    return wrong.expected === undefined
      ? `Invalid JSON payload received. Unknown name "${wrong.field}" at 'generation_config': Cannot find field.`
      : `Invalid value at 'generation_config.${wrong.field}': it must be ${wrong.expected}.`;
  }
  const { responseMimeType, responseSchema } = config;
  if (responseSchema === undefined) return undefined;
  if (responseMimeType !== 'application/json')
    return '* GenerateContentRequest.generation_config.response_schema: only allowed when response_mime_type is application/json\n';
  return findWrongSchema(responseSchema, schemaProblem);
}

function schemaProblem(schema: Record<string, unknown>): string | undefined {
  const place = 'generation_config.response_schema';
  const unknown = Object.keys(schema).find((name) => !schemaFields.includes(name));
  if (unknown !== undefined)
    return `Invalid JSON payload received. Unknown name "${unknown}" at '${place}': Cannot find field.`;
  const { type, anyOf } = schema;
  if (anyOf === undefined && !schemaTypes.includes(String(type).toUpperCase()))
    return `Invalid value at '${place}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), "${type}"`;
  if (String(type).toUpperCase() !== 'OBJECT') return undefined;
  return isObject(schema.properties) && Object.keys(schema.properties).length > 0
    ? undefined
    : `* GenerateContentRequest.${place}.properties: should be non-empty for OBJECT type\n`;
}

/** What a request that is in order wants of its answer. */
export function readContentWish(request: Record<string, unknown>, heedsJsonSchema: boolean): Wish {
  const config = configOf(request);
  return {
    maxTokens: typeof config.maxOutputTokens === 'number' ? config.maxOutputTokens : undefined,
    stops: Array.isArray(config.stopSequences) ? config.stopSequences : [],
    json: config.responseMimeType === 'application/json',
    schema: config.responseSchema ?? (heedsJsonSchema ? config.responseJsonSchema : undefined),
  };
}
