/** The sandbox's buckets as a server of their own, where a call can be refused, cut off or held. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { objectRefusal, objectRoutes } from '../../../src/sandbox/bedrock/objects.ts';
import { Collection } from '../../../src/sandbox/engine/store.ts';
import { Call, drain, Refused, routesOf, send, sendPart } from '../../../src/sandbox/http/http.ts';

export interface S3Server {
  readonly origin: string;
  /** Each call, as `PUT /bucket/key?uploadId` with the names of its query alone. */
  readonly calls: string[];
  /** The headers of the last call. */
  headers: IncomingMessage['headers'];
  /** A call that this gives a refusal for is answered with it. */
  refuse: ((call: string) => Refused | undefined) | undefined;
  /** So many bytes of a download are sent, and then the connection is cut. */
  cutAfter: number | undefined;
  close(): Promise<void>;
}

export async function startS3Server(): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'loom-s3-'));
  const parts = new Collection<{ id: string }>(join(folder, 'parts'));
  const find = routesOf(objectRoutes(new Collection(join(folder, 'objects')), parts, 2));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query] = (request.url ?? '/').split(/\?(.*)/s);
    const call = new Call(request, path, query, server.origin);
    const names = [...call.query.keys()].filter((name) => name !== 'x-id');
    const asked = `${call.method} ${path}${names.length > 0 ? `?${names.join('&')}` : ''}`;
    server.calls.push(asked);
    server.headers = request.headers;
    const refusal = server.refuse?.(asked) ?? (path.startsWith('/nowhere/') ? noBucket : undefined);
    const found = find(call);
    const given = refusal || !found ? objectRefusal(refusal ?? noBucket) : await found.run();
    await drain(request);
    if (server.cutAfter !== undefined && found?.kind === 'download')
      await sendPart(response, given, server.cutAfter, (socket) => socket?.destroy());
    else await send(response, given);
  }

  const http = createServer((request, response) => {
    // A client that went away needs no answer.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: S3Server = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    ...{ calls: [], headers: {}, refuse: undefined, cutAfter: undefined },
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
  return server;
}

const noBucket = new Refused(404, 'The specified bucket does not exist', { code: 'NoSuchBucket' });
