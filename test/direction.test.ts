/**
 * Imports go one way: cli → api → orchestrator → providers, formats, cache, state → storage → core; and each package has
 * its place.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const source = resolve(import.meta.dirname, '../src');

interface Import {
  readonly from: string;
  /** A path below src, or a package's name, or `node:…`. */
  readonly to: string;
}

const files = listFiles(source).map((path) => ({
  name: relative(source, path).split(sep).join('/'),
  text: readFileSync(path, 'utf8'),
}));

const imports: Import[] = files.flatMap(({ name, text }) =>
  [...text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)'([^']+)'/g)].map(([, target = '']) => ({
    from: name,
    to: target.startsWith('.')
      ? relative(source, join(source, dirname(name), target))
          .split(sep)
          .join('/')
      : target,
  })),
);

function listFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

/** The folder of a file below src; for a file in src itself its name. */
function layerOf(path: string): string {
  return path.split('/')[0]?.replace(/\.ts$/, '') as string;
}

function isInside(path: string): boolean {
  return path.endsWith('.ts') && !path.startsWith('..');
}

const below = ['storage', 'core'];
const allowed: Readonly<Record<string, readonly string[]>> = {
  cli: ['cli', 'api', 'core', 'sandbox'],
  index: ['api', 'core'],
  api: ['api', 'orchestrator', 'providers', 'formats', 'cache', 'state', ...below],
  orchestrator: ['orchestrator', 'providers', 'formats', 'cache', 'state', ...below],
  providers: ['providers', 'core'],
  formats: ['formats', ...below],
  cache: ['cache', ...below],
  state: ['state', ...below],
  storage: below,
  core: ['core'],
  sandbox: ['sandbox'],
};

test('there is something to check', () => {
  expect(new Set(files.map(({ name }) => layerOf(name)))).toEqual(new Set(Object.keys(allowed)));
  expect(imports.length).toBeGreaterThan(100);
});

/** Small things of the disk that the command line needs as well: how its errors read, and reading a file that waits for nobody. */
const sharedFiles = ['storage/files.ts', 'storage/plain-file.ts', 'orchestrator/output/reasons-file.ts'];

test.each(Object.entries(allowed))('%s imports only from %j', (layer, targets) => {
  const isAllowed = (to: string) =>
    targets.includes(layerOf(to)) || (layer === 'cli' && sharedFiles.includes(to));
  const wrong = imports
    .filter(({ from, to }) => layerOf(from) === layer && isInside(to) && !isAllowed(to))
    .map(({ from, to }) => `${from} → ${to}`);
  expect(wrong).toEqual([]);
});

/** Files that lie in the folder of a layer itself stand for themselves: a registry, a contract. */
const roomOf = (path: string) => (path.split('/').length === 2 ? path : dirname(path));

test.each([
  ['file', (path: string) => path],
  ['folder', roomOf],
])('no %s imports what imports it, on whatever way', (_, placeOf) => {
  const ways = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (!isInside(to) || placeOf(from) === placeOf(to)) continue;
    ways.set(placeOf(from), (ways.get(placeOf(from)) ?? new Set()).add(placeOf(to)));
  }
  // What imports nothing that is left is taken away, again and again; a circle stays.
  for (let before = -1; ways.size !== before; ) {
    before = ways.size;
    for (const [place, targets] of ways)
      if (![...targets].some((target) => ways.has(target))) ways.delete(place);
  }
  expect(ways).toEqual(new Map());
});

