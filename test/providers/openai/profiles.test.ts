/** Every vendor that speaks OpenAI's protocol, held to the contract, and one that has all that a profile can say. */
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { plainContent } from '../../../src/core/request/content.ts';
import { profile as mistral } from '../../../src/providers/mistral/profile.ts';
import type { BatchProfile, Profile } from '../../../src/providers/openai/profile.ts';
import { profiles } from '../../../src/providers/openai/profiles.ts';
import { profile as openrouter } from '../../../src/providers/openrouter/profile.ts';
import {
  apiKey,
  collect,
  connect,
  describeBatchProvider,
  describeSyncProvider,
  failureOf,
  never,
  openBatch,
  prompt,
  useServer,
  writeRequests,
} from '../conformance.ts';
import { createElsewhere } from './elsewhere.ts';
import { chatBatch, chatSync } from './wire.ts';

/** Whether a vendor's wire is OpenAI's own: all that the suite holds OpenAI to holds of it too. */
function isLikeOpenAi({ batches, codePlaces, upstreamErrors, keyPath }: Profile): boolean {
  const { limits, priceShare, windowHours, ...wire } = batches ?? {};
  const differences = [codePlaces, upstreamErrors, keyPath].filter((difference) => difference !== undefined);
  return differences.length === 0 && isDeepStrictEqual(wire, { tagField: 'loom_tag' });
}

const [openai, ...others] = profiles;
const like = others.filter(isLikeOpenAi);
const unlike = others.filter((profile) => !like.includes(profile));

for (const profile of [...(openai ? [openai] : []), ...unlike, openrouter, mistral, createElsewhere()]) {
  describeSyncProvider(chatSync(profile));
  if (profile.batches) describeBatchProvider(chatBatch(profile));
}

describe.each(like)('$title, which is as OpenAI is,', (profile) => {
  const server = useServer();
  const [live, batch] = [chatSync(profile), chatBatch(profile)];

  it('is asked live with its key, and told a token limit', async () => {
    const provider = await live.entry.openSync(connect(live, server().url));
    server().play(() => ({ body: live.answer('Hello') }));
    const settings = { max_tokens: 9 };
    const content = plainContent('Hi');
    expect(
      await provider.generate({ customId: 'row-0', model: 'model-1', content, settings }, never),
    ).toMatchObject({ outcome: 'succeeded', text: 'Hello' });
    const [arrived] = server().arrived;
    expect(arrived).toMatchObject({ method: 'POST', path: live.requestPath });
    expect(arrived?.headers.authorization).toBe(`Bearer ${apiKey}`);
    expect(JSON.parse(arrived?.body ?? '')).toEqual({
      model: 'model-1',
      messages: [{ role: 'user', content: 'Hi' }],
      [profile.settings.places.max_tokens as string]: 9,
    });
  });

  it('makes a batch of an upload, and is read', async () => {
    const provider = await openBatch(batch, server().url);
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => ({ body: { id: 'x-1' } }));
    const fileId = await provider.upload?.(file, never);
    await provider.create({ file, fileId }, { model: 'model-1', tag: 't' }, never);
    expect(server().arrived.map(({ path }) => path)).toEqual([
      `${batch.path}/files`,
      `${batch.path}/batches`,
    ]);
    server().play(batch.serveResults({ body: batch.answerLine('row-0-1a2b3c4d', 'Hello') }, server().url));
    expect(await collect(provider.results('batch_1', never))).toMatchObject([{ text: 'Hello' }]);
  });

  it.each(live.refusals)('says what it means by %s', async (_, reply, expected) => {
    const provider = await live.entry.openSync(connect(live, server().url));
    server().play(() => reply);
    const request = { customId: 'row-0', model: 'model-1', content: plainContent('Hi') };
    expect(await failureOf(provider.generate(request, never))).toMatchObject(expected);
  });
});

