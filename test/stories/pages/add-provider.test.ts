/** A provider that is added to a copy of the project by the two steps in CONTRIBUTING.md, taken from the page as they stand. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const project = resolve(import.meta.dirname, '../../..');
/** A compiler, a linter and a test runner at once, beside whatever else the machine does. */
const patience = 10 * 60_000;
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'loom-provider-'));
  const parts = ['src', 'test/providers', 'test/stories/worlds'].concat(
    ['program.ts', 'in-process.ts', 'loom-host.ts'].map((name) => join('test', name)),
    // Without its time limits Vitest gives a test five seconds, which a machine with other work may need.
    ['package.json', 'tsconfig.json', 'biome.json', 'vitest.config.ts'],
  );
  for (const part of parts) await cp(join(project, part), join(copy, part), { recursive: true });
  const story = 'test/stories/pages/added-provider';
  await cp(join(project, `${story}.story.ts`), join(copy, `${story}.test.ts`));
  // The thread of the cache is that of the build.
  for (const folder of ['node_modules', 'dist'])
    await symlink(join(project, folder), join(copy, folder), 'junction');
  const page = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
  for (const block of readSteps(page).flat()) await applyBlock(block);
  await forbidCancel();
}, patience);

afterAll(() => rm(copy, { recursive: true, force: true, maxRetries: 3 }));

interface Block {
  readonly kind: string;
  /** Relative to the project. */
  readonly path: string;
  readonly lines: readonly string[];
}

/** The blocks of code of each step. */
function readSteps(page: string): Block[][] {
  const [, section = ''] = /^### Add a provider in two steps$(.*?)^##/ms.exec(page) ?? [];
  const steps = section.split(/^(?=\d+\. )/m).slice(1);
  return steps.map((step) =>
    [...step.matchAll(/^ {3}```(ts|diff)\n(.*?)^ {3}```$/gms)].map(([, kind = '', text = '']) => {
      const [first = '', ...lines] = text.split('\n').map((line) => line.slice(3));
      return { kind, path: first.replace(/^ ?\/\/ /, ''), lines };
    }),
  );
}

/** A file as a whole, or lines of one that is there, which must stand in it just once. */
async function applyBlock({ kind, path, lines }: Block): Promise<void> {
  const file = join(copy, path);
  if (kind === 'ts') {
    await mkdir(dirname(file), { recursive: true });
    return writeFile(file, lines.join('\n'), { flag: 'wx' });
  }
  const pick = (sign: string) =>
    lines.filter((line) => line && !line.startsWith(sign)).map((line) => `${line.slice(1)}\n`);
  const text = await readFile(file, 'utf8');
  const places = text.split(pick('+').join(''));
  expect(places, `${path} has the lines of the block once`).toHaveLength(2);
  await writeFile(file, places.join(pick('-').join('')));
}

/** As it is at some vendors; Morph has a call for it. */
async function forbidCancel(): Promise<void> {
  const file = join(copy, 'src/providers/openai/profiles.ts');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace('10_000, bytes: 100_000_000 },\n      priceShare: 0.5,', '$&\n      cancels: false,'),
  );
}

/** Runs a script in the copy; its output is in the error when it fails. */
async function inCopy(script: string, ...args: string[]): Promise<void> {
  const command = [resolve(copy, script), ...args];
  await promisify(execFile)(process.execPath, command, { cwd: copy }).catch(({ stdout, stderr }) => {
    throw new Error(`${script} failed:\n${stdout}${stderr}`);
  });
}

test(
  'there are two steps, and the compiler, the linter, the conformance suite and a story of the provider take them',
  async () => {
    const page = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8');
    expect(readSteps(page).map((blocks) => blocks.length > 0)).toEqual([true, true]);
    await Promise.all([
      inCopy('node_modules/typescript/bin/tsc', '-p', '.'),
      inCopy(
        'node_modules/@biomejs/biome/bin/biome',
        'check',
        '--error-on-warnings',
        '--vcs-enabled=false',
        'src',
        'test',
      ),
      inCopy(
        'node_modules/vitest/vitest.mjs',
        ...['run', '--experimental.fsModuleCache=false'],
        ...['openai/profiles', 'added-provider', '-t', 'Morph'],
      ),
    ]);
  },
  patience,
);
