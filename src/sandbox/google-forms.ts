/** The forms in which Google speaks: requests and what is wrong with them, responses, errors. */
import { countTokens, type Draft, isUnknownModel, type Wish } from './answers.ts';
import { findWrongGenerationConfig, readContentWish } from './google-fields.ts';
import { type Answer, isObject, json } from './http.ts';
import type { Refusal } from './vendor.ts';

/** An uploaded file on disk. */
export interface GoogleFile {
  readonly id: string;
  readonly bytes: number;
  readonly mimeType: string;
  readonly displayName: string | undefined;
  readonly createdAt: number;
}

/** A request that is in order. */
export interface ContentRequest {
  /** The text of the last content. */
  readonly prompt: string;
  readonly promptTokens: number;
  readonly wish: Wish;
}

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
export function googleError(refusal: Refusal): Answer {
  const { status, message } = refusal;
  const details = errorDetails(refusal);
  const error = {
    code: status,
    message,
    status: rpcStatus(status)[0],
    ...(details.length > 0 ? { details } : {}),
  };
  return json({ error }, status);
}

function errorDetails(refusal: Refusal): object[] {
  const details: object[] = [];
  if (refusal.code !== undefined) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: refusal.code,
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    });
  }
  if (refusal.retryAfterMs !== undefined) {
    const retryDelay = `${refusal.retryAfterMs / 1000}s`;
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay });
  }
  return details;
}

/** The status object with which a row of a batch fails. */
export function googleRowError(refusal: Refusal): object {
  return { code: rpcStatus(refusal.status)[1], message: refusal.message };
}

/** Google's refusal of a model that does not exist. */
export function googleUnknownModel(model: string): Refusal | undefined {
  if (!isUnknownModel(model)) return undefined;
  const advice = 'Call ListModels to see the list of available models and their supported methods.';
  const message = `models/${model} is not found for API version v1beta, or is not supported for generateContent. ${advice}`;
  return { status: 404, message };
}

const requestFields = new Set([
  'model',
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'safetySettings',
  'generationConfig',
  'cachedContent',
  'labels',
  'store',
]);

/** Reads a GenerateContentRequest. */
export function readContent(request: unknown, { heedsJsonSchema = true } = {}): ContentRequest | Refusal {
  if (!isObject(request)) return invalid('Invalid JSON payload received. Expected an object.');
  const unknown = Object.keys(request).find((name) => !requestFields.has(camelCase(name)));
  if (unknown !== undefined) {
    return invalid(`Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`);
  }
  const wrong = findWrongGenerationConfig(request);
  if (wrong !== undefined) return invalid(wrong);
  const { contents } = request;
  if (!Array.isArray(contents) || contents.length === 0) {
    return invalid('* GenerateContentRequest.contents: contents is not specified\n');
  }
  let prompt = '';
  let promptTokens = countTokens(partsText(request.systemInstruction ?? request.system_instruction));
  for (const [index, content] of contents.entries()) {
    if (!isObject(content) || !Array.isArray(content.parts) || content.parts.length === 0) {
      return invalid(
        `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.\n`,
      );
    }
    prompt = partsText(content);
    promptTokens += countTokens(prompt);
  }
  if (prompt !== '') return { prompt, promptTokens, wish: readContentWish(request, heedsJsonSchema) };
  return invalid(
    'Unable to submit request because it has an empty text parameter. Add a value to the parameter and try again.',
  );
}

/** Google's servers take a field's name in either of its spellings. */
function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function partsText(content: unknown): string {
  const parts = isObject(content) && Array.isArray(content.parts) ? content.parts : [];
  return parts.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('');
}

function invalid(message: string): Refusal {
  return { status: 400, message };
}

/** The error that a prompt asked for. */
export function googleRefusalIn(draft: Draft): Refusal | undefined {
  if (!draft.outcome.endsWith('error')) return undefined;
  const status = draft.status < 400 ? 500 : draft.status;
  return { status, message: `The prompt asked the sandbox for error ${status}.` };
}

/** A GenerateContentResponse. A blocked prompt has no candidates at all, a blocked answer one without content. */
export function contentResponse(model: string, request: ContentRequest, draft: Draft, id: string): object {
  const answer =
    draft.outcome === 'blocked'
      ? { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }
      : { candidates: [candidate(draft)] };
  return { ...answer, usageMetadata: usage(request, draft), modelVersion: model, responseId: id };
}

function candidate(draft: Draft): object {
  if (draft.outcome === 'refused') return { finishReason: 'SAFETY', index: 0 };
  const thought = draft.thinking === undefined ? [] : [{ text: draft.thinking, thought: true }];
  const parts = draft.outcome === 'empty' ? {} : { parts: [...thought, { text: draft.text }] };
  const finishReason = draft.outcome === 'cut' ? 'MAX_TOKENS' : 'STOP';
  return { content: { ...parts, role: 'model' }, finishReason, index: 0 };
}

function usage(request: ContentRequest, draft: Draft): object {
  const text = countTokens(draft.text);
  const thoughts = countTokens(draft.thinking ?? '');
  return {
    promptTokenCount: request.promptTokens,
    ...(text > 0 ? { candidatesTokenCount: text } : {}),
    ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    totalTokenCount: request.promptTokens + text + thoughts,
  };
}
/** Without a next page the field is absent: an empty token would make the SDK's pager go round for ever. */
export function nextPage(token: string | undefined): { nextPageToken?: string } {
  return token === undefined ? {} : { nextPageToken: token };
}
