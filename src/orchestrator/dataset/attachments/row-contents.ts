/** What rows ask that is more than their prompt: looked up right after they are read, by every pass over an input. */
import { LoomError } from '../../../core/errors.ts';
import type { Row } from '../../../core/models.ts';
import type { AskedContent, AskedPart, LinkPart, Message, StoredPart } from '../../../core/parts.ts';
import { plainContent } from '../../../core/request/content.ts';
import { quoteValue } from '../../../core/words.ts';
import type { PromptSource } from '../../../formats/format.ts';
import type { AttachmentRules } from '../../../providers/attachments.ts';
import type { AttachedFiles } from './attached-files.ts';
import { readConversation } from './conversation.ts';

/** Files of so many rows are looked through at once. */
export const rowsAtOnce = 4;

/**
 * Puts what rows ask into them, where its files are looked for at all. LoomError `input` for an attachment that can't be
 * sent, or that the provider does not take.
 */
export async function lookUpContents(rows: readonly Row[], attaching: Attaching): Promise<void> {
  if (!attaching.files) return;
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    const some = rows.slice(from, from + rowsAtOnce);
    const lookedUp = await Promise.allSettled(some.map((row) => lookUpContent(row, attaching)));
    // The first row that is wrong is told, whichever was found first.
    const failed = lookedUp.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}

async function lookUpContent(row: Row, attaching: Attaching): Promise<void> {
  const { prompt, attached = '' } = row;
  if (prompt === null) return;
  const attachedParts: AskedPart[] = [];
  for (const line of attached.split('\n'))
    if (line.trim() !== '') attachedParts.push(await lookUpFile(line.trim(), row, attaching));
  const { promptSource } = attaching;
  const isConversation = promptSource && 'column' in promptSource && promptSource.holds === 'messages';
  if (!isConversation && attachedParts.length === 0) return;
  const { system, messages } = isConversation
    ? await lookUpConversation(prompt, row, attaching)
    : plainContent(prompt);
  const last = messages.at(-1) as Message<AskedPart>;
  const asking = { ...last, parts: [...last.parts, ...attachedParts] };
  row.content = { ...(system !== undefined && { system }), messages: [...messages.slice(0, -1), asking] };
}

async function lookUpConversation(text: string, row: Row, attaching: Attaching): Promise<AskedContent> {
  const { system, messages: written } = readConversation(text, row.index + 1);
  const messages: Message<AskedPart>[] = [];
  for (const { role, parts: writtenParts } of written) {
    const parts: AskedPart[] = [];
    for (const part of writtenParts)
      parts.push(
        'text' in part ? { type: 'text', text: part.text } : await lookUpFile(part.image, row, attaching),
      );
    messages.push({ role, parts });
  }
  return { system, messages };
}

async function lookUpFile(
  name: string,
  { index }: Row,
  { files, attachable }: Attaching,
): Promise<StoredPart | LinkPart> {
  const part = await (files as AttachedFiles).describe(name, index + 1);
  if (attachable) checkPart(part, { ...attachable, name, row: index + 1 });
  return part;
}

/** What rows ask beside a text: conversations, and files that they name; and what may be sent of them. */
export interface Attaching {
  readonly promptSource: PromptSource | undefined;
  /** Absent where rows ask texts alone. */
  readonly files?: AttachedFiles | undefined;
  /** What the provider takes of them; undefined: what was sent already. */
  readonly attachable?: Attachable | undefined;
}

/** What a run's provider takes, and its name. */
export interface Attachable {
  readonly title: string;
  readonly rules: AttachmentRules;
}

function checkPart(
  part: StoredPart | LinkPart,
  { title, rules, name, row }: Attachable & { readonly name: string; readonly row: number },
): void {
  const problem = findProblem(part, rules);
  if (!problem) return;
  const what = `row ${row}: the attachment ${quoteValue(name)} ${problem.what}; nothing was sent.`;
  throw new LoomError('input', what.replace('{}', title), { hint: problem.hint });
}

function findProblem(part: StoredPart | LinkPart, { mediaTypes, fileBytes, links }: AttachmentRules) {
  if ('url' in part) {
    if (links.includes(part.type)) return undefined;
    return {
      what: 'is at an address, from which {} fetches nothing',
      hint: 'Download it, and name the file.',
    };
  }
  const { mediaType, file } = part;
  if (!mediaTypes.includes(mediaType))
    return {
      what: `is of type ${mediaType}, which {} does not take`,
      hint: `It takes ${mediaTypes.join(', ')}.`,
    };
  if (file.bytes <= fileBytes) return undefined;
  return {
    what: `has ${file.bytes} bytes, and {} takes at most ${fileBytes} in a request`,
    hint: 'Make it smaller.',
  };
}
