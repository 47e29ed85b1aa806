/**
 * One HTTP call on a connection of its own or of an earlier call. What callers may rely on:
 * - An abort, and silence for longer than allowed, close the connection: nothing of the call goes on behind their back.
 * - A call is sent once. Where a kept connection proves to be closed by its server before a byte of the call went out, the
 *   failure says so (NotSent); in all other cases the server may have taken the call, and it is for others to decide
 *   whether it is made again, in sight of whoever pays for it.
 * - A body that is shorter than told, or breaks off between two pieces, ends in an error, and never as if it were whole.
 * - The status and the words of a head are taken as they come; what is no HTTP/1.1 is a BrokenFrame.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { HeaderTexts } from '../network/rate-limits.ts';
import { openRequestBody, type RequestBody } from './request-body.ts';
import type { Route } from './routes.ts';
import { Silence } from './silence.ts';
import { noteIdleTime } from './sockets.ts';

export interface HttpCall {
  readonly method: string;
  readonly target: URL;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly body: RequestBody;
  readonly signal: AbortSignal | undefined;
  /** How long nothing may come or go once the connection is there; 0 sets no limit. */
  readonly silenceMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: HeaderTexts;
  /** As it was sent. Destroying it closes the connection. */
  readonly body: Readable;
}

/** Nothing of the call left this machine. */
export class NotSent extends Error {
  readonly code = 'NOT_SENT';

  constructor(cause: Error) {
    super('The connection was closed before the call was sent', { cause });
  }
}

/** An answer that is no HTTP/1.1: it came all the same. */
export class BrokenFrame extends Error {}

/** Resolves with the head of the answer. */
export function makeCall(route: Route, call: HttpCall): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    call.signal?.throwIfAborted();
    const body = openRequestBody(call.body);
    const request = route.open(call.method, call.target, listHeaders(call, body), call.signal);
    let answer: IncomingMessage | undefined;
    const isUnsent = watchSending(request);

    const end = (error: Error) => (answer ? answer.destroy(error) : request.destroy(error));
    const stop = () => end(asError(call.signal?.reason));
    const forget = () => call.signal?.removeEventListener('abort', stop);
    call.signal?.addEventListener('abort', stop, { once: true });
    if (call.silenceMs > 0) {
      watchSilence(request, call.silenceMs, () => {
        // Bytes that nobody has taken yet: whoever reads slowly stops the server himself.
        if (!answer || answer.readableLength === 0) end(new Silence());
      });
    }
    request.on('response', (message) => {
      answer = message;
      noteIdleTime(message);
      const { statusCode: status = 0 } = message;
      if (status < 200) return void request.destroy(new BrokenFrame(`its status is ${status}`));
      // An answer that is over ahead of its call, as a refusal of an upload is.
      message.once('end', () => request.writableFinished || request.destroy());
      resolve({ status, headers: message.headers as HeaderTexts, body: message });
    });
    request.once('upgrade', (_, socket) => {
      socket.destroy();
      reject(new BrokenFrame('it changes the protocol'));
    });
    request.on('error', (error) => {
      // What comes behind a whole answer does not change it.
      if (answer && !answer.complete) answer.destroy(error);
      reject(isUnsent() ? new NotSent(error) : error);
    });
    request.once('close', () => {
      if (!answer || answer.closed) forget();
      else answer.once('close', forget);
      reject(new Error('The connection was closed'));
    });
    if (body.stream) pour(body.stream, request);
    else request.end(body.bytes);
  });
}

/** Told each time that nothing came or went for so long, once the connection is there. `request.setTimeout` tells it once. */
function watchSilence(request: ClientRequest, silenceMs: number, onSilence: () => void): void {
  request.once('socket', (socket) => {
    const start = () => void socket.setTimeout(silenceMs);
    const tell = () => {
      start();
      onSilence();
    };
    if (socket.connecting) socket.once('connect', start);
    else start();
    socket.on('timeout', tell);
    request.once('close', () => socket.off('timeout', tell).off('connect', start));
  });
}

/** Not by `pipeline`, which ends a request without a word of what went wrong in its source. */
function pour(source: Readable, request: ClientRequest): void {
  source.once('error', (error) => request.destroy(error));
  request.once('close', () => source.destroy());
  source.pipe(request);
}

/** Tells whether a request on a connection of an earlier call was not begun to be written. */
function watchSending(request: ClientRequest): () => boolean {
  let isUnsent = () => false;
  request.once('socket', (socket) => {
    const { bytesWritten } = socket;
    if (request.reusedSocket) isUnsent = () => socket.bytesWritten === bytesWritten;
  });
  return () => isUnsent();
}

/** Names and values in turn: node takes them as they are, and adds none. */
function listHeaders(
  { method, target, headers }: HttpCall,
  body: ReturnType<typeof openRequestBody>,
): string[] {
  const list: string[] = ['host', target.host, 'connection', 'keep-alive'];
  let hasType = false;
  let hasAccept = false;
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (ours.has(lower)) continue;
    hasType ||= lower === 'content-type';
    hasAccept ||= lower === 'accept';
    list.push(lower, value);
  }
  if (!hasAccept) list.push('accept', '*/*');
  list.push('accept-encoding', 'gzip, deflate');
  if (!hasType && body.type !== undefined) list.push('content-type', body.type);
  if (body.length !== undefined && (body.length > 0 || !bodiless.has(method)))
    list.push('content-length', String(body.length));
  else if (body.length === undefined) list.push('transfer-encoding', 'chunked');
  return list;
}

/** Headers that go with the connection and the body, for which we answer. */
const ours = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding']);
const bodiless = new Set(['GET', 'HEAD', 'DELETE']);

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
