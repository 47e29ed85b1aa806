/**
 * Encodes requests as bytes. All that is not the prompt is the same in all requests of a run but for the id: a provider
 * encodes it once, with marks in the places of both. What this gives is, byte for byte, what the provider's `encode`
 * would: test/orchestrator/batch/parts/request-encoder.test.ts holds it to that at every provider.
 */
import { randomUUID } from 'node:crypto';
import type { GenerationSettings } from '../../../core/models.ts';
import { readJson } from '../../../core/nesting.ts';
import type { AskedContent, StoredFile } from '../../../core/parts.ts';
import { fillRequest, type PromptRequest, plainContent, plainPrompt } from '../../../core/request/content.ts';
import type { BatchProvider } from '../../../providers/provider.ts';
import type { AttachedFiles } from '../../dataset/attachments/attached-files.ts';
import { JsonBytes } from './json-bytes.ts';

/** What stands before the id, between it and the prompt, and after that. */
interface Frame {
  readonly model: string;
  readonly settings: GenerationSettings | undefined;
  readonly pieces: readonly [Buffer, Buffer, Buffer];
}

/** The bytes are there until the next request is encoded. Those with files come later: `files` reads them. */
export function openRequestEncoder(
  { encode }: Pick<BatchProvider, 'encode'>,
  files?: Pick<AttachedFiles, 'read'>,
): (request: PromptRequest<AskedContent>) => Buffer | Promise<Buffer> {
  const bytes = new JsonBytes();
  let frame: Frame | undefined;
  return (request) => {
    const text = plainPrompt(request.content);
    if (text === undefined) return encodeWithFiles(bytes, encode, request, files);
    if (frame?.model !== request.model || frame.settings !== request.settings)
      frame = makeFrame(encode, request);
    if (!frame) return Buffer.from(encode(fillRequest(request, () => '')));
    const [before, between, after] = frame.pieces;
    bytes.start();
    bytes.append(before);
    bytes.appendString(request.customId);
    bytes.append(between);
    bytes.appendString(text);
    bytes.append(after);
    return bytes.take();
  };
}

/** Reads back what it encoded of plain prompts with one model and settings; undefined for any other text. */
export function openRequestReader(
  encode: BatchProvider['encode'],
  asked: Pick<PromptRequest, 'model' | 'settings'>,
): (line: string) => { readonly customId: string; readonly prompt: string } | undefined {
  const frame = makeFrame(encode, asked);
  if (!frame) return () => undefined;
  const [before, between, after] = frame.pieces.map(String) as [string, string, string];
  return (line) => {
    const idEnd = line.indexOf(between, before.length);
    if (!line.startsWith(before) || idEnd === -1 || !line.endsWith(after)) return undefined;
    const customId = readJson(line.slice(before.length, idEnd));
    const prompt = readJson(line.slice(idEnd + between.length, line.length - after.length));
    return typeof customId === 'string' && typeof prompt === 'string' ? { customId, prompt } : undefined;
  };
}

/**
 * A mark stands for each file in the text of the request, and the file's bytes go into its place: a text of so many
 * megabytes would be made three times on the way.
 */
async function encodeWithFiles(
  bytes: JsonBytes,
  encode: BatchProvider['encode'],
  request: PromptRequest<AskedContent>,
  files: Pick<AttachedFiles, 'read'> | undefined,
): Promise<Buffer> {
  const marks: string[] = [];
  const stored: StoredFile[] = [];
  let rest = encode(
    fillRequest(request, (file) => {
      stored.push(file);
      return marks[marks.push(randomUUID()) - 1] as string;
    }),
  );
  bytes.start();
  for (const [place, file] of stored.entries()) {
    const mark = marks[place] as string;
    const at = rest.indexOf(mark);
    if (!files || at === -1)
      throw new Error(`an attachment of ${request.customId} has no place in its request`);
    bytes.appendText(rest.slice(0, at));
    bytes.appendBase64(await files.read(file));
    rest = rest.slice(at + mark.length);
  }
  bytes.appendText(rest);
  return bytes.take();
}

/** undefined where the id and the prompt do not stand once each, in this order. */
function makeFrame(
  encode: BatchProvider['encode'],
  { model, settings }: Pick<PromptRequest, 'model' | 'settings'>,
): Frame | undefined {
  const [id, prompt] = [randomUUID(), randomUUID()];
  const asked = { customId: id, model, content: plainContent(prompt), settings };
  const line = encode(fillRequest(asked, () => ''));
  const [before, rest, ...moreIds] = line.split(`"${id}"`);
  const [between, after, ...morePrompts] = (rest ?? '').split(`"${prompt}"`);
  if (after === undefined || moreIds.length > 0 || morePrompts.length > 0) return undefined;
  return {
    model,
    settings,
    pieces: [Buffer.from(before as string), Buffer.from(between as string), Buffer.from(after)],
  };
}
