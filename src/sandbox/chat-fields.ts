/** The fields of a chat completion that say how to generate. */
import type { Wish } from './answers.ts';
import {
  anything,
  type FieldCheck,
  findWrongField,
  flag,
  list,
  number,
  object,
  text,
  texts,
  whole,
} from './fields.ts';
import { isObject } from './http.ts';
import { findWrongSchema } from './schemas.ts';
import type { Refusal } from './vendor.ts';

/** What a server takes. */
export interface ChatFields {
  readonly checks: Readonly<Record<string, FieldCheck>>;
  readonly others: 'refused' | 'ignored';
}

/** One text, or up to four. */
const stops: FieldCheck = (value) => (typeof value === 'string' ? undefined : texts(4)(value));

const shared = {
  model: text,
  messages: anything,
  temperature: number(0, 2),
  top_p: number(0, 1),
  max_tokens: whole(1),
  max_completion_tokens: whole(1),
  stop: stops,
  seed: whole(),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  response_format: object,
  n: whole(1, 128),
  logprobs: flag,
  top_logprobs: whole(0, 20),
  logit_bias: object,
  tools: list,
  tool_choice: anything,
  parallel_tool_calls: flag,
  reasoning_effort: text,
  stream: flag,
  stream_options: object,
  user: text,
};

/** OpenAI refuses a field that it does not know (its API reference, `Create chat completion`). */
export const openaiFields: ChatFields = {
  checks: {
    ...shared,
    audio: object,
    function_call: anything,
    functions: list,
    metadata: object,
    modalities: list,
    moderation: object,
    prediction: object,
    prompt_cache_key: text,
    prompt_cache_options: object,
    prompt_cache_retention: text,
    safety_identifier: text,
    service_tier: text,
    store: flag,
    verbosity: text,
    web_search_options: object,
  },
  others: 'refused',
};

/** OpenRouter hands on what it does not know, and Model Studio has switches of single models. */
export const openFields: ChatFields = { checks: { ...shared, top_k: whole(0) }, others: 'ignored' };

/** The first field that is not in order, in OpenAI's words. */
export function findWrongChatField(body: Record<string, unknown>, fields: ChatFields): Refusal | undefined {
  const wrong = findWrongField(body, fields.checks, fields.others);
  if (wrong !== undefined && wrong.expected === undefined) {
    return refusal(`Unrecognized request argument supplied: ${wrong.field}`, undefined);
  }
  if (wrong !== undefined)
    return refusal(`Invalid '${wrong.field}': expected ${wrong.expected}.`, wrong.field);
  const { model, temperature } = body;
  if (/^(o\d|gpt-5)/.test(String(model)) && typeof temperature === 'number' && temperature !== 1) {
    const said = `'temperature' does not support ${temperature} with this model.`;
    return refusal(`Unsupported value: ${said} Only the default (1) value is supported.`, 'temperature');
  }
  return findWrongFormat(body);
}

function findWrongFormat({
  response_format: format,
  messages,
}: Record<string, unknown>): Refusal | undefined {
  if (!isObject(format) || format.type === 'text') return undefined;
  if (format.type === 'json_object') {
    if (/json/i.test(JSON.stringify(messages))) return undefined;
    const wanted = "to use 'response_format' of type 'json_object'.";
    return refusal(`'messages' must contain the word 'json' in some form, ${wanted}`, 'messages');
  }
  const { name, schema, strict } = isObject(format.json_schema) ? format.json_schema : {};
  if (
    format.type !== 'json_schema' ||
    typeof name !== 'string' ||
    !/^[\w-]{1,64}$/.test(name) ||
    !isObject(schema)
  ) {
    return refusal("Invalid value for 'response_format': a type, a name and a schema.", 'response_format');
  }
  const problem = strict === true ? findWrongSchema(schema, strictProblem) : undefined;
  return problem === undefined
    ? undefined
    : refusal(`Invalid schema for response_format '${name}': ${problem}`, 'response_format');
}

function strictProblem(schema: Record<string, unknown>): string | undefined {
  if (schema.type !== 'object') return undefined;
  if (schema.additionalProperties !== false)
    return "'additionalProperties' is required to be supplied and to be false.";
  const required = Array.isArray(schema.required) ? schema.required : [];
  const names = Object.keys(isObject(schema.properties) ? schema.properties : {});
  const missing = names.find((name) => !required.includes(name));
  return missing === undefined
    ? undefined
    : `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`;
}

function refusal(message: string, field: string | undefined): Refusal {
  return { status: 400, message, field };
}

/** What a request that is in order wants of its answer. */
export function readChatWish(body: Record<string, unknown>): Wish {
  const format = isObject(body.response_format) ? body.response_format : {};
  const schema = isObject(format.json_schema) ? format.json_schema.schema : undefined;
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    maxTokens: typeof limit === 'number' ? limit : undefined,
    stops: body.stop === undefined || body.stop === null ? [] : [body.stop].flat().map(String),
    json: format.type === 'json_object',
    schema,
  };
}
