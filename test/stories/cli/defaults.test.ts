/** Defaults of flags from loom.config.json or package.json: what they do, what wins over them, what is refused. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Ajv from 'ajv';
import { beforeEach, describe, expect, test } from 'vitest';
import { say, startHttpServer } from '../worlds/http-server.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text,other\n1,Hello,World\n'));

const order = { provider: 'openai', model: 'm', col: 'text' };
const live = ['run', '-f', 'data.csv', '--sync', '--force'];
const output = 'data_results_openai_m.csv';

function configure(fields: object, name = 'loom.config.json'): Promise<string> {
  return world.write(name, JSON.stringify(fields));
}

async function expectRun(...args: string[]): Promise<string> {
  const ended = await world.loom(...args);
  expect(ended).toMatchObject({ code: 0 });
  return ended.stderr;
}

test('flags that a command needs may come from the file', async () => {
  await configure(order);
  await expectRun(...live);
  expect(await world.read(output)).toContain(',llm_response\n1,Hello,World,Sandbox answer from m: Hello\n');
});

test('package.json may hold them in its field loom, and loom.config.json comes before it', async () => {
  await configure({ name: 'mine', loom: { ...order, model: 'n' } }, 'package.json');
  expect(await expectRun(...live)).toContain('model=n ');
  await configure(order);
  expect(await expectRun(...live)).toContain('model=m ');
});

test('a package.json without that field is passed by, and so is one that is no JSON and does not name it', async () => {
  await configure({ name: 'mine', dependencies: { loom: '1.0.0' } }, 'package.json');
  expect((await world.loom(...live)).stderr).toBe(
    "Error: required options '-p, --provider <name>' and '-m, --model <id>' not specified. For example: loom run -f data.csv -c text -p openai -m gpt-4o-mini --sync\n",
  );
  await world.write('package.json', '{');
  expect((await world.loom('list')).code).toBe(0);
});

test('--config and LOOM_CONFIG name another file, and --no-config none', async () => {
  await configure(order);
  await configure({ ...order, model: 'flag' }, 'a.json');
  await configure({ ...order, model: 'variable' }, 'b.json');
  world.environment.LOOM_CONFIG = 'b.json';
  expect(await expectRun(...live)).toContain('model=variable ');
  expect(await expectRun(...live, '--config', 'a.json')).toContain('model=flag ');
  expect((await world.loom(...live, '--no-config')).code).toBe(2);
  delete world.environment.LOOM_CONFIG;
  await world.write('.env', 'LOOM_CONFIG=b.json\n');
  expect(await expectRun(...live)).toContain('model=variable ');
  const gone = await world.loom('list', '--config=gone.json');
  expect([gone.code, gone.stderr]).toEqual([
    2,
    `Error: there is no file ${join(world.folder, 'gone.json')}. --config names a file of defaults; see loom run --help.\n`,
  ]);
});

test('fields may be written as the flags are', async () => {
  await configure({ ...order, 'with-meta': true, withError: true, 'no-cache': true });
  expect(await expectRun(...live)).toContain('cache=off');
  expect(await world.read(output)).toContain('id,text,other,llm_response,llm_provider,llm_model,llm_error\n');
});

test('a command may have its own, which win over those of all', async () => {
  await configure({ ...order, workers: 2, col: 'text', run: { workers: 3, prompt: 'Say {{other}}' } });
  expect(await expectRun(...live)).toContain('workers=3 ');
  expect(await world.read(output)).toContain('Sandbox answer from m: Say World\n');
});

test('flags win, switch off what is on, and put aside what they exclude', async () => {
  await configure({ ...order, withMeta: true, noCache: true, stop: ['a', 'b'], prompt: undefined });
  expect(await expectRun(...live, '--no-with-meta', '--cache', '--stop', 'llo', '-m', 'n')).toContain(
    'cache=on',
  );
  expect(await world.read('data_results_openai_n.csv')).toBe(
    'id,text,other,llm_response\n1,Hello,World,Sandbox answer from n: He\n',
  );
  await configure({ ...order, col: undefined, prompt: 'Say {{other}}', run: { sync: true } });
  await expectRun('run', '-f', 'data.csv', '-c', 'text', '--force');
  expect(await world.read(output)).toContain('Sandbox answer from m: Hello\n');
  expect((await world.loom('run', '-f', 'data.csv', '--batch')).stdout).toContain('Batch submitted.');
});

test('how to wait counts only where a command waits', async () => {
  await configure({ ...order, wait: true, interval: '1m', timeout: '2h' });
  await expectRun(...live);
  await configure({ ...order, interval: '1m', timeout: '2h' });
  await expectRun('fetch');
});

describe('where nothing ends,', () => {
  const world = useWorld(() => createSandboxWorld({ turnaroundMs: 600_000 }));

  test('a timeout of the file counts for a run that waits', async () => {
    await world.write('data.csv', 'text\nHello\n');
    await world.write('loom.config.json', JSON.stringify({ ...order, timeout: '1s' }));
    const ended = await world.loom('run', '-f', 'data.csv', '--force', '--wait');
    expect(ended.stderr).toMatch(/\nError: timed out after 1s: /);
  });
});

test.each([
  [['run'], "required option '-f, --file <path>' not specified."],
  [['run', '--fil', 'data.csv'], "unknown option '--fil'."],
])('with outputFormat json the mistake in %j is told as JSON', async (args, message) => {
  await configure({ ...order, outputFormat: 'json' });
  const ended = await world.loom(...args);
  expect(ended.code).toBe(2);
  expect(JSON.parse(ended.stdout)).toMatchObject({ exit_code: 2, error: { kind: 'usage', message } });
  expect(await world.loom(...args, '--output-format', 'text')).toMatchObject({ code: 2, stdout: '' });
});

test('settings of requests may stand in it', async () => {
  await configure({ ...order, temperature: 0.5, maxTokens: 3, param: { user: 'me' }, system: '@note.txt' });
  await world.write('note.txt', 'Be kind.');
  const server = await startHttpServer(() => say('fine'));
  try {
    await expectRun(...live, '--base-url', server.url);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      ...{ model: 'm', temperature: 0.5, max_completion_tokens: 3, user: 'me' },
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Hello' },
      ],
    });
  } finally {
    await server.close();
  }
});

test('paths in it are taken from its folder', async () => {
  await mkdir(join(world.folder, 'project'));
  await configure(
    { ...order, run: { output: 'out.csv', file: '../data.csv' } },
    join('project', 'loom.json'),
  );
  await expectRun('run', '--sync', '--config', 'project/loom.json');
  expect(await world.read(join('project', 'out.csv'))).toContain('Sandbox answer');
});

test('LOOM_CACHE_DIR wins over its cacheDir, and --cache-dir over both', async () => {
  await configure({ ...order, cacheDir: 'of-file' });
  const named = [...live, '--config', 'loom.config.json'];
  await expectRun(...named);
  expect(await world.listFolder()).toContain('of-file');
  await world.write('.env', 'LOOM_CACHE_DIR=of-variable\n');
  await expectRun(...named);
  expect(await world.listFolder()).toContain('of-variable');
  await expectRun(...named, '--cache-dir', 'of-flag');
  expect(await world.listFolder()).toContain('of-flag');
});

test('LOOM_DEBUG=1 tells which file was used', async () => {
  await configure(order);
  world.environment.LOOM_DEBUG = '1';
  expect((await world.loom('list')).stderr).toContain(
    `\ndefaults: ${join(world.folder, 'loom.config.json')}\n`,
  );
});

describe('refused, with the file and the field, by every command:', () => {
  const unknown = (field: string, meant: string) =>
    `: unknown field ${field}. Did you mean ${meant}? Fields are flags without their dashes; see loom run --help.`;

  test.each<[object | string, string]>([
    [{ provder: 'openai' }, unknown('provder', 'provider')],
    [{ rum: {} }, unknown('rum', 'run')],
    [{ run: { wrkers: 1 } }, unknown('run.wrkers', 'workers')],
    [{ workers: 0 }, ': workers is 0. It must be a whole number of at least 1.'],
    [
      { run: { 'batch-size': 'many' } },
      ': run.batch-size is "many". It must be a whole number of at least 1.',
    ],
    [{ withMeta: 'yes' }, ': withMeta is "yes". It must be true or false.'],
    [{ model: ['a'] }, ': model is ["a"]. It must be a text or a number.'],
    [{ col: 'a', prompt: 'b' }, ": prompt can't stand beside col. Leave one of them out."],
    [
      { 'with-meta': true, withMeta: true },
      ": withMeta can't stand beside with-meta. Leave one of them out.",
    ],
    [{ output: 'a.csv' }, ': output belongs to one command. Write it as {"run": {"output": …}}.'],
    [
      { force: true },
      ": force can't have a default. Overwriting without asking must be said each time: pass --force.",
    ],
    [
      '{"model": "m",\n "col": }',
      ' is not JSON: something is wrong on line 2, at column 9. Mend it, or pass --no-config.',
    ],
    [
      '{"model": "m"',
      ' is not JSON: something is wrong on line 1, at column 14. Mend it, or pass --no-config.',
    ],
    ['[]', ' is not a JSON object. It looks like {"provider": "openai", "run": {"workers": 16}}.'],
  ])('%j', async (content, says) => {
    const path = await world.write(
      'loom.config.json',
      typeof content === 'string' ? content : JSON.stringify(content),
    );
    expect(await world.loom('list')).toEqual({ code: 2, stdout: '', stderr: `Error: ${path}${says}\n` });
    expect((await world.loom('list', '--help')).code).toBe(0);
    expect((await world.loom('list', '--no-config')).code).toBe(0);
  });

  test.each(['apiKey', 'api-key'])('%s, and its value is not shown', async (name) => {
    const path = await configure({ run: { [name]: 'sk-marker' } });
    expect((await world.loom('list')).stderr).toBe(
      `Error: ${path}: run.${name} can't have a default. A key has no place in a file that is shared: set the variable of the provider in the environment or in .env, or pass --api-key.\n`,
    );
  });

  test('baseUrl: the key would follow it', async () => {
    await configure({ baseUrl: 'http://evil.example.com' });
    expect((await world.loom('list')).stderr).toContain("baseUrl can't have a default. The key goes where");
  });
});

test('provider and model of all commands do not cut down what others list or delete', async () => {
  await expectRun(...live, '-p', 'openai', '-m', 'm', '-c', 'text');
  await configure({ ...order, provider: 'google', model: 'other' });
  expect((await world.loom('cache', 'clear', '--yes')).stdout).toBe('Cache cleared. Removed 1 files.\n');
});

test('the schema for editors, which comes with the package, takes what loom takes', async () => {
  const schema = JSON.parse(
    await readFile(join(import.meta.dirname, '../../../dist/loom.config.schema.json'), 'utf8'),
  );
  const validate = new Ajv.default({ strict: false }).compile(schema);
  const good = {
    $schema: './x.json',
    ...order,
    'max-tokens': 5,
    stop: ['a'],
    attach: ['photo', 'img/{{id}}.png'],
    run: { sync: true, output: 'a.csv' },
  };
  expect([validate(good), validate.errors]).toEqual([true, null]);
  for (const wrong of [
    { apiKey: 'k' },
    { provider: 7 },
    { workers: 'many' },
    { run: { wrkers: 1 } },
    { output: 'a' },
  ])
    expect([wrong, validate(wrong)]).toEqual([wrong, false]);
});
