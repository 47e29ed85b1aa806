/** What Gemini's batches and live calls share: client, request, answer, refusals. */
import type { HttpOptions } from '@google/genai';
import { ProviderError } from '../../core/errors.ts';
import { isCutOff, type RowResult, type Usage } from '../../core/models.ts';
import type { LinkPart } from '../../core/parts.ts';
import type { PromptRequest } from '../../core/request/content.ts';
import type { Call } from '../call.ts';
import type { VendorConnection } from '../connection.ts';
import { asCount, asList, asObject, asText, asTokens, firstText, type WireObject } from '../network/wire.ts';
import type { Reason } from '../protocol/reasons.ts';
import { type Classify, scopeOfStatus } from '../protocol/refusal.ts';
import { errorObject, failRow, findHeld, saysSomething } from '../protocol/wrappings.ts';
import { settingsBody } from '../settings.ts';
import { openTransport, withoutVariables } from '../transport/transport.ts';
import { settings as settingsTable } from './settings.ts';

/** Finish reasons of an answer that was held back. */
const filterReasons = ['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII'];

/** google.rpc.Code in words. */
const codeWords: Record<number, string> = {
  1: 'CANCELLED',
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
};

export async function openGoogleClient(connection: VendorConnection, classify: Classify) {
  const { baseUrl } = connection;
  // The SDK wants one in any case.
  const apiKey = connection.apiKey ?? 'none';
  const transport = await openTransport(connection, classify);
  const { GoogleGenAI } = await import('./sdk.ts');
  /** A client of its own for a call that takes no signal (googleapis/js-genai: files.upload). */
  const openClient = ({ fetch }: Pick<Call, 'fetch'>) => {
    // No timeout: it would have to cover the whole body, and the server takes it for its own deadline.
    return withoutVariables(
      /^(GOOGLE|GEMINI)_/,
      () => new GoogleGenAI({ apiKey, vertexai: false, httpOptions: { baseUrl, fetch } }),
    );
  };
  const headers = { 'x-goog-api-key': apiKey };
  const get = (path: string, call: Call) => call.fetch(`${baseUrl}/v1beta/${path}`, { headers });
  return { client: openClient(transport), openClient, transport, get };
}

/** How the SDK is told by which call it asks. */
export function configOf({ signal, fetch }: Call, options: HttpOptions = {}) {
  return { abortSignal: signal, httpOptions: { ...options, fetch } };
}

/** A GenerateContentRequest. */
export function contentBody({ content, settings }: PromptRequest) {
  const contents = content.messages.map(({ role, parts }) => ({
    role: role === 'assistant' ? 'model' : role,
    parts: parts.map((part) =>
      part.type === 'text'
        ? { text: part.text }
        : 'url' in part
          ? { fileData: { fileUri: part.url, mimeType: mediaTypeOfLink(part) } }
          : { inlineData: { mimeType: part.mediaType, data: part.data } },
    ),
  }));
  return { contents, ...settingsBody(settingsTable, settings) };
}

/** A type has to be named, and nobody here has looked: its name tells it, or else it is a JPEG as most are. */
function mediaTypeOfLink({ type, url }: LinkPart): string {
  if (type === 'document') return 'application/pdf';
  const [, extension = ''] = /\.(png|webp|gif)$/i.exec(new URL(url).pathname) ?? [];
  return `image/${extension.toLowerCase() || 'jpeg'}`;
}

/** The SDK refuses these in words that would pass for a broken connection. */
export function checkModel(model: string): string {
  if (/^$|\.\.|[?&]/.test(model))
    throw new ProviderError('run', 'model_not_found', `${model} is not the name of a model.`);
  return model;
}

/** The GenerateContentResponse in an answer, if there is one, however it is wrapped. One that is empty has only counts. */
export function findContent(answer: unknown): WireObject | undefined {
  const fields = ['candidates', 'promptFeedback', 'usageMetadata'];
  return findHeld(answer, (object) => fields.some((field) => Boolean(object[field])));
}

/** The error in an answer of status 200. */
export function findContentError(answer: unknown) {
  const { error: found } = asObject(answer);
  if (!saysSomething(found)) return undefined;
  const error = errorObject(found);
  const code = asCount(error.code) ?? 0;
  return { status: code >= 400 && code <= 599 ? code : 500, error };
}

/** The row's result from a GenerateContentResponse. */
export function readContent(customId: string, response: WireObject): RowResult {
  const [first] = asList(response.candidates);
  const feedback = asObject(response.promptFeedback);
  const facts = {
    usage: readUsage(asObject(response.usageMetadata)),
    finishReason: firstText(asObject(first).finishReason, feedback.blockReason) || undefined,
  };
  const failed = failRow(customId, facts);
  if (!first) {
    if (feedback.blockReason) {
      return failed(
        'blocked',
        asText(feedback.blockReasonMessage) || `The prompt was blocked: ${feedback.blockReason}.`,
      );
    }
    return failed('empty', 'The answer has no text.');
  }
  const candidate = asObject(first);
  const parts = asList(asObject(candidate.content).parts).map(asObject);
  const text = parts.map((part) => (part.thought === true ? '' : asText(part.text))).join('');
  const reason = asText(candidate.finishReason);
  if (filterReasons.includes(reason)) {
    const message = asText(candidate.finishMessage) || `The answer was held back: ${reason}.`;
    return failed('content_filter', message, text);
  }
  if (text) return { customId, outcome: 'succeeded', text, ...facts };
  if (isCutOff(facts)) return failed('max_tokens', 'The token limit was reached before any text.');
  const named =
    reason && reason !== 'STOP' ? `The answer has no text: ${reason}.` : 'The answer has no text.';
  return failed('empty', asText(candidate.finishMessage) || named);
}

/**
 * Thoughts are billed as output. Some models count them among the candidates' tokens, which only the total tells. A count
 * of 0 is left out.
 */
function readUsage(usage: WireObject): Usage | undefined {
  const [input, output] = [asTokens(usage.promptTokenCount), asTokens(usage.candidatesTokenCount)];
  const thoughts = asTokens(usage.thoughtsTokenCount);
  if (input === undefined && output === undefined && thoughts === undefined) return undefined;
  const answer = output ?? 0;
  const areAmongThem = asTokens(usage.totalTokenCount) === (input ?? 0) + answer;
  return {
    inputTokens: input ?? 0,
    outputTokens: areAmongThem ? answer : answer + (thoughts ?? 0),
    cacheReadTokens: asTokens(usage.cachedContentTokenCount) || undefined,
  };
}

export const classifyGoogle: Classify = ({ status, message, error }) => {
  const reasons = asList(error.details).map((detail) => asObject(detail).reason);
  // A refused key is a 400, not a 401.
  if (reasons.includes('API_KEY_INVALID') || status === 401) return { scope: 'run', code: 'invalid_api_key' };
  // A file that was just uploaded.
  if (/not in an active state/i.test(message)) return { scope: 'retry', code: 'file_not_active' };
  // FAILED_PRECONDITION: the country or the billing account, so every row.
  if (error.status === 'FAILED_PRECONDITION') return { scope: 'run' };
  if (status === 400 && /api key/i.test(message)) return { scope: 'run', code: 'invalid_api_key' };
  return { scope: scopeOfStatus(status) };
};

/** The kind of a row's error, which has a word, a number of google.rpc.Code, or an HTTP status. */
export function kindOf({ code, number = 0 }: Reason): string {
  return code || codeWords[number] || (number >= 400 ? `http_${number}` : 'failed');
}
