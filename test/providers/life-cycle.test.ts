/** The whole life of a batch and a live call, for every provider there is, against the sandbox. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providerNames } from '../../src/core/names.ts';
import { plainContent } from '../../src/core/request/content.ts';
import type { Connection } from '../../src/providers/connection.ts';
import type { BatchCheck, BatchProvider } from '../../src/providers/provider.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';
import { collect, failureOf, never, writeRequests } from './conformance.ts';

const customIds = Array.from({ length: 25 }, (_, index) => `row-${index}-1a2b3c4d`);
const model = 'model-1';
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

const waitForEnd = async (provider: BatchProvider, batchId: string): Promise<BatchCheck> => {
  for (;;) {
    const check = await provider.check(batchId, never);
    if (check.status !== 'validating' && check.status !== 'in_progress') return check;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

describe.each(providerNames)('%s against the sandbox', (name) => {
  const entry = providerEntry(name);
  const connect = (apiKey = 'sandbox-key'): Connection => ({
    apiKey,
    baseUrl: sandbox.baseUrls[name],
    timeoutMs: 20_000,
    environment: {},
  });

  it('answers a live call, with the traps of a text left as they are', async () => {
    const provider = await entry.openSync(connect());
    const request = { customId: 'row-0', model, content: plainContent('Hello [[sandbox:separators]]') };
    const row = await provider.generate(request, never);
    expect(row).toMatchObject({ customId: 'row-0', outcome: 'succeeded' });
    expect(row.outcome === 'succeeded' && row.text).toMatch(/\u2028.*\u2029.*\u0085/s);
    if (provider.countTokens) expect(await provider.countTokens(request, never)).toBeGreaterThan(0);
  });

  it.each([
    ['refuse', /^(refusal|blocked|content_filter|empty)$/],
    ['empty', /^empty$/],
    ['blocked', /^(blocked|content_filter|refusal)$/],
  ])('makes a failed row of an answer that is asked to %s', async (directive, kind) => {
    const provider = await entry.openSync(connect());
    const prompt = `Hello [[sandbox:${directive}]]`;
    const outcome = await provider
      .generate({ customId: 'row-0', model, content: plainContent(prompt) }, never)
      .catch((error) => error);
    // OpenRouter says 403 to a prompt that its moderation stops, which is the row's end as well.
    if (outcome instanceof Error) expect(outcome).toMatchObject({ scope: 'row' });
    else expect(outcome).toMatchObject({ outcome: 'failed', error: { kind: expect.stringMatching(kind) } });
  });

  it('stops at a refused key', async () => {
    const provider = await entry.openSync(connect('bad-key-0123456789'));
    const failure = await failureOf(
      provider.generate({ customId: 'row-0', model, content: plainContent('Hello') }, never),
    );
    expect(failure).toMatchObject({ scope: 'run', code: 'invalid_api_key' });
  });

  const { openBatch } = entry;
  if (!openBatch) return;

  it('takes a batch from its upload to its results', async () => {
    const provider = await openBatch(connect());
    const file = await writeRequests(provider, customIds);
    const fileId = await provider.upload?.(file, never);
    const batchId = await provider.create({ file, fileId }, { model, tag: `Tag_1.${name}-x` }, never);
    // On a busy machine the sandbox may have ended it by now.
    expect((await provider.check(batchId, never)).status).toMatch(/^(validating|in_progress|completed)$/);
    const end = await waitForEnd(provider, batchId);
    expect(end).toMatchObject({ status: 'completed', counts: { total: 25, succeeded: 25, failed: 0 } });
    const rows = await collect(provider.results(batchId, never));
    expect(rows.map((row) => row.customId).sort()).toEqual([...customIds].sort());
    expect(rows.filter((row) => row.outcome === 'succeeded' && row.text !== '')).toHaveLength(25);
    if (provider.find) {
      expect(await provider.find({ tag: `Tag_1.${name}-x`, fileId: undefined }, never)).toBe(batchId);
      expect(await provider.find({ tag: 'another tag', fileId: undefined }, never)).toBeUndefined();
    }
    if (fileId !== undefined) {
      await provider.deleteFile?.(fileId, never);
      await provider.deleteFile?.(fileId, never);
    }
  });

  it('cancels a batch', async () => {
    const provider = await openBatch(connect());
    const file = await writeRequests(provider, customIds);
    const fileId = await provider.upload?.(file, never);
    const batchId = await provider.create({ file, fileId }, { model, tag: 'cancelled' }, never);
    const asked = await provider.cancel?.(batchId, never);
    expect(asked?.times.created).toBeInstanceOf(Date);
    const { status, times } = await waitForEnd(provider, batchId);
    expect(status).toMatch(/^(cancelled|completed)$/);
    expect(times.ended).toBeInstanceOf(Date);
    expect(await provider.cancel?.(batchId, never)).toMatchObject({ status });
    for (const row of await collect(provider.results(batchId, never)))
      expect(customIds).toContain(row.customId);
  });

  it('names a batch that does not exist', async () => {
    const provider = await openBatch(connect());
    const unknownId = name === 'google' ? 'batches/nowhere' : 'batch_nowhere';
    expect(await failureOf(provider.check(unknownId, never))).toMatchObject({
      scope: 'run',
      code: 'not_found',
    });
  });
});
