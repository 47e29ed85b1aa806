/** OpenAI's Responses API, live and in batches: what is sent to `/v1/responses`, and what comes back. */

import { isCutOff, type RowResult, type Usage } from '../../core/models.ts';
import type { Message, Part } from '../../core/parts.ts';
import { type PromptRequest, plainText, textsOf } from '../../core/request/content.ts';
import { asList, asObject, asText, asTokens, type WireObject } from '../network/wire.ts';
import { failRow } from '../protocol/wrappings.ts';
import { settingsBody } from '../settings.ts';
import type { Profile } from './profile.ts';

/**
 * Answers of chat completions are not kept at OpenAI; those of this API are, for 30 days, unless a request says no
 * ("Data controls" at https://platform.openai.com/docs/guides/your-data). Nobody asks loom for one again. `extra` may say
 * otherwise.
 */
const unkept = { store: false };

export function responsesBody(profile: Profile, { model, content, settings }: PromptRequest) {
  const [first, ...others] = content.messages;
  const plain = first && others.length === 0 && first.role === 'user' ? plainText(first) : undefined;
  const input = plain ?? content.messages.map(writeMessage);
  return { model, input, ...unkept, ...settingsBody(profile.settings, settings) };
}

function writeMessage(message: Message) {
  const { role, parts } = message;
  // What a model said before has parts of other types, or is one text.
  if (role === 'assistant') return { role, content: textsOf({ messages: [message] }).join('') };
  return { role, content: plainText(message) ?? parts.map(writePart) };
}

function writePart(part: Part) {
  if (part.type === 'text') return { type: 'input_text', text: part.text };
  const url = 'url' in part ? part.url : `data:${part.mediaType};base64,${part.data}`;
  if ('url' in part && part.type === 'document') return { type: 'input_file', file_url: url };
  return part.type === 'image'
    ? { type: 'input_image', detail: 'auto', image_url: url }
    : { type: 'input_file', filename: 'document', file_data: url };
}

/** Whether an object is such an answer, also of a server that leaves its type out. */
export function isResponse({ object, output }: WireObject): boolean {
  if (object === 'response') return true;
  return Array.isArray(output) && output.length > 0 && output.every((item) => asText(asObject(item).type));
}

/** The row's result from a response. */
export function readResponse(customId: string, body: WireObject): RowResult {
  const parts = readParts(body);
  const text = parts.map((part) => (part.type === 'output_text' ? asText(part.text) : '')).join('');
  const reason = asText(asObject(body.incomplete_details).reason);
  const facts = {
    usage: readUsage(asObject(body.usage)),
    finishReason: reason || asText(body.status) || undefined,
  };
  const failed = failRow(customId, facts);
  const refusal = parts.map((part) => asText(part.refusal)).join('');
  if (refusal) return failed('refusal', refusal);
  if (reason === 'content_filter')
    return failed('content_filter', 'The answer was held back by a content filter.', text);
  if (body.status === 'failed' || body.status === 'cancelled')
    return failed('failed', `The answer ended with the status ${body.status}.`, text);
  if (text) return { customId, outcome: 'succeeded', text, ...facts };
  if (isCutOff(facts)) return failed('max_tokens', 'The token limit was reached before any text.');
  return failed('empty', 'The answer has no text.');
}

/** The contents of its messages. Some models comment on what they are about to do: that is no answer where there is one. */
function readParts(body: WireObject): WireObject[] {
  const messages = asList(body.output)
    .map(asObject)
    .filter(({ type }) => type === 'message');
  const answers = messages.filter(({ phase }) => phase !== 'commentary');
  return (answers.length > 0 ? answers : messages).flatMap(({ content }) =>
    typeof content === 'string' ? [{ type: 'output_text', text: content }] : asList(content).map(asObject),
  );
}

/** Thoughts are among the output tokens, all that is about caches among those of the input. `cost` is OpenRouter's. */
function readUsage(usage: WireObject): Usage | undefined {
  const [input, output] = [asTokens(usage.input_tokens), asTokens(usage.output_tokens)];
  if (input === undefined && output === undefined) return undefined;
  const details = asObject(usage.input_tokens_details);
  return {
    inputTokens: input ?? 0,
    outputTokens: output ?? 0,
    cacheReadTokens: asTokens(details.cached_tokens) || undefined,
    cacheWriteTokens: asTokens(details.cache_write_tokens) || undefined,
    cost: asTokens(usage.cost),
  };
}
