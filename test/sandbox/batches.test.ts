/** What the batches of every vendor do alike, asked for by its real SDK; and what faults make of them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BatchFault } from '../../src/sandbox/faults.ts';
import type { Faults, SandboxOptions } from '../../src/sandbox/server.ts';
import {
  anthropicRequest,
  batchDrivers,
  googleLine,
  open,
  openaiLine,
  parseLines,
  resultsOf,
  temporaryFolder,
  thrown,
  until,
} from './rehearsal.ts';

const running = /valid|progress|finaliz|cancell?ing|PENDING|RUNNING|pondering/;
const rowsOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, row) => [`row-${row}`, `prompt ${row}`]));
const withFaults = (fault: BatchFault, more: Faults = {}) => ({ faults: { batches: [fault], ...more } });

/** A sandbox with the driver of a vendor, who waits for the end of a batch. */
async function openDriver(name: string, options: Partial<SandboxOptions> = {}) {
  const sandbox = await open(options);
  const driver = batchDrivers[name]?.(sandbox) as ReturnType<(typeof batchDrivers)[string]>;
  const end = (id: string) =>
    until(
      () => driver.word(id),
      (word) => !running.test(word),
    );
  const run = async (rows: Record<string, string>) => {
    const id = await driver.create(rows);
    await end(id);
    return id;
  };
  return { ...driver, driver, end, run };
}

afterEach(() => {
  vi.useRealTimers();
});

describe.each(Object.keys(batchDrivers))('%s', (name) => {
  test('answers each row, in an order of its own', async () => {
    const { driver, run, counts } = await openDriver(name);
    const id = await run(rowsOf(4));
    const results = await resultsOf(driver, id);
    expect(results.map((row) => row.id)).toEqual(['row-3', 'row-2', 'row-1', 'row-0']);
    for (const row of results)
      expect(JSON.stringify(row.answer)).toContain(`Sandbox answer from m: prompt ${row.id.slice(4)}`);
    expect(await counts(id)).toEqual([4, 0]);
  });

  test('fails a row that is wrong by itself', async () => {
    const { driver, run, counts } = await openDriver(name);
    const id = await run({ good: 'hello', empty: '', asked: '[[sandbox:error 429]]' });
    const results = await resultsOf(driver, id);
    const failed = results.filter(({ error }) => error !== undefined);
    expect(failed.map((row) => row.id)).toEqual(['asked', 'empty']);
    expect(results.find((row) => row.id === 'good')?.answer).toBeDefined();
    expect(await counts(id)).toEqual([1, 2]);
  });

  test('lists batches newest first, in pages', async () => {
    const { create, list } = await openDriver(name);
    const ids: string[] = [];
    for (let number = 0; number < 5; number += 1) ids.unshift(await create({ a: 'x' }));
    expect(await list()).toEqual(ids);
  });

  test('knows no batch that is not there, and none of another place', async () => {
    const { word, cancel } = await openDriver(name);
    for (const id of ['batches/none', 'batches/..%2Fx']) {
      expect((await thrown(word(id))).status).toBe(404);
      expect((await thrown(cancel(id))).status).toBe(404);
    }
  });

  test('keeps a batch for another sandbox over the same folder', async () => {
    const dir = await temporaryFolder();
    const first = await openDriver(name, { dir, turnaroundMs: 300 });
    const id = await first.create({ a: 'x' });
    const second = await openDriver(name, { dir });
    await second.end(id);
    expect(await resultsOf(second.driver, id)).toMatchObject([{ id: 'a' }]);
  });

  test('can leave results out, give them twice and to nobody, with blank lines between them', async () => {
    const fault = { missingShare: 0.2, duplicateShare: 0.3, unknownRows: 2, blankLines: true };
    const { driver, run, text } = await openDriver(name, withFaults(fault));
    const id = await run(rowsOf(100));
    const ids = (await resultsOf(driver, id)).map((row) => row.id);
    const known = new Set(ids.filter((id) => id.startsWith('row-')));
    expect(known.size).toBe(79);
    expect(ids.length - known.size - 2).toBeGreaterThan(20);
    expect(ids.filter((id) => id.startsWith('nobody-')).sort()).toEqual(['nobody-1', 'nobody-2']);
    expect(await text(id)).toContain('\n\n');
  });

  test('can have results of others and a page of HTML among its own, and be whole later', async () => {
    const fault = { foreignShare: 0.2, pageShare: 0.2, wholeAfterMs: 1500 };
    const { run, text } = await openDriver(name, withFaults(fault));
    const id = await run(rowsOf(100));
    const spoiled = await text(id);
    expect(spoiled.match(/"nobody-\d+"/g)).toHaveLength(20);
    expect(spoiled.match(/^<html>/gm)).toHaveLength(20);
    const whole = await until(
      () => text(id),
      (now) => !/nobody|<html>/.test(now),
    );
    expect(parseLines(whole)).toHaveLength(100);
  });

  test('can fail a part of its rows, and give the results of those alone', async () => {
    const failed = { failedShare: 0.5, failedStatus: 429, failedMessage: 'Later' };
    const { driver, run, counts } = await openDriver(name, withFaults({ ...failed, onlyErrors: true }));
    const id = await run(rowsOf(100));
    const results = await resultsOf(driver, id);
    expect(results.length).toBeGreaterThan(30);
    expect(results.length).toBeLessThan(70);
    expect(new Set(results.map(({ error }) => error.message))).toEqual(new Set(['Later']));
    expect(await counts(id)).toEqual([100 - results.length, results.length]);
  });

  test('can be hidden at first and use words that nobody has seen', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const fault = { hiddenMs: 300, runningWord: 'pondering', endedWord: 'retired' };
    const { create, word, list } = await openDriver(name, { turnaroundMs: 900, ...withFaults(fault) });
    const id = await create({ a: 'x' });
    expect((await thrown(word(id))).status).toBe(404);
    expect(await list()).toEqual([]);
    vi.setSystemTime(Date.now() + 500);
    expect(await word(id)).toBe('pondering');
    vi.setSystemTime(Date.now() + 500);
    expect(await word(id)).toBe('retired');
  });
});

