/** Anthropic's messages: requests and what is wrong with them, answers and errors. */
import { countTokens, type Draft, isUnknownModel, type ModelRequest, refusalIn } from '../engine/answers.ts';
import { textOf, unknownFieldAmong } from '../engine/fields.ts';
import type { AnswerForm } from '../engine/live.ts';
import { hasNoSchemas, readToldSchema } from '../engine/schemas.ts';
import { type Answer, type Call, invalid, isObject, json, Refused } from '../http/http.ts';

/** The version that refuses sampling parameters, whatever their value (Anthropic's page on API versions). */
export const versionWithoutSampling = '2026-10-21';

/** True when the call's version takes `temperature`, `top_p` and `top_k`. */
export function takesSampling(call: Call): boolean {
  return call.header('anthropic-version') !== versionWithoutSampling;
}

let requestsSeen = 0;

function newRequestId(): string {
  requestsSeen += 1;
  return `req_sandbox${requestsSeen}`;
}

/** An answer with the request id that all of Anthropic's have. */
export function anthropicJson(value: unknown, status = 200, id: string = newRequestId()): Answer {
  return json(value, status, { 'request-id': id });
}

/** A refusal as Anthropic sends it. */
export function anthropicError(refusal: Refused): Answer {
  const id = newRequestId();
  return anthropicJson(anthropicErrorBody(refusal, id), refusal.status, id);
}

/** The body of a refusal, which an errored row of a batch holds too. */
export function anthropicErrorBody({ status, message, details }: Refused, requestId: string): object {
  const usual = status >= 500 ? 'api_error' : 'invalid_request_error';
  const type = details.code ?? errorTypes[status] ?? usual;
  return { type: 'error', error: { type, message }, request_id: requestId };
}

const errorTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Refuses the form of a request, at its place: batches are refused for it when they are created. */
export function checkShape(
  params: unknown,
  place: string,
  { takesSampling, needsMaxTokens = true }: { takesSampling: boolean; needsMaxTokens?: boolean },
): asserts params is Record<string, unknown> {
  const wrong = (message: string) => invalid(`${place}${message}`);
  if (!isObject(params)) throw wrong('The request body is not valid JSON: expected an object');
  const { model, max_tokens: limit, messages, stream } = params;
  if (typeof model !== 'string' || model === '') throw wrong('model: Field required');
  if (needsMaxTokens && limit === undefined) throw wrong('max_tokens: Field required');
  if (needsMaxTokens && !Number.isInteger(limit)) throw wrong('max_tokens: Input should be a valid integer');
  if (Number(limit) < 1) throw wrong('max_tokens: Input should be greater than or equal to 1');
  if (messages === undefined) throw wrong('messages: Field required');
  if (!Array.isArray(messages)) throw wrong('messages: Input should be a valid list');
  if (stream === true) throw wrong('stream: the sandbox does not stream its answers');
  const sampling = takesSampling ? [] : ['temperature', 'top_p', 'top_k'];
  const extra = sampling.find((name) => params[name] !== undefined);
  if (extra !== undefined) throw wrong(`${extra}: Extra inputs are not permitted`);
}

/** Those of the API reference, `Create a Message`; another is refused. */
const findUnknown = unknownFieldAmong(
  'model messages max_tokens system temperature top_p top_k stop_sequences output_config cache_control container',
  'diagnostics inference_geo metadata service_tier speed stream thinking tool_choice tools user_profile_id',
  'workspace_id',
);

/** Reads a request whose form is right; a row of a batch that is refused here ends as errored. */
export function readMessage(params: Record<string, unknown>): ModelRequest {
  const model = String(params.model);
  if (isUnknownModel(model)) throw new Refused(404, `model: ${model}`);
  const unknown = findUnknown(params);
  if (unknown !== undefined) throw invalid(`${unknown}: Extra inputs are not permitted`);
  const stops: string[] = Array.isArray(params.stop_sequences) ? params.stop_sequences.map(String) : [];
  if (stops.some((stop) => stop.trim() === ''))
    throw invalid('stop_sequences: each stop sequence must contain non-whitespace');
  const messages = params.messages as unknown[];
  if (messages.length === 0) throw invalid('messages: at least one message is required');
  let prompt = '';
  let promptTokens = countTokens(textOf(params.system));
  for (const [index, message] of messages.entries()) {
    const { content, role } = isObject(message) ? message : {};
    if (content === undefined || content === null) throw invalid(`messages.${index}.content: Field required`);
    const text = textOf(content);
    if (text === '') throw invalid(`messages.${index}: user messages must have non-empty content`);
    if (text.trim() === '') throw invalid('messages: text content blocks must contain non-whitespace text');
    if (role === 'user') prompt = text;
    promptTokens += countTokens(text);
  }
  const maxTokens = typeof params.max_tokens === 'number' ? params.max_tokens : undefined;
  const asked = readSchema(params.output_config);
  if (asked !== undefined && hasNoSchemas(model))
    throw invalid(`output_config.format: ${model} does not support structured outputs`);
  const schema = asked ?? readToldSchema(textOf(params.system));
  const settings = { maxTokens, stops, json: false, schema };
  return { model, prompt, promptTokens, settings };
}

function readSchema(config: unknown): unknown {
  const format = isObject(config) ? config.format : undefined;
  if (!isObject(format)) return undefined;
  if (format.type !== 'json_schema')
    throw invalid("output_config.format.type: Input should be 'json_schema'");
  if (!isObject(format.schema)) throw invalid('output_config.format.schema: Field required');
  return format.schema;
}

const stopReasons: Partial<Record<Draft['outcome'], string>> = { cut: 'max_tokens', refused: 'refusal' };

export const messageForm: AnswerForm = {
  /** Blocked output is an error as well. */
  refusalIn: (draft) =>
    draft.outcome === 'blocked' ? invalid('Output blocked by content filtering policy') : refusalIn(draft),
  write: ({ model, promptTokens }, draft, id, isBatch) => ({
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model,
    content: contentBlocks(draft),
    stop_reason: stopReasons[draft.outcome] ?? (draft.stop === undefined ? 'end_turn' : 'stop_sequence'),
    stop_sequence: draft.stop ?? null,
    usage: {
      input_tokens: promptTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: countTokens(draft.text) + countTokens(draft.thinking ?? ''),
      service_tier: isBatch ? 'batch' : 'standard',
    },
  }),
};

/** The text comes in two blocks after a thought, as it may: a reader has to join them. */
function contentBlocks({ text, thinking }: Draft): object[] {
  if (text === '') return [];
  if (thinking === undefined) return [{ type: 'text', text }];
  const half = Math.floor(text.length / 2);
  return [
    { type: 'thinking', thinking, signature: 'c2FuZGJveA==' },
    { type: 'text', text: text.slice(0, half) },
    { type: 'text', text: text.slice(half) },
  ];
}
