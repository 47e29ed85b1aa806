/** The library, in programs that have it as a dependency. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Faults } from '../../../src/sandbox/faults.ts';
import { blocksOf, readPage } from '../../pages.ts';
import type { Ended } from '../../program.ts';
import { createSandboxWorld, type SandboxWorld } from '../worlds/sandbox-world.ts';

const project = resolve(import.meta.dirname, '../../..');
let world: SandboxWorld;

beforeEach(() => openWorld());

afterEach(() => world.remove());

async function openWorld(options: { faults?: Faults; turnaroundMs?: number } = {}): Promise<void> {
  world = await createSandboxWorld(options);
  await mkdir(join(world.folder, 'node_modules'));
  await symlink(project, join(world.folder, 'node_modules', 'loom-batch'), 'junction');
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,\n');
}

/** Runs the body of a module that has the whole library as `loom`, and `input` of data.csv at OpenAI. */
async function runProgram(body: string): Promise<Ended> {
  await world.write(
    'program.mjs',
    `import * as loom from 'loom-batch';
const input = { file: 'data.csv', col: 'text', provider: 'openai', model: 'm' };
${body}`,
  );
  return world.shell(`'${process.execPath}' program.mjs`);
}

test('runSync writes the output, tells of each row, and prints nothing', async () => {
  const ended = await runProgram(`
const seen = [];
const summary = await loom.runSync({
  ...input, output: 'out.csv', 
  onEvent: (event) => { if (event.type === 'progress') seen.push(event.done + '/' + event.total); },
});
const { rows, answered, blankRows, failed, cacheHits } = summary;
console.log(JSON.stringify({ rows, answered, blankRows, failed, cacheHits, last: seen.at(-1) }));`);
  expect(ended).toEqual({
    code: 0,
    stdout: '{"rows":3,"answered":2,"blankRows":1,"failed":0,"cacheHits":0,"last":"2/2"}\n',
    stderr: '',
  });
  expect(await world.read('out.csv')).toBe(
    'id,text,llm_response\n1,Hello,Sandbox answer from m: Hello\n2,World,Sandbox answer from m: World\n3,,\n',
  );
});

test('submitBatch and fetchBatches do in two programs what run and fetch do', async () => {
  const submitted = await runProgram(`
const { kind, batches, output } = await loom.submitBatch({ ...input, withMeta: true });
console.log(kind, batches, output.endsWith('data_results_openai_m.csv'));`);
  expect(submitted).toEqual({ code: 0, stdout: 'submitted 1 true\n', stderr: '' });
  const fetched = await runProgram(`
for (;;) {
  const { jobs, merged, pending, errors, troubled } = await loom.fetchBatches();
  if (merged.length + errors.length > 0) {
    console.log(jobs, merged.length, merged[0]?.summary.answered, errors.length, troubled);
    break;
  }
  if (pending.length !== 1) throw new Error('not pending');
  await new Promise((resolve) => setTimeout(resolve, 50));
}`);
  expect(fetched).toEqual({ code: 0, stdout: '1 1 2 0 false\n', stderr: '' });
  expect(await world.read('data_results_openai_m.csv')).toContain(
    '1,Hello,Sandbox answer from m: Hello,openai,m\n',
  );
  expect((await world.loom('list')).stdout).toContain('No batches');
});

test('while a part waits in the queue, fetchBatches says so, and a later one submits it', async () => {
  await world.remove();
  await openWorld({ faults: { queue: { openai: 1 } }, turnaroundMs: 1_500 });
  const ended = await runProgram(`
await loom.submitBatch({ ...input, batchSize: 1 });
let waits = false;
for (;;) {
  const { pending, queued, merged } = await loom.fetchBatches();
  waits ||= queued.length === 1 && queued[0].jobId.startsWith('job_') && queued[0].part === 2;
  if (pending.length + queued.length === 0) {
    console.log(waits, merged.length, merged[0]?.summary.answered);
    break;
  }
}`);
  expect(ended).toEqual({ code: 0, stdout: 'true 1 2\n', stderr: '' });
});

