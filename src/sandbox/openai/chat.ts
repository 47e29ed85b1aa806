/** Chat completions: requests and what is wrong with them, answers and errors, as OpenAI and those after it write them. */
import { countTokens, type Draft, isUnknownModel, type ModelRequest } from '../engine/answers.ts';
import { textOf, unknownFieldAmong } from '../engine/fields.ts';
import { hasNoSchemas, readToldSchema } from '../engine/schemas.ts';
import { unixSeconds } from '../engine/vendor.ts';
import { type Answer, invalid, isObject, json, Refused } from '../http/http.ts';

/** Those of OpenAI's API reference, `Create chat completion`; it refuses others. */
const findUnknown = unknownFieldAmong(
  'model messages temperature top_p max_tokens max_completion_tokens stop seed presence_penalty',
  'frequency_penalty response_format n logprobs top_logprobs logit_bias tools tool_choice parallel_tool_calls',
  'reasoning_effort stream stream_options user audio function_call functions metadata modalities moderation',
  'prediction prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier service_tier store',
  'verbosity web_search_options',
);

export const notJson: Refused = invalid('We could not parse the JSON body of your request.');

/** Reads a request body; throws a refusal in OpenAI's words. */
export function readChat(body: unknown, refusesUnknown: boolean): ModelRequest {
  if (!isObject(body)) throw notJson;
  const { messages, stop, response_format: asked } = body;
  const model = readModel(body);
  if (body.stream === true) throw invalid('The sandbox does not stream its answers.', { field: 'stream' });
  const unknown = refusesUnknown ? findUnknown(body) : undefined;
  if (unknown !== undefined) throw invalid(`Unrecognized request argument supplied: ${unknown}`);
  if (/^(o\d|gpt-5)/.test(model)) refuseForReasoning(body);
  const format = isObject(asked) ? asked : {};
  refuseFormat(format, model, messages);
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    model,
    ...readMessages(messages),
    tier: readTier(body.service_tier),
    settings: {
      maxTokens: typeof limit === 'number' ? limit : undefined,
      stops: [stop ?? []].flat().map(String),
      json: format.type === 'json_object',
      schema: isObject(format.json_schema) ? format.json_schema.schema : readToldSchema(readSystem(messages)),
    },
  };
}

/** What an account leaves to chance is answered as any call is. */
export function readTier(tier: unknown): string {
  return typeof tier === 'string' && tier !== 'auto' ? tier : 'default';
}

export function readModel({ model }: Record<string, unknown>): string {
  if (typeof model !== 'string' || model === '') throw invalid('you must provide a model parameter');
  if (isUnknownModel(model)) throw new Refused(404, unknownModel(model), { code: 'model_not_found' });
  return model;
}

/** OpenAI's words for a model that does not exist. */
export function unknownModel(model: string): string {
  return `The model \`${model}\` does not exist or you do not have access to it.`;
}

/** What models that reason do not take. */
function refuseForReasoning({ max_tokens: limit, temperature = 1 }: Record<string, unknown>): void {
  if (limit !== undefined) {
    const said = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    throw invalid(`Unsupported parameter: ${said}`, { field: 'max_tokens', code: 'unsupported_parameter' });
  }
  if (temperature === 1 || temperature === null) return;
  const said = `'temperature' does not support ${temperature} with this model.`;
  const wanted = 'Only the default (1) value is supported.';
  throw invalid(`Unsupported value: ${said} ${wanted}`, { field: 'temperature' });
}

/** OpenAI's guides on JSON mode and on structured outputs. */
function refuseFormat({ type }: Record<string, unknown>, model: string, messages: unknown): void {
  if (type === 'json_schema' && hasNoSchemas(model)) {
    const said = "'response_format' of type 'json_schema' is not supported with this model.";
    throw invalid(`Invalid parameter: ${said}`, { field: 'response_format' });
  }
  if (type !== 'json_object' || /json/i.test(JSON.stringify(messages))) return;
  const wanted = "to use 'response_format' of type 'json_object'.";
  throw invalid(`'messages' must contain the word 'json' in some form, ${wanted}`, { field: 'messages' });
}

function readSystem(messages: unknown): string {
  const [first] = Array.isArray(messages) ? messages : [];
  return isObject(first) && first.role === 'system' ? textOf(first.content) : '';
}

function readMessages(messages: unknown): { prompt: string; promptTokens: number } {
  const refuse = (message: string, field: string, code: string) => invalid(message, { field, code });
  const tooShort = (type: string) => `Expected ${type} with minimum length 1, but it is empty.`;
  if (messages === undefined)
    throw refuse("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  if (!Array.isArray(messages))
    throw refuse("Invalid type for 'messages': expected an array of objects.", 'messages', 'invalid_type');
  if (messages.length === 0)
    throw refuse(`Invalid 'messages': empty array. ${tooShort('an array')}`, 'messages', 'empty_array');
  let prompt = '';
  let promptTokens = 0;
  for (const [index, message] of messages.entries()) {
    const { role, content } = isObject(message) ? message : {};
    const field = `messages[${index}].content`;
    if (typeof content !== 'string' && !Array.isArray(content))
      throw refuse(`Invalid value for '${field}': expected a string, got null.`, field, 'invalid_type');
    const text = textOf(content);
    if (text === '')
      throw refuse(`Invalid '${field}': empty string. ${tooShort('a string')}`, field, 'empty_string');
    if (role === 'user') prompt = text;
    promptTokens += countTokens(text);
  }
  return { prompt, promptTokens };
}

export const refusalText = "I'm sorry, I can't assist with that request.";
const finishReasons: Partial<Record<Draft['outcome'], string>> = { cut: 'length', blocked: 'content_filter' };

/** A chat completion. Some vendors show the thoughts of a model, OpenAI does not. */
export function completion(
  { model, promptTokens, tier = 'default' }: ModelRequest,
  draft: Draft,
  id: string,
  thoughtsField: string | undefined,
) {
  const { outcome, text, thinking } = draft;
  const isRefusal = outcome === 'refused';
  const reasoningTokens = countTokens(thinking ?? '');
  const completionTokens = countTokens(isRefusal ? refusalText : text) + reasoningTokens;
  const choice = {
    index: 0,
    message: {
      role: 'assistant',
      content: isRefusal || outcome === 'blocked' ? null : text,
      refusal: isRefusal ? refusalText : null,
      ...(thoughtsField && thinking !== undefined && { [thoughtsField]: thinking }),
    },
    logprobs: null,
    finish_reason: finishReasons[outcome] ?? 'stop',
  };
  return {
    id,
    object: 'chat.completion',
    created: unixSeconds(Date.now()),
    model,
    choices: [choice],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: reasoningTokens },
    },
    service_tier: tier,
    system_fingerprint: null,
  };
}

let answersSent = 0;

/** An answer with the request id that all of OpenAI's have. */
export function openaiJson(value: unknown, status = 200): Answer {
  answersSent += 1;
  return json(value, status, { 'x-request-id': `req_sandbox${answersSent}` });
}

/** A refusal as OpenAI sends it. */
export function openaiError(refusal: Refused): Answer {
  return openaiJson(openaiErrorBody(refusal), refusal.status);
}

/** The body of a refusal, which a failed row of a batch holds too. */
export function openaiErrorBody({ status, message, details }: Refused): object {
  const code = details.code ?? (status === 429 ? 'rate_limit_exceeded' : null);
  const usual = status >= 500 ? 'server_error' : 'invalid_request_error';
  const type = code === 'insufficient_quota' ? code : status === 429 ? 'requests' : usual;
  return { error: { message, type, param: details.field ?? null, code } };
}
