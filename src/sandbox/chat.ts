/** Chat completions: the request form that OpenAI, OpenRouter and Model Studio share. */
import { countTokens, type Draft, isUnknownModel, type Wish } from './answers.ts';
import { type ChatFields, findWrongChatField, readChatWish } from './chat-fields.ts';
import { isObject } from './http.ts';
import type { Refusal } from './vendor.ts';

/** A request that is in order. */
export interface ChatRequest {
  readonly model: string;
  /** The text of the last user message. */
  readonly prompt: string;
  readonly promptTokens: number;
  readonly wish: Wish;
}

/** Reads a request body; a refusal says what OpenAI would say about it. */
export function readChat(body: unknown, fields: ChatFields): ChatRequest | Refusal {
  if (!isObject(body)) return invalid('We could not parse the JSON body of your request.', undefined);
  if (typeof body.model !== 'string' || body.model === '') {
    return invalid('you must provide a model parameter', undefined);
  }
  if (isUnknownModel(body.model)) return unknownModel(body.model);
  if (body.stream === true) return invalid('The sandbox does not stream its answers.', 'stream');
  if (body.max_tokens !== undefined && /^(o\d|gpt-5)/.test(body.model)) {
    const text = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    return invalid(`Unsupported parameter: ${text}`, 'max_tokens', 'unsupported_parameter');
  }
  const request = readMessages(body.model, body.messages);
  return (
    findWrongChatField(body, fields) ??
    ('prompt' in request ? { ...request, wish: readChatWish(body) } : request)
  );
}

/** OpenAI's refusal of a model that does not exist. */
export function unknownModel(model: string): Refusal {
  const message = `The model \`${model}\` does not exist or you do not have access to it.`;
  return { status: 404, message, code: 'model_not_found' };
}

function readMessages(model: string, messages: unknown): Omit<ChatRequest, 'wish'> | Refusal {
  if (messages === undefined) {
    return invalid("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  }
  if (!Array.isArray(messages)) {
    return invalid("Invalid type for 'messages': expected an array of objects.", 'messages', 'invalid_type');
  }
  if (messages.length === 0) {
    const wanted = 'Expected an array with minimum length 1, but got an empty array instead.';
    return invalid(`Invalid 'messages': empty array. ${wanted}`, 'messages', 'empty_array');
  }
  let prompt = '';
  let promptTokens = 0;
  for (const [index, message] of messages.entries()) {
    const text = isObject(message) ? contentText(message.content) : undefined;
    if (text === undefined || text === '') return badContent(index, text);
    if (message.role === 'user') prompt = text;
    promptTokens += countTokens(text);
  }
  return { model, prompt, promptTokens };
}

function contentText(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  return content.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('');
}

function badContent(index: number, text: string | undefined): Refusal {
  const field = `messages[${index}].content`;
  if (text === undefined) {
    return invalid(`Invalid value for '${field}': expected a string, got null.`, field, 'invalid_type');
  }
  const wanted = 'Expected a string with minimum length 1, but got an empty string instead.';
  return invalid(`Invalid '${field}': empty string. ${wanted}`, field, 'empty_string');
}

function invalid(message: string, field: string | undefined, code?: string): Refusal {
  return { status: 400, message, code, field };
}

const refusalText = "I'm sorry, I can't assist with that request.";

/** The one choice of a completion, without any error. Some vendors show the thoughts of a model, OpenAI does not. */
export function chatChoice(draft: Draft, thoughtsField: string | undefined): object {
  const reasons: Partial<Record<Draft['outcome'], string>> = { cut: 'length', blocked: 'content_filter' };
  const refusal = draft.outcome === 'refused' ? refusalText : null;
  const content = draft.outcome === 'refused' || draft.outcome === 'blocked' ? null : draft.text;
  const thoughts = thoughtsField && draft.thinking !== undefined ? { [thoughtsField]: draft.thinking } : {};
  return {
    index: 0,
    message: { role: 'assistant', content, refusal, ...thoughts },
    logprobs: null,
    finish_reason: reasons[draft.outcome] ?? 'stop',
  };
}

/** `usage` of a completion. */
export function chatUsage(request: ChatRequest, draft: Draft): Record<string, unknown> {
  const reasoningTokens = countTokens(draft.thinking ?? '');
  const text = draft.outcome === 'refused' ? refusalText : draft.text;
  const completionTokens = countTokens(text) + reasoningTokens;
  return {
    prompt_tokens: request.promptTokens,
    completion_tokens: completionTokens,
    total_tokens: request.promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  };
}
