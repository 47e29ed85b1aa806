/** What the verbs of the library do, and give back. */
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as loom from '../../../src/index.ts';
import type { Faults } from '../../../src/sandbox/faults.ts';
import { createSandboxWorld, type SandboxWorld } from '../worlds/sandbox-world.ts';

let world: SandboxWorld;
let place: { readonly environment: NodeJS.ProcessEnv; readonly workingFolder: string };
let input: typeof place & Pick<loom.RunSyncOptions, 'provider' | 'model' | 'col'> & { readonly file: string };

beforeEach(() => openWorld());

afterEach(() => world.remove());

async function openWorld(options: { faults?: Faults; turnaroundMs?: number } = {}): Promise<void> {
  await world?.remove();
  world = await createSandboxWorld(options);
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,\n');
  place = { environment: world.environment, workingFolder: world.folder };
  input = { file: 'data.csv', col: 'text', provider: 'openai', model: 'm', ...place };
}

async function submit(options: Partial<loom.SubmitBatchOptions> = {}): Promise<string> {
  const submitted = await loom.submitBatch({ ...input, ...options });
  return submitted.kind === 'submitted' ? submitted.id : '';
}

/** What a verb refuses its options with. */
async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => 'nothing',
    (reason: unknown) => reason,
  );
  if (!(error instanceof loom.LoomError)) return String(error);
  return [error.kind, error.message, error.hint].filter(Boolean).join(' ');
}

test('runSync writes the output, and tells of each row', async () => {
  const seen: string[] = [];
  const summary = await loom.runSync({
    ...input,
    output: 'out.csv',
    onEvent: (event) => {
      if (event.type === 'progress') seen.push(`${event.done}/${event.total}`);
    },
  });
  expect(summary).toMatchObject({ rows: 3, answered: 2, blankRows: 1, failed: 0, cacheHits: 0 });
  expect(seen.at(-1)).toBe('2/2');
  expect(await world.read('out.csv')).toBe(
    'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n2,World,Sandbox answer from m: World\n3,,\n',
  );
});

test('while a part waits in the queue, fetchBatches says so, and a later one submits it', async () => {
  // Until the second part was told to wait, on however busy a machine.
  const full = { operation: 'createBatch', skip: 1, do: 'status', status: 429, retryAfter: 0 } as const;
  await openWorld({ faults: { calls: [full] } });
  await loom.submitBatch({ ...input, batchSize: 1 });
  const waiting: unknown[] = [];
  const { merged } = await loom.fetchBatches({
    ...place,
    wait: { intervalMs: 50 },
    onEvent: (event) => {
      if (event.type !== 'queued') return;
      waiting.push(event);
      void fetch(`${world.sandbox.origin}/sandbox/faults`, { method: 'PUT', body: '{}' });
    },
  });
  expect(waiting[0]).toMatchObject({ jobId: expect.stringMatching(/^job_/), part: 2 });
  expect(merged).toMatchObject([{ summary: { answered: 2 } }]);
});

test('a batch that ended early is not among the pending ones', async () => {
  await openWorld({ faults: { batches: [{ end: 'expired' }] } });
  await loom.submitBatch(input);
  const { ended, troubled } = await loom.fetchBatches({ ...place, wait: { intervalMs: 10 } });
  expect(ended).toMatchObject([{ status: 'expired' }]);
  expect(troubled).toBe(true);
  expect((await loom.fetchBatches(place)).ended).toEqual([]);
});

test('fetchBatches waits for what submitBatch submitted, and tells each change', async () => {
  const id = await submit();
  const words: string[] = [];
  const fetched = await loom.fetchBatches({
    ...place,
    id,
    wait: { intervalMs: 10 },
    onEvent: (event) => {
      if (event.type === 'status') words.push(event.record.status);
      if (event.type === 'ready') words.push('completed');
    },
  });
  expect(fetched).toMatchObject({
    merged: [{ summary: { answered: 2 } }],
    pending: [],
    timedOut: false,
    troubled: false,
  });
  expect(words.at(-1)).toBe('completed');
  expect(words.length).toBeLessThan(10);
  expect(words.filter((word, at) => word !== words[at - 1])).toHaveLength(new Set(words).size);
});

test('a wait that times out tells what is pending, and times that are none are refused', async () => {
  await openWorld({ turnaroundMs: 3_600_000 });
  await loom.submitBatch(input);
  const { timedOut, pending, merged } = await loom.fetchBatches({
    ...place,
    wait: { intervalMs: 10, timeoutMs: 300 },
  });
  expect([timedOut, pending.length, merged.length]).toEqual([true, 1, 0]);
  expect(await refusalOf(loom.fetchBatches({ ...place, wait: { timeoutMs: -1 } }))).toBe(
    'usage wait.timeoutMs must be a number of milliseconds above 0, not -1.',
  );
});

test('what the calls of a run cost is told, and unknown where no price is', async () => {
  const priced = await loom.runSync({ ...input, model: 'gpt-4o-mini', withUsage: true });
  expect(priced.usage).toEqual({ inputTokens: 4, outputTokens: 20, cost: 0.0000126 });
  expect((await loom.runSync({ ...input, output: 'out.csv' })).usage?.cost).toBeUndefined();
  expect((await loom.runSync({ ...input, output: 'out.csv', overwrite: true })).usage).toBeUndefined();
});

