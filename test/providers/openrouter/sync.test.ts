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

const entry = providerEntry('openrouter');
const error = (code: number, message: string, metadata?: object) => ({ error: { code, message, metadata } });

describeSyncProvider({
  entry,
  path: '/api/v1',
  keyHeader: ['authorization', `Bearer ${apiKey}`],
  variables: { ...chatVariables, OPENAI_ORG_ID: 'stray-org', OPENAI_PROJECT_ID: 'stray-project' },
  refusedKey: refusedChatKey,
  requestPath: '/api/v1/chat/completions',
  requestBody: { model: 'model-1', messages: [{ role: 'user', content: prompt }] },
  answer: (text) => ({ choices: [{ message: { content: text } }] }),
  cutShort: (text) => ({ choices: [{ message: { content: text }, finish_reason: 'length' }] }),
  told: chatTold,
  unanswered: chatAnswers,
  refusals: [
    [
      'a key that it does not know',
      { status: 401, body: error(401, 'No auth credentials found') },
      { scope: 'run', code: 'invalid_api_key' },
    ],
    [
      'a lack of credits',
      { status: 402, body: error(402, 'Insufficient credits') },
      { scope: 'run', code: 'http_402', status: 402 },
    ],
    [
      'a moderated prompt',
      { status: 403, body: error(403, 'Flagged') },
      { scope: 'row', code: 'http_403', status: 403 },
    ],
    [
      'a key that has spent its limit',
      { status: 403, body: error(403, 'Key limit exceeded (total limit).') },
      { scope: 'run' },
    ],
    [
      'a model that is none',
      { status: 400, body: error(400, 'x is not a valid model ID') },
      { scope: 'run', code: 'model_not_found' },
    ],
    [
      'a model that nobody serves',
      { status: 404, body: error(404, 'No endpoints found for x.') },
      { scope: 'run', status: 404 },
    ],
    [
      'a prompt that is too long',
      { status: 400, body: error(400, 'Maximum context length') },
      { scope: 'row', status: 400 },
    ],
    [
      'an upstream error within a 200',
      { body: error(502, 'Provider returned error', { raw: 'model is down', provider_name: 'X' }) },
      { scope: 'retry', status: 502, code: 'http_502', message: 'Provider returned error: model is down' },
    ],
    ['a rate limit within a 200', { body: error(429, 'Slow down') }, { scope: 'retry', status: 429 }],
    ['a moderated prompt within a 200', { body: error(403, 'Flagged') }, { scope: 'row', status: 403 }],
    [
      'an error without a code within a 200',
      { body: { error: { message: 'Oh' } } },
      { scope: 'retry', status: 502, message: 'Oh' },
    ],
    [
      'an error with a code that is no status within a 200',
      { body: { error: { code: 0, message: 'Oh' } } },
      { scope: 'retry', status: 502 },
    ],
    [
      'an error in the choice',
      {
        body: {
          choices: [
            { message: { content: 'half' }, finish_reason: 'error', error: { code: 503, message: 'Gone' } },
          ],
        },
      },
      { scope: 'retry', status: 503, message: 'Gone' },
    ],
    [
      'a choice that ended in an error',
      { body: { choices: [{ message: { content: 'half' }, finish_reason: 'error' }] } },
      { scope: 'retry', status: 502 },
    ],
  ],
});

const server = useServer();

it('tells nobody else about the OpenAI account', async () => {
  vi.stubEnv('OPENAI_ORG_ID', 'org-1');
  vi.stubEnv('OPENAI_PROJECT_ID', 'proj-1');
  const provider = await entry.openSync(connect({ path: '/api/v1' }, server().url));
  server().play(() => ({ body: { choices: [{ message: { content: 'x' } }] } }));
  await provider.generate({ customId: 'a', model: 'm', prompt }, never);
  const names = Object.keys(server().arrived[0]?.headers ?? {});
  expect(names.filter((name) => name.startsWith('openai'))).toEqual([]);
  vi.unstubAllEnvs();
});

it('goes to the address of OpenRouter when no other is given', async () => {
  vi.stubEnv('HTTPS_PROXY', server().url);
  const provider = await entry.openSync({ apiKey, timeoutMs: 20_000, environment: process.env });
  await failureOf(provider.generate({ customId: 'a', model: 'm', prompt }, never));
  expect(server().tunnels).toEqual(['openrouter.ai:443']);
  vi.unstubAllEnvs();
});

it('has no batches', () => {
  expect(entry.openBatch).toBeUndefined();
});
