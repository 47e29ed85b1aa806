/**
 * How the body of an answer is packed, told by what it is: a body that is text is not packed, whatever its header says,
 * and one that begins as gzip does is, also where no header says so. The built-in fetch believes the header, and fails at
 * an answer that is there; so the header is taken out of its sight on the way, and bodies are unpacked here.
 * test/providers/answer-frames.test.ts holds this at every provider.
 */
import { isUtf8 } from 'node:buffer';
import { pipeline, Readable, type Transform } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import zlib from 'node:zlib';
import type { Dispatcher } from 'undici';

type Bytes = Uint8Array<ArrayBuffer>;
type Reader = Pick<ReadableStreamDefaultReader<Bytes>, 'read' | 'cancel'>;

/** Where an answer's `content-encoding` stands for us. */
const packingHeader = 'loom-content-encoding';
/** A success without a body by its definition, whose body fetch would not show. */
const resetContent = 205;

/** For routes: what fetch would make of a status or an encoding is left to whoever reads the body. */
export function showWholeAnswer(
  dispatch: Dispatcher['dispatch'],
): (call: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) => boolean {
  return (call, handler) =>
    dispatch(call, {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onRequestUpgrade: (...upgrade) => handler.onRequestUpgrade?.(...upgrade),
      onResponseStart(controller, status, { 'content-encoding': packing, ...headers }, statusText) {
        const shown = packing === undefined ? headers : { ...headers, [packingHeader]: packing };
        handler.onResponseStart?.(controller, status === resetContent ? 200 : status, shown, statusText);
      },
      onResponseData: (controller, data) => handler.onResponseData?.(controller, data),
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
    });
}

/** So many times may a body be packed, one way around another. */
const mostLayers = 3;

/** The body of an answer that came on such a route, unpacked as it is read. Cancelling it ends the connection. */
export function unpackBody({ body, headers }: Response): ReadableStream<Bytes> | null {
  if (!body) return null;
  const raw = body.getReader() as Reader;
  let reader: Reader | undefined;
  return new ReadableStream<Bytes>(
    {
      async pull(controller) {
        reader ??= await openUnpacked(raw, headers.get(packingHeader) ?? '', mostLayers);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => (reader ?? raw).cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

async function openUnpacked(packed: Reader, label: string, layers: number): Promise<Reader> {
  const { start, reader } = await readStart(packed);
  const unpacker = layers > 0 ? findUnpacker(start, label.toLowerCase()) : undefined;
  if (!unpacker) return reader;
  // Whoever cancels what comes out ends the pipeline, and with it the connection.
  pipeline(toNodeStream(reader), unpacker, () => {});
  const unpacked = Readable.toWeb(unpacker) as unknown as NodeStream<Bytes>;
  return openUnpacked(unpacked.getReader() as Reader, '', layers - 1);
}

/** Lets go of its source at once, also while that says nothing: a generator would wait for its next bytes. */
function toNodeStream(reader: Reader): Readable {
  return new Readable({
    read() {
      reader.read().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, callback) {
      reader.cancel().catch(() => {});
      callback(error);
    },
  });
}

/** What tells packings apart. */
const startBytes = 4;

/** The first bytes of a body, and the whole of it. */
async function readStart(source: Reader): Promise<{ start: Buffer; reader: Reader }> {
  const pieces: Bytes[] = [];
  let length = 0;
  while (length < startBytes) {
    const { done, value } = await source.read();
    if (done) break;
    pieces.push(value);
    length += value.length;
  }
  const start = Buffer.concat(pieces);
  const reader: Reader = {
    async read() {
      const value = pieces.shift();
      return value ? { done: false, value } : source.read();
    },
    cancel: (reason) => source.cancel(reason),
  };
  return { start, reader };
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
