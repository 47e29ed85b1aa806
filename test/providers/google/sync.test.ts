import { expect, it } from 'vitest';
import { plainContent } from '../../../src/core/request/content.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { apiKey, describeSyncProvider, failureOf, never, prompt, useServer } from '../conformance.ts';
import { contents, refusal, refusals, refusedKey, variables } from '../google-vendor.ts';

const entry = providerEntry('google');
const candidate = (parts: unknown, finishReason = 'STOP') => ({
  candidates: [{ content: { parts }, finishReason }],
});

describeSyncProvider({
  entry,
  path: '',
  keyHeader: ['x-goog-api-key', apiKey],
  variables,
  refusedKey,
  requestPath: '/v1beta/models/model-1:generateContent',
  requestBody: { contents, generationConfig: {} },
  conversation: {
    contents: [
      {
        role: 'user',
        parts: [
          { text: 'What are these?' },
          { inlineData: { mimeType: 'image/png', data: 'aW1hZ2U=' } },
          { inlineData: { mimeType: 'application/pdf', data: 'cGRm' } },
        ],
      },
      { role: 'model', parts: [{ text: 'A cat, and its papers.' }] },
      { role: 'user', parts: [{ text: 'Which cat?' }] },
    ],
  },
  answer: (text) =>
    candidate([
      { text: 'hm', thought: true },
      { text: text.slice(0, 3) },
      { inlineData: {} },
      { text: text.slice(3) },
    ]),
  cutShort: (text) => candidate([{ text }], 'MAX_TOKENS'),
  told: [
    [
      'an answer with thoughts',
      {
        ...candidate([{ text: 'x' }]),
        usageMetadata: {
          promptTokenCount: 12,
          candidatesTokenCount: 7,
          thoughtsTokenCount: 30,
          cachedContentTokenCount: 4,
        },
      },
      { usage: { inputTokens: 12, outputTokens: 37, cacheReadTokens: 4 }, finishReason: 'STOP' },
    ],
    [
      'a blocked prompt',
      { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: '5' } },
      { usage: { inputTokens: 5, outputTokens: 0 }, finishReason: 'SAFETY' },
    ],
    [
      'a filtered answer',
      {
        ...candidate([], 'RECITATION'),
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 3 },
      },
      { usage: { inputTokens: 5, outputTokens: 3 }, finishReason: 'RECITATION' },
    ],
    [
      'a server that tells nothing',
      { candidates: [{ content: { parts: [{ text: 'x' }] } }] },
      { finishReason: undefined },
    ],
  ],
  unanswered: [
    ['a blocked prompt', { promptFeedback: { blockReason: 'SAFETY' } }, 'blocked'],
    ['no candidates', { candidates: [], usageMetadata: { promptTokenCount: 1 } }, 'empty'],
    ['nothing but usage', { usageMetadata: { promptTokenCount: 1 } }, 'empty'],
    ['a candidate without content', { candidates: [{ finishReason: 'STOP' }] }, 'empty'],
    ['nothing but thoughts', candidate([{ text: 'hm', thought: true }]), 'empty'],
    ['an unknown reason', candidate([], 'SOMETHING_NEW'), 'empty'],
    ['a filtered answer', candidate([{ text: 'half of' }], 'SAFETY'), 'content_filter'],
    ['a recitation', { candidates: [{ finishReason: 'RECITATION' }] }, 'content_filter'],
    ['a token limit without a text', candidate([{ text: 'hm', thought: true }], 'MAX_TOKENS'), 'max_tokens'],
  ],
  refusals: [
    ...refusals,
    [
      'a prompt that is too long',
      { status: 400, body: refusal(400, 'INVALID_ARGUMENT', 'Too many tokens.') },
      { scope: 'row', code: 'INVALID_ARGUMENT', status: 400 },
    ],
  ],
  tokens: { path: '/v1beta/models/model-1:countTokens', body: { contents }, answer: { totalTokens: 17 } },
});

const server = useServer();

it('refuses a model name that would change the address', async () => {
  const provider = await entry.openSync({
    apiKey,
    baseUrl: server().url,
    timeoutMs: 20_000,
    environment: process.env,
  });
  server().play(() => ({}));
  for (const model of ['', '../files', 'm?key=x', 'm&x']) {
    const failure = await failureOf(
      provider.generate({ customId: 'a', model, content: plainContent(prompt) }, never),
    );
    expect(failure).toMatchObject({ scope: 'run', code: 'model_not_found' });
  }
  expect(server().arrived).toEqual([]);
});
