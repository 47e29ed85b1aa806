/** What a start of the built program loads, and what it tells without loading anything. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findCacheFolder, isOwnFolder } from '../../../src/cli/compiled-code.ts';
import { createSandboxWorld, type SandboxWorld } from '../worlds/sandbox-world.ts';

const dist = resolve(import.meta.dirname, '../../../dist');
let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
});

afterEach(() => world.remove());

/** Names of the files of dist/ that Node.js loads for a command line, by what it tells of its loading. */
async function filesLoadedBy(args: string): Promise<string[]> {
  const tell = `import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(\`
import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  if (url.startsWith('file:')) appendFileSync(\${JSON.stringify(process.env.LOADED)}, url + '\\\\n');
  return next(url, context);
}\`));`;
  await world.write('tell.mjs', tell);
  const log = join(world.folder, 'loaded.txt');
  await writeFile(log, '');
  const ended = await world.shell(
    `LOADED='${log}' '${process.execPath}' --import ./tell.mjs '${join(dist, 'loom.js')}' ${args}`,
  );
  expect(ended).toMatchObject({ code: 0 });
  const loaded = (await world.read('loaded.txt')).trim().split('\n');
  return loaded.map((url) => url.slice(url.lastIndexOf('/') + 1)).filter((name) => name !== 'tell.mjs');
}

test.each([
  ['--version', ['--version']],
  ['-V', ['--version']],
  ['--help', ['--help']],
  ['-h', ['--help']],
  ["'-?'", ['--help']],
  ['', ['--help']],
  ['help', ['--help']],
])('loom %s tells what the program tells, and loads next to nothing', async (args, words) => {
  expect(await world.shell(`loom ${args}`)).toEqual(await world.loom(...words));
  expect((await filesLoadedBy(args)).length).toBeLessThan(4);
});

test.each(['list', 'fetch', 'cache stats', 'run --help'])('loom %s loads no SDK', async (args) => {
  const sdks = (await readdir(join(dist, 'chunks'))).filter((name) => /^(sdk|price-list)-/.test(name));
  expect(sdks.length).toBe(4);
  const loaded = await filesLoadedBy(args);
  expect(loaded).toContain('loom.js');
  expect(loaded.filter((name) => sdks.includes(name))).toEqual([]);
});

test('loom --version --verbose tells the version, and those of the packages whose licences are in the package', async () => {
  const { stdout } = await world.shell('loom --version --verbose');
  const [version, ...bundled] = stdout.trim().split('\n');
  expect(`${version}\n`).toBe((await world.loom('--version')).stdout);
  const licenses = await readFile(join(dist, 'LICENSES.txt'), 'utf8');
  expect(bundled).toEqual([...licenses.matchAll(/^(\S+ \d\S*) \(.+\)$/gm)].map(([, named]) => named));
  expect(bundled).toEqual(expect.arrayContaining([expect.stringMatching(/^openai \d/)]));
  expect(await world.shell('loom -V -v')).toMatchObject({ stdout });
});

test('compiled code is kept in the folder of the user, and not in that of a temporary file', () => {
  expect(findCacheFolder({ HOME: '/home/ann' }, 'linux')).toBe(join('/home/ann', '.cache'));
  expect(findCacheFolder({ HOME: '/home/ann', XDG_CACHE_HOME: '/cache' }, 'linux')).toBe('/cache');
  expect(findCacheFolder({ HOME: '/home/ann', LOCALAPPDATA: 'C:\\ann' }, 'win32')).toBe('C:\\ann');
  expect(findCacheFolder({}, 'linux')).toBeUndefined();
});

test.skipIf(process.platform === 'win32')(
  'compiled code is taken from no folder that others may write to, and through no link',
  async () => {
    const [own, shared, link] = ['own', 'shared', 'link'].map((name) => join(world.folder, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(own, { mode: 0o700 });
    await mkdir(shared);
    await chmod(shared, 0o777);
    await symlink(own, link);
    expect([own, shared, link, join(world.folder, 'missing')].map(isOwnFolder)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  },
);

test.skipIf(process.platform === 'win32')(
  'a home in which nothing can be made, or that is not there, is left alone',
  async () => {
    const missing = join(world.folder, 'missing');
    for (const home of ['/dev/null', missing]) {
      const ended = await world.shell(
        `HOME='${home}' LOOM_HOME='${world.folder}/state' XDG_CACHE_HOME= loom list`,
      );
      expect(ended).toMatchObject({ code: 0, stderr: '' });
    }
    expect(existsSync(missing)).toBe(false);
  },
);
