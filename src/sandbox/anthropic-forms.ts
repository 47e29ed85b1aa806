/** The forms in which Anthropic speaks: requests and what is wrong with them, messages, errors. */
import { countTokens, type Draft, isUnknownModel, type Wish } from './answers.ts';
import { findWrongMessageField, readMessageWish } from './anthropic-fields.ts';
import { type Answer, type Call, isObject, json } from './http.ts';
import { headerOf, type Refusal } from './vendor.ts';

/** The version that refuses sampling parameters, whatever their value (Anthropic's page on API versions). */
export const versionWithoutSampling = '2026-10-21';

/** True when the call's version takes `temperature`, `top_p` and `top_k`. */
export function takesSampling(call: Call): boolean {
  return headerOf(call, 'anthropic-version') !== versionWithoutSampling;
}

/** A request that is in order. */
export interface MessageRequest {
  readonly model: string;
  /** The text of the last user message. */
  readonly prompt: string;
  readonly inputTokens: number;
  readonly wish: Wish;
}

let requestsSeen = 0;

/** An answer with the request id that all of Anthropic's have. */
export function anthropicJson(value: unknown, status = 200, id = newRequestId()): Answer {
  return json(value, status, { 'request-id': id });
}

/** A refusal as Anthropic sends it. */
export function anthropicError(refusal: Refusal): Answer {
  const id = newRequestId();
  return anthropicJson(anthropicErrorBody(refusal, id), refusal.status, id);
}

/** The body of a refusal, which an errored row of a batch holds too. */
export function anthropicErrorBody(refusal: Refusal, requestId: string): object {
  const type =
    refusal.code ??
    errorTypes[refusal.status] ??
    (refusal.status >= 500 ? 'api_error' : 'invalid_request_error');
  return { type: 'error', error: { type, message: refusal.message }, request_id: requestId };
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

function newRequestId(): string {
  requestsSeen += 1;
  return `req_sandbox${requestsSeen}`;
}

/** What is wrong with the form of a request: batches are refused for it when they are created. */
export function refuseShape(
  params: unknown,
  sampling: boolean,
  needsMaxTokens: boolean,
): Refusal | undefined {
  if (!isObject(params)) return invalid('The request body is not valid JSON: expected an object');
  if (typeof params.model !== 'string' || params.model === '') return invalid('model: Field required');
  if (needsMaxTokens && params.max_tokens === undefined) return invalid('max_tokens: Field required');
  if (needsMaxTokens && !Number.isInteger(params.max_tokens)) {
    return invalid('max_tokens: Input should be a valid integer');
  }
  if (needsMaxTokens && (params.max_tokens as number) < 1) {
    return invalid('max_tokens: Input should be greater than or equal to 1');
  }
  if (params.messages === undefined) return invalid('messages: Field required');
  if (!Array.isArray(params.messages)) return invalid('messages: Input should be a valid list');
  if (params.stream === true) return invalid('stream: the sandbox does not stream its answers');
  const extra = sampling
    ? undefined
    : ['temperature', 'top_p', 'top_k'].find((name) => params[name] !== undefined);
  return extra === undefined ? undefined : invalid(`${extra}: Extra inputs are not permitted`);
}

/** Reads a request whose form is right; a row of a batch that is refused here ends as errored. */
export function readMessage(params: Record<string, unknown>): MessageRequest | Refusal {
  const model = params.model as string;
  if (isUnknownModel(model)) return { status: 404, message: `model: ${model}` };
  const wrong = findWrongMessageField(params);
  if (wrong !== undefined) return invalid(wrong);
  const messages = params.messages as unknown[];
  if (messages.length === 0) return invalid('messages: at least one message is required');
  let prompt = '';
  let inputTokens = countTokens(contentText(params.system));
  for (const [index, entry] of messages.entries()) {
    const content = isObject(entry) ? entry.content : undefined;
    if (content === undefined || content === null)
      return invalid(`messages.${index}.content: Field required`);
    const text = contentText(content);
    if (text === '') return invalid(`messages.${index}: user messages must have non-empty content`);
    if (text.trim() === '') return invalid('messages: text content blocks must contain non-whitespace text');
    if ((entry as { role?: unknown }).role === 'user') prompt = text;
    inputTokens += countTokens(text);
  }
  return { model, prompt, inputTokens, wish: readMessageWish(params) };
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((block) => (isObject(block) && typeof block.text === 'string' ? block.text : ''))
    .join('');
}

function invalid(message: string): Refusal {
  return { status: 400, message };
}

/** The error that a prompt asked for; blocked output is one as well. */
export function anthropicRefusalIn(draft: Draft): Refusal | undefined {
  if (draft.outcome === 'blocked') return invalid('Output blocked by content filtering policy');
  if (!draft.outcome.endsWith('error')) return undefined;
  const status = draft.status < 400 ? 500 : draft.status;
  return { status, message: `The prompt asked the sandbox for error ${status}.` };
}

/** A message in Anthropic's form. */
export function message(
  request: MessageRequest,
  draft: Draft,
  id: string,
  tier: 'standard' | 'batch',
): object {
  const reasons: Partial<Record<Draft['outcome'], string>> = { cut: 'max_tokens', refused: 'refusal' };
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: contentBlocks(draft),
    stop_reason: reasons[draft.outcome] ?? (draft.stop === undefined ? 'end_turn' : 'stop_sequence'),
    stop_sequence: draft.stop ?? null,
    usage: {
      input_tokens: request.inputTokens,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: countTokens(draft.text) + countTokens(draft.thinking ?? ''),
      service_tier: tier,
    },
  };
}

/** The text comes in two blocks after a thought, as it may: a reader has to join them. */
function contentBlocks(draft: Draft): object[] {
  if (draft.text === '') return [];
  if (draft.thinking === undefined) return [{ type: 'text', text: draft.text }];
  const half = Math.floor(draft.text.length / 2);
  return [
    { type: 'thinking', thinking: draft.thinking, signature: 'c2FuZGJveA==' },
    { type: 'text', text: draft.text.slice(0, half) },
    { type: 'text', text: draft.text.slice(half) },
  ];
}
