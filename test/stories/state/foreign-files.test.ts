/** Files of others in a home or cache, and folders that are none: no command touches them. */
import { lstat, mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { makePipe } from '../../make-pipe.ts';
import { runArgs } from '../../program.ts';
import { createSandboxWorld, fetchUntilDone, orderOf, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,World\n'));

const order = orderOf('openai');
const longAgo = new Date(Date.now() - 400 * 24 * 60 * 60_000);

/** A file that nobody has touched for a year. */
async function put(path: string, content = '{"mine": true}\n'): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await utimes(path, longAgo, longAgo);
}

/** What is below a folder, and what the files hold. */
async function survey(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    found.set(path, entry.isFile() ? await readFile(path, 'utf8') : String((await lstat(path)).mode));
  }
  return found;
}

const project =
  `package.json results/experiment.jsonl results/openai_gpt4.jsonl results/live_abc_notes.txt requests/a.tmp history/notes.json inputs/data.csv locks/build.1.lock jobs/a.tmp jobs/job.json batches/b.tmp batches/b.json cache/tmp/model.tmp cache/notes.json tmp/session.tmp sandbox/notes cache/${'a0'.repeat(32)}.json`.split(
    ' ',
  );

const commands: [string, readonly string[]][] = [
  ['run', ['run', ...order]],
  ['run --sync', ['run', '--sync', ...order]],
  ['run --sync --sandbox', ['run', '--sync', '--sandbox', ...order]],
  ['run of stdin', ['run', '--sync', '--file', '-', '--format', 'csv', ...order.slice(2), '-o', 'out.csv']],
  ['fetch', ['fetch']],
  ['adopt', ['adopt', '--id', 'batch_1', ...order]],
  ['list', ['list']],
  ['status', ['status', '--id', 'batch_1']],
  ['cancel', ['cancel', '--id', 'batch_1', '--yes']],
  ['forget', ['forget', '--id', 'batch_1', '--yes']],
  ['cache stats', ['cache', 'stats']],
  ['cache clear', ['cache', 'clear', '--yes']],
  ['report', ['report', 'batch_1']],
];

describe('a project’s folder as LOOM_HOME is refused, and left as it is, by', () => {
  test.each(commands)('%s', async (_, args) => {
    for (const name of project) await put(join(world.folder, name));
    const before = await survey(world.folder);
    world.environment.LOOM_HOME = '.';
    const ended = await world.loom(...args);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toBe(
      `Error: the folder ${world.folder} that LOOM_HOME names is not a home of loom, and is not empty: it holds batches, cache, data.csv and 9 more. Name an empty folder, or one that is not there yet, such as ${join(world.folder, '.loom')}.\n`,
    );
    expect(await survey(world.folder)).toEqual(before);
    expect(await world.countCalls('openai')).toEqual({});
  });
});

describe('a project’s folder as cache is refused, and left as it is, by', () => {
  test.each([
    ['run', ['run', ...order]],
    ['run --sync', ['run', '--sync', ...order]],
    ['run --sync --sandbox', ['run', '--sync', '--sandbox', ...order]],
    ['fetch', ['fetch']],
    ['cache stats', ['cache', 'stats']],
    ['cache clear', ['cache', 'clear', '--yes']],
    ['cache clear --sandbox', ['cache', 'clear', '--yes', '--sandbox']],
  ])('%s', async (_, args) => {
    for (const name of project) await put(join(world.folder, name));
    const before = await survey(world.folder);
    const ended = await world.loom(...args, '--cache-dir', '.');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(
      `Error: the cache folder ${world.folder} is not a cache of loom, and is not empty: it holds batches, cache, data.csv and 9 more. Give --cache-dir or LOOM_CACHE_DIR an empty folder`,
    );
    expect(await survey(world.folder)).toEqual(before);
    expect(await world.countCalls('openai')).toEqual({});
  });
});

test('files of others of every shape survive every command in a home', async () => {
  const home = join(world.home, '.loom');
  await world.loom('run', '--sync', ...order, '--force');
  const own = new Set((await survey(home)).keys());
  for (const name of project) await put(join(home, name));
  await put(join(home, 'results', 'openai_gpt4.jsonl'));
  for (const folder of 'batches jobs requests results inputs locks history cache cache/tmp'.split(' ')) {
    await mkdir(join(home, folder, 'mine'), { recursive: true });
    await symlink(join(home, 'package.json'), join(home, folder, 'link.tmp'));
    if (process.platform !== 'win32') makePipe(join(home, folder, 'pipe.tmp'));
  }
  // One that is damaged would keep the sweep from its work.
  for (const name of ['batches/b.json', 'jobs/job.json']) await rm(join(home, name));
  const foreign = [...(await survey(home))].filter(([path]) => !own.has(path));
  expect(foreign.length).toBeGreaterThan(30);
  const id = submittedId(await world.loom('run', ...order, '--no-cache'));
  for (const args of [
    ...commands.map(([, args]) => args).filter(([command]) => command !== 'forget'),
    ['status', '--id', id],
    ['cancel', '--id', id, '--yes'],
    ['run', '--sync', ...order, '--no-cache', '--force', '-o', join(home, 'results', 'answers.csv')],
    ['fetch', '--id', id, '--partial', '--force'],
    ['forget', '--id', id, '--yes'],
    ['fetch'],
    ['cache', 'clear', '--yes'],
  ]) {
    await world.loom(...args);
    const now = await survey(home);
    expect([args, foreign.filter(([path, content]) => now.get(path) !== content)]).toEqual([args, []]);
  }
  // Our own output, in a folder that is called like one of ours.
  await utimes(join(home, 'results', 'answers.csv'), longAgo, longAgo);
  await world.loom('fetch');
  expect((await survey(home)).has(join(home, 'results', 'answers.csv'))).toBe(true);
});

test.each([
  ['list'],
  ['fetch'],
  ['cache', 'stats'],
  ['cache', 'clear', '--yes'],
  ['run', ...order, '--dry-run'],
])('no home is made by %s %s', async (...args) => {
  expect((await world.loom(...args)).code).toBe(0);
  expect(await readdir(world.home)).toEqual([]);
});

test('a home that is made by several processes at once has one mark, and does all their work', async () => {
  world.environment.LOOM_HOME = 'state';
  const starts = [world.loomProcess, world.loomProcess, world.loom, world.loom];
  const runs = starts.map((start, place) => start(...runArgs('--sync', '-m', `m${place}`)));
  expect((await Promise.all(runs)).map(({ code, stderr }) => [code, stderr.includes('Error')])).toEqual(
    runs.map(() => [0, false]),
  );
  const names = await readdir(join(world.folder, 'state'));
  expect(names.filter((name) => name.includes('loom-home'))).toEqual(['loom-home.json']);
});

test('a home of an older version is taken over without a word, and its batch is fetched', async () => {
  world.environment.LOOM_HOME = 'state';
  const id = submittedId(await world.loom('run', ...order));
  await rm(join(world.folder, 'state', 'loom-home.json'));
  await put(join(world.folder, 'state', 'notes.txt'));
  const ended = await fetchUntilDone(world);
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(`Fabric complete. id=${id}`) });
  expect(await readdir(join(world.folder, 'state'))).toEqual(
    expect.arrayContaining(['loom-home.json', 'notes.txt']),
  );
});
