/** How often a wait asks: by a clock that the test winds on, against a server that counts the questions. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FetchOrder } from '../../../../src/orchestrator/batch/fetch/fetch-run.ts';
import { type WaitOptions, waitForBatches } from '../../../../src/orchestrator/batch/wait/wait-batches.ts';
import { loomHome } from '../../../../src/storage/home.ts';
import {
  createOpenAiWorld,
  lastBatch,
  merged,
  type OpenAiWorld,
  output,
} from '../../../stories/worlds/openai-world.ts';

let world: OpenAiWorld;

beforeEach(async () => {
  world = await createOpenAiWorld();
});

afterEach(() => world.remove());

/** Waits until every batch is done, which each is after so many questions, and gives the pauses in seconds. */
async function waitThrough(questions: number, options: WaitOptions, random = 0.5): Promise<number[]> {
  let asked = 0;
  world.openai.override = ({ method, path }) => {
    if (method === 'GET' && path.startsWith('/v1/batches/')) asked += 1;
    if (asked === questions) for (const batch of world.openai.batches) batch.status = 'completed';
    return undefined;
  };
  const pauses: number[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    async sleep(milliseconds: number) {
      pauses.push(milliseconds / 1_000);
      now += milliseconds;
    },
    random: () => random,
  };
  const home = loomHome({ variables: { LOOM_HOME: world.statePath('') }, workingFolder: world.folder });
  const order: FetchOrder = {
    id: undefined,
    keep: false,
    force: false,
    partial: false,
    inputPath: undefined,
    workingFolder: world.folder,
    connect: () => ({
      apiKey: 'a-key-for-openai',
      baseUrl: world.openai.url,
      timeoutMs: 10_000,
      environment: {},
    }),
    confirmOverwrite: async () => 'nobody',
  };
  const { signal } = new AbortController();
  expect(await waitForBatches(home, order, options, signal, () => {}, clock)).toMatchObject({
    troubled: false,
    timedOut: false,
    pending: 0,
  });
  return pauses;
}

/** Submits a batch that is running, and says that this was long ago, or will be: then it is newer than any pause. */
async function submitAt(year: 2020 | 2100, ...flags: string[]): Promise<void> {
  const { job_id } = await world.readRecord(await world.submitAs('in_progress', ...flags));
  const name = `jobs/${job_id}.json`;
  const job = JSON.parse(await world.readState(name));
  await world.writeState(name, JSON.stringify({ ...job, created_at: `${year}-01-01T00:00:00.000Z` }));
}

describe('a wait', () => {
  test('asks at once, and then after pauses that grow from 2 s to a minute, and after an hour to five', async () => {
    await submitAt(2020);
    const pauses = await waitThrough(73, {});
    expect(pauses.slice(0, 11)).toEqual([
      0, 2, 3, 4.5, 6.75, 10.125, 15.1875, 22.78125, 34.171875, 51.2578125, 60,
    ]);
    expect(new Set(pauses.slice(10, -5))).toEqual(new Set([60]));
    expect(pauses.slice(-5)).toEqual([90, 135, 202.5, 300, 300]);
    expect(await world.read(output)).toBe(merged);
  });

  test('asks about a batch that was created just now after a pause', async () => {
    await submitAt(2100);
    expect(await waitThrough(3, {})).toEqual([2, 3, 4.5]);
  });

  test('spreads its questions by a tenth', async () => {
    await submitAt(2020);
    expect(await waitThrough(3, {}, 0)).toEqual([0, 1.8, 2.7]);
  });

  test('keeps to a pause that is given', async () => {
    await submitAt(2020);
    expect(await waitThrough(4, { intervalMs: 45_000 }, 0)).toEqual([0, 45, 45, 45]);
  });

  test('asks about each of many batches at its own times, and of each once at a time', async () => {
    await submitAt(2020);
    await world.write('more.csv', 'text\nMore\n');
    await submitAt(2100, '-f', 'more.csv', '-c', 'text');
    // The old one at 0, 2, 5 and 9.5 s, the new one at 2, 5 and 9.5 s.
    expect(await waitThrough(6, {})).toEqual([0, 2, 0, 3, 0, 4.5, 0]);
    expect(lastBatch(world.openai).status).toBe('completed');
  });
});
