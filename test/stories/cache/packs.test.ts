/** Packs in the cache: what batches answer, and long live runs, is in few files. */
import { readdir } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const writeRows = (rows: number) =>
  world.write(
    'data.csv',
    `id,text\n${Array.from({ length: rows }, (_, row) => `${row},Text ${row}\n`).join('')}`,
  );

const list = (folder: string) => readdir(world.statePath(folder)).catch(() => []);
const listLoose = async () => (await list('cache')).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
const listPacks = () => list('cache/packs');

async function countCalls(): Promise<number> {
  return (await world.countCalls('openai')).generate ?? 0;
}

test('a batch of 100 rows with three prompts puts three answers into the cache', async () => {
  const rows = Array.from({ length: 100 }, (_, row) => `${row},Text ${row % 3}\n`);
  await world.write('data.csv', `id,text\n${rows.join('')}`);
  await world.run();
  expect((await fetchUntilDone(world)).code).toBe(0);
  const { stdout } = await world.loom('cache', 'stats', '--output-format', 'json');
  expect(JSON.parse(stdout)).toMatchObject({ entries: 3 });
});

describe('a batch of 100 rows', () => {
  beforeEach(async () => {
    await writeRows(100);
    await world.run();
    expect((await fetchUntilDone(world)).code).toBe(0);
  });

  test('leaves one file in the cache, from which a live run has every answer', async () => {
    expect(await listPacks()).toHaveLength(1);
    expect(await listLoose()).toEqual([]);
    expect((await world.run('--sync', '--force')).stdout).toContain(
      '(100 prompts, 100 cache hits, 0 errors)',
    );
    expect(await countCalls()).toBe(0);
  });

  test('leaves nothing to submit for a batch of the same rows, and what is new for one of more', async () => {
    expect((await world.run('--force')).stdout).toContain('(100 prompts, 100 cache hits, 0 errors)');
    await writeRows(101);
    expect((await world.run('--dry-run', '--output-format', 'json')).stdout).toContain('"cached": 100');
  });

  test('is cleared: the question counts answers, the end files', async () => {
    const folder = world.statePath('cache');
    expect((await world.loom('cache', 'clear')).stderr).toContain(
      `100 cached responses in ${folder} were not deleted`,
    );
    expect(await world.loom('cache', 'clear', '--yes')).toEqual({
      code: 0,
      stdout: 'Cache cleared. Removed 1 files.\n100 of 100 cached responses were deleted.\n',
      stderr: '',
    });
    expect(await listPacks()).toEqual([]);
    await world.run('--sync', '--force');
    expect(await countCalls()).toBe(100);
  });

  test('is told by model, with the files', async () => {
    const { stdout } = await world.loom('cache', 'stats');
    expect(stdout).toMatch(
      /^100 cached responses in .*\nFiles: 1, packs of many responses among them: 1\.\n/,
    );
    expect(stdout).toMatch(/^openai +m +100 /m);
    const told = JSON.parse((await world.loom('cache', 'stats', '--output-format', 'json')).stdout);
    expect(told).toMatchObject({ entries: 100, files: 1, packs: 1, damaged: 0, groups: [{ entries: 100 }] });
  });
});

test('some answers of a pack are cleared, and the others stay', async () => {
  await writeRows(40);
  for (const model of ['m', 'other']) {
    await world.run('-m', model, '--output', `${model}.csv`);
    await fetchUntilDone(world);
  }
  const ended = await world.loom('cache', 'clear', '--yes', '-m', 'other', '--output-format', 'json');
  expect(JSON.parse(ended.stdout)).toMatchObject({ entries: 80, files: 2, removed: 1, removed_entries: 40 });
  expect((await world.run('--sync', '--force')).stdout).toContain('(40 prompts, 40 cache hits, 0 errors)');
});

test('a live run of more than 1,000 new answers packs them when it ends', async () => {
  await writeRows(1_001);
  expect((await world.run('--sync', '--workers', '64')).code).toBe(0);
  expect(await listLoose()).toEqual([]);
  expect(await listPacks()).toHaveLength(1);
  expect((await world.run('--sync', '--force')).stdout).toContain(
    '(1001 prompts, 1001 cache hits, 0 errors)',
  );
  expect(await countCalls()).toBe(1_001);
});

test('one of 1,000 leaves them as they are', async () => {
  await writeRows(1_000);
  await world.run('--sync', '--workers', '64');
  expect(await listLoose()).toHaveLength(1_000);
  expect(await listPacks()).toEqual([]);
});

test('a batch of 32 rows leaves a file for each answer, as older versions read them', async () => {
  await writeRows(32);
  await world.run();
  await fetchUntilDone(world);
  expect(await listLoose()).toHaveLength(32);
  expect(await listPacks()).toEqual([]);
});
