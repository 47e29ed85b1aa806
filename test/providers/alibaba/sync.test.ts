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

const entry = providerEntry('alibaba');
const path = '/compatible-mode/v1';
const body = (message: string, code: string | null, type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
  request_id: '2f2c1f3e-0000',
});

describeSyncProvider({
  entry,
  path,
  keyHeader: ['authorization', `Bearer ${apiKey}`],
  variables: { ...chatVariables, OPENAI_ORG_ID: 'stray-org', OPENAI_PROJECT_ID: 'stray-project' },
  refusedKey: refusedChatKey,
  requestPath: `${path}/chat/completions`,
  requestBody: { model: 'model-1', messages: [{ role: 'user', content: prompt }] },
  answer: (text) => ({ choices: [{ message: { content: text, reasoning_content: 'Hm.' } }] }),
  cutShort: (text) => ({ choices: [{ message: { content: text }, finish_reason: 'length' }] }),
  told: chatTold,
  unanswered: [
    ...chatAnswers,
    ['thoughts alone', { choices: [{ message: { content: '', reasoning_content: 'Hm.' } }] }, 'empty'],
  ],
  refusals: [
    [
      'too many tokens a minute, which has the word that OpenAI has for an empty account',
      { status: 429, body: body('You exceeded your current quota.', 'insufficient_quota') },
      { scope: 'retry', code: 'insufficient_quota', status: 429 },
    ],
    [
      'too many calls',
      { status: 429, body: body('Requests rate limit exceeded.', 'limit_requests') },
      { scope: 'retry', code: 'limit_requests' },
    ],
    [
      'an account in arrears',
      { status: 400, body: body('Access denied, your account is overdue.', 'Arrearage', 'Arrearage') },
      { scope: 'run', code: 'Arrearage', status: 400 },
    ],
    [
      'a free quota that is used up',
      { status: 403, body: body('The free quota is used up.', 'AllocationQuota.FreeTierOnly') },
      { scope: 'run', code: 'AllocationQuota.FreeTierOnly' },
    ],
    [
      'a prompt that its filter stops',
      { status: 400, body: body('Inappropriate content.', 'data_inspection_failed') },
      { scope: 'row', code: 'data_inspection_failed' },
    ],
    [
      'a model that does not exist',
      { status: 404, body: body('The model `x` does not exist', 'model_not_found') },
      { scope: 'run', code: 'model_not_found' },
    ],
  ],
});

const server = useServer();

it('goes to the address of Singapore when no other is given', async () => {
  vi.stubEnv('HTTPS_PROXY', server().url);
  const provider = await entry.openSync({ apiKey, timeoutMs: 20_000, environment: process.env });
  await failureOf(provider.generate({ customId: 'a', model: 'm', prompt }, never));
  expect(server().tunnels).toEqual(['dashscope-intl.aliyuncs.com:443']);
  vi.unstubAllEnvs();
});

it('tells nobody about the OpenAI account', async () => {
  vi.stubEnv('OPENAI_ORG_ID', 'org-1');
  const provider = await entry.openSync(connect({ path }, server().url));
  server().play(() => ({ body: { choices: [{ message: { content: 'x' } }] } }));
  await provider.generate({ customId: 'a', model: 'm', prompt }, never);
  const names = Object.keys(server().arrived[0]?.headers ?? {});
  expect(names.filter((name) => name.startsWith('openai'))).toEqual([]);
  vi.unstubAllEnvs();
});
