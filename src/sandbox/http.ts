/** What goes in and out of the sandbox: calls, bodies and answers, with nothing of any vendor. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** One HTTP request, on its way to the vendor that its path names. */
export interface Call {
  readonly request: IncomingMessage;
  readonly method: string;
  /** After the vendor's prefix, without the query: `/files`. */
  readonly path: string;
  readonly query: string;
  /** Where this server is, as links in answers need it: `http://127.0.0.1:4321`. */
  readonly origin: string;
  /** The whole body of a live call; empty for the others, which read the request themselves. */
  body: string;
}

/** What a call is answered with. A stream is written with backpressure and ends the answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<string | Buffer>;
}

/** The names by which faults and statistics know the calls. */
export const operationKinds = [
  'generate',
  'countTokens',
  'uploadFile',
  'getFile',
  'listFiles',
  'deleteFile',
  'download',
  'createBatch',
  'getBatch',
  'listBatches',
  'cancelBatch',
  'deleteBatch',
] as const;
export type OperationKind = (typeof operationKinds)[number];

/** What a path and a method mean at a vendor. Live calls have their body read before they run. */
export interface Operation {
  readonly kind: OperationKind;
  run(call: Call): Answer | Promise<Answer>;
}

/** True for the calls that answer one prompt at once. */
export function isLive(kind: OperationKind): boolean {
  return kind === 'generate' || kind === 'countTokens';
}

/** An answer of JSON. The SDKs parse only what says that it is JSON. */
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** An answer of plain text, for people. */
export function plain(text: string, status = 200): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: text };
}

/** A request body that is longer than the vendor takes. */
export class BodyTooLarge extends Error {}

/** Reads a whole body as text; throws BodyTooLarge past the limit. */
export function readText(request: IncomingMessage, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limit) chunks.length = 0;
      else chunks.push(chunk);
    });
    request.on('end', () => {
      if (bytes > limit) reject(new BodyTooLarge());
      else resolve(chunks.length === 1 ? (chunks[0] as Buffer).toString() : Buffer.concat(chunks).toString());
    });
    request.on('error', reject);
  });
}

/** The body in chunks. A reader that stops early leaves the connection open, so that the answer gets through. */
export function chunksOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** The JSON value in a text, or undefined. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True for a JSON object (not a list, not null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A number from the query, held between 1 and `most`. */
export function pageSize(parameters: URLSearchParams, name: string, usual: number, most: number): number {
  const asked = Number(parameters.get(name) ?? usual);
  return Number.isFinite(asked) ? Math.min(Math.max(Math.trunc(asked), 1), most) : usual;
}

/** Lets the rest of a request body pass by, so that a client that is still sending gets to read the answer. */
export async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return;
  await new Promise<void>((resolve) => {
    request.on('end', resolve);
    request.on('close', resolve);
    request.resume();
  });
}

/** Sends an answer. */
export async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if (typeof answer.body !== 'string') {
    response.writeHead(answer.status, answer.headers);
    await pipeline(Readable.from(answer.body), response);
    return;
  }
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}

/** Sends the head and the first bytes of an answer, then what `after` does: cuts the connection or says nothing more. */
export async function sendPart(
  response: ServerResponse,
  answer: Answer,
  bytes: number | undefined,
  after: (socket: Socket | null) => void,
): Promise<void> {
  const whole = await firstBytes(answer.body, bytes ?? 256 * 1024);
  const part = whole.subarray(0, bytes ?? Math.floor(whole.length / 2));
  const length = typeof answer.body === 'string' ? { 'content-length': Buffer.byteLength(answer.body) } : {};
  response.writeHead(answer.status, { ...answer.headers, ...length });
  response.write(part.length > 0 ? part : ' ', () => after(response.socket));
}

async function firstBytes(body: Answer['body'], bytes: number): Promise<Buffer> {
  if (typeof body === 'string') return Buffer.from(body);
  const pieces: Buffer[] = [];
  let read = 0;
  for await (const piece of body) {
    pieces.push(Buffer.from(piece));
    read += (pieces.at(-1) as Buffer).length;
    if (read >= bytes) break;
  }
  return Buffer.concat(pieces);
}
