/**
 * How the body of an answer is packed, told by what it is: a body that is text is not packed, whatever its header says,
 * and one that begins as gzip does is, also where no header says so. test/providers/answer-frames.test.ts holds this at
 * every provider.
 */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable, type Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { HttpAnswer } from './http-call.ts';

/** So many times may a body be packed, one way around another. */
const mostLayers = 3;

/** The body of an answer, unpacked as it is read. Destroying it ends the connection. */
export function unpackBody({ body, headers }: Pick<HttpAnswer, 'body' | 'headers'>): Promise<Readable> {
  return openUnpacked(body, (headers['content-encoding'] ?? '').toLowerCase(), mostLayers);
}

async function openUnpacked(packed: Readable, label: string, layers: number): Promise<Readable> {
  const { start, whole } = await readStart(packed);
  const unpacker = layers > 0 ? findUnpacker(start, label) : undefined;
  if (!unpacker) return whole;
  // Whoever destroys what comes out ends the pipeline, and with it the connection.
  pipeline(whole, unpacker, () => {});
  return openUnpacked(unpacker, '', layers - 1);
}

/** A body may break off before anybody reads it, which its events do not tell again. */
export function requireIntact(body: Readable): void {
  if (body.destroyed) throw body.errored ?? new Error('The body broke off');
}

/** What tells packings apart. */
const startBytes = 4;

/** The first bytes of a body, and the whole of it. */
function readStart(source: Readable): Promise<{ start: Buffer; whole: Readable }> {
  return new Promise((resolve, reject) => {
    requireIntact(source);
    const pieces: Buffer[] = [];
    let length = 0;
    const settle = (end: () => void) => {
      source.off('readable', look).off('end', endShort).off('error', fail).off('close', endShort);
      end();
    };
    const look = () => {
      for (let piece = source.read(); piece !== null; piece = source.read()) {
        pieces.push(piece);
        length += piece.length;
      }
      if (length < startBytes) return;
      const start = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      settle(() => {
        source.unshift(start);
        resolve({ start, whole: source });
      });
    };
    const endShort = () => {
      const start = Buffer.concat(pieces);
      settle(() =>
        resolve({ start, whole: Readable.from(length > 0 ? [start] : [], { objectMode: false }) }),
      );
    };
    const fail = (error: Error) => settle(() => reject(error));
    source.on('readable', look).once('end', endShort).once('error', fail).once('close', endShort);
  });
}

/** Bytes cut short, as a connection or a proxy leaves them, are unpacked as far as they go. */
const flush = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
const brotliFlush = {
  flush: zlib.constants.BROTLI_OPERATION_FLUSH,
  finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
};

function findUnpacker(start: Buffer, label: string): Transform | undefined {
  if (start[0] === 0x1f && start[1] === 0x8b) return zlib.createGunzip(flush);
  if (isText(start)) return undefined;
  if (label.includes('br')) return zlib.createBrotliDecompress(brotliFlush);
  if (!label.includes('deflate')) return undefined;
  // With the header of zlib, as the standard has it, or without, as some servers do.
  const hasHeader = start.length > 1 && ((start[0] ?? 0) & 0x0f) === 8 && start.readUInt16BE(0) % 31 === 0;
  return hasHeader ? zlib.createInflate(flush) : zlib.createInflateRaw(flush);
}

const looksAt = 512;

/** Text has no control characters but white space; what is packed has, or is no UTF-8, within its first bytes. */
function isText(start: Buffer): boolean {
  const shown = start.subarray(0, looksAt);
  const isControl = (byte: number) => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d;
  return !shown.some(isControl) && isUtf8(leaveOutCut(shown));
}

/** Without a last character that is cut in the middle. */
function leaveOutCut(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 3 && ((bytes[end - 1] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end > 0 && (bytes[end - 1] ?? 0) >= 0xc0 ? bytes.subarray(0, end - 1) : bytes;
}
