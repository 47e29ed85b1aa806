/** A server whose answers never end. It pours until the client hangs up, and ends with the test. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setInterval } from 'node:timers/promises';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';

/** An answer: what it begins with, and what comes again and again after that. */
export interface Endless {
  readonly status?: number;
  readonly start?: string;
  readonly piece: string;
  /** Packed, so that little goes over the wire: more than a bound allows, and then silence. */
  readonly packing?: 'gzip' | 'deflate' | 'br';
  /** Some bytes now and then, in place of as many as are taken: in the head of the answer, or in its body. */
  readonly trickle?: 'head' | 'body';
}

/** What a path is answered with: a whole body, or one without an end. */
export type Answer = (path: string) => object | Endless;

export interface EndlessServer {
  readonly url: string;
  play(answer: Answer): void;
  /** Resolves when every answer that was begun has been left by its client. */
  untilLeft(): Promise<void>;
  close(): Promise<void>;
}

const level = { level: 1 };
const packings = {
  gzip: (text: Buffer) => gzipSync(text, level),
  deflate: (text: Buffer) => deflateSync(text, level),
  br: (text: Buffer) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
} as const;
const megabyte = 1024 * 1024;

export async function startEndlessServer(): Promise<EndlessServer> {
  let answer: Answer = () => ({});
  const poured = new Set<Promise<void>>();
  const server = createServer(async (incoming, outgoing) => {
    for await (const _ of incoming);
    const given = answer(incoming.url ?? '');
    if (!('piece' in given)) {
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(given));
      return;
    }
    const left = new Promise<void>((resolve) => outgoing.once('close', resolve));
    poured.add(left);
    outgoing.on('error', () => {});
    if (given.trickle) await trickle(outgoing, given);
    else pour(outgoing, given);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    play(next) {
      answer = next;
      poured.clear();
    },
    untilLeft: async () => void (await Promise.all(poured)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pour(outgoing: ServerResponse, { status = 200, start = '', piece, packing }: Endless): void {
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    ...(packing && { 'content-encoding': packing }),
  });
  if (packing) {
    outgoing.write(packings[packing](Buffer.alloc(65 * megabyte, piece).fill(start, 0, start.length)));
    return;
  }
  const block = Buffer.from(piece.repeat(Math.ceil(megabyte / piece.length)));
  const goOn = () => {
    if (!outgoing.destroyed) outgoing.write(block, () => setImmediate(goOn));
  };
  outgoing.write(start || piece, goOn);
}

async function trickle(
  outgoing: ServerResponse,
  { start = '', piece, trickle: place }: Endless,
): Promise<void> {
  if (place === 'body') outgoing.writeHead(200, { 'content-type': 'application/json' }).write(start);
  else outgoing.socket?.write('HTTP/1.1 200 OK\r\nx-slow: ');
  for await (const _ of setInterval(20)) {
    if (outgoing.destroyed || outgoing.socket?.destroyed !== false) return;
    if (place === 'body') outgoing.write(piece);
    else outgoing.socket.write(piece);
  }
}
