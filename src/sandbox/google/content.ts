/** Google's content: requests and what is wrong with them, responses and errors. */
import { countTokens, type Draft, isUnknownModel, type ModelRequest, refusalIn } from '../engine/answers.ts';
import { textOf, unknownFieldAmong } from '../engine/fields.ts';
import type { AnswerForm } from '../engine/live.ts';
import { hasNoSchemas, readToldSchema } from '../engine/schemas.ts';
import { type Answer, invalid, isObject, json, Refused } from '../http/http.ts';

/** HTTP status → the status word and number of google.rpc.Code. */
const rpcStatuses: Readonly<Record<number, readonly [word: string, code: number]>> = {
  400: ['INVALID_ARGUMENT', 3],
  401: ['UNAUTHENTICATED', 16],
  403: ['PERMISSION_DENIED', 7],
  404: ['NOT_FOUND', 5],
  409: ['ALREADY_EXISTS', 6],
  429: ['RESOURCE_EXHAUSTED', 8],
  499: ['CANCELLED', 1],
  500: ['INTERNAL', 13],
  503: ['UNAVAILABLE', 14],
  504: ['DEADLINE_EXCEEDED', 4],
};

function rpcStatus(status: number): readonly [word: string, code: number] {
  return rpcStatuses[status] ?? (status >= 500 ? ['INTERNAL', 13] : ['FAILED_PRECONDITION', 9]);
}

/** A refusal as Google sends it; its own word for the reason and the time to wait are among the details. */
export function googleError({ status, message, details: { code, retryAfterMs } }: Refused): Answer {
  const reason = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: code,
    domain: 'googleapis.com',
    metadata: { service: 'generativelanguage.googleapis.com' },
  };
  const wait = {
    '@type': 'type.googleapis.com/google.rpc.RetryInfo',
    retryDelay: `${Number(retryAfterMs) / 1000}s`,
  };
  const details = [...(code === undefined ? [] : [reason]), ...(retryAfterMs === undefined ? [] : [wait])];
  const error = { code: status, message, status: rpcStatus(status)[0] };
  return json({ error: details.length > 0 ? { ...error, details } : error }, status);
}

/** The status object with which a row of a batch fails. */
export function googleRowError({ status, message }: Refused): object {
  return { code: rpcStatus(status)[1], message };
}

function unknownName(name: string, place = ''): string {
  return `Invalid JSON payload received. Unknown name "${name}"${place && ` at '${place}'`}: Cannot find field.`;
}

/** Throws Google's refusal of a model that does not exist. */
export function checkModel(model: string): void {
  if (!isUnknownModel(model)) return;
  const advice = 'Call ListModels to see the list of available models and their supported methods.';
  const what = `models/${model} is not found for API version v1beta, or is not supported for generateContent.`;
  throw new Refused(404, `${what} ${advice}`);
}

const findUnknown = unknownFieldAmong(
  'model contents systemInstruction system_instruction tools toolConfig tool_config safetySettings safety_settings',
  'generationConfig generation_config cachedContent cached_content labels store serviceTier service_tier',
);
const findUnknownConfig = unknownFieldAmong(
  'temperature topP topK candidateCount maxOutputTokens stopSequences seed presencePenalty frequencyPenalty',
  'responseMimeType responseSchema responseJsonSchema responseFormat responseModalities responseLogprobs logprobs',
  'thinkingConfig speechConfig mediaResolution enableEnhancedCivicAnswers',
);

