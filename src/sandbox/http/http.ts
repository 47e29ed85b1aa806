/** What goes in and out of the sandbox: calls, bodies, answers and refusals, with nothing of any vendor. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a call is answered with. A stream is written with backpressure and ends the answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<string | Buffer>;
}

interface RefusalDetails {
  /** The vendor's own word for it, where it has one. */
  readonly code?: string | undefined;
  /** The field that is wrong, where the vendor says so. */
  readonly field?: string | undefined;
  /** How long to wait, for the vendor that says so in the body. */
  readonly retryAfterMs?: number | undefined;
  /** OpenRouter's reasons. */
  readonly metadata?: object;
}

/** What a call or a row of a batch is refused with, before it is put in the vendor's form. */
export class Refused extends Error {
  readonly status: number;
  readonly details: RefusalDetails;

  constructor(status: number, message: string, details: RefusalDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** A refusal of a request that is not in order. */
export function invalid(message: string, details?: RefusalDetails): Refused {
  return new Refused(400, message, details);
}

/** Of a body that is read as a whole. */
const mostBodyBytes = 32_000_000;
const bodyTooLarge = new Refused(413, 'The request is too large.');

/** One HTTP request, on its way to the vendor that its path names. */
export class Call {
  readonly request: IncomingMessage;
  readonly method: string;
  /** After the vendor's prefix, without the query: `/v1/files`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Where the vendor is, as links in answers need it: `http://127.0.0.1:4321/openai`. */
  readonly origin: string;
  /** The whole body of a live call, read ahead of it. */
  body: string | undefined;

  constructor(request: IncomingMessage, path: string, query: string | undefined, origin: string) {
    this.request = request;
    this.method = request.method ?? 'GET';
    this.path = path;
    this.query = new URLSearchParams(query);
    this.origin = origin;
  }

  header(name: string): string | undefined {
    return this.request.headers[name]?.toString();
  }

  /** The key in `Authorization: Bearer …`; empty when there is none. */
  bearerKey(): string {
    return /^Bearer +(.*?) *$/.exec(this.header('authorization') ?? '')?.[1] ?? '';
  }

  /** A number in the query, held between 1 and `most`. */
  pageSize(name: string, usual: number, most: number): number {
    const asked = Number(this.query.get(name) ?? usual);
    return Number.isFinite(asked) ? Math.min(Math.max(Math.trunc(asked), 1), most) : usual;
  }

  /** The body in chunks. A reader that stops early leaves the connection open, so that the answer gets through. */
  chunks(): AsyncIterable<Buffer> {
    return this.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  }

  /** The whole body; throws a refusal past the limit. */
  async text(limit: number = mostBodyBytes, tooLarge: Refused = bodyTooLarge): Promise<string> {
    if (this.body !== undefined) return this.body;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.chunks()) {
      bytes += chunk.length;
      if (bytes > limit) throw tooLarge;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  }

  /** The value in the body; undefined when it is no JSON. */
  async json(limit?: number, tooLarge?: Refused): Promise<unknown> {
    return parseJson(await this.text(limit, tooLarge));
  }
}

/** The names by which faults and statistics know the calls. */
export const operationKinds = [
  'generate',
  'countTokens',
  'listModels',
  'getKey',
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

/** True for the calls that answer one prompt at once. Their body is read before they run. */
export function isLive(kind: OperationKind): boolean {
  return kind === 'generate' || kind === 'countTokens';
}

/**
 * What a method and an address mean at a vendor: `GET /v1/files/{id}`. Each part in braces is handed on, `{key+}` with
 * what follows it; `*` is any part.
 */
export type Route = readonly [
  kind: OperationKind,
  address: string,
  run: (call: Call, ...parts: string[]) => Answer | Promise<Answer>,
];

/** A function that finds what a call asks for; undefined when there is no such address. */
export function routesOf(
  routes: readonly Route[],
): (call: Call) => { kind: OperationKind; run(): Answer | Promise<Answer> } | undefined {
  const table = routes.map(([kind, address, run]) => {
    const pattern = address
      .replaceAll('*', '[^/:]+')
      .replace(/\{\w+\}/g, '([^/:]+)')
      .replace(/\{\w+\+\}/g, '(.+)');
    return { kind, run, pattern: new RegExp(`^${pattern}$`) };
  });
  return (call) => {
    for (const { kind, run, pattern } of table) {
      const found = pattern.exec(`${call.method} ${call.path}`);
      if (found !== null) return { kind, run: () => run(call, ...found.slice(1)) };
    }
    return undefined;
  };
}

/** An answer of JSON. The SDKs parse only what says that it is JSON. */
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** An answer of plain text, for people. */
export function plain(text: string, status = 200): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: text };
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
export async function send(response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  if (typeof body === 'string') {
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  } else {
    response.writeHead(status, headers);
    await pipeline(Readable.from(body), response);
  }
}

/** Sends the head and the first bytes of an answer, then what `after` does: cuts the connection or says nothing more. */
export async function sendPart(
  response: ServerResponse,
  { status, headers, body }: Answer,
  bytes: number | undefined,
  after: (socket: Socket | null) => void,
): Promise<void> {
  const whole = await firstBytes(body, bytes ?? 256 * 1024);
  const part = whole.subarray(0, bytes ?? Math.floor(whole.length / 2));
  const length = typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {};
  response.writeHead(status, { ...headers, ...length });
  response.write(part.length > 0 ? part : ' ', () => after(response.socket));
}

async function firstBytes(body: Answer['body'], bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let read = 0;
  for await (const piece of typeof body === 'string' ? [body] : body) {
    read += pieces[pieces.push(Buffer.from(piece)) - 1]?.length ?? 0;
    if (read >= bytes) break;
  }
  return Buffer.concat(pieces);
}
