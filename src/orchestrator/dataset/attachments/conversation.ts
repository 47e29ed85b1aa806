/** Conversations that stand in a column, as a list of messages in the form that OpenAI has for them. */
import { LoomError } from '../../../core/errors.ts';
import { readJson } from '../../../core/nesting.ts';
import { isJsonObject } from '../../../core/shapes/json-object.ts';

/** A part as it is written: a text, or the place of a picture. */
type WrittenPart = { readonly text: string } | { readonly image: string };

interface WrittenMessage {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly WrittenPart[];
}

interface WrittenConversation {
  readonly system: string | undefined;
  readonly messages: readonly WrittenMessage[];
}

/** LoomError `input` that names the row, from 1, and the message, for what is no conversation that can be sent. */
export function readConversation(text: string, row: number): WrittenConversation {
  const value = readJson(text);
  const list = isJsonObject(value) && Array.isArray(value.messages) ? value.messages : value;
  if (!Array.isArray(list) || list.length === 0)
    throw refuse(row, 'is no list of messages', 'Write it as [{"role":"user","content":"Hello"}].');
  const system: string[] = [];
  const messages: WrittenMessage[] = [];
  for (const [index, message] of list.entries()) {
    const place = `message ${index + 1}`;
    const { role, content } = isJsonObject(message) ? message : {};
    const parts = readParts(content, row, place);
    // Half of a surrogate pair is no character: it can't be sent as UTF-8.
    if (parts.some((part) => 'text' in part && /\p{Surrogate}/u.test(part.text)))
      throw refuse(row, `holds half of a surrogate pair in ${place}`, 'Complete the character or remove it.');
    if (role === 'system' || role === 'developer') {
      if (messages.length > 0)
        throw refuse(row, `has a system text behind others, ${place}`, 'Put it first.');
      system.push(parts.map((part) => ('text' in part ? part.text : '')).join(''));
    } else if (role === 'user' || role === 'assistant') messages.push({ role, parts });
    else throw refuse(row, `has ${place} of no known role`, 'There are system, user and assistant.');
  }
  if (messages.at(-1)?.role !== 'user')
    throw refuse(row, 'ends with no message of the user', 'The last one is what is asked.');
  return { system: system.length > 0 ? system.join('\n\n') : undefined, messages };
}

function readParts(content: unknown, row: number, place: string): readonly WrittenPart[] {
  if (typeof content === 'string') return [{ text: content }];
  const parts = Array.isArray(content) && content.length > 0 ? content.map(readPart) : [undefined];
  if (parts.every((part) => part !== undefined)) return parts;
  const hint = 'It is a text, or a list of parts of the types text and image_url.';
  throw refuse(row, `has a content of ${place} that can't be sent`, hint);
}

function readPart(part: unknown): WrittenPart | undefined {
  if (!isJsonObject(part)) return undefined;
  if (part.type === 'text' && typeof part.text === 'string') return { text: part.text };
  const image = isJsonObject(part.image_url) ? part.image_url.url : part.image_url;
  return part.type === 'image_url' && typeof image === 'string' ? { image } : undefined;
}

function refuse(row: number, problem: string, hint: string): LoomError {
  return new LoomError('input', `row ${row}: the conversation ${problem}; nothing was sent.`, { hint });
}
