/** By what it is known that there is no structured output. */
import { expect, it, test } from 'vitest';
import { ProviderError } from '../../../src/core/errors.ts';
import type { RowResult } from '../../../src/core/models.ts';
import {
  findSchemaRefusal,
  isSchemaRefusal,
  tellSchema,
} from '../../../src/orchestrator/answers/told-schema.ts';

const lacks = [
  "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
  'This response_format type is unavailable now',
  "Invalid value: 'json_schema'. Supported values are: 'text' and 'json_object'.",
  "response_format.type: Input should be 'text' or 'json_object'",
  'output_config: Extra inputs are not permitted',
  'claude-2 does not support structured outputs',
  'JSON mode is not enabled for models/gemma-3-27b-it',
  'Invalid JSON payload received. Unknown name "responseSchema" at \'generation_config\': Cannot find field.',
];
const others = [
  "Invalid schema for response_format 'response': 'oneOf' is not permitted.",
  'The prompt is too long.',
  'temperature is not supported with this model',
  'Rate limit reached for json_schema requests.',
  "Generated JSON does not match the expected schema. Errors: jsonschema: '' does not validate with /additionalProperties: 'title' not allowed",
  "Property 'title' is not allowed by response_format.",
  'Could not read json_schema: unexpected end of output.',
];

function failed(kind: string, message: string, facts: object = {}): RowResult {
  return { customId: 'row-0', outcome: 'failed', error: { kind, message }, ...facts };
}

it.each(lacks)('%s', (message) => {
  for (const status of [400, 404, 422, 501])
    expect(isSchemaRefusal(new ProviderError('run', 'invalid', message, { status }))).toBe(true);
  expect(findSchemaRefusal(failed('http_400', message))).toBe(message);
  expect(findSchemaRefusal(failed('invalid_request_error', message))).toBe(message);
});

it.each(others)('not: %s', (message) => {
  expect(isSchemaRefusal(new ProviderError('run', 'invalid', message, { status: 400 }))).toBe(false);
  expect(findSchemaRefusal(failed('http_400', message))).toBeUndefined();
});

test('what a server says in a bad moment, or a model in an answer that is paid for, is no such refusal', () => {
  const [message = ''] = lacks;
  for (const status of [undefined, 401, 429, 500, 503])
    expect(isSchemaRefusal(new ProviderError('retry', 'x', message, { status }))).toBe(false);
  for (const kind of ['http_500', 'server_error', 'refusal', 'content_filter', 'json_validate_failed'])
    expect(findSchemaRefusal(failed(kind, message))).toBeUndefined();
  const misfit = new ProviderError('row', 'json_validate_failed', message, { status: 400 });
  expect(isSchemaRefusal(misfit)).toBe(false);
  const usage = { inputTokens: 3, outputTokens: 1 };
  expect(findSchemaRefusal(failed('http_400', message, { usage }))).toBeUndefined();
  expect(findSchemaRefusal({ customId: 'row-0', outcome: 'succeeded', text: message })).toBeUndefined();
});

test('a schema is told at the end of the system text, and nothing else changes', () => {
  const schema = { type: 'object' };
  const demand = 'Answer with nothing but JSON that fits this JSON Schema: {"type":"object"}';
  expect(tellSchema({ schema, temperature: 0 })).toEqual({ temperature: 0, system: demand });
  expect(tellSchema({ system: 'Be brief.', schema })).toEqual({ system: `Be brief.\n\n${demand}` });
  expect(tellSchema({ temperature: 0 })).toEqual({ temperature: 0 });
});