test('an output in the way is an error before anything is sent, and overwrite lets it go', async () => {
  await world.write('out.csv', 'mine');
  for (const work of [loom.runSync, loom.submitBatch])
    expect(await refusalOf(work({ ...input, output: 'out.csv' }))).toMatch(/^output /);
  expect(await world.countCalls('openai')).toEqual({});
  await loom.runSync({ ...input, output: 'out.csv', overwrite: true });
  expect(await world.read('out.csv')).toContain('Sandbox answer');
});

test('an aborted signal ends the work with its reason, and what was answered is kept', async () => {
  const rows = Array.from({ length: 50 }, (_, row) => `${row},Row ${row}\n`).join('');
  await world.write('data.csv', `id,text\n${rows}`);
  const stop = new AbortController();
  const aborted = loom.runSync({
    ...input,
    workers: 1,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.done === 10) stop.abort(new Error('enough'));
    },
  });
  await expect(aborted).rejects.toThrow('enough');
  const { cacheHits } = await loom.runSync(input);
  expect(cacheHits >= 10 && cacheHits < 50).toBe(true);
  await expect(loom.runSync({ ...input, signal: AbortSignal.abort('early') })).rejects.toBe('early');
});

test('a key is taken from the options, else from the environment, never from .env', async () => {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl, ...environment } = world.environment;
  await world.write('.env', `OPENAI_API_KEY=${apiKey}`);
  expect(await refusalOf(loom.runSync({ ...input, environment }))).toBe(
    'key no API key for OpenAI. Set OPENAI_API_KEY, or give apiKey.',
  );
  expect((await loom.runSync({ ...input, environment, apiKey, baseUrl })).answered).toBe(2);
});

test("a key or an address that is one provider's does not reach batches of another", async () => {
  for (const provider of ['openai', 'anthropic'] as const) await loom.submitBatch({ ...input, provider });
  for (const [option, value] of [
    ['apiKey', 'sk-mine'],
    ['baseUrl', world.environment.OPENAI_BASE_URL],
  ] as const)
    expect(await refusalOf(loom.fetchBatches({ ...place, [option]: value }))).toBe(
      `input ${option} can't serve pending batches of several providers (anthropic, openai). ` +
        'Name one batch with id, or set the variables of each provider instead.',
    );
  for (const provider of ['openai', 'anthropic'] as const)
    expect(await world.countCalls(provider)).not.toHaveProperty('getBatch');
});

test('what a caller has wrong is a LoomError that says so', async () => {
  const wrong: readonly [Partial<loom.RunSyncOptions>, string][] = [
    [{ col: 'txt' }, `input ${world.folder}/data.csv: no column "txt"; it has the columns "id", "text".`],
    [{ limit: 1, sample: 1 }, 'usage limit and sample exclude each other.'],
    [{ limit: 0 }, 'usage limit must be a whole number of at least 1, not 0.'],
    [{ col: undefined, prompt: 'none' }, 'usage prompt has no placeholder: every row would ask the same.'],
    [{ provider: 'nobody' as 'openai' }, 'usage there is no provider "nobody".'],
    [{ workers: 0 }, 'usage workers must be a whole number of at least 1, not 0.'],
    [{ events: { onRetry() {} } } as object, 'usage events is not an option any more.'],
  ];
  for (const [options, words] of wrong)
    expect(await refusalOf(loom.runSync({ ...input, ...options }))).toContain(words);
  expect(await refusalOf(loom.countTokens({ ...input, workers: Number.NaN }))).toBe(
    'usage workers must be a whole number of at least 1, not NaN.',
  );
  for (const batchSize of [0, '10' as unknown as number])
    expect(await refusalOf(loom.submitBatch({ ...input, batchSize }))).toBe(
      `usage batchSize must be a whole number of at least 1, not ${batchSize}.`,
    );
  await loom.fetchBatches({ ...place, partial: true });
  expect(await refusalOf(loom.fetchBatches({ ...place, file: 'data.csv' }))).toBe(
    'usage file is about one batch. Name it with id.',
  );
});

test('what a run would cost, an estimate of tokens, the cache and a report need no key', async () => {
  await loom.runSync({ ...input, output: 'out.csv', limit: 1 });
  expect(await loom.previewRun(input)).toMatchObject({
    requests: 1,
    cachedRows: 1,
    batches: 1,
    outputExists: false,
  });
  const { OPENAI_API_KEY: _, ...environment } = world.environment;
  const keyless = { ...place, environment };
  expect(await loom.estimateTokens({ ...input, ...keyless })).toMatchObject({ inputTokens: 16 });
  expect(await loom.reportOutput({ ...keyless, target: 'out.csv' })).toMatchObject({
    survey: { rows: 1, counts: { answered: 1, failed: 0, blank: 0, unanswered: 0 } },
    page: undefined,
  });
  expect(await loom.measureCache(keyless)).toMatchObject({ entries: 1 });
  expect((await loom.clearCache(keyless)).removed).toBe(1);
  expect((await loom.clearCache(keyless)).removed).toBeUndefined();
});

test('an input may be a stream, and a batch that is known nowhere is adopted', async () => {
  async function* content() {
    yield Buffer.from('text\nHello\n');
  }
  let delivered = '';
  await loom.runSync({
    ...input,
    file: { content: content(), format: 'csv' },
    deliver: async (path) => {
      delivered = await readFile(path, 'utf8');
    },
  });
  expect(delivered).toBe('text,llm_response\nHello,Sandbox answer from m: Hello\n');
  const id = await submit({ cache: false });
  await loom.forgetBatches({ ...place, ids: [id] });
  const { record, batch } = await loom.adoptBatch({ ...input, cache: false, id });
  expect([record.batch_id, batch.status]).toEqual([id, 'validating']);
});