/** Answered and failed rows of ten, and what stands in place of the answers that are not there. */
test.each([
  ['openai', 'expired', 'expired', [4, 6], 'batch_expired'],
  ['openai', 'cancelled', 'cancelled', [4, 0], undefined],
  ['openai', 'failed', 'failed', [0, 0], undefined],
  ['anthropic', 'expired', 'ended', [4, 0], 'expired'],
  ['anthropic', 'cancelled', 'ended', [4, 0], 'canceled'],
  ['anthropic', 'failed', 'ended', [0, 10], 'api_error'],
  ['google', 'expired', 'JOB_STATE_EXPIRED', [0, 0], undefined],
  ['google', 'cancelled', 'JOB_STATE_CANCELLED', [0, 0], undefined],
  ['google', 'failed', 'JOB_STATE_FAILED', [0, 0], undefined],
] as const)('at %s a batch can be %s by itself', async (name, end, word, counted, error) => {
  const { driver, run, counts } = await openDriver(name, withFaults({ end, doneShare: 0.4 }));
  const id = await run(rowsOf(10));
  expect(await driver.word(id)).toBe(word);
  expect(await counts(id)).toEqual(counted);
  const results = name === 'google' ? [] : await resultsOf(driver, id);
  expect(results.filter(({ answer }) => answer)).toHaveLength(counted[0]);
  const reasons = results.flatMap(({ error }) => error?.code ?? error?.type ?? []);
  expect(reasons).toEqual(error === undefined ? [] : Array(10 - counted[0]).fill(error));
});

test.each([
  ['openai', 'cancelled'],
  ['anthropic', 'ended'],
  ['google', 'JOB_STATE_CANCELLED'],
])('at %s a cancelled batch keeps what the vendor keeps of what was done until then', async (name, word) => {
  const { driver, create, end, counts } = await openDriver(name, { turnaroundMs: 4000 });
  const id = await create(rowsOf(400));
  await until(
    () => counts(id),
    ([answered]) => answered > 0 || name === 'anthropic',
  );
  await driver.cancel(id);
  expect(await end(id)).toBe(word);
  const [answered] = await counts(id);
  expect(answered).toBeLessThan(400);
  if (name === 'openai') expect(answered).toBeGreaterThan(0);
  const results = name === 'google' ? [] : await resultsOf(driver, id);
  expect(results.filter(({ answer }) => answer)).toHaveLength(answered);
  expect(results).toHaveLength({ openai: answered, anthropic: 400, google: 0 }[name] ?? 0);
});

test('a full queue fails the OpenAI batch, and takes it again once the others have ended', async () => {
  const { create, end } = await openDriver('openai', { turnaroundMs: 500, faults: { queue: { openai: 3 } } });
  const first = await create(rowsOf(2));
  expect(await end(await create(rowsOf(2)))).toBe('failed');
  await end(first);
  expect(await end(await create(rowsOf(2)))).toBe('completed');
});

test.each(['anthropic', 'google'] as const)('a full queue is HTTP 429 at %s', async (name) => {
  const faults = { queue: { [name]: 1 } };
  const { create, list } = await openDriver(name, { turnaroundMs: 30_000, faults });
  await create({ a: 'x' });
  expect((await thrown(create({ a: 'x' }))).status).toBe(429);
  expect(await list()).toHaveLength(1);
});

/** Records of batches as version 0.1.0 wrote them, long ended, and a line of their requests. */
const kept = {
  createdAt: Date.now() - 60_000,
  turnaroundMs: 50,
  requests: 1,
  end: 'completed',
  done: 1,
  failed: 0,
};
const order = {
  endpoint: '/v1/chat/completions',
  model: 'm',
  completionWindow: '24h',
  metadata: null,
  errors: [],
};
test.each([
  ['openai', 'batch_1a2218058330043a9c720', { ...order, inputFileId: 'file-1' }, openaiLine('a', 'x', 'm')],
  ['anthropic', 'msgbatch_1a2218058330043a9c720', {}, JSON.stringify(anthropicRequest('a', 'x', 'm'))],
  [
    'google',
    '1a221805c170050b513c4805c1700511cb1f8',
    { model: 'm', fileName: 'files/1' },
    googleLine('a', 'x'),
  ],
])(
  'a batch of an earlier version is there at %s, and a file that is none is named',
  async (name, id, own, line) => {
    const dir = await temporaryFolder();
    const { driver } = await openDriver(name, { dir });
    await mkdir(join(dir, name, 'batches'), { recursive: true });
    const path = join(dir, name, 'batches', id);
    await writeFile(`${path}.json`, JSON.stringify({ id, ...kept, ...own }));
    await writeFile(`${path}.body`, `${line}\n`);
    const listed = await driver.list();
    expect(listed).toHaveLength(1);
    const [result] = await resultsOf(driver, listed[0] as string);
    expect(JSON.stringify(result)).toContain('Sandbox answer from m: x');
    await writeFile(`${path}.json`, '{"id":');
    expect((await thrown(driver.word(listed[0] as string))).message).toContain(
      `The sandbox failed: ${path}.json is not a record of the sandbox. Delete it.`,
    );
  },
);
