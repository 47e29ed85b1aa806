/** Reads bodies of answers up to a bound, whatever a server goes on to send: what is left is not waited for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '../../core/errors.ts';
import { longestRefusalMs, mostRefusalBytes } from './limits.ts';
import { unpackBody } from './packings.ts';

/**
 * The whole body of an answer, unpacked. Bytes are counted after that. One that is longer is an error about its row: it
 * may have been paid for, and would be as long again.
 */
export async function readWhole(response: Response, mostBytes: number): Promise<Buffer<ArrayBuffer>> {
  const body = unpackBody(response);
  if (!body) return Buffer.alloc(0);
  const { bytes, isWhole } = await readUpTo(body, mostBytes);
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
  response: Response,
  mostBytes = mostRefusalBytes,
  longestMs = longestRefusalMs,
): Promise<RefusalText> {
  const body = unpackBody(response);
  if (!body) return { text: '', isCut: false };
  const stop = new AbortController();
  const late = sleep(longestMs, undefined, { signal: stop.signal, ref: false }).catch(() => {});
  try {
    const { bytes } = await readUpTo(body, mostBytes, late);
    return { text: bytes.toString('utf8'), isCut: false };
  } catch {
    return { text: '', isCut: true };
  } finally {
    stop.abort();
  }
}

/** The first bytes of a body; the rest of one that is longer, or that is still coming when it is `late`, is refused. */
async function readUpTo(
  body: ReadableStream<Uint8Array>,
  mostBytes: number,
  late?: Promise<void>,
): Promise<{ bytes: Buffer<ArrayBuffer>; isWhole: boolean }> {
  const reader = body.getReader();
  const isLate = late?.then(() => 'late' as const);
  const pieces: Uint8Array[] = [];
  let held = 0;
  for (;;) {
    const next = await (isLate ? Promise.race([reader.read(), isLate]) : reader.read());
    if (next !== 'late' && next.done) return { bytes: Buffer.concat(pieces), isWhole: true };
    if (next !== 'late') {
      pieces.push(next.value.subarray(0, mostBytes - held));
      held += next.value.length;
    }
    if (next === 'late' || held > mostBytes) {
      // Not awaited: a server that never ends need not answer to this either.
      reader.cancel().catch(() => {});
      return { bytes: Buffer.concat(pieces), isWhole: false };
    }
  }
}
