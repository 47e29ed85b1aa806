/** A proxy as companies have them, and the vendors' addresses behind it: TLS, and the sandbox within. */
import { readFile } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as openRequest,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const certificates = resolve(import.meta.dirname, '../../data/certificates');

/** The authority that signed the certificates of all servers here. */
export const authorityPath = join(certificates, 'authority.pem');

async function readCertificate(name: 'server' | 'expired') {
  const [cert, key] = await Promise.all(
    [`${name}.pem`, 'server-key.pem'].map((file) => readFile(join(certificates, file))),
  );
  return { cert, key };
}

export interface LocalServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A server on any free port, and an end to all that is open. */
async function listen(server: Server): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export interface ProxyServer extends LocalServer {
  /** What was asked of it: `CONNECT api.openai.com:443`, `POST http://gateway.example.com/v1/…`. */
  readonly asked: string[];
  /** Proxy-Authorization of each of these. */
  readonly passwords: (string | undefined)[];
}

export interface ProxyOptions {
  /** The port on this machine that is behind a `host:port`. */
  readonly ports: Readonly<Record<string, number>>;
  /** `user:password`, when it wants them. */
  readonly login?: string;
  /** Refuses calls with these statuses, one after the other, the last one for ever. */
  readonly refusals?: readonly (number | undefined)[];
  /** Speaks TLS itself. */
  readonly secure?: boolean;
}

/** What it does not know is a 502. As squid does, it opens tunnels to port 443 only. */
export async function startProxy({
  ports,
  login,
  refusals = [],
  secure,
}: ProxyOptions): Promise<ProxyServer> {
  const asked: string[] = [];
  const passwords: (string | undefined)[] = [];

  function refuse({ method, url, headers }: IncomingMessage): number | undefined {
    asked.push(`${method} ${url}`);
    passwords.push(headers['proxy-authorization']);
    const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
    if (wanted && headers['proxy-authorization'] !== wanted) return 407;
    return refusals[Math.min(asked.length, refusals.length) - 1];
  }

  const forward = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    // A call of somebody else, who takes this for a server that had the port before.
    if (!URL.canParse(incoming.url ?? '')) return void outgoing.writeHead(400).end();
    const target = new URL(incoming.url ?? '');
    const port = ports[`${target.hostname}:${target.port || 80}`];
    const status = refuse(incoming) ?? (port ? undefined : 502);
    if (status) {
      // Some proxies repeat the call in their page.
      outgoing.writeHead(status).end(JSON.stringify(incoming.headers));
      return;
    }
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const path = `${target.pathname}${target.search}`;
    await passOn(incoming, outgoing, { port, path, headers });
  };

  const server = secure
    ? createSecureServer(await readCertificate('server'), forward)
    : createServer(forward);
  server.on('connect', (incoming: IncomingMessage, client: Socket) => {
    const port = ports[incoming.url ?? ''];
    const closed = incoming.url?.endsWith(':443') ? undefined : 403;
    const status = refuse(incoming) ?? closed ?? (port ? undefined : 502);
    if (status) return void client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    const upstream = connect(port as number, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  return { ...(await listen(server)), asked, passwords };
}

/** Where each vendor is in the sandbox. */
const sandboxPaths: Readonly<Record<string, string>> = {
  'api.openai.com': '/openai',
  'api.anthropic.com': '/anthropic',
  'generativelanguage.googleapis.com': '/google',
  'openrouter.ai': '/openrouter',
  'dashscope-intl.aliyuncs.com': '/alibaba',
};
export const vendorHosts = Object.keys(sandboxPaths);

export interface VendorServer extends LocalServer {
  /** The host and the headers of each call. */
  readonly calls: { readonly host: string; readonly path: string; readonly headers: IncomingHttpHeaders }[];
}

/** All vendors at their own names, with TLS. `answer` may take a call before it reaches the sandbox. */
export async function startVendors(
  sandboxOrigin: string,
  {
    certificate = 'server',
    answer,
  }: {
    readonly certificate?: 'server' | 'expired';
    answer?(host: string, path: string, outgoing: ServerResponse): boolean;
  } = {},
): Promise<VendorServer> {
  const calls: VendorServer['calls'] = [];
  const server = createSecureServer(await readCertificate(certificate), async (incoming, outgoing) => {
    const { headers } = incoming;
    const [host = '', path = ''] = [headers.host, incoming.url];
    calls.push({ host, path, headers });
    if (answer?.(host, path, outgoing)) return;
    const own = `${sandboxOrigin}${sandboxPaths[host]}`;
    await passOn(
      incoming,
      outgoing,
      { port: Number(new URL(sandboxOrigin).port), path: `${sandboxPaths[host]}${path}`, headers },
      (text) => text.replaceAll(own, `https://${host}`),
    );
  });
  return { ...(await listen(server)), calls };
}

/** The sandbox names addresses of its own in headers and in answers of JSON: `rename` makes them the vendor's. */
async function passOn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: { readonly port: number | undefined; readonly path: string; readonly headers: IncomingHttpHeaders },
  rename?: (text: string) => string,
): Promise<void> {
  const onward = openRequest({ host: '127.0.0.1', method: incoming.method, ...target });
  const answered = new Promise<IncomingMessage>((done, fail) => {
    onward.once('response', done).once('error', fail);
  });
  try {
    await pipeline(incoming, onward);
    const answer = await answered;
    const headers = Object.entries(answer.headers).map(([name, value]) => [
      name,
      typeof value === 'string' && rename ? rename(value) : value,
    ]);
    if (rename && answer.headers['content-type']?.startsWith('application/json')) {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      const body = Buffer.from(rename(Buffer.concat(chunks).toString('utf8')));
      const { 'transfer-encoding': _, ...kept } = Object.fromEntries(headers);
      outgoing.writeHead(answer.statusCode ?? 502, { ...kept, 'content-length': body.length });
      await pipeline(Readable.from([body]), outgoing);
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, Object.fromEntries(headers));
    await pipeline(answer, outgoing);
  } catch {
    outgoing.destroy();
  }
}