test('a batch that ended early is not among the pending ones', async () => {
  await world.remove();
  await openWorld({ faults: { batches: [{ end: 'expired' }] } });
  const ended = await runProgram(`
await loom.submitBatch(input);
for (;;) {
  const { pending, ended, troubled } = await loom.fetchBatches();
  if (pending.length > 0) continue;
  console.log(ended.map(({ status }) => status), troubled, (await loom.fetchBatches()).ended.length);
  break;
}`);
  expect(ended).toEqual({ code: 0, stdout: "[ 'expired' ] true 0\n", stderr: '' });
});

test('fetchBatches waits for what submitBatch submitted, and tells each change', async () => {
  const ended = await runProgram(`
const { id } = await loom.submitBatch(input);
const words = [];
const onEvent = ({ type, record }) => {
  if (type === 'status') words.push(record.status);
  if (type === 'ready') words.push('completed');
};
const { merged, pending, timedOut, troubled } = await loom.fetchBatches({ id, wait: { intervalMs: 10 }, onEvent });
console.log(merged.length, merged[0].summary.answered, pending.length, timedOut, troubled);
const changes = words.filter((word, place) => word !== words[place - 1]);
console.log(words.at(-1), words.length < 10, changes.length === new Set(words).size);`);
  expect(ended).toEqual({ code: 0, stdout: '1 2 0 false false\ncompleted true true\n', stderr: '' });
});

test('a wait that times out tells what is pending, and times that are none are refused', async () => {
  await world.remove();
  await openWorld({ turnaroundMs: 3_600_000 });
  const ended = await runProgram(`
await loom.submitBatch(input);
const { timedOut, pending, merged } = await loom.fetchBatches({ wait: { intervalMs: 10, timeoutMs: 2_000 } });
console.log(timedOut, pending.length, merged.length);
await loom.fetchBatches({ wait: { timeoutMs: -1 } }).catch((error) => console.log(error.kind, error.message));`);
  expect(ended).toEqual({
    code: 0,
    stdout: 'true 1 0\nusage wait.timeoutMs must be a number of milliseconds above 0, not -1.\n',
    stderr: '',
  });
});

test('a wait for a batch that nobody knows ends at once, and its timeout with it', async () => {
  const ended = await runProgram(`
const startedAt = Date.now();
process.on('exit', () => console.log(Date.now() - startedAt < 60_000));
const wait = { timeoutMs: 3_600_000 };
await loom.fetchBatches({ id: 'batch_none', wait }).catch(({ message }) => console.log(message));`);
  expect(ended).toEqual({ code: 0, stdout: 'no stored batch found for id=batch_none.\ntrue\n', stderr: '' });
});

test('what the calls of a run cost is told, and unknown where no price is', async () => {
  const ended = await runProgram(`
const { usage } = await loom.runSync({ ...input, model: 'gpt-4o-mini', withUsage: true });
console.log(JSON.stringify(usage), (await loom.runSync({ ...input, output: 'out.csv' })).usage.cost);
console.log((await loom.runSync({ ...input, output: 'out.csv', overwrite: true })).usage);`);
  const stdout = '{"inputTokens":4,"outputTokens":20,"cost":0.0000126} undefined\nundefined\n';
  expect(ended).toEqual({ code: 0, stdout, stderr: '' });
});

test('an output in the way is an error before anything is sent, and overwrite lets it go', async () => {
  await world.write('out.csv', 'mine');
  const ended = await runProgram(`
for (const work of [loom.runSync, loom.submitBatch]) {
  await work({ ...input, output: 'out.csv' }).catch((error) => console.log(error instanceof loom.LoomError, error.kind));
}
await loom.runSync({ ...input, output: 'out.csv', overwrite: true });`);
  expect(ended).toEqual({ code: 0, stdout: 'true output\ntrue output\n', stderr: '' });
  expect(await world.read('out.csv')).toContain('Sandbox answer');
});

test('an aborted signal ends the work with its reason, and what was answered is kept', async () => {
  await world.write(
    'data.csv',
    `id,text\n${Array.from({ length: 50 }, (_, row) => `${row},Row ${row}\n`).join('')}`,
  );
  const ended = await runProgram(`
const stop = new AbortController();
const onEvent = ({ type, done }) => { if (type === 'progress' && done === 10) stop.abort(new Error('enough')); };
await loom.runSync({ ...input, workers: 1, signal: stop.signal, onEvent }).catch((error) => console.log(error.message));
const { cacheHits } = await loom.runSync(input);
console.log(cacheHits >= 10 && cacheHits < 50);
await loom.runSync({ ...input, signal: AbortSignal.abort('early') }).catch((reason) => console.log(reason));`);
  expect(ended).toEqual({ code: 0, stdout: 'enough\ntrue\nearly\n', stderr: '' });
});

