/** What a request asks: messages of parts. A plain prompt is one message of one text. */

import type { GenerationSettings } from '../models.ts';
import type {
  AskedContent,
  AskedPart,
  Content,
  Message,
  Part,
  StoredFile,
  StoredPart,
  TextPart,
} from '../parts.ts';
import { digestText } from './digest.ts';

export function plainContent(text: string): Content<TextPart> {
  return { messages: [{ role: 'user', parts: [{ type: 'text', text }] }] };
}

/**
 * The content of a row; null for one that is never sent. What is more than a text is in the row itself, since it had to
 * be looked up.
 */
export function contentOf({
  prompt,
  content,
}: {
  readonly prompt: string | null;
  readonly content?: AskedContent | undefined;
}): AskedContent | null {
  return prompt === null ? null : (content ?? plainContent(prompt));
}

/** The texts in it, in their order. */
export function textsOf({ messages }: Content<Part | AskedPart>): string[] {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])));
}

/** The text of a message that is a text and nothing else. */
export function plainText({ parts: [part, ...others] }: Message<Part | AskedPart>): string | undefined {
  return part?.type === 'text' && others.length === 0 ? part.text : undefined;
}

/** The text of a content that is one plain prompt. */
export function plainPrompt({
  messages: [message, ...others],
  system,
}: Content<Part | AskedPart>): string | undefined {
  if (system !== undefined) return undefined;
  return message?.role === 'user' && others.length === 0 ? plainText(message) : undefined;
}

/**
 * What tells contents apart, as one text: a plain prompt as it stands, by which ids, journals and caches have always
 * known it, and JSON for anything else, in which a file is its bytes' digest, wherever it lies.
 */
export function contentText(content: AskedContent): string {
  const plain = plainPrompt(content);
  if (plain !== undefined) return plain;
  const { system } = content;
  const messages = content.messages.map(identifyMessage);
  return `\0${JSON.stringify(system === undefined ? messages : { system, messages })}`;
}

function identifyMessage({ role, parts }: Message<AskedPart>): object {
  return { role, parts: parts.map((part) => ('file' in part ? identifyFile(part) : part)) };
}

function identifyFile({ type, mediaType, file: { sha256 } }: StoredPart): object {
  return { type, mediaType, sha256 };
}

/** sha256 of a content: what proves it, and tells equal ones. */
export function digestContent(content: AskedContent): Buffer {
  return digestText(contentText(content));
}

/** The files in a content, in their order. */
export function filesOf({ messages }: AskedContent): StoredFile[] {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => ('file' in part ? [part.file] : [])));
}

/** The content as it goes out: with something, in base64 or standing for it, in the place of each file. */
export function fillFiles(
  content: AskedContent,
  dataOf: (file: StoredFile, place: number) => string,
): Content {
  let place = 0;
  const fill = (part: AskedPart): Part => {
    if (!('file' in part)) return part;
    const { type, mediaType, file } = part;
    return { type, mediaType, data: dataOf(file, place++) };
  };
  return { messages: content.messages.map(({ role, parts }) => ({ role, parts: parts.map(fill) })) };
}

/**
 * The request as it goes out: with its files filled in as `fillFiles` does, the examples of its settings ahead of what is asked, and what is for the model alone in one text,
 * that of the run before that of the row.
 */
export function fillRequest(
  { content, settings, ...request }: PromptRequest<AskedContent>,
  dataOf: (file: StoredFile, place: number) => string,
): PromptRequest {
  const { messages } = fillFiles(content, dataOf);
  const { turns, others } = splitExamples(settings);
  const filled = { messages: turns.length > 0 ? [...turns, ...messages] : messages };
  if (content.system === undefined) return { ...request, settings: others, content: filled };
  const system = [others?.system, content.system].filter(Boolean).join('\n\n');
  return { ...request, settings: { ...others, system }, content: filled };
}

interface SplitSettings {
  readonly turns: readonly Message<TextPart>[];
  readonly others: GenerationSettings | undefined;
}

/** By settings: they are the same in every request of a run, and others look them up by their identity. */
const split = new WeakMap<GenerationSettings, SplitSettings>();

/** Examples as turns ahead of what is asked, and the settings without them. */
function splitExamples(settings: GenerationSettings | undefined): SplitSettings {
  if (!settings?.few_shot) return { turns: [], others: settings };
  const known = split.get(settings);
  if (known) return known;
  const { few_shot: examples, ...others } = settings;
  const say = (role: Message['role'], text: string) => ({ role, parts: [{ type: 'text', text }] }) as const;
  const turns = examples.flatMap(({ prompt, response }) => [say('user', prompt), say('assistant', response)]);
  const made = { turns, others: Object.keys(others).length > 0 ? others : undefined };
  split.set(settings, made);
  return made;
}

/** What is sent to a provider for one row. */
export interface PromptRequest<ContentOf = Content> {
  readonly customId: string;
  readonly model: string;
  readonly content: ContentOf;
  /** Absent: nothing is sent but the content. */
  readonly settings?: GenerationSettings | undefined;
}
