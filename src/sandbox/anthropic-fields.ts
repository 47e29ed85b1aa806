/** The fields of a message that say how to generate. */
import type { Wish } from './answers.ts';
import { anything, findWrongField, flag, list, number, object, text, texts, whole } from './fields.ts';
import { isObject } from './http.ts';
import { findWrongSchema } from './schemas.ts';

/** Those of the API reference, `Create a Message`; another is refused. */
const checks = {
  model: text,
  messages: list,
  max_tokens: whole(1),
  system: anything,
  temperature: number(0, 1),
  top_p: number(0, 1),
  top_k: whole(0),
  stop_sequences: texts(Number.MAX_SAFE_INTEGER),
  output_config: object,
  cache_control: object,
  container: anything,
  diagnostics: object,
  inference_geo: text,
  metadata: object,
  service_tier: text,
  speed: text,
  stream: flag,
  thinking: object,
  tool_choice: object,
  tools: list,
  user_profile_id: text,
  workspace_id: text,
};

/** What is not in order, in Anthropic's words. */
export function findWrongMessageField(params: Record<string, unknown>): string | undefined {
  const wrong = findWrongField(params, checks, 'refused');
  if (wrong !== undefined) {
    return wrong.expected === undefined
      ? `${wrong.field}: Extra inputs are not permitted`
      : `${wrong.field}: Input should be ${wrong.expected}`;
  }
  const stops = Array.isArray(params.stop_sequences) ? params.stop_sequences : [];
  if (stops.some((stop) => stop.trim() === ''))
    return 'stop_sequences: each stop sequence must contain non-whitespace';
  const format = formatOf(params);
  if (format === undefined) return undefined;
  if (format.type !== 'json_schema') return "output_config.format.type: Input should be 'json_schema'";
  if (!isObject(format.schema)) return 'output_config.format.schema: Field required';
  const problem = findWrongSchema(format.schema, schemaProblem);
  return problem === undefined ? undefined : `output_config.format.schema: ${problem}`;
}

/** Anthropic's page on structured outputs, `JSON Schema limitations`. */
const unsupported = ['minimum', 'maximum', 'multipleOf', 'minLength', 'maxLength', 'maxItems', 'oneOf'];

function schemaProblem(schema: Record<string, unknown>): string | undefined {
  if (schema.type === 'object' && schema.additionalProperties !== false)
    return "For 'object' type, 'additionalProperties' must be explicitly set to false";
  const keyword = unsupported.find((name) => schema[name] !== undefined);
  return keyword && `For '${schema.type}' type, property '${keyword}' is not supported`;
}

function formatOf({ output_config: config }: Record<string, unknown>): Record<string, unknown> | undefined {
  return isObject(config) && isObject(config.format) ? config.format : undefined;
}

/** What a request that is in order wants of its answer. */
export function readMessageWish(params: Record<string, unknown>): Wish {
  return {
    maxTokens: typeof params.max_tokens === 'number' ? params.max_tokens : undefined,
    stops: Array.isArray(params.stop_sequences) ? params.stop_sequences : [],
    json: false,
    schema: formatOf(params)?.schema,
  };
}
