/** The library, in programs that have it as a dependency. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blocksOf, readPage } from '../../pages.ts';
import { createSandboxWorld, type SandboxWorld } from '../worlds/sandbox-world.ts';

const project = resolve(import.meta.dirname, '../../..');
let world: SandboxWorld;

beforeEach(() => openWorld());

afterEach(() => world.remove());

async function openWorld(options: { turnaroundMs?: number } = {}): Promise<void> {
  world = await createSandboxWorld(options);
  await mkdir(join(world.folder, 'node_modules'));
  await symlink(project, join(world.folder, 'node_modules', 'loom-batch'), 'junction');
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,\n');
}

test('a program does what run and fetch do; nothing is printed, and a wait keeps no program from its end', async () => {
  await world.write(
    'program.mjs',
    `import * as loom from 'loom-batch';
const startedAt = Date.now();
process.on('exit', () => console.log(Date.now() - startedAt < 60_000));
const input = { file: 'data.csv', col: 'text', provider: 'openai', model: 'm' };
const { rows, answered, blankRows } = await loom.runSync({ ...input, output: 'out.csv', home: 'state', cacheDir: 'answers' });
console.log(rows, answered, blankRows);
const { kind, batches, output } = await loom.submitBatch({ ...input, withMeta: true });
console.log(kind, batches, output.endsWith('data_results_openai_m.csv'));
const { jobs, merged, errors, troubled } = await loom.fetchBatches({ wait: { intervalMs: 10, timeoutMs: 3_600_000 } });
console.log(jobs, merged.length, merged[0]?.summary.answered, errors.length, troubled);
await loom.fetchBatches({ id: 'batch_none', wait: { timeoutMs: 3_600_000 } }).catch(({ message }) => console.log(message));`,
  );
  expect(await world.shell(`'${process.execPath}' program.mjs`)).toEqual({
    code: 0,
    stdout: '3 2 1\nsubmitted 1 true\n1 1 2 0 false\nno stored batch found for id=batch_none.\ntrue\n',
    stderr: '',
  });
  expect(await world.read('data_results_openai_m.csv')).toContain(
    '1,Hello,Sandbox answer from m: Hello,openai,m\n',
  );
  expect((await world.loom('list')).stdout).toContain('No batches');
  const { stdout } = await world.shell('ls answers | wc -l; ls state');
  expect(stdout).toBe('4\nhistory\nlocks\nloom-home.json\nresults\n');
});

test('the example in examples/ runs as its first lines say', async () => {
  const examples = join(project, 'examples');
  await copyFile(join(examples, 'library.mjs'), join(world.folder, 'library.mjs'));
  await copyFile(join(examples, 'reviews.csv'), join(world.folder, 'reviews.csv'));
  expect(await world.shell(`'${process.execPath}' library.mjs reviews.csv text`)).toEqual({
    code: 0,
    stdout:
      '3 rows have 28 tokens\nlive: 3 of 3 answered, 0 of them before\nsubmitted as msgbatch\nbatch: 3 of 3 answered\n',
    stderr: '',
  });
});

test('the programs on the page of the library run, and leave nothing', async () => {
  await world.remove();
  await openWorld({ turnaroundMs: 3_600_000 });
  await copyFile(join(project, 'examples', 'reviews.csv'), join(world.folder, 'reviews.csv'));
  const programs = blocksOf(readPage('docs/library.md'), 'js');
  expect(programs).toHaveLength(2);
  for (const [place, program] of programs.entries()) await world.write(`${place}.mjs`, program);
  await world.write('both.mjs', "await import('./1.mjs');\nawait import('./0.mjs');\n");
  expect(await world.shell(`'${process.execPath}' both.mjs`)).toEqual({
    code: 0,
    stdout: [
      'planned\nsubmitted\nannounced\n',
      'pending: part 1 of 1, of gpt-4o-mini\n',
      '3 rows, the input is unchanged\n',
      '1 cancelled, 1 forgotten\n',
      '3 of 3 rows answered, 0 from the cache\n',
    ].join(''),
    stderr: '',
  });
  expect((await world.loom('list')).stdout).toContain('No batches');
});

test('its types hold for a program in TypeScript', async () => {
  await world.write(
    'program.mts',
    `import { type FetchedBatches, fetchBatches, runSync, type SyncSummary } from 'loom-batch';
const summary: SyncSummary = await runSync({ file: 'a.csv', provider: 'openai', model: 'm', settings: { top_p: 1 } });
const rows: number = summary.rows;
const fetched: FetchedBatches = await fetchBatches({ id: 'x', onEvent: (event) => event.type === 'status' && event.record.batch_id.length });
// @ts-expect-error: a provider has a name
await runSync({ file: 'a.csv', provider: 7, model: 'm' });
export { fetched, rows };
`,
  );
  const options = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noEmit: true,
    types: [],
    skipLibCheck: true,
  };
  await world.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['program.mts'] }));
  const compiler = join(project, 'node_modules/typescript/bin/tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', '.'], {
    cwd: world.folder,
  });
  expect(stdout).toBe('');
});
