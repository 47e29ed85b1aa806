/** What batch and live calls share at OpenAI and at servers that speak like it: client, request, answer, refusals. */

import { isCutOff, type RowResult, type Usage } from '../../core/models.ts';
import type { Part } from '../../core/parts.ts';
import { type PromptRequest, plainText } from '../../core/request/content.ts';
import type { VendorConnection } from '../connection.ts';
import { asList, asObject, asText, asTokens, firstText, type WireObject } from '../network/wire.ts';
import { readReason } from '../protocol/reasons.ts';
import { failRow } from '../protocol/wrappings.ts';
import { settingsBody } from '../settings.ts';
import { noTimeLimit, openTransport, withoutVariables } from '../transport/transport.ts';
import type { Profile } from './profile.ts';
import { classifyBy } from './refusals.ts';

export async function openOpenAiClient(connection: VendorConnection, profile: Profile) {
  const transport = await openTransport(connection, classifyBy(profile));
  const { Client } = await import('./sdk.ts');
  const { OPENAI_ORG_ID, OPENAI_PROJECT_ID } = profile.accountHeaders ? connection.environment : {};
  const client = withoutVariables(
    /^OPENAI_/,
    () =>
      new Client({
        // The SDK wants one in any case.
        apiKey: connection.apiKey ?? 'none',
        ...(connection.apiKey === undefined && { defaultHeaders: { authorization: null } }),
        baseURL: connection.baseUrl,
        organization: OPENAI_ORG_ID || null,
        project: OPENAI_PROJECT_ID || null,
        timeout: noTimeLimit,
        maxRetries: 0,
        logLevel: 'off',
        fetch: transport.fetch,
      }),
  );
  return { client, transport };
}

export function chatBody(profile: Profile, { model, content, settings }: PromptRequest) {
  const { messages, ...fields } = settingsBody(profile.settings, settings);
  const asked = content.messages.map((message) => ({
    role: message.role as 'user',
    content: plainText(message) ?? message.parts.map(writePart),
  }));
  return { model, messages: [...(asList(messages) as typeof asked), ...asked], ...fields };
}

function writePart(part: Part) {
  if (part.type === 'text') return { type: 'text' as const, text: part.text };
  const url = 'url' in part ? part.url : `data:${part.mediaType};base64,${part.data}`;
  return part.type === 'image'
    ? { type: 'image_url' as const, image_url: { url } }
    : { type: 'file' as const, file: { file_data: url, filename: 'document' } };
}

export function isCompletion({ choices }: WireObject): boolean {
  return Array.isArray(choices);
}

/** The row's result from a chat completion. */
export function readChatAnswer(customId: string, body: WireObject): RowResult {
  const choice = asObject(asList(body.choices)[0]);
  const message = asObject(choice.message);
  const text = readContent(message.content);
  const facts = {
    usage: readUsage(asObject(body.usage)),
    finishReason: asText(choice.finish_reason) || undefined,
  };
  const failed = failRow(customId, facts);
  const refusal = asText(message.refusal);
  if (refusal) return failed('refusal', refusal);
  if (choice.finish_reason === 'content_filter')
    return failed('content_filter', 'The answer was held back by a content filter.', text);
  if (text) return { customId, outcome: 'succeeded', text, ...facts };
  if (isCutOff(facts)) return failed('max_tokens', 'The token limit was reached before any text.');
  const { code, number, message: reason } = readReason(choice.error, body.error);
  if (reason) return failed(code || (number ? `http_${number}` : 'failed'), reason);
  return failed('empty', 'The answer has no text.');
}

/** Of xAI, by its page on cost tracking. */
const ticksInDollar = 1e10;

/**
 * Thoughts are among the completion tokens, cached tokens among those of the prompt. `cost` is OpenRouter's, one in ticks
 * xAI's.
 */
function readUsage(usage: WireObject): Usage | undefined {
  const [input, output] = [asTokens(usage.prompt_tokens), asTokens(usage.completion_tokens)];
  if (input === undefined && output === undefined) return undefined;
  const ticks = asTokens(usage.cost_in_usd_ticks);
  return {
    inputTokens: input ?? 0,
    outputTokens: output ?? 0,
    cacheReadTokens: asTokens(asObject(usage.prompt_tokens_details).cached_tokens) || undefined,
    cost: asTokens(usage.cost) ?? (ticks === undefined ? undefined : ticks / ticksInDollar),
  };
}

/** Parts that hold what a model thought, in the words of several servers. */
const thoughtTypes = ['reasoning', 'reasoning_content', 'thinking', 'thought'];

/** Text, or with some compatible servers a list of parts. What a model thought is no part of its answer. */
function readContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return asList(content)
    .map((part) => {
      if (typeof part === 'string') return part;
      const { type, text } = asObject(part);
      return thoughtTypes.includes(asText(type)) ? '' : firstText(text);
    })
    .join('');
}
