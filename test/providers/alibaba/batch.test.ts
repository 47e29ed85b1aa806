import { describe, expect, it } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import { collect, never, openBatch, useServer, writeRequests } from '../conformance.ts';
import type { Arrived } from '../scripted-server.ts';

const path = '/compatible-mode/v1';
const vendor = { entry: providerEntry('alibaba'), path };
const line = (customId: string, response: unknown, error: unknown = null) =>
  JSON.stringify({ id: 'c308ef7f-0824', custom_id: customId, response, error });

/** How a batch of this tag is looked for. */
const sent = (tag: string, fileId?: string) => ({ tag, fileId });

describe('Alibaba, batches', () => {
  const server = useServer();
  const open = () => openBatch(vendor, server().url);

  it('gives a batch its tag as a name, and finds it by that', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => ({ body: { id: 'batch_1', status: 'validating' } }));
    await provider.create({ file, fileId: 'file-batch-1' }, { model: 'model-1', tag: 'job-1-0' }, never);
    const [creation] = server().arrived as [Arrived];
    expect([creation.path, JSON.parse(creation.body)]).toEqual([
      `${path}/batches`,
      {
        input_file_id: 'file-batch-1',
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
        metadata: { ds_name: 'job-1-0' },
      },
    ]);
    // The filter is a fuzzy one: another batch may have the tag within its name.
    const data = ['job-1-01', 'job-1-0'].map((name, index) => ({
      id: `batch_${index}`,
      created_at: Math.floor(Date.now() / 1000),
      metadata: { ds_name: name },
    }));
    server().play(() => ({ body: { object: 'list', data, has_more: false } }));
    expect(await provider.find?.(sent('job-1-0'), never)).toBe('batch_1');
    expect(server().arrived.at(-1)?.path).toBe(`${path}/batches?limit=100&ds_name=job-1-0`);
  });

  it('reads the failures of its error file, which have no body', async () => {
    const failure = { code: 'InvalidParameter', message: 'Range of input length should be [1, 30720]' };
    server().play((arrived) =>
      arrived.path.endsWith('/content')
        ? { body: line('row-0', { status_code: 400, body: null }, failure) }
        : { body: { id: 'batch_1', status: 'completed', error_file_id: 'file-batch_output-2' } },
    );
    expect(await collect((await open()).results('batch_1', never))).toEqual([
      {
        customId: 'row-0',
        outcome: 'failed',
        error: { kind: 'InvalidParameter', message: 'Range of input length should be [1, 30720]' },
      },
    ]);
  });
});
