/** What goes over the wire: the requests of a live run, and the way through a proxy. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../program.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { baseUrlVariables, keyVariables, type ProviderName, providers } from './sandbox-world.ts';

let world: World;
let server: HttpServer;

beforeEach(async () => {
  server = await startHttpServer(() => ({
    body: {
      choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }],
      ...{ type: 'message', role: 'assistant', stop_reason: 'end_turn' },
      content: [
        { type: 'text', text: 'fi' },
        { type: 'text', text: 'ne' },
      ],
      candidates: [
        { content: { role: 'model', parts: [{ text: 'fi' }, { text: 'ne' }] }, finishReason: 'STOP' },
      ],
    },
  }));
  world = await createWorld();
  for (const provider of providers) {
    world.environment[baseUrlVariables[provider]] = server.url;
    world.environment[keyVariables[provider]] = 'a-key';
  }
  await world.write('data.csv', 'id,text\n1,"Hëllo ""you"""\n');
});

afterEach(async () => {
  await server.close();
  await world.remove();
});

function run(provider: ProviderName) {
  return world.loom(
    'run',
    '-f',
    'data.csv',
    '-c',
    'text',
    '-p',
    provider,
    '-m',
    'some-model',
    '--sync',
    '--no-cache',
  );
}

const prompt = 'Hëllo "you"';
const chat = { model: 'some-model', messages: [{ role: 'user', content: prompt }] };

test.each<[ProviderName, string, object]>([
  ['openai', '/chat/completions', chat],
  ['openrouter', '/chat/completions', chat],
  ['alibaba', '/chat/completions', chat],
  ['anthropic', '/v1/messages', { ...chat, max_tokens: 4096 }],
  [
    'google',
    '/v1beta/models/some-model:generateContent',
    { contents: [{ role: 'user', parts: [{ text: prompt }] }], generationConfig: {} },
  ],
])('a call of %s is one user message to %s, and nothing more', async (provider, path, body) => {
  expect((await run(provider)).code).toBe(0);
  expect(server.requests).toHaveLength(1);
  const request = server.requests[0];
  expect(request).toMatchObject({ method: 'POST', path });
  expect(JSON.parse(request?.body ?? '')).toEqual(body);
  expect(await world.read(`data_results_${provider}_some-model.csv`)).toBe(
    'id,text,llm_response\n1,"Hëllo ""you""",fine\n',
  );
});

describe('a proxy', () => {
  let proxy: Server;
  let passed: string[];
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    passed = [];
    // Whatever is asked for, by tunnel or by whole address, comes from our server.
    proxy = createServer(async (request, response) => {
      const target = new URL(request.url ?? '');
      passed.push(target.host);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await fetch(`${server.url}${target.pathname}`, {
        method: 'POST',
        body: Buffer.concat(chunks),
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    });
    proxy.on('connect', (request, client: Socket) => {
      passed.push(request.url ?? '');
      const upstream = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => {});
      }
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    world.environment.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  });

  test.each(providers)('that HTTP_PROXY names is used by %s', async (provider) => {
    world.environment[baseUrlVariables[provider]] = 'http://gateway.invalid:8080/';
    expect((await run(provider)).code).toBe(0);
    expect(new Set(passed)).toEqual(new Set(['gateway.invalid:8080']));
    expect(server.requests).toHaveLength(1);
  });

  test.each(providers)('is passed by where NO_PROXY says so, by %s', async (provider) => {
    world.environment.NO_PROXY = '127.0.0.1,localhost';
    expect((await run(provider)).code).toBe(0);
    expect(passed).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });
});
