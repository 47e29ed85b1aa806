/** A node:http server that records what arrives, byte for byte, and answers by script, faults included. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Arrived {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON. */
  readonly body?: string | object;
  /** `reset`: no answer at all; `cut`: half of the body, then a reset; `stall`: half of the body, then nothing. */
  readonly fault?: 'reset' | 'cut' | 'stall' | 'silence';
}

export type Script = (arrived: Arrived) => Reply;

export interface ScriptedServer {
  readonly url: string;
  readonly arrived: Arrived[];
  /** Resolves when the next request has arrived. */
  nextArrival(): Promise<Arrived>;
  /** Resolves when a client has hung up on a request that was not answered whole. */
  nextHangup(): Promise<void>;
  play(script: Script): void;
  /** No answer goes out before so many requests are there. */
  gather(count: number): void;
  /** What CONNECT asked for, when this server stands in for a proxy; it opens no tunnel. */
  readonly tunnels: string[];
  close(): Promise<void>;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const arrived: Arrived[] = [];
  let script: Script = () => ({ status: 500, body: { error: { message: 'nothing is scripted' } } });
  const tunnels: string[] = [];
  let gathered: () => void = () => {};
  let gathering: Promise<void> | undefined;
  let awaited = 0;
  let announce: (request: Arrived) => void = () => {};
  let announceHangup: () => void = () => {};
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request: Arrived = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    arrived.push(request);
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) announceHangup();
    });
    if (arrived.length >= awaited) gathered();
    await gathering;
    send(outgoing, script(request));
    announce(request);
  });
  server.on('connect', (incoming, socket) => {
    tunnels.push(incoming.url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    nextArrival: () =>
      new Promise((resolve) => {
        announce = resolve;
      }),
    tunnels,
    gather(count) {
      awaited = count;
      gathering = new Promise((resolve) => {
        gathered = resolve;
      });
    },
    nextHangup: () =>
      new Promise((resolve) => {
        announceHangup = resolve;
      }),
    play(next) {
      gathering = undefined;
      script = next;
      arrived.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(outgoing: ServerResponse, { status = 200, headers = {}, body = '', fault }: Reply): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? {} : { 'content-type': 'application/json' };
  const bytes = Buffer.from(text);
  if (fault === 'reset') {
    outgoing.destroy();
    return;
  }
  if (fault === 'silence') return;
  outgoing.writeHead(status, { ...type, 'content-length': String(bytes.length), ...headers });
  if (!fault) {
    outgoing.end(bytes);
    return;
  }
  outgoing.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => {
    if (fault === 'cut') outgoing.destroy();
  });
}
