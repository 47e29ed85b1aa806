/** OpenRouter's API: OpenAI's chat completions with its own errors, some of which come as HTTP 200, and with costs. */
import { type Draft, draftAnswer, isUnknownModel } from './answers.ts';
import { type ChatRequest, chatChoice, chatUsage, readChat } from './chat.ts';
import { openFields } from './chat-fields.ts';
import { type Answer, type Call, json, type Operation, parseJson } from './http.ts';
import {
  bearerKey,
  isRefusal,
  type Refusal,
  refusedKeyPrefix,
  unixSeconds,
  type Vendor,
  type Workshop,
} from './vendor.ts';

/** US dollars for a token, so that costs are not zero and can be added up by hand. */
const pricePerToken = 0.000001;
let answersGiven = 0;

/** OpenRouter's part of the sandbox. */
export function openrouterVendor(workshop: Workshop): Vendor {
  const generate: Operation = { kind: 'generate', run: (call) => answerChat(workshop, call.body) };
  return {
    name: 'openrouter',
    keyOf: bearerKey,
    refuse: refuseKey,
    error: openrouterError,
    operation(call: Call) {
      if (call.method === 'POST' && call.path === '/api/v1/chat/completions') return generate;
      return undefined;
    },
  };
}

function refuseKey(key: string): Refusal | undefined {
  if (key === '') return { status: 401, message: 'No auth credentials found' };
  return key.startsWith(refusedKeyPrefix) ? { status: 401, message: 'User not found.' } : undefined;
}

/** A refusal as OpenRouter sends it: the code is a number. */
function openrouterError(refusal: Refusal): Answer {
  return json(errorBody(refusal), refusal.status);
}

function errorBody(refusal: Refusal): { error: object } {
  const atProvider = refusal.status === 429 || refusal.status >= 500;
  const metadata = atProvider ? { metadata: { provider_name: 'Sandbox', raw: refusal.message } } : {};
  return { error: { message: refusal.message, code: refusal.status, ...metadata } };
}

function answerChat(workshop: Workshop, body: string): Answer | Promise<Answer> {
  const parsed = parseJson(body);
  const model = (parsed as { model?: unknown } | undefined)?.model;
  if (typeof model === 'string' && isUnknownModel(model)) {
    return openrouterError({ status: 400, message: `${model} is not a valid model ID` });
  }
  const request = readChat(parsed, openFields);
  if (isRefusal(request)) return openrouterError({ status: request.status, message: request.message });
  const draft = draftAnswer(request.model, request.prompt, request.wish);
  if (draft.slowMs > 0) return workshop.wait(draft.slowMs).then(() => completeChat(workshop, request, draft));
  return completeChat(workshop, request, draft);
}

function completeChat(workshop: Workshop, request: ChatRequest, draft: Draft): Answer {
  const asked = { status: draft.status, message: `The prompt asked the sandbox for error ${draft.status}.` };
  if (draft.outcome === 'error')
    return openrouterError({ ...asked, status: draft.status < 400 ? 500 : draft.status });
  if (draft.outcome === 'body-error') return json(errorBody(asked));
  if (draft.outcome === 'blocked') return moderated(request);
  if (draft.outcome !== 'choice-error') workshop.statistics.answered('openrouter', request.prompt);
  answersGiven += 1;
  return json(completion(request, draft, draft.outcome === 'choice-error' ? errorBody(asked) : undefined));
}

/** A prompt that a moderation refused: 403 with its reasons in the metadata (OpenRouter's page on errors). */
function moderated(request: ChatRequest): Answer {
  const metadata = {
    reasons: ['violence'],
    flagged_input: request.prompt.slice(0, 100),
    provider_name: 'Sandbox',
    model_slug: request.model,
  };
  const message = `${request.model} requires moderation on Sandbox. Your input was flagged for "violence".`;
  return json({ error: { code: 403, message, metadata } }, 403);
}

function completion(request: ChatRequest, draft: Draft, broken: { error: object } | undefined): object {
  const choice = chatChoice(draft, 'reasoning');
  const usage = chatUsage(request, draft);
  return {
    id: `gen-sandbox-${answersGiven}`,
    provider: 'Sandbox',
    model: request.model,
    object: 'chat.completion',
    created: unixSeconds(Date.now()),
    choices: [broken === undefined ? choice : { ...choice, finish_reason: 'error', ...broken }],
    usage: { ...usage, cost: Number(((usage.total_tokens as number) * pricePerToken).toFixed(9)) },
  };
}