test('a key is taken from the options, else from the environment, never from .env', async () => {
  await world.write('.env', `OPENAI_API_KEY=${world.environment.OPENAI_API_KEY}`);
  const ended = await runProgram(`
const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl } = process.env;
delete process.env.OPENAI_API_KEY;
delete process.env.OPENAI_BASE_URL;
await loom.runSync(input).catch((error) => console.log(error.kind, error.message, error.hint));
console.log((await loom.runSync({ ...input, apiKey, baseUrl })).answered);`);
  expect(ended).toEqual({
    code: 0,
    stdout: 'key no API key for OpenAI. Set OPENAI_API_KEY, or give apiKey.\n2\n',
    stderr: '',
  });
});

test("a key or an address that is one provider's does not reach batches of another", async () => {
  const ended = await runProgram(`
for (const provider of ['openai', 'anthropic']) await loom.submitBatch({ ...input, provider });
for (const options of [{ apiKey: 'sk-mine' }, { baseUrl: process.env.OPENAI_BASE_URL }]) {
  await loom.fetchBatches(options).catch((error) => console.log(error.kind, error.message, error.hint));
}`);
  const refusal = (option: string) =>
    `input ${option} can't serve pending batches of several providers (anthropic, openai). ` +
    'Name one batch with id, or set the variables of each provider instead.\n';
  expect(ended).toEqual({ code: 0, stdout: refusal('apiKey') + refusal('baseUrl'), stderr: '' });
  for (const provider of ['openai', 'anthropic'] as const)
    expect(await world.countCalls(provider)).not.toHaveProperty('getBatch');
});

test('home and cacheDir hold the state', async () => {
  await runProgram(`await loom.runSync({ ...input, home: 'state', cacheDir: 'answers' });`);
  expect(await world.listState()).toEqual([]);
  const { stdout } = await world.shell('ls answers | wc -l; ls state');
  expect(stdout).toBe('4\nhistory\nlocks\nloom-home.json\nresults\n');
});

test('what a caller has wrong is a LoomError that says so', async () => {
  const ended = await runProgram(`
const wrong = [{ col: 'txt' }, { limit: 1, sample: 1 }, { limit: 0 }, { col: undefined, prompt: 'none' }, { provider: 'nobody' }];
for (const options of wrong) {
  await loom.runSync({ ...input, ...options }).catch((error) => console.log(error.name, error.kind, error.message));
}`);
  expect(ended.stderr).toBe('');
  expect(ended.stdout).toBe(
    [
      `LoomError input ${world.folder}/data.csv: no column "txt"; it has the columns "id", "text".`,
      'LoomError usage limit and sample exclude each other.',
      'LoomError usage limit must be a whole number of at least 1, not 0.',
      'LoomError usage prompt has no placeholder: every row would ask the same.',
      'LoomError usage there is no provider "nobody".',
      '',
    ].join('\n'),
  );
});

test('workers and batchSize are whole numbers', async () => {
  const ended = await runProgram(`
const calls = [
  [loom.runSync, { workers: 0 }], [loom.countTokens, { workers: NaN }],
  [loom.submitBatch, { batchSize: 0 }], [loom.submitBatch, { batchSize: '10' }],
];
for (const [work, options] of calls) await work({ ...input, ...options }).catch(({ kind, message }) => console.log(kind, message));`);
  expect(ended).toEqual({
    code: 0,
    stdout: [
      'usage workers must be a whole number of at least 1, not 0.',
      'usage workers must be a whole number of at least 1, not NaN.',
      'usage batchSize must be a whole number of at least 1, not 0.',
      'usage batchSize must be a whole number of at least 1, not 10.',
      '',
    ].join('\n'),
    stderr: '',
  });
});

