import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, vi } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import {
  apiKey,
  connect,
  describeSyncProvider,
  failureOf,
  never,
  prompt,
  useServer,
} from '../conformance.ts';
import { chatAnswers, chatTold, chatVariables, refusedChatKey } from '../openai-vendor.ts';

const entry = providerEntry('openai');
const body = (message: string, code: string | null, type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
});

describeSyncProvider({
  entry,
  path: '/v1',
  keyHeader: ['authorization', `Bearer ${apiKey}`],
  variables: chatVariables,
  refusedKey: refusedChatKey,
  requestPath: '/v1/chat/completions',
  requestBody: { model: 'model-1', messages: [{ role: 'user', content: prompt }] },
  answer: (text) => ({ choices: [{ message: { content: text } }] }),
  cutShort: (text) => ({ choices: [{ message: { content: text }, finish_reason: 'length' }] }),
  told: chatTold,
  unanswered: chatAnswers,
  refusals: [
    [
      'an empty account',
      {
        status: 429,
        body: body('You exceeded your current quota.', 'insufficient_quota', 'insufficient_quota'),
      },
      { scope: 'run', code: 'insufficient_quota', status: 429 },
    ],
    [
      'a model that does not exist',
      { status: 404, body: body('The model `x` does not exist', 'model_not_found') },
      { scope: 'run', code: 'model_not_found', message: 'The model `x` does not exist' },
    ],
    [
      'a model name that is none',
      { status: 400, body: body('invalid model ID', null) },
      { scope: 'run', code: 'model_not_found' },
    ],
    [
      'a prompt that is too long',
      { status: 400, body: body('Too many tokens.', 'context_length_exceeded') },
      { scope: 'row', code: 'context_length_exceeded', status: 400 },
    ],
    [
      'a closed account',
      { status: 401, body: body('Closed.', 'account_deactivated') },
      { scope: 'run', code: 'account_deactivated' },
    ],
    [
      'a country that is not served',
      { status: 403, body: body('Not here.', 'unsupported_country_region_territory') },
      { scope: 'run' },
    ],
    ['a body that is too large', { status: 413, body: '' }, { scope: 'row', code: 'http_413' }],
    [
      'an error that is a text',
      { status: 400, body: { error: 'model is loading' } },
      { scope: 'row', message: 'model is loading' },
    ],
    [
      'an error of the server within a 200',
      { body: body('Try again.', null, 'server_error') },
      { scope: 'retry' },
    ],
    [
      'a rate limit within a 200',
      { body: body('Slow down.', 'rate_limit_exceeded') },
      { scope: 'retry', status: 429 },
    ],
    ['an error of the prompt within a 200', { body: { error: 'Too long.' } }, { scope: 'row' }],
  ],
});

const server = useServer();

it('sends the organization and the project of the environment, which are for OpenAI', async () => {
  vi.stubEnv('OPENAI_ORG_ID', 'org-1');
  vi.stubEnv('OPENAI_PROJECT_ID', 'proj-1');
  const provider = await entry.openSync(connect({ path: '/v1' }, server().url));
  server().play(() => ({ body: { choices: [{ message: { content: 'x' } }] } }));
  await provider.generate({ customId: 'a', model: 'm', prompt }, never);
  expect(server().arrived[0]?.headers).toMatchObject({
    'openai-organization': 'org-1',
    'openai-project': 'proj-1',
  });
  vi.unstubAllEnvs();
});

it('goes to the address of OpenAI when no other is given, through the proxy of the environment', async () => {
  // The scripted server stands in for the proxy and refuses to open the tunnel.
  vi.stubEnv('HTTPS_PROXY', server().url);
  vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:9/stray');
  const provider = await entry.openSync({ apiKey, timeoutMs: 20_000, environment: process.env });
  const failure = await failureOf(provider.generate({ customId: 'a', model: 'm', prompt }, never));
  expect(failure).toMatchObject({ scope: 'retry', code: 'connection', status: undefined });
  expect(server().tunnels).toEqual(['api.openai.com:443']);
  vi.unstubAllEnvs();
});

it('reads a content that is a list of parts', async () => {
  const provider = await entry.openSync(connect({ path: '/v1/' }, server().url));
  const content = [{ type: 'text', text: 'one ' }, 'two', { type: 'audio' }, null];
  server().play(() => ({ body: { choices: [{ message: { content } }] } }));
  expect(await provider.generate({ customId: 'a', model: 'm', prompt }, never)).toEqual({
    customId: 'a',
    outcome: 'succeeded',
    text: 'one two',
  });
  expect(server().arrived[0]?.path).toBe('/v1/chat/completions');
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
  const failure = await failureOf(provider.generate({ customId: 'a', model: 'm', prompt }, never));
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
    provider.generate({ customId: String(index), model: 'm', prompt }, stop.signal),
  );
  const rows = await Promise.all(calls);
  expect(rows.filter((row) => row.outcome === 'succeeded')).toHaveLength(256);
  process.off('warning', note);
  expect(warnings).toEqual([]);
});
