/** What Anthropic's batches and live calls share: client, request, answer, refusals. */

import type { ContentBlockParam } from '@anthropic-ai/sdk/resources/messages';
import { type GenerationSettings, isCutOff, type RowResult, type Usage } from '../../core/models.ts';
import type { Part } from '../../core/parts.ts';
import { type PromptRequest, plainText } from '../../core/request/content.ts';
import type { VendorConnection } from '../connection.ts';
import { asList, asObject, asText, asTokens, firstText, type WireObject } from '../network/wire.ts';
import { type Classify, scopeOfStatus } from '../protocol/refusal.ts';
import { errorObject, failRow, findHeld, saysSomething } from '../protocol/wrappings.ts';
import { settingsBody } from '../settings.ts';
import { noTimeLimit, openTransport, withoutVariables } from '../transport/transport.ts';
import { settings as settingsTable } from './settings.ts';

/** Required by the API. */
const maxTokens = 4096;

export async function openAnthropicClient(connection: VendorConnection, classify: Classify) {
  const { baseUrl } = connection;
  const transport = await openTransport(connection, classify);
  const { Anthropic } = await import('./sdk.ts');
  const client = withoutVariables(
    /^ANTHROPIC_/,
    () =>
      new Anthropic({
        // The SDK wants one in any case.
        apiKey: connection.apiKey ?? 'none',
        baseURL: baseUrl,
        timeout: noTimeLimit,
        maxRetries: 0,
        logLevel: 'off',
        openTelemetry: false,
        fetch: transport.fetch,
      }),
  );
  return { client, transport, baseUrl };
}

function writePart(part: Part): ContentBlockParam {
  if (part.type === 'text') return part;
  const { type } = part;
  if ('url' in part) return { type, source: { type: 'url', url: part.url } } as ContentBlockParam;
  const { mediaType, data } = part;
  return { type, source: { type: 'base64', media_type: mediaType, data } } as ContentBlockParam;
}

export function messageBody({ model, content, settings }: PromptRequest) {
  const messages = content.messages.map((message) => ({
    role: message.role,
    content: plainText(message) ?? message.parts.map(writePart),
  }));
  return { model, max_tokens: maxTokens, messages, ...settingsBody(settingsTable, settings) };
}

/** The version of the API that the SDK names, 2026-10-21, refuses these whatever their value; the one before takes them. */
const samplingFields = ['temperature', 'top_p', 'top_k'];
const versionWithSampling = { 'anthropic-version': '2023-06-01' };

/** The headers that calls with these settings need. */
export function versionHeaders(settings: GenerationSettings | undefined): Record<string, string> {
  const body = settingsBody(settingsTable, settings);
  return samplingFields.some((field) => field in body) ? versionWithSampling : {};
}

/** The message in an answer, if there is one, however it is wrapped. */
export function findMessage(answer: unknown): WireObject | undefined {
  return findHeld(
    answer,
    ({ content, type }) => Array.isArray(content) || (type === 'message' && typeof content === 'string'),
  );
}

/** The row's result from a message. */
export function readMessage(customId: string, message: WireObject): RowResult {
  const { content } = message;
  const blocks =
    typeof content === 'string' ? [{ type: 'text', text: content }] : asList(content).map(asObject);
  const text = blocks.map((block) => (block.type === 'text' ? asText(block.text) : '')).join('');
  const facts = {
    usage: readUsage(asObject(message.usage)),
    finishReason: asText(message.stop_reason) || undefined,
  };
  const failed = failRow(customId, facts);
  if (message.stop_reason === 'refusal') {
    const explanation = firstText(asObject(message.stop_details).explanation, text);
    return failed('refusal', explanation || 'The model refused to answer.', text);
  }
  if (text) return { customId, outcome: 'succeeded', text, ...facts };
  if (isCutOff(facts)) return failed('max_tokens', 'The token limit was reached before any text.');
  return failed('empty', 'The answer has no text.');
}

/** `input_tokens` leaves out what was read from the prompt cache and written to it. */
function readUsage(usage: WireObject): Usage | undefined {
  const [input, output] = [asTokens(usage.input_tokens), asTokens(usage.output_tokens)];
  if (input === undefined && output === undefined) return undefined;
  const cacheRead = asTokens(usage.cache_read_input_tokens) ?? 0;
  const cacheWrite = asTokens(usage.cache_creation_input_tokens) ?? 0;
  return {
    inputTokens: (input ?? 0) + cacheRead + cacheWrite,
    outputTokens: output ?? 0,
    cacheReadTokens: cacheRead || undefined,
    cacheWriteTokens: cacheWrite || undefined,
  };
}

/** The statuses that go with errors, by "Errors" of Anthropic's documentation: some servers put them into a success. */
const errorStatuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** The error in an answer of status 200, `{"type": "error", "error": …}`. */
export function findMessageError(answer: unknown) {
  const { error: found } = asObject(answer);
  if (!saysSomething(found)) return undefined;
  const error = errorObject(found);
  return { status: errorStatuses[asText(error.type)] ?? 500, error };
}

export const classifyAnthropic: Classify = ({ status, code, message }) => {
  if (status === 401) return { scope: 'run', code: 'invalid_api_key' };
  // Out of credit comes as an ordinary 400 as well as a 402.
  if (status === 400 && /credit balance|usage limits/i.test(message))
    return { scope: 'run', code: 'billing_error' };
  return { scope: code === 'billing_error' ? 'run' : scopeOfStatus(status) };
};
