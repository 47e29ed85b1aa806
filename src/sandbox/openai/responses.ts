/** The Responses API of OpenAI and those after it: requests and what is wrong with them, and answers. */
import { countTokens, type Draft, type ModelRequest } from '../engine/answers.ts';
import { textOf, unknownFieldAmong } from '../engine/fields.ts';
import { hasNoSchemas, readToldSchema } from '../engine/schemas.ts';
import { unixSeconds } from '../engine/vendor.ts';
import { invalid, isObject } from '../http/http.ts';
import { notJson, readModel, readTier, refusalText } from './chat.ts';

/** Those of OpenAI's API reference, `Create a model response`; it refuses others. */
const findUnknown = unknownFieldAmong(
  'model input instructions max_output_tokens temperature top_p text store reasoning tools tool_choice',
  'parallel_tool_calls max_tool_calls include metadata previous_response_id conversation context_management',
  'prompt prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier service_tier',
  'stream stream_options background background_options moderation top_logprobs truncation user',
);

/** Reads a request body; throws a refusal in OpenAI's words. */
export function readResponses(body: unknown, refusesUnknown: boolean): ModelRequest {
  if (!isObject(body)) throw notJson;
  const model = readModel(body);
  for (const field of ['stream', 'background']) {
    if (body[field] === true) throw invalid(`The sandbox has no answers of '${field}'.`, { field });
  }
  const unknown = refusesUnknown ? findUnknown(body) : undefined;
  if (unknown !== undefined) {
    const details = { field: unknown, code: 'unknown_parameter' };
    throw invalid(`Unknown parameter: '${unknown}'.`, details);
  }
  const { input, instructions, text, max_output_tokens: limit } = body;
  const asked = isObject(text) && isObject(text.format) ? text.format : {};
  refuseFormat(asked, model, body);
  const system = typeof instructions === 'string' ? instructions : '';
  const { prompt, promptTokens } = readInput(input);
  return {
    model,
    prompt,
    promptTokens: promptTokens + countTokens(system),
    settings: {
      maxTokens: typeof limit === 'number' ? limit : undefined,
      stops: [],
      json: asked.type === 'json_object',
      schema: asked.type === 'json_schema' ? asked.schema : readToldSchema(system),
    },
    tier: readTier(body.service_tier),
    api: 'responses',
  };
}

function refuseFormat(
  { type, name, schema }: Record<string, unknown>,
  model: string,
  { input, instructions }: Record<string, unknown>,
): void {
  if (type === 'json_schema' && hasNoSchemas(model)) {
    const said = "'text.format' of type 'json_schema' is not supported with this model.";
    throw invalid(`Invalid parameter: ${said}`, { field: 'text.format' });
  }
  if (type === 'json_schema' && (typeof name !== 'string' || !isObject(schema))) {
    const field = typeof name === 'string' ? 'text.format.schema' : 'text.format.name';
    const details = { field, code: 'missing_required_parameter' };
    throw invalid(`Missing required parameter: '${field}'.`, details);
  }
  if (type !== 'json_object' || /json/i.test(JSON.stringify([input, instructions]))) return;
  const wanted = "to use 'text.format' of type 'json_object'.";
  throw invalid(`Response input messages must contain the word 'json' in some form ${wanted}`, {
    field: 'input',
  });
}

/** A text, or a list of messages. */
function readInput(input: unknown): { prompt: string; promptTokens: number } {
  if (typeof input === 'string' && input !== '') return { prompt: input, promptTokens: countTokens(input) };
  if (!Array.isArray(input) || input.length === 0) {
    const details = { field: 'input', code: 'missing_required_parameter' };
    throw invalid("Missing required parameter: 'input'.", details);
  }
  let prompt = '';
  let promptTokens = 0;
  for (const message of input.filter(isObject)) {
    const text = textOf(message.content);
    if (message.role === 'user') prompt = text;
    promptTokens += countTokens(text);
  }
  return { prompt, promptTokens };
}

const reasons: Partial<Record<Draft['outcome'], string>> = {
  cut: 'max_output_tokens',
  blocked: 'content_filter',
};

/** A response; what a model thought is an item of its own, without the text of it. */
export function writeResponse(
  { model, promptTokens, tier = 'default' }: ModelRequest,
  draft: Draft,
  id: string,
) {
  const { outcome, text, thinking } = draft;
  const reasoningTokens = countTokens(thinking ?? '');
  const outputTokens = countTokens(outcome === 'refused' ? refusalText : text) + reasoningTokens;
  const reason = reasons[outcome];
  const status = reason === undefined ? 'completed' : 'incomplete';
  const part =
    outcome === 'refused'
      ? { type: 'refusal', refusal: refusalText }
      : { type: 'output_text', text, annotations: [], logprobs: [] };
  const message = { id: `msg_${id}`, type: 'message', status, role: 'assistant', content: [part] };
  const thoughts = { id: `rs_${id}`, type: 'reasoning', summary: [] };
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: unixSeconds(Date.now()),
    status,
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    model,
    output: [...(thinking === undefined ? [] : [thoughts]), ...(outcome === 'blocked' ? [] : [message])],
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: reasoningTokens },
      total_tokens: promptTokens + outputTokens,
    },
    service_tier: tier,
    metadata: {},
  };
}
