/** Every vendor that speaks OpenAI's protocol, held to the contract, and one that has all that a profile can say. */
import { describe, expect, it } from 'vitest';
import type { Profile } from '../../../src/providers/openai/profile.ts';
import { profiles } from '../../../src/providers/openai/profiles.ts';
import {
  describeBatchProvider,
  describeSyncProvider,
  failureOf,
  never,
  openBatch,
  useServer,
  writeRequests,
} from '../conformance.ts';
import { createElsewhere } from './elsewhere.ts';
import { chatBatch, chatSync } from './wire.ts';

for (const profile of [...profiles, createElsewhere()]) {
  describeSyncProvider(chatSync(profile));
  if (profile.batches) describeBatchProvider(chatBatch(profile));
}

describe('a profile', () => {
  const server = useServer();
  const open = (profile: Profile) => openBatch(chatBatch(profile), server().url);
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
    'creates nothing from an upload that is %s, where it has to be looked through first',
    async (status, scope) => {
      const provider = await open(createElsewhere({ waitsForFile: true }));
      const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
      const create = () => provider.create({ file, fileId: 'x-1' }, { model: 'model-1', tag: 't' }, never);
      server().play(() => ({ body: { id: 'x-1', status } }));
      expect(await failureOf(create())).toMatchObject({ scope, code: 'file_not_ready', status: 400 });
      expect(sent()).toEqual([['GET', '/api/files/x-1', '']]);
      server().play(({ method }) => ({
        body: { id: method === 'GET' ? 'x-1' : 'batch_1', status: 'processed' },
      }));
      expect(await create()).toBe('batch_1');
    },
  );
});
