/** A server that writes bytes of a test to a connection, and no byte more: heads and frames that no library writes. */
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface RawServer {
  readonly url: string;
  /** How many requests have come. */
  readonly calls: number;
  /** From now on each request is answered with these bytes, by its first line; then the connection is closed. */
  play(answer: (requestLine: string) => string | Buffer): void;
  close(): Promise<void>;
}

export async function startRawServer(): Promise<RawServer> {
  let answer: (requestLine: string) => string | Buffer = () => '';
  let calls = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let heard = Buffer.alloc(0);
    let isAnswered = false;
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      if (isAnswered || !isWhole(heard.toString('latin1'))) return;
      isAnswered = true;
      calls += 1;
      socket.end(answer(heard.subarray(0, heard.indexOf('\r\n')).toString('latin1')));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get calls() {
      return calls;
    },
    play(next) {
      answer = next;
      calls = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Whether the last byte of a request is there: by its length, or by the last chunk. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return !/\r\ntransfer-encoding: chunked/i.test(text.slice(0, end)) || text.endsWith('\r\n0\r\n\r\n');
}

/** An answer with a right length; headers of undefined are left out. */
export function frame(
  body: string | Buffer,
  {
    status = '200 OK',
    ...headers
  }: { readonly status?: string; readonly [name: string]: string | undefined } = {},
): Buffer {
  const bytes = Buffer.from(body);
  const given = {
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    connection: 'close',
    ...headers,
  };
  const lines = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}
