/** A world whose calls to the sandbox pass by a recorder, as they go over the wire. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  baseUrlVariables,
  createSandboxWorld,
  type ProviderName,
  providers,
  type SandboxWorld,
} from './sandbox-world.ts';

interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RecordedWorld extends SandboxWorld {
  /** In the order in which they came. */
  readonly requests: Recorded[];
  /** What was asked of the model, one body for each row, live or in a batch. */
  requestBodies(provider: ProviderName): unknown[];
}

export async function createRecordedWorld(
  options: Parameters<typeof createSandboxWorld>[0] = {},
): Promise<RecordedWorld> {
  const world = await createSandboxWorld(options);
  const requests: Recorded[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = incoming;
    const body = Buffer.concat(chunks);
    requests.push({ method, path: url, headers, body: body.toString() });
    const { host: _, connection: __, 'content-length': ___, 'accept-encoding': ____, ...passed } = headers;
    const answer = await fetch(world.sandbox.origin + url, {
      method,
      headers: passed as Record<string, string>,
      ...(body.length > 0 && { body }),
    });
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const provider of providers) {
    world.environment[baseUrlVariables[provider]] = world.sandbox.baseUrls[provider].replace(
      world.sandbox.origin,
      origin,
    );
  }
  return {
    ...world,
    requests,
    requestBodies: (provider) => requests.flatMap(readBodies[provider] ?? readChats),
    async remove() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await world.remove();
    },
  };
}

/** The lines of a body that are JSON: a multipart form has others. */
function readLines(body: string): Record<string, unknown>[] {
  const lines = body.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line));
}

function readChats({ path, body }: Recorded): unknown[] {
  if (path.endsWith('/chat/completions')) return [JSON.parse(body)];
  return path.endsWith('/v1/files') ? readLines(body).map((line) => line.body) : [];
}

/** Of the providers that have not OpenAI's form. */
const readBodies: { readonly [Name in ProviderName]?: (request: Recorded) => unknown[] } = {
  anthropic({ method, path, body }) {
    if (path.endsWith('/v1/messages')) return [JSON.parse(body)];
    if (method !== 'POST' || !path.endsWith('/batches')) return [];
    return JSON.parse(body).requests.map((request: { params: unknown }) => request.params);
  },
  google({ path, headers, body }) {
    if (path.endsWith(':generateContent')) return [JSON.parse(body)];
    const isUpload = String(headers['x-goog-upload-command']).includes('finalize');
    return isUpload ? readLines(body).map((line) => line.request) : [];
  },
};