test('no folder holds more than 15 files', () => {
  const counts = new Map<string, number>();
  for (const { name } of files) counts.set(dirname(name), (counts.get(dirname(name)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > 15)).toEqual([]);
});

test('nothing is imported from outside of src but package.json, by cli', () => {
  const outside = imports.filter(({ to }) => to.startsWith('..'));
  expect(outside.filter(({ from, to }) => to !== '../package.json' || layerOf(from) !== 'cli')).toEqual([]);
});

test("the script of a report's page, which runs in a browser, imports nothing of the program but the shape of its data, and words", () => {
  const page = 'cli/report/browser/';
  // Neither imports anything itself.
  const shared = ['cli/report/page-data.ts', 'core/words.ts'];
  const own = imports.filter(({ from }) => from.startsWith(page));
  expect(own.length).toBeGreaterThan(0);
  expect(own.filter(({ to }) => !to.startsWith(page) && !shared.includes(to))).toEqual([]);
  expect(imports.filter(({ from }) => shared.includes(from))).toEqual([]);
});

test('what every start of the program loads needs commander alone, and its version and help not even that', () => {
  expect(loadedWith('cli/index.ts')).toEqual({
    files: ['cli/index.ts', 'cli/at-once.ts', 'cli/compiled-code.ts'],
    packages: [],
  });
  const start = loadedWith('cli/start.ts');
  expect(start.files.length).toBeGreaterThan(20);
  expect(start.packages).toEqual(['commander']);
});

/** What is loaded with a file: not types, and not what is imported in the course of a command. */
function loadedWith(file: string): { files: string[]; packages: string[] } {
  const loaded = new Set([file]);
  const packages = new Set<string>();
  for (const name of loaded) {
    const text = files.find((file) => file.name === name)?.text ?? '';
    for (const [, target = ''] of text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gm)) {
      if (target.endsWith('.json')) continue;
      if (target.startsWith('.'))
        loaded.add(
          relative(source, join(source, dirname(name), target))
            .split(sep)
            .join('/'),
        );
      else if (!target.startsWith('node:')) packages.add(target);
    }
  }
  return { files: [...loaded], packages: [...packages] };
}

function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}

function isPackage(target: string): boolean {
  return !target.startsWith('node:') && !isInside(target) && !target.startsWith('..');
}

test('the sandbox needs nothing but node', () => {
  const packages = imports.filter(({ from, to }) => layerOf(from) === 'sandbox' && isPackage(to));
  expect(packages).toEqual([]);
});

describe('only', () => {
  test.each([
    ['cli', ['commander']],
    ['providers', ['openai', '@anthropic-ai/sdk', '@google/genai']],
  ])('%s uses %j', (layer, names) => {
    const users = imports.filter(({ to }) => names.includes(packageOf(to)));
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter(({ from }) => layerOf(from) !== layer)).toEqual([]);
  });

  test('a file named sdk.ts loads an SDK, and it is loaded when a client is opened', () => {
    const loaders = files.flatMap(({ name, text }) =>
      [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gm)].map(([, to = '']) => ({
        name,
        to,
      })),
    );
    const sdks = ['openai', '@anthropic-ai/sdk', '@google/genai'];
    const users = loaders.filter(({ to }) => sdks.includes(packageOf(to))).map(({ name }) => name);
    expect([...new Set(users)].sort()).toEqual(
      ['anthropic', 'google', 'openai'].map((vendor) => `providers/${vendor}/sdk.ts`),
    );
    expect(loaders.filter(({ to }) => /\/(sdk|listed-prices)\.ts$/.test(to))).toEqual([]);
  });

  // Who runs the program, and what the SDKs would read by themselves.
  const readers: Readonly<Record<string, readonly string[]>> = {
    cwd: ['api/options/reach.ts'],
    env: ['providers/transport/transport.ts', 'storage/objects/gcs-store.ts', 'api/options/reach.ts'],
    pid: ['storage/lock-holder.ts'],
    versions: ['api/options/reach.ts'],
  };

  test('cli uses process, but for a few that read its environment or its id', () => {
    const uses = files
      .filter(({ name }) => layerOf(name) !== 'cli')
      .flatMap(({ name, text }) => {
        const code = withoutComments(text);
        const members = [...code.matchAll(/\bprocess(?:\??\.(\w+)|\[)|= process\b|'node:process'/g)];
        return members.map(([, member = 'as a whole']) => ({ name, member }));
      });
    expect(uses.filter(({ name, member }) => !readers[member]?.includes(name))).toEqual([]);
  });

  test('cli prints', () => {
    const users = files
      .filter(({ name, text }) => layerOf(name) !== 'cli' && /\bconsole\.\w/.test(withoutComments(text)))
      .map(({ name }) => name);
    expect(users).toEqual([]);
  });
});

/** What belongs to the command line: its flags, its commands, its file of variables. */
const wordsOfCli =
  /(?<![\w-])--[a-z][a-z-]+|\bloom (?:run|fetch|adopt|list|status|cancel|forget|tokens|report|compare|cache|sandbox|completion)\b|(?<!['\w}])\.env\b/;

test('no text below cli speaks of flags or commands', () => {
  const below = files.filter(({ name }) => !['cli', 'sandbox'].includes(layerOf(name)));
  const wrong = below.flatMap(({ name, text }) =>
    withoutComments(text)
      .split('\n')
      .filter((line) => wordsOfCli.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(wrong).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}
