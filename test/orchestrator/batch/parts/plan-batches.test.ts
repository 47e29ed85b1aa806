/** Where an input is cut into batches: at each limit, one row or one byte to either side of it. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limitParts, planBatches } from '../../../../src/orchestrator/batch/parts/plan-batches.ts';
import { describeDataset } from '../../../../src/orchestrator/dataset/dataset.ts';
import type { BatchLimits, BatchProvider } from '../../../../src/providers/provider.ts';
import { providerEntry } from '../../../../src/providers/registry.ts';
import { requestFilePath } from '../../../../src/state/job-files.ts';
import type { JobRecord } from '../../../../src/state/jobs.ts';
import { type LoomHome, loomHome } from '../../../../src/storage/home.ts';

let folder: string;
let home: LoomHome;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loom-plan-'));
  home = loomHome({ variables: { LOOM_HOME: join(folder, 'home') }, workingFolder: folder });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Plans a batch run of these prompts with the real adapter's encoding. */
async function plan(
  name: 'openai' | 'anthropic' | 'google',
  prompts: string[],
  limits: BatchLimits,
): Promise<JobRecord> {
  const path = join(folder, 'input.json');
  await writeFile(path, JSON.stringify(prompts.map((prompt) => ({ prompt }))));
  const order = {
    dataset: describeDataset(path, undefined),
    provider: name,
    model: 'm',
    outputPath: join(folder, 'output.json'),
    columns: { groups: [] },
    useCache: false,
    baseUrl: undefined,
    server: 'http://127.0.0.1:9',
    batchSize: undefined,
  };
  const provider = await openProvider(name);
  const jobId = 'job_20260101000000_abcdef';
  const { signal } = new AbortController();
  return (await planBatches({ home, jobId, order, provider, limits, signal })).job;
}

async function openProvider(name: 'openai' | 'anthropic' | 'google'): Promise<BatchProvider> {
  const entry = providerEntry(name);
  return (entry.openBatch as NonNullable<typeof entry.openBatch>)({
    apiKey: 'key',
    baseUrl: 'http://127.0.0.1:9',
    timeoutMs: 1_000,
    environment: {},
  });
}

function requestsOf(job: JobRecord): number[] {
  return job.parts.map((part) => part.requests);
}

async function fileOf(job: JobRecord, part: number): Promise<Buffer> {
  return readFile(requestFilePath(home, job.job_id, { part }));
}

const noLimit = Number.POSITIVE_INFINITY;

describe.each(['openai', 'anthropic', 'google'] as const)('at %s', (name) => {
  test.each([
    [2, [2]],
    [3, [3]],
    [4, [3, 1]],
    [6, [3, 3]],
    [7, [3, 3, 1]],
  ])('%i rows with a limit of 3 requests are cut into %j', async (rows, expected) => {
    const prompts = Array.from({ length: rows }, (_, row) => `prompt ${row}`);
    expect(requestsOf(await plan(name, prompts, { requests: 3, bytes: noLimit }))).toEqual(expected);
  });

  test('a request file is exactly as large as its part says, also with prompts of many bytes a character', async () => {
    const job = await plan(name, ['日本語', 'naïve', '🙂'.repeat(50)], { requests: 2, bytes: noLimit });
    for (const { part, bytes } of job.parts) expect((await fileOf(job, part)).length).toBe(bytes);
  });

  test('prompts of many bytes a character fill a part to the very byte, and one byte less makes two parts', async () => {
    const prompts = ['日本語', '🙂🙂', 'é'];
    const whole = (await plan(name, prompts, { requests: noLimit, bytes: noLimit })).parts[0]
      ?.bytes as number;
    expect(requestsOf(await plan(name, prompts, { requests: noLimit, bytes: whole }))).toEqual([3]);
    expect(requestsOf(await plan(name, prompts, { requests: noLimit, bytes: whole - 1 }))).toEqual([2, 1]);
    expect(requestsOf(await plan(name, prompts, { requests: noLimit, bytes: whole + 1 }))).toEqual([3]);
  });

  test('a row that no part can hold is left out, and the rest goes on', async () => {
    const one = (await plan(name, ['x'.repeat(100)], { requests: noLimit, bytes: noLimit })).parts[0]
      ?.bytes as number;
    const prompts = ['a', 'x'.repeat(100), 'x'.repeat(101), 'b'];
    const job = await plan(name, prompts, { requests: 1, bytes: one });
    expect(requestsOf(job)).toEqual([1, 1, 1]);
    const texts = await Promise.all(job.parts.map(async ({ part }) => (await fileOf(job, part)).toString()));
    expect(texts.map((text) => /row-(\d)-/.exec(text)?.[1])).toEqual(['0', '1', '3']);
  });

  test('a request that is larger than one may be is left out, and the rest goes on', async () => {
    const { before, after } = (await openProvider(name)).framing;
    const noLimits = { requests: noLimit, bytes: noLimit };
    const whole = (await plan(name, ['é'.repeat(100)], noLimits)).parts[0]?.bytes as number;
    const requestBytes = whole - Buffer.byteLength(before + after);
    const prompts = ['a', 'é'.repeat(99), 'é'.repeat(100), `${'é'.repeat(100)}e`, 'b'];
    const job = await plan(name, prompts, { ...noLimits, requestBytes });
    expect(requestsOf(job)).toEqual([4]);
    const text = (await fileOf(job, 1)).toString();
    expect([...text.matchAll(/row-(\d)-/g)].map((match) => match[1])).toEqual(['0', '1', '2', '4']);
  });

  test('an input of which no row can be sent is an error that says how large one may be', async () => {
    const limits = { requests: noLimit, bytes: noLimit, requestBytes: 50 };
    await expect(plan(name, ['x'.repeat(100)], limits)).rejects.toThrow(
      /every row of .* is larger than the 50 bytes that one request may have\./,
    );
  });
});

test.each([
  [2, 5, 'there are 2', 'Take more rows, or ask for them live.'],
  [4, 3, 'the last one would have 1', 'Take more rows, or ask for them live.'],
  [7, 5, 'the last one would have 2', 'With at most 4 rows in a batch each has enough.'],
])(
  'none of %i rows is sent where a batch of at most %i would have too few',
  async (rows, requests, what, hint) => {
    const prompts = (count: number) => Array.from({ length: count }, (_, row) => `prompt ${row}`);
    const limits = { requests, bytes: noLimit, least: 3 };
    await expect(plan('openai', prompts(rows), limits)).rejects.toMatchObject({
      message: `OpenAI takes batches of at least 3 requests, and ${what}; nothing was sent.`,
      hint,
    });
    expect(await readdir(home.requests)).toEqual([]);
    expect(requestsOf(await plan('openai', prompts(3), limits))).toEqual([3]);
  },
);

test.each([
  [{ requests: 50_000, bytes: 200_000_000 }, undefined, { requests: 50_000, bytes: 100_000_000 }],
  [{ requests: 100_000, bytes: 50_000_000 }, undefined, { requests: 100_000, bytes: 47_500_000 }],
  [{ requests: 50_000, bytes: 200_000_000 }, 10, { requests: 10, bytes: 100_000_000 }],
  [
    { requests: 50_000, bytes: 500_000_000, requestBytes: 6_000_000 },
    10,
    { requests: 10, bytes: 100_000_000, requestBytes: 6_000_000 },
  ],
  [{ requests: 50_000, bytes: 200_000_000 }, 60_000, { requests: 50_000, bytes: 100_000_000 }],
])('a provider limit of %j with --batch-size %s makes parts of %j', (limits, batchSize, expected) => {
  expect(limitParts(limits, batchSize)).toEqual(expected);
});
