import { expect, it, vi } from 'vitest';
import { plainContent } from '../../../src/core/request/content.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { messageParams, refusal, refusals, refusedKey, variables } from '../anthropic-vendor.ts';
import { apiKey, connect, describeSyncProvider, never, prompt, useServer } from '../conformance.ts';

const entry = providerEntry('anthropic');
const message = (content: unknown, stop_reason = 'end_turn', more = {}) => ({
  type: 'message',
  content,
  stop_reason,
  ...more,
});

describeSyncProvider({
  entry,
  path: '',
  keyHeader: ['authorization', `Bearer ${apiKey}`],
  variables,
  refusedKey,
  requestPath: '/v1/messages',
  requestBody: messageParams,
  conversation: {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What are these?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aW1hZ2U=' } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'cGRm' } },
        ],
      },
      { role: 'assistant', content: 'A cat, and its papers.' },
      { role: 'user', content: 'Which cat?' },
    ],
  },
  answer: (text) =>
    message([
      { type: 'thinking', thinking: 'hm' },
      { type: 'note', text: 'not this' },
      { type: 'text', text: text.slice(0, 3) },
      { type: 'text', text: text.slice(3) },
    ]),
  cutShort: (text) => message([{ type: 'text', text }], 'max_tokens'),
  told: [
    [
      'an answer',
      message([{ type: 'text', text: 'x' }], 'end_turn', {
        usage: {
          input_tokens: 12,
          output_tokens: 7,
          cache_read_input_tokens: null,
          cache_creation_input_tokens: 0,
        },
      }),
      { usage: { inputTokens: 12, outputTokens: 7 }, finishReason: 'end_turn' },
    ],
    [
      'an answer to a prompt that was cached',
      message([{ type: 'text', text: 'x' }], 'stop_sequence', {
        usage: {
          input_tokens: 12,
          output_tokens: 7,
          cache_read_input_tokens: 1000,
          cache_creation_input_tokens: 500,
        },
      }),
      {
        usage: { inputTokens: 1512, outputTokens: 7, cacheReadTokens: 1000, cacheWriteTokens: 500 },
        finishReason: 'stop_sequence',
      },
    ],
    [
      'a refusal',
      message([], 'refusal', { usage: { input_tokens: 5, output_tokens: 3 } }),
      { usage: { inputTokens: 5, outputTokens: 3 }, finishReason: 'refusal' },
    ],
    ['a server that tells nothing', { content: [{ type: 'text', text: 'x' }] }, {}],
  ],
  unanswered: [
    ['no blocks', message([]), 'empty'],
    [
      'blocks without text',
      message([{ type: 'thinking', thinking: 'hm' }, { type: 'text', text: null }, null]),
      'empty',
    ],
    ['a refusal', message([], 'refusal', { stop_details: { explanation: 'Not that.' } }), 'refusal'],
    ['a refusal after some text', message([{ type: 'text', text: 'I would' }], 'refusal'), 'refusal'],
    [
      'a token limit without a text',
      message([{ type: 'thinking', thinking: 'hm' }], 'max_tokens'),
      'max_tokens',
    ],
  ],
  refusals: [
    ...refusals,
    [
      'a prompt that is too long',
      { status: 400, body: refusal('invalid_request_error', 'prompt is too long: 9 tokens > 8 maximum') },
      { scope: 'row', code: 'invalid_request_error', status: 400 },
    ],
    [
      'a request that is too large',
      { status: 413, body: refusal('request_too_large', 'Big.') },
      { scope: 'row', code: 'request_too_large' },
    ],
  ],
  tokens: {
    path: '/v1/messages/count_tokens',
    body: { model: 'model-1', messages: [{ role: 'user', content: prompt }] },
    answer: { input_tokens: 17 },
  },
});

const server = useServer();

it('names the version of the API, and prints no warning about an old model', async () => {
  const warn = vi.spyOn(console, 'warn');
  const provider = await entry.openSync(connect({ path: '' }, server().url));
  server().play(() => ({ body: message([{ type: 'text', text: 'x' }]) }));
  await provider.generate(
    { customId: 'a', model: 'claude-sonnet-4-5', content: plainContent(prompt) },
    never,
  );
  expect(server().arrived[0]?.headers['anthropic-version']).toBe('2026-10-21');
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});