describe('a profile', () => {
  const server = useServer();
  const open = (profile: Profile, timeoutMs?: number) =>
    openBatch(chatBatch(profile), server().url, timeoutMs);
  const sent = () => server().arrived.map(({ method, path, body }) => [method, path, body] as const);

  it('says what an upload is for, and what a batch is created with', async () => {
    const provider = await open(createElsewhere({ tagField: 'name' }));
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => ({ body: { id: 'x-1' } }));
    await provider.upload?.(file, never);
    await provider.create({ file, fileId: 'x-1' }, { model: 'model-1', tag: 'job_1-1.2' }, never);
    const [[, , upload], [, path, creation]] = sent() as [[string, string, string], [string, string, string]];
    expect(upload).toContain('name="purpose"\r\n\r\nbatch-api\r\n');
    expect([path, JSON.parse(creation)]).toEqual([
      '/api/batches',
      {
        input_file_id: 'x-1',
        endpoint: '/chat',
        completion_window: '7d',
        model: 'model-1',
        metadata: { name: 'job_1-1.2' },
        idempotency_key: 'job_1-1.2',
      },
    ]);
  });

  it('may say that a batch goes on beyond the end that it tells', async () => {
    server().play(() => ({ body: { id: 'batch_1', status: 'in_progress', expires_at: 1_760_086_400 } }));
    const expiresAt = async (batches: Partial<BatchProfile>) =>
      (await (await open(createElsewhere(batches))).check('batch_1', never)).times.expires;
    expect(await expiresAt({})).toEqual(new Date('2025-10-10T08:53:20Z'));
    expect(await expiresAt({ expires: false })).toBeUndefined();
  });

  it('may have an upload go to an address that the vendor signs, which gets no key', async () => {
    const provider = await open(createElsewhere({ upload: 'signed' }));
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    const headers = { location: '/bucket/x?signature=1', 'x-together-file-id': 'file-1' };
    server().play(({ path }) => (path === '/api/files' ? { status: 302, headers } : { body: {} }));
    expect(await provider.upload?.(file, never)).toBe('file-1');
    const [asked, put] = server().arrived;
    const line = provider.encode({
      customId: 'row-0-1a2b3c4d',
      model: 'model-1',
      content: plainContent(prompt),
    });
    expect(sent()).toEqual([
      ['POST', '/api/files', `purpose=batch-api&file_name=${basename(file.path)}&file_type=jsonl`],
      ['PUT', '/bucket/x?signature=1', `${line}\n`],
      ['POST', '/api/files/file-1/preprocess', ''],
    ]);
    expect(asked?.headers.authorization).toBe(`Bearer ${apiKey}`);
    expect(put?.headers).not.toHaveProperty('authorization');
    expect(put?.headers['content-length']).toBe(String(file.bytes));
  });

  it.each([
    ['no address', { status: 302, headers: { 'x-together-file-id': 'file-1' } }],
    ['no id', { status: 302, headers: { location: '/bucket/x' } }],
    ['neither', { body: { id: 'file-1' } }],
  ])('sends no bytes where it is told %s for them', async (_, reply) => {
    const provider = await open(createElsewhere({ upload: 'signed' }));
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => reply);
    expect(await failureOf(provider.upload?.(file, never))).toMatchObject({
      ...{ scope: 'run', code: 'unreadable' },
      message: expect.stringContaining('it names no address for the upload'),
    });
    expect(server().arrived).toHaveLength(1);
  });

  it('may keep no tag: a batch is known by its file', async () => {
    const provider = await open(createElsewhere());
    const data = [{ id: 'batch_1', input_file_id: 'x-1', metadata: { loom_tag: 't' } }];
    server().play(() => ({ body: { object: 'list', data, has_more: false } }));
    expect(await provider.find?.({ tag: 't', fileId: 'x-1' }, never)).toBe('batch_1');
    expect(await provider.find?.({ tag: 't', fileId: 'x-2' }, never)).toBeUndefined();
  });

  it.each([
    ['uploaded', 'retry'],
    ['error', 'run'],
  ])(
    'creates nothing from an upload that stays %s, where it has to be looked through first',
    async (status, scope) => {
      const provider = await open(createElsewhere({ waitsForFile: true }), 2_000);
      const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
      const create = () => provider.create({ file, fileId: 'x-1' }, { model: 'model-1', tag: 't' }, never);
      server().play(() => ({ body: { id: 'x-1', status } }));
      expect(await failureOf(create())).toMatchObject({ scope, code: 'file_not_ready', status: 400 });
      expect(new Set(sent().map(([method, path]) => `${method} ${path}`))).toEqual(
        new Set(['GET /api/files/x-1']),
      );
      let looks = 0;
      server().play(({ method }) => ({
        body: { id: method === 'GET' ? 'x-1' : 'batch_1', status: ++looks === 1 ? 'running' : 'processed' },
      }));
      expect(await create()).toBe('batch_1');
      expect(looks).toBe(3);
    },
  );
});
