/** Anthropic's API: keys, versions, errors and live calls; batches are in their own file. */
import { type Draft, draftAnswer } from './answers.ts';
import { anthropicBatchOperation } from './anthropic-batches.ts';
import {
  anthropicError,
  anthropicJson,
  anthropicRefusalIn,
  type MessageRequest,
  message,
  readMessage,
  refuseShape,
  takesSampling,
  versionWithoutSampling,
} from './anthropic-forms.ts';
import { type Answer, type Call, type Operation, parseJson } from './http.ts';
import { newId } from './store.ts';
import {
  bearerKey,
  headerOf,
  isRefusal,
  type Refusal,
  refusedKeyPrefix,
  type Vendor,
  type Workshop,
} from './vendor.ts';

const versions = ['2023-01-01', '2023-06-01', versionWithoutSampling];

/** Anthropic's part of the sandbox. */
export function anthropicVendor(workshop: Workshop): Vendor {
  const generate: Operation = { kind: 'generate', run: (call) => answerMessage(workshop, call) };
  const count: Operation = { kind: 'countTokens', run: (call) => answerCount(call) };
  return {
    name: 'anthropic',
    // Its SDK has sent either header, by version.
    keyOf: (call) => headerOf(call, 'x-api-key') ?? bearerKey(call),
    refuse: refuseHeaders,
    error: anthropicError,
    operation(call: Call) {
      if (call.method === 'POST' && call.path === '/v1/messages') return generate;
      if (call.method === 'POST' && call.path === '/v1/messages/count_tokens') return count;
      return anthropicBatchOperation(workshop, call);
    },
  };
}

function refuseHeaders(key: string, call: Call): Refusal | undefined {
  if (key === '') return { status: 401, message: 'x-api-key header is required' };
  if (key.startsWith(refusedKeyPrefix)) return { status: 401, message: 'invalid x-api-key' };
  const version = headerOf(call, 'anthropic-version');
  if (version === undefined) return { status: 400, message: 'anthropic-version: header is required' };
  if (versions.includes(version)) return undefined;
  return { status: 400, message: `anthropic-version: "${version}" is not a valid version` };
}

function answerMessage(workshop: Workshop, call: Call): Answer | Promise<Answer> {
  const parsed = parseJson(call.body);
  const shape = refuseShape(parsed, takesSampling(call), true);
  if (shape !== undefined) return anthropicError(shape);
  const request = readMessage(parsed as Record<string, unknown>);
  if (isRefusal(request)) return anthropicError(request);
  const draft = draftAnswer(request.model, request.prompt, request.wish);
  if (draft.slowMs > 0)
    return workshop.wait(draft.slowMs).then(() => completeMessage(workshop, request, draft));
  return completeMessage(workshop, request, draft);
}

function completeMessage(workshop: Workshop, request: MessageRequest, draft: Draft): Answer {
  const refusal = anthropicRefusalIn(draft);
  if (refusal !== undefined) return anthropicError(refusal);
  workshop.statistics.answered('anthropic', request.prompt);
  return anthropicJson(message(request, draft, `msg_${newId()}`, 'standard'));
}

function answerCount(call: Call): Answer {
  const parsed = parseJson(call.body);
  const shape = refuseShape(parsed, takesSampling(call), false);
  if (shape !== undefined) return anthropicError(shape);
  const request = readMessage(parsed as Record<string, unknown>);
  return isRefusal(request) ? anthropicError(request) : anthropicJson({ input_tokens: request.inputTokens });
}
