/** Where the state and the cache are: LOOM_HOME, LOOM_CACHE_DIR and --cache-dir. */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone, orderOf, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n'));

const run = (...flags: string[]) => world.run('--force', ...flags);

/** Names of the files below a folder of the world's current one, without the marks. */
async function listFiles(folder: string): Promise<string[]> {
  const files = await readdir(join(world.folder, folder), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const names = files.filter((file) => file.isFile()).map((file) => file.name);
  return names.filter((name) => name !== 'loom-home.json' && name !== 'loom-cache.json');
}

const entryName = /^[0-9a-f]{64}\.json$/;

/** That a folder is the cache, with one entry. */
async function expectCache(folder: string): Promise<void> {
  expect(await listFiles(folder)).toEqual([expect.stringMatching(entryName)]);
}

describe.skipIf(process.platform !== 'linux')('a folder that the system does not let be made', () => {
  const refused = (folder: string) => ({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(
      `Error: can't create the folder ${folder}: no such file or folder. Make it writable, or free the path.\n`,
    ),
  });

  test.each([
    ['of a live run', ['--sync']],
    ['of a batch', []],
  ])('is an error as LOOM_HOME %s', async (_, flags) => {
    world.environment.LOOM_HOME = '/proc/nothing';
    expect(await run(...flags)).toMatchObject(refused('/proc/nothing'));
  });

  test('is an error as the home of the sandbox', async () => {
    world.environment.LOOM_HOME = '/proc/nothing';
    expect(await run('--sandbox')).toMatchObject(refused('/proc/nothing'));
  });

  test('is an error as the cache', async () => {
    expect(await run('--cache-dir', '/proc/nothing')).toMatchObject(refused('/proc/nothing'));
  });
});

describe('LOOM_HOME', () => {
  test('holds all state in place of ~/.loom, and is what messages name', async () => {
    world.environment.LOOM_HOME = join(world.folder, 'state');
    expect((await world.loom('list')).stdout).toBe(
      `No batches stored under ${world.folder}/state/batches/.\n`,
    );
    const ended = await run();
    const id = submittedId(ended);
    expect(ended.stdout).toContain(
      `Metadata saved to ${world.folder}/state/batches/. Run loom fetch --id ${id} `,
    );
    expect(await listFiles('state/batches')).toEqual([`openai_${id}.json`]);
    expect((await world.loom('list')).stdout).toContain(id);
    expect((await fetchUntilDone(world)).code).toBe(0);
    await expectCache('state/cache');
    expect(await world.listState()).toEqual([]);
  });

  test.each([
    ['from ~', '~/elsewhere', () => join(world.home, 'elsewhere')],
    ['from the current folder', 'here', () => join(world.folder, 'here')],
  ])('is taken %s, also from .env', async (_, value, where) => {
    await world.write('.env', `LOOM_HOME=${value}\n`);
    expect((await run('--sync')).code).toBe(0);
    expect(await readdir(join(where(), 'cache'))).toEqual(
      expect.arrayContaining([expect.stringMatching(entryName)]),
    );
  });

  test('in the environment comes before .env, and an empty one is none', async () => {
    await world.write('.env', 'LOOM_HOME=of-dotenv\n');
    world.environment.LOOM_HOME = 'of-environment';
    expect((await run('--sync')).code).toBe(0);
    expect(await world.listFolder()).toContain('of-environment');
    world.environment.LOOM_HOME = '';
    expect((await run('--sync')).code).toBe(0);
    expect(await world.listFolder()).not.toContain('of-dotenv');
    expect(await world.listState('cache')).toHaveLength(1);
  });

  test('holds what belongs to the sandbox apart', async () => {
    world.environment.LOOM_HOME = 'state';
    expect((await run('--sync', '--sandbox')).code).toBe(0);
    await expectCache('state/sandbox/cache');
    expect(await readdir(join(world.folder, 'state'))).toEqual(['loom-home.json', 'sandbox']);
  });

  test('that is a file is an error that names it, before anything is sent', async () => {
    world.environment.LOOM_HOME = await world.write('state', 'a file');
    for (const flags of [[], ['--sync'], ['--sandbox']]) {
      const ended = await run(...flags);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toMatch(
        /Error: can't (read|create) the folder \S*\/work\/state\S*: [^\n]* a file/,
      );
    }
    expect(await world.countCalls('openai')).toEqual({});
  });
});

describe('the cache', () => {
  test('is where --cache-dir says, else LOOM_CACHE_DIR, else in the home', async () => {
    expect((await run('--sync')).stdout).toContain('0 cache hits');
    world.environment.LOOM_CACHE_DIR = 'of-variable';
    expect((await run('--sync')).stdout).toContain('0 cache hits');
    expect((await run('--sync', '--cache-dir', 'of-flag')).stdout).toContain('0 cache hits');
    for (const flags of [[], ['--cache-dir', 'of-flag'], ['--cache-dir', join(world.folder, 'of-flag')]]) {
      expect((await run('--sync', ...flags)).stdout).toContain('1 cache hits');
    }
    await expectCache('of-variable');
    await expectCache('of-flag');
  });

  test('of a batch is kept in its record, and filled by a fetch that knows of none', async () => {
    const id = submittedId(await run('--cache-dir', 'answers'));
    const folder = join(world.folder, 'answers');
    expect(await world.readRecord(id)).toMatchObject({
      cache_dir: folder,
    });
    world.environment.LOOM_CACHE_DIR = 'of-variable';
    expect((await fetchUntilDone(world)).code).toBe(0);
    await expectCache('answers');
    expect(await world.listFolder()).not.toContain('of-variable');
    // Nothing is left to submit, with the same cache.
    expect((await run('--cache-dir', 'answers')).stdout).toContain('(1 prompts, 1 cache hits, 0 errors)');
  });

  test('of a batch that chose none is not recorded, so that a home can be moved', async () => {
    const id = submittedId(await run());
    expect(await world.readRecord(id)).not.toHaveProperty('cache_dir');
  });

  test('given to fetch comes before the record', async () => {
    await run('--cache-dir', 'answers');
    expect((await fetchUntilDone(world, '--cache-dir', 'others')).code).toBe(0);
    await expectCache('others');
    expect(await listFiles('answers')).toEqual([]);
  });

  test('given to adopt is kept as that of a run', async () => {
    const id = submittedId(await run());
    await world.loom('list');
    const folder = join(world.home, '.loom', 'batches');
    const record = await readFile(join(folder, `openai_${id}.json`), 'utf8');
    expect(record).not.toContain('cache_dir');
    world.environment.LOOM_HOME = 'second';
    const args = orderOf('openai', '--cache-dir', 'answers');
    expect((await world.loom('adopt', '--id', id, ...args)).code).toBe(0);
    expect((await fetchUntilDone(world)).code).toBe(0);
    await expectCache('answers');
  });

  test('given for a rehearsal is kept apart from real answers', async () => {
    expect((await run('--sync', '--sandbox', '--cache-dir', 'answers')).code).toBe(0);
    await expectCache('answers/sandbox');
    expect((await run('--sync', '--cache-dir', 'answers')).stdout).toContain('0 cache hits');
  });

  test('that is cleared is the one that is named, and files that are no answers stay', async () => {
    await run('--sync', '--cache-dir', 'answers');
    await writeFile(join(world.folder, 'answers', 'my.json'), '{}');
    world.environment.LOOM_CACHE_DIR = 'answers';
    const cleared = 'Cache cleared. Removed 1 files.\n';
    expect((await world.loom('cache', 'clear', '--yes')).stdout).toBe(cleared);
    expect(await listFiles('answers')).toEqual(['my.json']);
    await run('--sync');
    expect((await world.loom('cache', 'clear', '--yes', '--cache-dir', './answers')).stdout).toBe(cleared);
    expect((await world.loom('cache', 'clear', '--cache-dir', 'nowhere')).stdout).toBe(
      'No cache directory exists yet — nothing to clear.\n',
    );
    expect(await world.listFolder()).not.toContain('nowhere');
  });

  test.each([['run'], ['run', '--sync']])(
    'that is a file is an error of %s %s, and nothing is sent',
    async (...command) => {
      await world.write('answers', 'a file');
      const ended = await run(...command.slice(1), '--cache-dir', 'answers');
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toContain(`Error: can't create the folder ${join(world.folder, 'answers')}: `);
      expect(await world.countCalls('openai')).toEqual({});
    },
  );

  test.skipIf(process.platform === 'win32' || process.getuid?.() === 0)(
    'that can’t be written to is an error, and nothing is sent; with --no-cache it is not looked at',
    async () => {
      await mkdir(join(world.folder, 'answers'));
      await chmod(join(world.folder, 'answers'), 0o500);
      const ended = await run('--sync', '--cache-dir', 'answers');
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toContain(`can't write to the cache folder ${join(world.folder, 'answers')}: `);
      expect((await run('--sync', '--cache-dir', 'answers', '--no-cache')).code).toBe(0);
    },
  );
});
