/** A batch is cancelled at the sandbox by each adapter; the rest of its life is told by the stories, at every provider. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { adapters, collect, never, openBatch, writeRequests } from './conformance.ts';

const customIds = Array.from({ length: 25 }, (_, index) => `row-${index}-1a2b3c4d`);
let dir: string;
let sandbox: Sandbox;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'loom-providers-'));
  sandbox = await startSandbox({ dir, turnaroundMs: 300 });
});
afterAll(async () => {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

it.each(adapters.filter(({ name }) => name !== 'fireworks'))('cancels a batch at $title', async (entry) => {
  const provider = await openBatch({ entry, path: '' }, sandbox.baseUrlOf(entry.name));
  const waitForEnd = async (batchId: string) => {
    for (;;) {
      const check = await provider.check(batchId, never);
      if (check.status !== 'validating' && check.status !== 'in_progress') return check;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const file = await writeRequests(provider, customIds);
  const fileId = await provider.upload?.(file, never);
  const batchId = await provider.create({ file, fileId }, { model: 'model-1', tag: 'cancelled' }, never);
  const asked = await provider.cancel?.(batchId, never);
  expect(asked?.times.created).toBeInstanceOf(Date);
  const { status, times } = await waitForEnd(batchId);
  // On a busy machine the sandbox may have ended it by now.
  expect(status).toMatch(/^(cancelled|completed)$/);
  // xAI does not tell when a batch was over.
  if (entry.name !== 'xai') expect(times.ended).toBeInstanceOf(Date);
  expect(await provider.cancel?.(batchId, never)).toMatchObject({ status });
  for (const row of await collect(provider.results(batchId, never)))
    expect(customIds).toContain(row.customId);
});
