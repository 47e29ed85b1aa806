/** What a request asks: messages of parts. A plain prompt is one message of one text. */

import type { GenerationSettings } from '../models.ts';
import { digestText } from './digest.ts';

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

export interface FilePart {
  readonly type: 'image' | 'document';
  readonly mediaType: string;
  /** Base64. */
  readonly data: string;
}

export type Part = TextPart | FilePart;

export interface Message {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly Part[];
}

export interface Content {
  readonly messages: readonly Message[];
}

export function plainContent(text: string): Content {
  return { messages: [{ role: 'user', parts: [{ type: 'text', text }] }] };
}

/** The content of a row; null for one that is never sent. */
export function contentOf({ prompt }: { readonly prompt: string | null }): Content | null {
  return prompt === null ? null : plainContent(prompt);
}

/** The texts in it, in their order. */
export function textsOf({ messages }: Content): string[] {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])));
}

/** The text of a message that is a text and nothing else. */
export function plainText({ parts: [part, ...others] }: Message): string | undefined {
  return part?.type === 'text' && others.length === 0 ? part.text : undefined;
}

/**
 * What tells contents apart, as one text: a plain prompt as it stands, by which ids, journals and caches have always
 * known it, and JSON for anything else.
 */
export function contentText({ messages }: Content): string {
  const [message, ...others] = messages;
  const plain = message?.role === 'user' && others.length === 0 ? plainText(message) : undefined;
  return plain ?? `\0${JSON.stringify(messages)}`;
}

/** sha256 of a content: what proves it, and tells equal ones. */
export function digestContent(content: Content): Buffer {
  return digestText(contentText(content));
}

/** What is sent to a provider for one row. */
export interface PromptRequest {
  readonly customId: string;
  readonly model: string;
  readonly content: Content;
  /** Absent: nothing is sent but the content. */
  readonly settings?: GenerationSettings | undefined;
}
