/** The part of the JSON API of Google Cloud Storage that the driver uses, in memory. Of our own making, from its reference. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Stored {
  readonly content: Buffer;
  readonly generation: number;
  readonly updated: string;
}

interface Session {
  readonly name: string;
  readonly condition: string | null;
  readonly pieces: Buffer[];
}

export interface GcsServer {
  readonly origin: string;
  readonly objects: Map<string, Stored>;
  /** Each call, as `GET /storage/v1/b/…` without the query. */
  readonly calls: string[];
  /** A call that this is true of is answered with its status. */
  refuse: ((call: string) => number | undefined) | undefined;
  /** So many bytes of a download are sent, and then the connection is cut. */
  cutAfter: number | undefined;
  /** Done once, right before the next download. */
  beforeDownload: (() => void) | undefined;
  put(name: string, content: string): void;
  close(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Knows one bucket, `bucket`. */
export async function startGcsServer(): Promise<GcsServer> {
  const objects = new Map<string, Stored>();
  const sessions = new Map<string, Session>();
  let generation = 1_700_000_000_000_000;

  const store = (name: string, content: Buffer, condition: string | null): object => {
    const there = objects.get(name)?.generation ?? 0;
    if (condition !== null && Number(condition) !== there)
      throw new Refusal(412, 'At least one of the pre-conditions you specified did not hold.');
    generation += 1;
    objects.set(name, { content, generation, updated: new Date().toISOString() });
    return factsOf(name);
  };
  const factsOf = (name: string) => {
    const object = objects.get(name);
    if (!object) throw new Refusal(404, `No such object: bucket/${name}`);
    const { content, updated } = object;
    return {
      ...{ kind: 'storage#object', name, bucket: 'bucket', updated },
      ...{ size: String(content.length), generation: String(object.generation) },
    };
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://server');
    const call = `${request.method} ${url.pathname}`;
    server.calls.push(call);
    const body = await readBody(request);
    const status = server.refuse?.(call);
    if (status !== undefined) throw new Refusal(status, 'The server was told to say so.');
    const send = (value: object, headers = {}, code = 200) =>
      response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
    const condition = url.searchParams.get('ifGenerationMatch');
    if (url.pathname === '/upload/storage/v1/b/bucket/o') {
      if (url.searchParams.get('uploadType') === 'multipart') {
        const { metadata, content } = readMultipart(request, body);
        send(store(String(url.searchParams.get('name') ?? metadata.name), content, condition));
        return;
      }
      const session = url.searchParams.get('upload_id');
      if (session === null) {
        const id = String(sessions.size + 1);
        sessions.set(id, { name: String(url.searchParams.get('name')), condition, pieces: [] });
        send({}, { location: `${server.origin}${url.pathname}?uploadType=resumable&upload_id=${id}` });
        return;
      }
      const begun = sessions.get(session);
      if (!begun) throw new Refusal(410, 'There is no such upload.');
      begun.pieces.push(body);
      const whole = Buffer.concat(begun.pieces);
      const isLast = !/\/\*$/.test(request.headers['content-range'] ?? '');
      if (isLast) send(store(begun.name, whole, begun.condition));
      else send({}, { range: `bytes=0-${whole.length - 1}` }, 308);
      return;
    }
    if (url.pathname === '/storage/v1/b/bucket/o') {
      const prefix = url.searchParams.get('prefix') ?? '';
      const after = url.searchParams.get('pageToken') ?? '';
      const names = [...objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
      const page = names.slice(0, 2);
      send({ items: page.map(factsOf), ...(names.length > 2 && { nextPageToken: page.at(-1) }) });
      return;
    }
    const [, encoded] = /^\/storage\/v1\/b\/bucket\/o\/(.+)$/.exec(url.pathname) ?? [];
    if (encoded === undefined) throw new Refusal(404, 'The specified bucket does not exist.');
    const name = decodeURIComponent(encoded);
    if (request.method === 'DELETE') {
      factsOf(name);
      objects.delete(name);
      response.writeHead(204).end();
      return;
    }
    if (url.searchParams.get('alt') !== 'media') {
      send(factsOf(name));
      return;
    }
    server.beforeDownload?.();
    server.beforeDownload = undefined;
    const wanted = url.searchParams.get('generation');
    const object = objects.get(name);
    if (!object || (wanted !== null && Number(wanted) !== object.generation))
      throw new Refusal(404, `No such object: bucket/${name}`);
    const [, start = '0', end = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const part = object.content.subarray(Number(start), end === '' ? undefined : Number(end) + 1);
    response.writeHead(request.headers.range ? 206 : 200, { 'content-length': part.length });
    if (server.cutAfter === undefined) response.end(part);
    else response.write(part.subarray(0, server.cutAfter), () => response.destroy());
  }

  const http = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      // A client that went away needs no answer.
      if (!(error instanceof Refusal)) return void response.destroy();
      const { status: code, message } = error;
      response
        .writeHead(code, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { code, message, errors: [{ message }] } }));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: GcsServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    ...{ objects, calls: [], refuse: undefined, cutAfter: undefined, beforeDownload: undefined },
    put: (name, content) => void store(name, Buffer.from(content), null),
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

/** A body that is cut off throws: nothing of it is kept. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The description of an object and its content, as `multipart/related`. */
function readMultipart(request: IncomingMessage, body: Buffer) {
  const [, boundary = ''] = /boundary="?([^";]+)"?/.exec(request.headers['content-type'] ?? '') ?? [];
  const text = body.toString('latin1');
  const [, described = '', ...contents] = text.split(`--${boundary}`);
  const content = contents.slice(0, -1).join(`--${boundary}`);
  const ofPart = (part: string) => part.slice(part.indexOf('\r\n\r\n') + 4).replace(/\r\n$/, '');
  const metadata = JSON.parse(ofPart(described)) as { name?: string };
  return { metadata, content: Buffer.from(ofPart(content), 'latin1') };
}
