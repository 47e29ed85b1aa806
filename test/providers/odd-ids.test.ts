import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { longestId } from '../../src/providers/network/limits.ts';
import { adapters, apiKey, collect, failureOf, never, useServer, writeRequests } from './conformance.ts';

/** Servers name batches and files as they like. */

const oddIds = [
  'a b',
  'ü"\'$(id)',
  'a?b#c&d',
  '%2e%2e',
  'CON',
  'x'.repeat(10_000),
  'nul\0',
  'line\nbreak',
  '\u202eabc',
  '....',
  'a\\b',
];
const unusableIds = ['.', '..', '../files', 'a/../b', './a', 'a/..', 'half \ud800', 'batches/'];
const roots = {
  openai: '/batches/',
  xai: '/batches/',
  fireworks: '/v1/accounts/local/batchInferenceJobs/',
  anthropic: '/v1/messages/batches/',
  google: '/v1beta/batches/',
  openrouter: '/batches/',
  mistral: '/batch/jobs/',
};

describe.each(adapters)('$title', (entry) => {
  const server = useServer();
  const open = async () => {
    const provider = await entry.openBatch?.({
      apiKey,
      baseUrl: server().url,
      timeoutMs: 20_000,
      environment: {},
    });
    if (!provider) throw new Error('no batches');
    return provider;
  };

  it.each(oddIds)('asks for the batch %j below the address of all batches', async (id) => {
    const provider = await open();
    server().play(() => ({ body: { id, name: id } }));
    await provider.check(id, never);
    const root = roots[entry.name as keyof typeof roots];
    const [{ path } = { path: '' }] = server().arrived;
    expect(path.startsWith(root)).toBe(true);
    expect(decodeURIComponent(path.slice(root.length))).toBe(id);
    expect(new URL(path, 'http://host').pathname).toBe(path);
  });

  it.each(unusableIds)('sends nothing for the id %j, which no address can hold', async (id) => {
    const provider = await open();
    server().play(() => ({ body: {} }));
    for (const call of [
      provider.check(id, never),
      provider.cancel?.(id, never),
      collect(provider.results(id, never)),
      provider.deleteFile?.(id, never),
    ]) {
      if (call) expect(await failureOf(call)).toMatchObject({ scope: 'run', code: 'invalid_id' });
    }
    expect(server().arrived).toEqual([]);
  });

  it('returns the id of what it made as it stands, unless it is longer than any address', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    const create = (id: string) => {
      server().play(() => ({ body: { id, name: id } }));
      return provider.create({ file, fileId: 'files/f1' }, { model: 'model-1', tag: 't' }, never);
    };
    for (const id of [...oddIds, ...unusableIds]) expect(await create(id)).toBe(id);
    expect(await failureOf(create('x'.repeat(longestId + 1)))).toMatchObject({
      scope: 'run',
      code: 'unreadable',
      status: undefined,
    });
    await rm(file.path);
  });
});
