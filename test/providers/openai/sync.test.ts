import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, vi } from 'vitest';
import { plainContent } from '../../../src/core/request/content.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { apiKey, connect, failureOf, never, prompt, useServer } from '../conformance.ts';

const entry = providerEntry('openai');
const server = useServer();

it('sends the organization and the project of the environment, which are for OpenAI', async () => {
  vi.stubEnv('OPENAI_ORG_ID', 'org-1');
  vi.stubEnv('OPENAI_PROJECT_ID', 'proj-1');
  const provider = await entry.openSync(connect({ path: '/v1' }, server().url));
  server().play(() => ({ body: { choices: [{ message: { content: 'x' } }] } }));
  await provider.generate({ customId: 'a', model: 'm', content: plainContent(prompt) }, never);
  expect(server().arrived[0]?.headers).toMatchObject({
    'openai-organization': 'org-1',
    'openai-project': 'proj-1',
  });
  vi.unstubAllEnvs();
});

it('sends calls of one client with the same head, each with a body of its own', async () => {
  const provider = await entry.openSync(connect({ path: '/v1' }, server().url));
  server().play(() => ({ body: { choices: [{ message: { content: 'x' } }] } }));
  const texts = ['First', 'Second', 'Third and longer'];
  for (const text of texts)
    await provider.generate({ customId: 'a', model: 'm', content: plainContent(text) }, never);
  const { arrived } = server();
  expect(arrived.map(({ body }) => JSON.parse(String(body)).messages[0].content)).toEqual(texts);
  const heads = arrived.map(({ method, path, headers: { 'content-length': _, ...headers } }) => ({
    method,
    path,
    headers,
  }));
  expect(heads.slice(1)).toEqual([heads[0], heads[0]]);
  expect(heads[0]).toMatchObject({
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': expect.stringMatching(/^OpenAI\/JS \d/),
    },
  });
});

it('ends each call by its own signal, whichever was made first', async () => {
  const provider = await entry.openSync(connect({ path: '/v1' }, server().url));
  server().play(() => ({ body: { choices: [{ message: { content: 'x' } }] } }));
  const request = { customId: 'a', model: 'm', content: plainContent(prompt) };
  const first = new AbortController();
  await provider.generate(request, first.signal);
  first.abort();
  expect(await provider.generate(request, never)).toMatchObject({ outcome: 'succeeded' });
});

it('reads a content that is a list of parts', async () => {
  const provider = await entry.openSync(connect({ path: '/v1/' }, server().url));
  const content = [{ type: 'text', text: 'one ' }, 'two', { type: 'audio' }, null];
  server().play(() => ({ body: { choices: [{ message: { content } }] } }));
  expect(
    await provider.generate({ customId: 'a', model: 'm', content: plainContent(prompt) }, never),
  ).toEqual({
    customId: 'a',
    outcome: 'succeeded',
    text: 'one two',
  });
  expect(server().arrived[0]?.path).toBe('/v1/chat/completions');
});

it.each(['reasoning', 'thinking'])('leaves parts of the type %s out, which are thoughts', async (type) => {
  const provider = await entry.openSync(connect({ path: '/v1/' }, server().url));
  const thought = { type, text: 'Hm.', thinking: [{ type: 'text', text: 'Hm.' }] };
  server().play(() => ({
    body: { choices: [{ message: { content: [thought, { type: 'text', text: 'Yes' }] } }] },
  }));
  const request = { customId: 'a', model: 'm', content: plainContent(prompt) };
  expect(await provider.generate(request, never)).toMatchObject({ outcome: 'succeeded', text: 'Yes' });
});

it('names what is wrong with a connection that does not come about', async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const provider = await entry.openSync({
    apiKey,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    timeoutMs: 20_000,
    environment: process.env,
  });
  const failure = await failureOf(
    provider.generate({ customId: 'a', model: 'm', content: plainContent(prompt) }, never),
  );
  expect(failure).toMatchObject({ scope: 'retry', code: 'connection', status: undefined });
  expect((failure as Error).message).toMatch(/ECONNREFUSED/);
  const nowhere = entry.openSync({ apiKey, baseUrl: 'nowhere', timeoutMs: 20_000, environment: process.env });
  expect(await failureOf(nowhere)).toMatchObject({ scope: 'run', code: 'invalid_base_url' });
});

it('runs 256 calls at the same time, on one signal, without a warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const provider = await entry.openSync({ ...connect({ path: '/v1' }, server().url), timeoutMs: 20_000 });
  server().play(() => ({ body: { choices: [{ message: { content: 'x' } }] } }));
  server().gather(256);
  const stop = new AbortController();
  const calls = Array.from({ length: 256 }, (_, index) =>
    provider.generate({ customId: String(index), model: 'm', content: plainContent(prompt) }, stop.signal),
  );
  const rows = await Promise.all(calls);
  expect(rows.filter((row) => row.outcome === 'succeeded')).toHaveLength(256);
  process.off('warning', note);
  expect(warnings).toEqual([]);
});
