/** A job is planned from one input: its digest and its requests are of the same bytes, or nothing is planned. */
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planBatches } from '../../src/orchestrator/batch/parts/plan-batches.ts';
import { describeDataset } from '../../src/orchestrator/dataset/dataset.ts';
import type { BatchProvider } from '../../src/providers/provider.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { loomHome } from '../../src/storage/home.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-plan-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const csv = (prompts: readonly string[]) => `text\n${prompts.map((prompt) => `${prompt}\n`).join('')}`;
const parquet = (prompts: readonly string[]) =>
  Buffer.from(parquetWriteBuffer({ columnData: [{ name: 'text', data: [...prompts], type: 'STRING' }] }));

/** Plans an input, and does something with it while the first request is written. */
async function planWhile(path: string, meanwhile: () => void) {
  const entry = providerEntry('openai');
  const connection = { apiKey: 'key', baseUrl: 'http://127.0.0.1:9', timeoutMs: 1_000, environment: {} };
  const provider = (await entry.openBatch?.(connection)) as BatchProvider;
  let calls = 0;
  const watched: BatchProvider = Object.assign(Object.create(provider), {
    encode(request: Parameters<BatchProvider['encode']>[0]) {
      calls += 1;
      if (calls === 1) meanwhile();
      return provider.encode(request);
    },
  });
  const order = {
    dataset: describeDataset(path, { column: 'text' }),
    provider: 'openai',
    model: 'm',
    outputPath: join(folder, 'output'),
    columns: { groups: [] },
    useCache: false,
    baseUrl: undefined,
    server: 'http://127.0.0.1:9',
    batchSize: undefined,
  } as const;
  const home = loomHome({ variables: { LOOM_HOME: join(folder, 'home') }, workingFolder: folder });
  const limits = { requests: 100, bytes: 1_000_000 };
  const { signal } = new AbortController();
  return planBatches({ home, jobId: 'job_20260101000000_abcdef', order, provider: watched, limits, signal });
}

describe.each<[string, (prompts: readonly string[]) => string | Buffer]>([
  ['data.csv', csv],
  ['data.csv.gz', (prompts) => gzipSync(csv(prompts))],
  ['data.parquet', parquet],
])('%s', (name, format) => {
  const before = format(['a', 'b', 'c']);
  const after = format(['c', 'b', 'a']);

  test.each([
    ['written to', (path: string) => writeFileSync(path, after)],
    [
      'replaced',
      (path: string) => {
        writeFileSync(`${path}.saved`, after);
        renameSync(`${path}.saved`, path);
      },
    ],
  ])('that is %s while it is planned is an error, and nothing is left', async (_, change) => {
    const path = join(folder, name);
    writeFileSync(path, before);
    await expect(planWhile(path, () => change(path))).rejects.toMatchObject({
      kind: 'input',
      message: `the input ${path} was written to while it was read.`,
    });
    expect(readdirSync(join(folder, 'home', 'requests'))).toEqual([]);
  });

  test('that is left alone is planned', async () => {
    const path = join(folder, name);
    writeFileSync(path, before);
    expect((await planWhile(path, () => {})).job).toMatchObject({ rows: 3, parts: [{ requests: 3 }] });
  });
});
