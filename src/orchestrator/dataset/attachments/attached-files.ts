/**
 * The files that rows name. Each is looked through once, to tell what it is and by what digest it is known, and read
 * again when its request is written: no more of them is in memory than a few, whatever their number.
 */
import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LoomError } from '../../../core/errors.ts';
import { readJson } from '../../../core/nesting.ts';
import type { AskedContent, LinkPart, StoredFile, StoredPart } from '../../../core/parts.ts';
import { filesOf, fillRequest, type PromptRequest } from '../../../core/request/content.ts';
import { isJsonObject } from '../../../core/shapes/json-object.ts';
import { quoteValue } from '../../../core/words.ts';
import { describeDiskError, errorCode } from '../../../storage/files.ts';
import { describeOddFile } from '../../../storage/plain-file.ts';
import { findMediaType, guessKind, knownTypes, type MediaType } from './media-types.ts';

/** What is known of a file; its size and time tell whether it is still that one. */
interface SeenFile extends MediaType {
  readonly sha256: string;
  readonly bytes: number;
  readonly mtimeMs: number;
}

/** Bytes of files that were read last are at hand: of a file that many rows name, most often. */
const mostBytesAtHand = 8 * 1024 * 1024;

export class AttachedFiles {
  readonly #folder: string;
  readonly #seen = new Map<string, SeenFile>();
  /** What was sent of files that may be gone by now. */
  readonly #sent = new Map<string, SeenFile>();
  readonly #atHand = new Map<string, Buffer>();
  #bytesAtHand = 0;

  /** `input` is the file whose rows name others: paths are told from its folder on. */
  constructor(input: string) {
    this.#folder = dirname(input);
  }

  /** What a row names, as a part of its content. LoomError `input` that calls the row by `row`, from 1, for what can't be sent. */
  async describe(name: string, row: number): Promise<StoredPart | LinkPart> {
    if (/^https?:\/\//i.test(name)) return this.#describeLink(name, row);
    if (/^data:/i.test(name)) return this.#describeData(name, row);
    const place = resolve(this.#folder, name);
    const { type, mediaType, sha256, bytes } = await this.#look(place, name, row);
    return { type, mediaType, file: { sha256, bytes, place } };
  }

  /** Its bytes. LoomError `input` where they are not those that were looked through. */
  async read({ place, sha256 }: StoredFile): Promise<Buffer> {
    if (/^data:/i.test(place)) return readDataUri(place) ?? Buffer.alloc(0);
    const known = this.#atHand.get(place);
    if (known) {
      this.#keep(place, known);
      return known;
    }
    const bytes = await readFile(place).catch((error: unknown) => {
      throw fileGone(place, describeDiskError(error), error);
    });
    if (hash('sha256', bytes) !== sha256) throw fileGone(place, 'its content is another by now');
    this.#keep(place, bytes);
    return bytes;
  }

  /** All that was looked through, as JSON, by which another process knows what was sent; undefined where that is nothing. */
  write(): string | undefined {
    return this.#seen.size === 0 ? undefined : JSON.stringify(Object.fromEntries(this.#seen));
  }

  /**
   * Takes that over: a file that is gone since is what it was, and one that is as it was is not read. What is damaged is
   * left aside: then the files themselves tell.
   */
  know(written: string): void {
    const files = readJson(written);
    if (!isJsonObject(files)) return;
    for (const [place, seen] of Object.entries(files)) if (isSeenFile(seen)) this.#sent.set(place, seen);
  }

  async #look(place: string, name: string, row: number): Promise<SeenFile> {
    const fail = (problem: string, hint: string) => attachmentRefused(row, name, problem, hint);
    const facts = await stat(place).catch((error: unknown) => error as Error);
    if (facts instanceof Error) {
      const sent = this.#sent.get(place);
      if (sent) return sent;
      const isMissing = errorCode(facts) === 'ENOENT';
      throw fail(
        isMissing ? 'is not there' : `can't be read: ${describeDiskError(facts)}`,
        isMissing ? `It is looked for at ${place}.` : 'Make it readable.',
      );
    }
    const odd = describeOddFile(facts);
    if (odd !== undefined) throw fail(`can't be sent: ${odd}`, 'Name a file.');
    const known = this.#seen.get(place) ?? this.#sent.get(place);
    if (known && known.bytes === facts.size && known.mtimeMs === facts.mtimeMs) return known;
    const bytes = await readFile(place).catch((error: unknown) => {
      throw fail(`can't be read: ${describeDiskError(error)}`, 'Make it readable.');
    });
    const media = findMediaType(bytes);
    if (!media) throw fail('is of no type that can be sent', `There are ${knownTypes}.`);
    const seen = { ...media, sha256: hash('sha256', bytes), bytes: bytes.length, mtimeMs: facts.mtimeMs };
    this.#seen.set(place, seen);
    this.#keep(place, bytes);
    return seen;
  }

  #describeLink(name: string, row: number): LinkPart {
    if (!URL.canParse(name))
      throw attachmentRefused(row, name, 'is no address', 'Write it as https://example.com/picture.png.');
    return { type: guessKind(new URL(name)), url: name };
  }