test('file is about one batch', async () => {
  const ended = await runProgram(`
await loom.fetchBatches({ partial: true });
await loom.fetchBatches({ file: 'data.csv' }).catch(({ kind, message }) => console.log(kind, message));`);
  expect(ended).toEqual({ code: 0, stdout: 'usage file is about one batch.\n', stderr: '' });
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

test('the program on the page of the library runs', async () => {
  const [program = ''] = blocksOf(readPage('docs/library.md'), 'js');
  await copyFile(join(project, 'examples', 'reviews.csv'), join(world.folder, 'reviews.csv'));
  await world.write('page.mjs', program);
  const ended = await world.shell(`'${process.execPath}' page.mjs`);
  expect(ended).toEqual({ code: 0, stdout: '3 of 3 rows answered, 0 from the cache\n', stderr: '' });
});

test('the second program on that page runs, and leaves nothing', async () => {
  await world.remove();
  await openWorld({ turnaroundMs: 3_600_000 });
  const [, program = ''] = blocksOf(readPage('docs/library.md'), 'js');
  await copyFile(join(project, 'examples', 'reviews.csv'), join(world.folder, 'reviews.csv'));
  await world.write('page.mjs', program);
  expect(await world.shell(`'${process.execPath}' page.mjs`)).toEqual({
    code: 0,
    stdout: [
      'planned\nsubmitted\nannounced\n',
      'pending: part 1 of 1, of gpt-4o-mini\n',
      '3 rows, the input is unchanged\n',
      '1 cancelled, 1 forgotten\n',
    ].join(''),
    stderr: '',
  });
  expect((await world.loom('list')).stdout).toContain('No batches');
});

test('what a run would cost, an estimate of tokens, the cache and a report need no key', async () => {
  const ended = await runProgram(`
await loom.runSync({ ...input, output: 'out.csv', limit: 1 });
const { requests, cachedRows, batches, outputExists } = await loom.previewRun(input);
delete process.env.OPENAI_API_KEY;
console.log(requests, cachedRows, batches, outputExists, (await loom.estimateTokens(input)).inputTokens > 0);
const { survey, page } = await loom.reportOutput({ target: 'out.csv' });
console.log(survey.rows, JSON.stringify(survey.counts), page);
console.log((await loom.measureCache()).entries, (await loom.clearCache()).removed, (await loom.clearCache()).removed);`);
  const counts = '{"answered":1,"failed":0,"blank":0,"unanswered":0}';
  expect(ended).toEqual({
    code: 0,
    stdout: `1 1 1 false true\n1 ${counts} undefined\n1 1 undefined\n`,
    stderr: '',
  });
});

test('an input may be a stream, and a batch that is known nowhere is adopted', async () => {
  const ended = await runProgram(`
async function* content() { yield Buffer.from('text\\nHello\\n'); }
const live = { ...input, file: { content: content(), format: 'csv' } };
await loom.runSync({ ...live, deliver: async (path) => console.log(await (await import('node:fs/promises')).readFile(path, 'utf8')) });
const { id } = await loom.submitBatch({ ...input, cache: false });
await loom.forgetBatches({ ids: [id] });
const { record, batch } = await loom.adoptBatch({ ...input, cache: false, id });
console.log(record.batch_id === id, batch.status);
await loom.runSync({ ...input, events: { onRetry() {} } }).catch((error) => console.log(error.kind, error.message));`);
  expect(ended).toEqual({
    code: 0,
    stdout: [
      'text,llm_response\nHello,Sandbox answer from m: Hello\n\n',
      'true validating\n',
      'usage events is not an option any more.\n',
    ].join(''),
    stderr: '',
  });
});

test('its types hold for a program in TypeScript', async () => {
  await world.write(
    'program.mts',
    `import { type FetchedBatches, fetchBatches, runSync, type SyncSummary } from 'loom-batch';
const summary: SyncSummary = await runSync({ file: 'a.csv', provider: 'openai', model: 'm', settings: { top_p: 1 } });
const rows: number = summary.rows;
const fetched: FetchedBatches = await fetchBatches({ id: 'x', onEvent: (event) => event.type === 'status' && event.record.batch_id.length });
// @ts-expect-error: there is no such provider
await runSync({ file: 'a.csv', provider: 'nobody', model: 'm' });
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
