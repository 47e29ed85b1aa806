/** Reads bodies of answers up to a bound, whatever a server goes on to send: what is left is not waited for. */
import type { Readable } from 'node:stream';
import { ProviderError } from '../../core/errors.ts';
import { longestRefusalMs, mostRefusalBytes } from '../network/limits.ts';
import type { HttpAnswer } from './http-call.ts';
import { requireIntact, unpackBody } from './packings.ts';

type Packed = Pick<HttpAnswer, 'body' | 'headers'>;

/**
 * The whole body of an answer, unpacked. Bytes are counted after that. One that is longer is an error about its row: it
 * may have been paid for, and would be as long again.
 */
export async function readWhole(answer: Packed, mostBytes: number): Promise<Buffer> {
  const { bytes, isWhole } = await readUpTo(await unpackBody(answer), mostBytes);
  if (isWhole) return bytes;
  const megabytes = Math.round(mostBytes / 2 ** 20);
  const message = `The provider's answer is longer than ${megabytes} MB, and was not read on.`;
  throw new ProviderError('row', 'too_large', message);
}

/** What came of a body that says no. */
export interface RefusalText {
  readonly text: string;
  /** The connection went before its end. */
  readonly isCut: boolean;
}

/** The beginning of a body that says no. What can't be read of it is left out. */
export async function readRefusalText(
  answer: Packed,
  mostBytes = mostRefusalBytes,
  longestMs = longestRefusalMs,
): Promise<RefusalText> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), longestMs).unref();
  try {
    const { bytes } = await readUpTo(await unpackInTime(answer, late.signal), mostBytes, late.signal);
    return { text: bytes.toString('utf8'), isCut: false };
  } catch {
    return { text: '', isCut: !late.signal.aborted };
  } finally {
    clearTimeout(timer);
  }
}

/** Also of a body that does not begin. */
function unpackInTime(answer: Packed, late: AbortSignal): Promise<Readable> {
  late.addEventListener('abort', () => answer.body.destroy(), { once: true });
  return unpackBody(answer);
}

/** The first bytes of a body; the rest of one that is longer, or that is still coming when it is `late`, is refused. */
function readUpTo(
  body: Readable,
  mostBytes: number,
  late?: AbortSignal,
): Promise<{ bytes: Buffer; isWhole: boolean }> {
  return new Promise((resolve, reject) => {
    requireIntact(body);
    const pieces: Buffer[] = [];
    let held = 0;
    const end = (isWhole: boolean) => {
      resolve({ bytes: pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces), isWhole });
      if (!isWhole) body.destroy();
    };
    body.once('end', () => end(true)).once('error', reject);
    body.once('close', () => reject(new Error('The body broke off')));
    late?.addEventListener('abort', () => end(false), { once: true });
    body.on('data', (piece: Buffer) => {
      pieces.push(held + piece.length > mostBytes ? piece.subarray(0, mostBytes - held) : piece);
      held += piece.length;
      if (held > mostBytes) end(false);
    });
  });
}
