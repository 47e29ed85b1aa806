/** The Responses API, live and in batches. */
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/models.ts';
import { plainContent } from '../../../src/core/request/content.ts';
import { profiles } from '../../../src/providers/openai/profiles.ts';
import { profile as openrouter } from '../../../src/providers/openrouter/profile.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { checkSettings } from '../../../src/providers/settings.ts';
import {
  collect,
  connect,
  describeBatchProvider,
  describeSyncProvider,
  never,
  openBatch,
  useServer,
  writeRequests,
} from '../conformance.ts';
import { createElsewhere } from './elsewhere.ts';
import { chatBatch, responsesBatch, responsesSync } from './wire.ts';

const [openai] = profiles;
if (!openai) throw new Error('no OpenAI');

describe('through the Responses API', () => {
  for (const profile of [...profiles, openrouter].filter(({ settings }) => settings.responses)) {
    describeSyncProvider(responsesSync(profile));
    if (profile.batches) describeBatchProvider(responsesBatch(profile));
  }
});

describe('the Responses API', () => {
  const server = useServer();
  const request = { customId: 'row-0', model: 'm', content: plainContent('Hello') };
  const chat = { choices: [{ message: { content: 'from chat' }, finish_reason: 'stop' }] };
  const message = (text: string, more: object = {}) => ({
    type: 'message',
    content: [{ type: 'output_text', text }],
    ...more,
  });
  const response = (...output: object[]) => ({ object: 'response', status: 'completed', output });
  const open = () => providerEntry('openai').openSync(connect({ path: '/v1' }, server().url));
  const generate = async (body: object, api: 'chat' | 'responses' = 'responses') => {
    server().play(() => ({ body }));
    return (await open()).generate({ ...request, settings: { api } }, never);
  };

  it('is asked to keep no answer, unless somebody wants that', async () => {
    server().play(() => ({ body: response(message('x')) }));
    const provider = await open();
    const asked: JsonObject[] = [{}, { store: true }];
    for (const extra of asked)
      await provider.generate({ ...request, settings: { api: 'responses', extra } }, never);
    expect(server().arrived.map(({ body }) => JSON.parse(body))).toEqual([
      { model: 'm', input: 'Hello', store: false },
      { model: 'm', input: 'Hello', store: true },
    ]);
  });

  it('may be answered in the form of chat completions, and these in its own', async () => {
    expect(await generate(chat)).toEqual({
      customId: 'row-0',
      outcome: 'succeeded',
      text: 'from chat',
      finishReason: 'stop',
    });
    expect(await generate(response(message('from responses')), 'chat')).toEqual({
      customId: 'row-0',
      outcome: 'succeeded',
      text: 'from responses',
      finishReason: 'completed',
    });
  });

  it('joins the texts of an answer, without what a model says on its way to it', async () => {
    const commentary = message('I will look. ', { phase: 'commentary' });
    const parts = [message('one, ', { phase: 'final_answer' }), { type: 'web_search_call' }, message('two')];
    expect(await generate(response(commentary, ...parts))).toMatchObject({ text: 'one, two' });
    expect(await generate(response(commentary))).toMatchObject({ text: 'I will look. ' });
    expect(await generate(response({ type: 'message', content: 'plain' }))).toMatchObject({ text: 'plain' });
  });

  it('has batches with an endpoint of their own, in the word of the vendor', async () => {
    const settings = { api: 'responses' } as const;
    const endpoints: unknown[] = [];
    for (const profile of [openai, createElsewhere({ endpoint: '/v4/chat/completions' })]) {
      const provider = await openBatch(chatBatch(profile), server().url);
      const file = await writeRequests(provider, ['row-0']);
      server().play(() => ({ body: { id: 'batch_1' } }));
      await provider.create({ file, fileId: 'file-1' }, { model: 'm', tag: 't', settings }, never);
      await provider.create({ file, fileId: 'file-1' }, { model: 'm', tag: 't' }, never);
      endpoints.push(...server().arrived.map(({ body }) => JSON.parse(body).endpoint));
    }
    expect(endpoints).toEqual([
      '/v1/responses',
      '/v1/chat/completions',
      '/v4/responses',
      '/v4/chat/completions',
    ]);
  });

  it('has rows of a batch that failed, and answers of either form', async () => {
    const error = { code: 'server_error', message: 'Lost.' };
    const bodies = [
      response(message('yes')),
      chat,
      { ...response(), status: 'failed', error },
      { ...response(), status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    ];
    const lines = bodies.map((body, index) =>
      JSON.stringify({ custom_id: `row-${index}`, response: { status_code: 200, body }, error: null }),
    );
    server().play(({ path }) => ({
      body: path.endsWith('/content')
        ? lines.join('\n')
        : { id: 'batch_1', status: 'completed', output_file_id: 'file-out' },
    }));
    const provider = await openBatch(chatBatch(openai), server().url);
    expect(await collect(provider.results('batch_1', never))).toEqual([
      { customId: 'row-0', outcome: 'succeeded', text: 'yes', finishReason: 'completed' },
      { customId: 'row-1', outcome: 'succeeded', text: 'from chat', finishReason: 'stop' },
      { customId: 'row-2', outcome: 'failed', error: { kind: 'server_error', message: 'Lost.' } },
      {
        customId: 'row-3',
        outcome: 'failed',
        error: { kind: 'max_tokens', message: 'The token limit was reached before any text.' },
        finishReason: 'max_output_tokens',
      },
    ]);
  });

  it('is named in the error about another one, which a program without types may ask for', () => {
    const check = () => checkSettings(providerEntry('openai'), { api: 'assistants' as 'chat' });
    expect(check).toThrow(
      expect.objectContaining({
        kind: 'usage',
        code: 'api_unknown',
        message: 'there is no API "assistants".',
        hint: 'settings.api is one of chat, responses.',
      }),
    );
  });
});
