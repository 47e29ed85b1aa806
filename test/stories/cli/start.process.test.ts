/** What a start of the built program loads, and what it tells without loading anything. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findCacheFolder, isOwnFolder } from '../../../src/cli/compiled-code.ts';
import { createSandboxWorld, type SandboxWorld } from '../worlds/sandbox-world.ts';

const dist = resolve(import.meta.dirname, '../../../dist');
let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
});

afterEach(() => world.remove());

function readChunk(name: string): Promise<string> {
  return readFile(join(dist, name === 'loom.js' ? '' : 'chunks', name), 'utf8');
}

interface Loaded {
  /** Names of the files of dist/. */
  readonly files: string[];
  /** Modules of Node.js, public ones. */
  readonly builtins: string[];
}

/** What Node.js has loaded by the end of a command line. */
async function loadedBy(args: string): Promise<Loaded> {
  await world.write(
    'tell.cjs',
    `const { writeFileSync } = require('node:fs');
process.on('exit', () => {
  const builtins = process.moduleLoadList.map((name) => name.replace('NativeModule ', ''));
  writeFileSync('loaded.json', JSON.stringify({ files: Object.keys(require.cache), builtins }));
});`,
  );
  const ended = await world.shell(
    `'${process.execPath}' --require ./tell.cjs '${join(dist, 'loom.js')}' ${args}`,
  );
  expect(ended).toMatchObject({ code: 0 });
  const { files, builtins }: Loaded = JSON.parse(await world.read('loaded.json'));
  return {
    files: files.map((path) => basename(path)).filter((name) => name !== 'tell.cjs'),
    builtins,
  };
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
  expect((await loadedBy(args)).files.length).toBeLessThan(3);
});

test.each(['list', 'fetch', 'cache stats', 'run --help'])('loom %s loads no SDK', async (args) => {
  const sdks = (await readdir(join(dist, 'chunks'))).filter((name) => /^(sdk|listed-prices)-/.test(name));
  expect(sdks.length).toBe(4);
  const { files: loaded } = await loadedBy(args);
  expect(loaded).toContain('loom.js');
  expect(loaded.filter((name) => sdks.includes(name))).toEqual([]);
});

test('a run asks about the name of its model without the prices, which are loaded for a cost', async () => {
  const lists = async (args: string) => {
    const { files } = await loadedBy(args);
    return files.map((name) => /^listed-[a-z]+/.exec(name)?.[0]).filter((name) => name !== undefined);
  };
  const order = 'run -f data.csv -c text -p openai -m gpt-4o-mini';
  await world.write('data.csv', 'text\nHello\n');
  expect(await lists(`${order} -o batch.csv`)).toEqual(['listed-names']);
  expect((await lists(`${order} --sync -o first.csv`)).sort()).toEqual(['listed-names', 'listed-prices']);
  // From the cache.
  expect(await lists(`${order} --sync -o second.csv`)).toEqual(['listed-names']);
  expect(await lists('list')).toEqual([]);
});

test.each(['list', 'fetch', 'cache stats'])('loom %s reads its files without zod', async (args) => {
  const { files } = await loadedBy(args);
  const codes = await Promise.all(files.map((name) => readChunk(name)));
  expect(codes.filter((code) => code.includes('ZodMini'))).toEqual([]);
});

/** Each takes as long as a good part of a short command. */
const slowBuiltins = ['crypto', 'dns', 'http', 'https', 'readline', 'tls', 'worker_threads', 'zlib'];

test.each(['list', 'fetch'])('loom %s with nothing to do loads what that needs', async (args) => {
  const { files, builtins } = await loadedBy(args);
  expect(builtins.filter((name) => slowBuiltins.includes(name))).toEqual([]);
  const codes = await Promise.all(files.map((name) => readChunk(name)));
  for (const called of ['async function mergeJob(', 'async function downloadBatches('])
    expect(codes.filter((code) => code.includes(called))).toEqual([]);
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
