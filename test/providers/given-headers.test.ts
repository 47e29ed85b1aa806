/** Headers that a person gave go with each request to the provider's address, and with none to another. */
import { afterEach, describe, expect, it } from 'vitest';
import { plainContent } from '../../src/core/request/content.ts';
import type { Connection } from '../../src/providers/connection.ts';
import type { HttpAnswer } from '../../src/providers/http/http-call.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { sendHeaders } from '../../src/providers/transport/given-headers.ts';
import { adapters, collect, failureOf, never, useServer, writeRequests } from './conformance.ts';
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts';

const headers = { 'X-Team': 'blue-team-4711', Authorization: 'Bearer of-the-gateway' };
const request = { customId: 'row-0-1a2b3c4d', model: 'model-1', content: plainContent('Hi') };
const server = useServer();

let other: ScriptedServer | undefined;
afterEach(() => other?.close());

const connect = (more: Partial<Connection> = {}): Connection => ({
  apiKey: 'a-key-of-mine',
  headers,
  baseUrl: server().url,
  environment: {},
  timeoutMs: 20_000,
  ...more,
});

/** The team and the authorization of each request that arrived. */
const arrivedAt = ({ arrived }: ScriptedServer) =>
  arrived.map(({ headers }) => [headers['x-team'], headers.authorization]);
const sent = [headers['X-Team'], headers.Authorization];

describe.each(adapters)('$title', (entry) => {
  it('is sent them with each call, in the place of its own', async () => {
    server().play(() => ({ body: { data: [], models: [], has_more: false } }));
    const provider = await entry.openSync(connect());
    await failureOf(provider.generate(request, never));
    await provider.listModels(never);
    expect(arrivedAt(server())).toEqual([sent, sent]);
  });

  it('is sent them with each step of a batch', async () => {
    server().play(() => ({ status: 400, body: { error: { message: 'No.' } } }));
    const provider = await entry.openBatch?.(connect());
    if (!provider) throw new Error('no batches');
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    if (provider.upload) await failureOf(provider.upload(file, never));
    await failureOf(provider.create({ file, fileId: 'files/f' }, { model: 'm', tag: 't' }, never));
    await failureOf(provider.check('batches/b', never));
    await failureOf(collect(provider.results('batches/b', never)));
    if (provider.cancel) await failureOf(provider.cancel('batches/b', never));
    const { arrived } = server();
    expect(arrived.length).toBeGreaterThanOrEqual(4);
    expect(arrivedAt(server())).toEqual(arrived.map(() => sent));
  });

  it('needs no key where a header has one', async () => {
    server().play(() => ({ body: { data: [], models: [], has_more: false } }));
    const provider = await entry.openSync(connect({ apiKey: undefined }));
    await provider.listModels(never);
    const [{ headers: arrived } = { headers: {} }] = server().arrived;
    expect(arrived).toMatchObject({ 'x-team': headers['X-Team'], authorization: headers.Authorization });
    expect(arrived).not.toHaveProperty('x-api-key');
    expect(arrived).not.toHaveProperty('x-goog-api-key');
  });

  it('does not get them out again by an error', async () => {
    const echo = `No ${headers['X-Team']} here, with ${headers.Authorization} or of-the-gateway.`;
    server().play(() => ({ status: 400, body: { error: { message: echo, code: headers['X-Team'] } } }));
    const error = await failureOf((await entry.openSync(connect())).generate(request, never));
    expect(String((error as Error).message)).toBe('No [key] here, with [key] or [key].');
    expect(JSON.stringify(error)).not.toMatch(/4711|of-the-gateway/);
  });
});

it('leads nobody to another address with them', async () => {
  other = await startScriptedServer();
  const elsewhere = other.url;
  other.play(() => ({
    body: '{"custom_id":"row-0-1a2b3c4d","response":{"status_code":200,"body":{"choices":[]}}}\n',
  }));
  server().play(({ path }) =>
    path.endsWith('/content')
      ? { status: 302, headers: { location: `${elsewhere}/signed` } }
      : { body: { id: 'batch_1', status: 'completed', output_file_id: 'file_1' } },
  );
  const provider = await providerEntry('openai').openBatch?.(connect());
  if (!provider) throw new Error('no batches');
  await collect(provider.results('batch_1', never));
  expect(other.arrived.map(({ path }) => path)).toEqual(['/signed']);
  expect(arrivedAt(other)).toEqual([[undefined, undefined]]);
  expect(arrivedAt(server()).length).toBeGreaterThan(1);
});

it.each([
  ['https://gw.example/v1/files', ['blue-team-4711', 'Bearer of-the-gateway']],
  ['https://gw.example:443/other', ['blue-team-4711', 'Bearer of-the-gateway']],
  ['http://gw.example/v1/files', [null, null]],
  ['https://gw.example:8443/v1/files', [null, null]],
  ['https://uploads.example/signed', [null, null]],
])('%s, which an answer named, gets them only at the provider’s own address', async (address, expected) => {
  const seen: Headers[] = [];
  const ask = sendHeaders(
    async (_, init) => {
      seen.push(new Headers(init.headers));
      return {} as HttpAnswer;
    },
    { ...connect(), baseUrl: 'https://gw.example/v1' },
  );
  await ask(address, { method: 'PUT', headers: { accept: '*/*' } });
  expect(seen.map((arrived) => [arrived.get('x-team'), arrived.get('authorization')])).toEqual([expected]);
});
