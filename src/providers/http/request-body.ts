/** What an SDK wants to send, as node sends it: bytes at once, or a stream whose length is told where it is known. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeStream } from 'node:stream/web';

/** What a fetch takes for a body. */
export type RequestBody = RequestInit['body'] | AsyncIterable<Uint8Array>;

export interface OutgoingBody {
  /** Undefined: it has a stream. */
  readonly bytes?: string | Uint8Array;
  /** Never more of it in memory than the connection is behind. */
  readonly stream?: Readable;
  /** In bytes; undefined where nobody knows. */
  readonly length: number | undefined;
  /** Its content type, where its form tells that. */
  readonly type?: string | undefined;
}

export function openRequestBody(body: RequestBody): OutgoingBody {
  if (body === undefined || body === null) return { bytes: '', length: 0 };
  if (typeof body === 'string') return { bytes: body, length: Buffer.byteLength(body) };
  if (body instanceof URLSearchParams) {
    const text = String(body);
    return { bytes: text, length: text.length, type: 'application/x-www-form-urlencoded;charset=UTF-8' };
  }
  if (body instanceof ArrayBuffer) return openBytes(new Uint8Array(body));
  if (ArrayBuffer.isView(body))
    return openBytes(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  if (body instanceof FormData) return openForm(body);
  if (body instanceof Blob)
    return { stream: Readable.from(readBlob(body)), length: body.size, type: body.type || undefined };
  if (body instanceof ReadableStream)
    return { stream: Readable.fromWeb(body as NodeStream<Uint8Array>), length: undefined };
  return { stream: Readable.from(body), length: undefined };
}

function openBytes(bytes: Uint8Array): OutgoingBody {
  return { bytes, length: bytes.length };
}

/** So much of a file is in memory at once. */
const pieceBytes = 256 * 1024;

/** By slices: the stream of a blob of the disk is slower, and holds more. */
async function* readBlob(blob: Blob): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < blob.size; start += pieceBytes)
    yield new Uint8Array(await blob.slice(start, start + pieceBytes).arrayBuffer());
}

/** As multipart/form-data, with the length of all. */
function openForm(form: FormData): OutgoingBody {
  const boundary = `----loom-${randomBytes(16).toString('hex')}`;
  const parts: (Buffer | Blob)[] = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${quote(name)}"`;
    if (typeof value === 'string') parts.push(Buffer.from(`${head}\r\n\r\n${value}\r\n`));
    else {
      const type = value.type || 'application/octet-stream';
      const file = `; filename="${quote(value.name)}"\r\ncontent-type: ${type}`;
      parts.push(Buffer.from(`${head}${file}\r\n\r\n`), value, Buffer.from('\r\n'));
    }
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`));
  const length = parts.reduce((sum, part) => sum + (part instanceof Blob ? part.size : part.length), 0);
  return {
    stream: Readable.from(readParts(parts)),
    length,
    type: `multipart/form-data; boundary=${boundary}`,
  };
}

async function* readParts(parts: readonly (Buffer | Blob)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Blob) yield* readBlob(part);
    else yield part;
  }
}

/** As forms of browsers do. */
function quote(text: string): string {
  return text.replace(/\n/g, '%0A').replace(/\r/g, '%0D').replace(/"/g, '%22');
}