  #describeData(place: string, row: number): StoredPart {
    const bytes = readDataUri(place);
    const shown = `${place.slice(0, 40)}…`;
    if (!bytes)
      throw attachmentRefused(
        row,
        shown,
        'is no data URI with base64',
        'Write it as data:image/png;base64,….',
      );
    const media = findMediaType(bytes);
    if (!media)
      throw attachmentRefused(row, shown, 'is of no type that can be sent', `There are ${knownTypes}.`);
    return { ...media, file: { sha256: hash('sha256', bytes), bytes: bytes.length, place } };
  }

  #keep(place: string, bytes: Buffer): void {
    const before = this.#atHand.get(place);
    this.#bytesAtHand += bytes.length - (before?.length ?? 0);
    this.#atHand.delete(place);
    this.#atHand.set(place, bytes);
    for (const [oldest, held] of this.#atHand) {
      if (this.#bytesAtHand <= mostBytesAtHand || oldest === place) break;
      this.#atHand.delete(oldest);
      this.#bytesAtHand -= held.length;
    }
  }
}

/** The request as it goes out, with its files in it. */
export async function loadRequest(
  request: PromptRequest<AskedContent>,
  files: Pick<AttachedFiles, 'read'> | undefined,
): Promise<PromptRequest> {
  const loaded = new Map<StoredFile, string>();
  for (const file of filesOf(request.content)) {
    const bytes = await files?.read(file);
    loaded.set(file, bytes?.toString('base64') ?? '');
  }
  return fillRequest(request, (file) => loaded.get(file) ?? '');
}

function isSeenFile(value: unknown): value is SeenFile {
  if (!isJsonObject(value)) return false;
  const { type, mediaType, sha256, bytes, mtimeMs } = value;
  const areTexts = [mediaType, sha256].every((member) => typeof member === 'string');
  const areNumbers = [bytes, mtimeMs].every((member) => typeof member === 'number');
  return (type === 'image' || type === 'document') && areTexts && areNumbers;
}

/** undefined for what is none, or has no base64. */
function readDataUri(uri: string): Buffer | undefined {
  const comma = uri.indexOf(',');
  if (!/;base64$/i.test(uri.slice(0, comma))) return undefined;
  const text = uri.slice(comma + 1);
  return /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

function attachmentRefused(row: number, name: string, problem: string, hint: string): LoomError {
  return new LoomError('input', `row ${row}: the attachment ${quoteValue(name)} ${problem}.`, { hint });
}

function fileGone(place: string, problem: string, cause?: unknown): LoomError {
  return new LoomError('input', `the attachment ${place} has changed since it was looked at: ${problem}.`, {
    hint: 'Put it back and run again; what was answered is kept.',
    cause,
  });
}
