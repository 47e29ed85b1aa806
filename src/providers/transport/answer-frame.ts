/**
 * What an answer holds, whatever is around it: the header may call it anything or nothing, it may begin with a byte order
 * mark, come in another encoding or in pieces, or be JSON that is written as the text of JSON once more. A success is paid
 * for: what can be read of it is read, and what can't be is told by what it is.
 * test/providers/answer-frames.test.ts holds this at every provider.
 */
import { isUtf8 } from 'node:buffer';
import { ProviderError } from '../../core/errors.ts';
import { isDeepText, mostLevels } from '../../core/nesting.ts';
import { asObject, type WireObject } from '../network/wire.ts';
import { stripTags } from '../protocol/reasons.ts';
import { cutText, type Words } from '../protocol/words.ts';
import { findObject } from '../protocol/wrappings.ts';
import { joinPieces, readEventStream } from './event-stream.ts';

/** A whole body. */
export interface HeldAnswer {
  /** The JSON object that it is, also as a text or alone in a list; undefined for anything else. */
  readonly object: WireObject | undefined;
  /** The list that it is; undefined for anything else. */
  readonly list?: readonly unknown[] | undefined;
  /** As it came, in characters. */
  readonly text: string;
}

/** Reads a whole body. ProviderError `unreadable` for one that is nested too deep. */
export function readAnswer(bytes: Buffer, contentType: string | undefined): HeldAnswer {
  const text = decodeText(bytes, contentType);
  const value = parseJson(text);
  if (value === undefined) return { object: readEventStream(text), text };
  const object = findObject(value);
  if (!Array.isArray(value)) return { object, text };
  return { object: object ?? joinPieces(value.map(asObject)), list: value, text };
}

/** So much of a body is shown that can't be read. */
const longestStart = 120;

/** What a body is of which nothing could be read, with its first characters. */
export function describeAnswer({ text }: HeldAnswer, words: Words): string {
  if (text.trim() === '') return 'It is empty.';
  const isPage = /^\s*<(?:!doctype|html|head|body|meta|!--|\?xml)/i.test(text);
  const start = cutText(words.message(isPage ? stripTags(text) : text), longestStart);
  if (isPage) return `It is a web page${start === '' ? ' without text.' : ` that begins: ${start}`}`;
  return parseJson(text) !== undefined ? `It begins: ${start}` : `It is not JSON, and begins: ${start}`;
}

/** JSON is UTF-8. What is none says by its mark, its zeros or its label what it is. */
function decodeText(bytes: Buffer, contentType: string | undefined): string {
  const label = findMarked(bytes) ?? (isUtf8(bytes) ? 'utf-8' : findLabel(contentType));
  return new TextDecoder(label).decode(bytes);
}

function findMarked(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (bytes.length < 2 || (first !== 0) === (second !== 0)) return undefined;
  return first === 0 ? 'utf-16be' : 'utf-16le';
}

function findLabel(contentType: string | undefined): string {
  const label = /charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return 'utf-8';
  }
}

function parseJson(text: string): unknown {
  // Brackets in strings do not count.
  if (isDeepText(text)) {
    const message = `The provider's answer is nested more than ${mostLevels} levels deep.`;
    throw new ProviderError('row', 'unreadable', message);
  }
  try {
    return JSON.parse(text.trim());
  } catch {
    return undefined;
  }
}