/** Reads a GenerateContentRequest; throws a refusal in Google's words. */
export function readContent(request: unknown, model: string, { heedsJsonSchema = true } = {}): ModelRequest {
  if (!isObject(request)) throw invalid('Invalid JSON payload received. Expected an object.');
  const unknown = findUnknown(request);
  if (unknown !== undefined) throw invalid(unknownName(unknown));
  const config = readConfig(request.generationConfig ?? request.generation_config);
  if (config.responseMimeType === 'application/json' && hasNoSchemas(model))
    throw invalid(`JSON mode is not enabled for models/${model}`);
  const { contents } = request;
  if (!Array.isArray(contents) || contents.length === 0)
    throw invalid('* GenerateContentRequest.contents: contents is not specified\n');
  let prompt = '';
  const system = request.systemInstruction ?? request.system_instruction;
  const systemText = textOf(isObject(system) ? system.parts : undefined);
  let promptTokens = countTokens(systemText);
  for (const [index, content] of contents.entries()) {
    const parts = isObject(content) ? content.parts : undefined;
    if (!Array.isArray(parts) || parts.length === 0) {
      const place = `* GenerateContentRequest.contents[${index}].parts`;
      throw invalid(`${place}: contents.parts must not be empty.\n`);
    }
    prompt = textOf(parts);
    promptTokens += countTokens(prompt);
  }
  if (prompt === '') {
    const advice = 'Add a value to the parameter and try again.';
    throw invalid(`Unable to submit request because it has an empty text parameter. ${advice}`);
  }
  const settings = {
    maxTokens: typeof config.maxOutputTokens === 'number' ? config.maxOutputTokens : undefined,
    stops: Array.isArray(config.stopSequences) ? config.stopSequences.map(String) : [],
    json: config.responseMimeType === 'application/json',
    schema:
      config.responseSchema ??
      (heedsJsonSchema ? config.responseJsonSchema : undefined) ??
      readToldSchema(systemText),
  };
  return { model, prompt, promptTokens, settings, tier: readTier(request) };
}

/** Of the SDK's enumeration; any other is refused. */
const tiers = ['unspecified', 'standard', 'flex', 'priority'];

function readTier({ serviceTier, service_tier }: Record<string, unknown>): string | undefined {
  const tier = serviceTier ?? service_tier;
  if (tier === undefined) return undefined;
  if (typeof tier === 'string' && tiers.includes(tier.toLowerCase())) return tier.toLowerCase();
  throw invalid(`Invalid value at 'service_tier' (type.googleapis.com/ServiceTier), ${JSON.stringify(tier)}`);
}

function readConfig(config: unknown): Record<string, unknown> {
  if (!isObject(config)) return {};
  const unknown = findUnknownConfig(config);
  if (unknown !== undefined) throw invalid(unknownName(unknown, 'generation_config'));
  if (config.responseSchema !== undefined && config.responseMimeType !== 'application/json') {
    const place = '* GenerateContentRequest.generation_config.response_schema';
    throw invalid(`${place}: only allowed when response_mime_type is application/json\n`);
  }
  return config;
}

/** A GenerateContentResponse. A blocked prompt has no candidates at all, a blocked answer one without content. */
export const contentForm: AnswerForm = {
  refusalIn,
  write: ({ model, promptTokens, tier }, draft, id) => ({
    ...(draft.outcome === 'blocked'
      ? { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }
      : { candidates: [candidate(draft)] }),
    usageMetadata: { ...usage(promptTokens, draft), ...(tier && { serviceTier: tier }) },
    modelVersion: model,
    responseId: id,
  }),
};

function candidate({ outcome, text, thinking }: Draft): object {
  if (outcome === 'refused') return { finishReason: 'SAFETY', index: 0 };
  const thought = thinking === undefined ? [] : [{ text: thinking, thought: true }];
  const parts = outcome === 'empty' ? {} : { parts: [...thought, { text }] };
  const finishReason = outcome === 'cut' ? 'MAX_TOKENS' : 'STOP';
  return { content: { ...parts, role: 'model' }, finishReason, index: 0 };
}

function usage(promptTokens: number, draft: Draft): object {
  const text = countTokens(draft.text);
  const thoughts = countTokens(draft.thinking ?? '');
  return {
    promptTokenCount: promptTokens,
    ...(text > 0 && { candidatesTokenCount: text }),
    ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
    totalTokenCount: promptTokens + text + thoughts,
  };
}
