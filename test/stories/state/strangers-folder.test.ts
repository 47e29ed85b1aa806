/** A project that came from somebody else: what the files in its folder can bring about, and what they can't. */
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sandboxKey } from '../../../src/sandbox/server.ts';
import { makePipe } from '../../make-pipe.ts';
import { type Ended, runArgs } from '../../program.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
  await writeFile(join(world.home, 'secret.txt'), 'a secret of the person');
});

const order = { provider: 'openai', model: 'm', col: 'text' };
const run = { file: 'data.csv', sync: true };
const noServer = 'http://127.0.0.1:1/v1';

function configure(fields: object): Promise<string> {
  return world.write('loom.config.json', JSON.stringify({ ...order, ...fields }));
}

/** That nothing was sent or written. */
async function expectRefused(ended: Ended, message: string): Promise<void> {
  expect(ended).toEqual({ code: 1, stdout: '', stderr: `Error: ${message}\n` });
  expect(await world.countCalls('openai')).toEqual({});
  expect(await world.listFolder()).not.toContain('data_results_openai_m.csv');
}

function hintFor(flag: string, config = 'loom.config.json'): string {
  return `If you want that, pass ${flag} yourself, or trust the whole file by naming it: --config ${config}, or LOOM_CONFIG. --no-config leaves the file out.`;
}

describe('a file of defaults that nobody named', () => {
  test.each([
    ['a system text', 'system', { system: '@../home/secret.txt' }],
    ['a prompt', 'prompt', { col: undefined, prompt: '@../home/secret.txt' }],
    ['a schema', 'schema', { schema: '../home/secret.txt' }],
    ['fields', 'fields', { fields: '@../home/secret.txt' }],
    ['examples', 'few-shot', { fewShot: '../home/secret.txt' }],
    ['an input', 'file', { run: { ...run, file: '../home/secret.txt' } }],
    ['an output', 'output', { run: { ...run, output: '../home/secret.txt' } }],
  ])('can’t have %s outside of its folder', async (_, flag, fields) => {
    const path = await configure({ run, ...fields });
    const secret = join(world.home, 'secret.txt');
    const message = `${path} sets --${flag} to ${secret}, and that is outside of its folder. ${hintFor(`--${flag}`)}`;
    await expectRefused(await world.loom('run'), message);
    expect(await readFile(secret, 'utf8')).toBe('a secret of the person');
  });

  test('nor where the path is absolute, or a link in the folder leads out', async () => {
    const secret = join(world.home, 'secret.txt');
    const path = await configure({ run, system: `@${secret}` });
    const message = `${path} sets --system to ${secret}, and that is outside of its folder.`;
    await expectRefused(await world.loom('run'), `${message} ${hintFor('--system')}`);
    await symlink(world.home, join(world.folder, 'docs'));
    await configure({ run, system: '@docs/secret.txt' });
    const link = join(world.folder, 'docs', 'secret.txt');
    await expectRefused(
      await world.loom('run'),
      `${path} sets --system to ${link}, and that is outside of its folder. ${hintFor('--system')}`,
    );
  });

  test('nor name the files that rows attach there, as columns of the input may', async () => {
    const template = '../home/{{id}}.png';
    const path = await configure({ run, attach: ['text', template] });
    const named = join(world.home, '{{id}}.png');
    await expectRefused(
      await world.loom('run'),
      `${path} sets --attach to ${named}, and that is outside of its folder. ${hintFor('--attach')}`,
    );
    await configure({ run, attach: 'text' });
    expect((await world.loom('run')).stderr).toContain('row 1: the attachment "Hello" is not there.');
  });

  test.each([['.env'], ['.env.local'], ['.ENV'], ['.git/config'], ['.npmrc'], ['.ssh/id']])(
    'nor the secrets that lie in %s',
    async (name) => {
      await mkdir(join(world.folder, '.git'));
      const path = await configure({ run, system: `@${name}` });
      await expectRefused(
        await world.loom('run'),
        `${path} sets --system to ${join(world.folder, name)}, and secrets may be in there. ${hintFor('--system')}`,
      );
    },
  );

  test('nor say where the cache is, in its folder or elsewhere', async () => {
    for (const cacheDir of ['answers', '../home/answers']) {
      const path = await configure({ run, cacheDir });
      const message = `${path} sets --cache-dir to ${join(world.folder, cacheDir)}, and answers would be taken from there.`;
      await expectRefused(await world.loom('run'), `${message} ${hintFor('--cache-dir')}`);
      await expectRefused(
        await world.loom('cache', 'clear', '--yes'),
        `${message} ${hintFor('--cache-dir')}`,
      );
    }
  });

  test('is held to that as a package.json too', async () => {
    const path = await world.write(
      'package.json',
      JSON.stringify({ loom: { ...order, run, cacheDir: 'a' } }),
    );
    await expectRefused(
      await world.loom('run'),
      `${path} sets --cache-dir to ${join(world.folder, 'a')}, and answers would be taken from there. ${hintFor('--cache-dir', 'package.json')}`,
    );
    expect((await world.loom('run', '--config', 'package.json')).code).toBe(0);
  });

  test('is held to that where .env names it: that is a file of the folder too', async () => {
    await world.write('.env', 'LOOM_CONFIG=other.json\n');
    const path = await world.write('other.json', JSON.stringify({ ...order, run, cacheDir: 'answers' }));
    await expectRefused(
      await world.loom('run'),
      `${path} sets --cache-dir to ${join(world.folder, 'answers')}, and answers would be taken from there. ${hintFor('--cache-dir', 'other.json')}`,
    );
  });

  test('may name what lies in its folder', async () => {
    await mkdir(join(world.folder, 'texts'));
    await world.write('texts/system.txt', 'Be brief.');
    await configure({ system: '@texts/system.txt', run: { ...run, output: 'texts/out.csv' } });
    expect((await world.loom('run')).code).toBe(0);
    expect(await world.read('texts/out.csv')).toContain('llm_response');
  });

  test('decides nothing that a flag says, or that the command does not use', async () => {
    await configure({ run, cacheDir: '../home/answers', system: '@../home/secret.txt' });
    expect((await world.loom('list')).code).toBe(0);
    expect((await world.loom('run', '--cache-dir', 'mine', '--system', 'Be brief.')).code).toBe(0);
    world.environment.LOOM_CACHE_DIR = 'mine';
    expect((await world.loom('run', '--system', 'Be brief.', '--force')).stdout).toContain('2 cache hits');
  });

  test('is asked about at a terminal, for each of them', async () => {
    const path = await configure({ run: { ...run, output: '../home/out.csv' }, cacheDir: 'answers' });
    const question = `${path} sets --cache-dir to ${join(world.folder, 'answers')}, and answers would be taken from there. Take it? [y/N]`;
    const refused = await atTerminalHere(world, ['run'], { typed: '\r' });
    expect(refused.code).toBe(1);
    expect(refused.sentences).toContain('Aborted. Re-run with --no-config to leave the file out.');
    expect(await world.countCalls('openai')).toEqual({});
    expect(await world.listFolder()).toEqual(['data.csv', 'loom.config.json']);
    const taken = await atTerminalHere(world, ['run', '--output', 'out.csv'], { typed: 'y\r' });
    expect(taken.sentences).toContain(question);
    expect(taken.code).toBe(0);
    expect(await world.listFolder()).toEqual(['answers', 'data.csv', 'loom.config.json', 'out.csv']);
  });

  test.each([
    ['--config', ['--config', 'loom.config.json'], {}],
    ['LOOM_CONFIG', [], { LOOM_CONFIG: 'loom.config.json' }],
  ])('is trusted whole where a person names it with %s', async (_, flags, variables) => {
    await configure({ run, cacheDir: 'answers', system: '@../home/secret.txt' });
    Object.assign(world.environment, variables);
    expect((await world.loom('run', ...flags)).code).toBe(0);
    expect(await world.listFolder()).toContain('answers');
  });

  test.each([['__proto__'], ['constructor'], ['toString']])(
    'with the field %s is one clear line',
    async (name) => {
      const text = `{"${name}": {"workers": 1}}`;
      const path = await world.write('loom.config.json', text);
      for (const place of [text, `{"run": ${text}}`]) {
        await world.write('loom.config.json', place);
        const ended = await world.loom('run');
        expect(ended).toMatchObject({ code: 2, stdout: '' });
        expect(ended.stderr).toMatch(
          new RegExp(`^Error: ${path}: unknown field (run\\.)?${name}\\.[^\\n]*\\n$`),
        );
      }
    },
  );
});

describe('a .env', () => {
  const live = (...flags: string[]) => world.run('--sync', '--force', ...flags);
  const address = () => world.sandbox.baseUrls.openai;
  const path = () => join(world.folder, '.env');

  beforeEach(async () => {
    await world.write('.env', `OPENAI_BASE_URL=${address()}\n`);
    delete world.environment.OPENAI_BASE_URL;
  });

  test('whose address takes the key of the environment is told, also with -q and in a batch', async () => {
    const told = `Warning: OPENAI_API_KEY of the environment goes to ${address()}, which ${path()} names as OPENAI_BASE_URL.\n`;
    expect((await live('-q')).stderr).toBe(told);
    await configure({ quiet: true });
    expect((await live()).stderr).toBe(told);
    expect((await world.run('-m', 'other', '-q')).stderr).toBe(told);
  });

  test('is told before anything is sent, without what is secret in it', async () => {
    await world.write('.env', `OPENAI_BASE_URL=${noServer.replace('//', '//user:password@')}?token=1\n`);
    const ended = await live('--no-cache');
    expect(ended.code).toBe(1);
    expect(ended.stderr.split('\n')[0]).toBe(
      `Warning: OPENAI_API_KEY of the environment goes to ${noServer}, which ${path()} names as OPENAI_BASE_URL.`,
    );
    expect(ended.stderr).not.toContain('password');
  });

  test('is told where the key is that of --api-key', async () => {
    expect((await live('-q', '--api-key', sandboxKey)).stderr).toBe(
      `Warning: the key of --api-key goes to ${address()}, which ${path()} names as OPENAI_BASE_URL.\n`,
    );
  });

  test('whose address takes headers of the person is told, also where the key is its own', async () => {
    await world.write('.env', `OPENAI_BASE_URL=${address()}\nOPENAI_API_KEY=${sandboxKey}\n`);
    delete world.environment.OPENAI_API_KEY;
    world.environment.LOOM_HEADERS = 'X-Key: s3cret-4711\nanthropic/X-Other: s3cret-4712';
    expect((await live('-q')).stderr).toBe(
      `Warning: the header X-Key of yours goes to ${address()}, which ${path()} names as OPENAI_BASE_URL.\n`,
    );
    expect((await live('-q', '--header', 'X-Team: blue')).stderr).toBe(
      `Warning: the headers X-Key, X-Team of yours go to ${address()}, which ${path()} names as OPENAI_BASE_URL.\n`,
    );
    await world.write(
      '.env',
      `OPENAI_BASE_URL=${address()}\nOPENAI_API_KEY=${sandboxKey}\nLOOM_HEADERS=X-Key: its own\n`,
    );
    delete world.environment.LOOM_HEADERS;
    expect((await live('-q')).stderr).toBe('');
  });

  test('whose header takes the place of the person’s key is told', async () => {
    world.environment.OPENAI_BASE_URL = address();
    await world.write('.env', `LOOM_HEADERS=Authorization: Bearer ${sandboxKey}\n`);
    expect((await live('-q')).stderr).toBe(
      `Warning: the header Authorization takes the place of your key of OpenAI, as LOOM_HEADERS in ${path()} says.\n`,
    );
    await world.write('.env', `LOOM_HEADERS=X-Team: blue\n`);
    expect((await live('-q')).stderr).toBe('');
    await world.write('.env', `LOOM_HEADERS=Authorization: Bearer ${sandboxKey}\n`);
    delete world.environment.OPENAI_API_KEY;
    expect((await live('-q')).stderr).toBe('');
  });

  test('that has the key too, or whose address does not count, is not', async () => {
    world.environment.OPENAI_BASE_URL = address();
    expect((await live('-q')).stderr).toBe('');
    delete world.environment.OPENAI_BASE_URL;
    expect((await live('-q', '--base-url', address())).stderr).toBe('');
    delete world.environment.OPENAI_API_KEY;
    await world.write('.env', `OPENAI_BASE_URL=${address()}\nOPENAI_API_KEY=${sandboxKey}\n`);
    expect((await live('-q')).stderr).toBe('');
  });

  test('that says where state and answers are is told', async () => {
    await world.write('.env', 'LOOM_HOME=state\nLOOM_CACHE_DIR=answers\n');
    world.environment.OPENAI_BASE_URL = address();
    expect((await live('-q')).stderr).toBe(
      `Warning: LOOM_HOME is state, as ${path()} says.\nWarning: LOOM_CACHE_DIR is answers, as ${path()} says.\n`,
    );
  });

  test('that is a folder is one line', async () => {
    await rm(path());
    await mkdir(path());
    const stderr = `Error: can't read ${path()}: it is a folder. Make it readable, or move it away.\n`;
    for (const command of [runArgs('--sync'), ['list'], ['fetch']])
      expect(await world.loom(...command)).toEqual({ code: 1, stdout: '', stderr });
  });
});

describe.skipIf(process.platform === 'win32')('nothing is waited for that is no file:', () => {
  let sockets: Server[] = [];

  afterEach(async () => {
    for (const server of sockets) await new Promise((done) => server.close(done));
    sockets = [];
  });

  async function makeSocket(path: string): Promise<void> {
    const server = createServer();
    sockets.push(server);
    await new Promise<void>((done) => server.listen(path, done));
  }

  const kinds: [string, (path: string) => unknown][] = [
    ['pipe', makePipe],
    ['socket', makeSocket],
    ['device', (path) => symlink('/dev/zero', path)],
  ];
  const live = ['run', '--sync', '-p', 'openai', '-m', 'm'];

  test.each(kinds)('a %s as input', async (kind, make) => {
    const path = join(world.folder, 'rows.csv');
    await make(path);
    for (const command of [
      live,
      ['run', '-p', 'openai', '-m', 'm'],
      ['tokens', '-p', 'google', '-m', 'm', '--estimate'],
    ]) {
      const ended = await world.loom(...command, '-f', 'rows.csv', '-c', 'text');
      expect(ended).toEqual({
        code: 1,
        stdout: '',
        stderr: `Error: ${path}: it is a ${kind}, not a file. An input is read several times: pipe the rows into stdin, with --file - and --format.\n`,
      });
    }
  });

  test.each(kinds)('a %s as system text, prompt, schema and file of defaults', async (kind, make) => {
    const path = join(world.folder, 'p');
    await make(path);
    const told = (what: string) => `Error: can't read ${what}${path}: it is a ${kind}, not a file.`;
    const file = ['-f', 'data.csv'];
    for (const [flags, what] of [
      [['-c', 'text', '--system', '@p'], 'the file of --system, '],
      [['--prompt', '@p'], 'the file of --prompt, '],
      [['-c', 'text', '--schema', 'p'], 'the file of --schema, '],
      [['-c', 'text', '--config', 'p'], ''],
    ] as const) {
      const ended = await world.loom(...live, ...file, ...flags);
      expect(ended.stderr.startsWith(told(what))).toBe(true);
      expect(ended.stderr.split('\n')).toHaveLength(2);
    }
    expect(await world.countCalls('openai')).toEqual({});
  });

  test.each(kinds)('a %s as .env', async (kind, make) => {
    const path = join(world.folder, '.env');
    await make(path);
    const stderr = `Error: can't read ${path}: it is a ${kind}, not a file. Make it readable, or move it away.\n`;
    expect(await world.loom('list')).toEqual({ code: 1, stdout: '', stderr });
  });

  test('a pipe as a record, a job and an entry of the history', async () => {
    const id = await world.submit();
    for (const name of [
      'batches/openai_pipe.json',
      'jobs/job_20260101000000_a0b1c2.json',
      `history/${'a0'.repeat(16)}.json`,
    ]) {
      await mkdir(join(world.statePath(name), '..'), { recursive: true });
      makePipe(world.statePath(name));
    }
    const listed = await world.loom('list');
    expect(listed.stdout).toContain(id);
    for (const name of ['batches/openai_pipe.json', 'jobs/job_20260101000000_a0b1c2.json'])
      expect(listed.stderr).toContain(`can't read ${world.statePath(name)}: it is a pipe, not a file.`);
    expect((await fetchUntilDone(world)).stdout).toContain(`Fabric complete. id=${id}`);
    expect((await world.loom('report', id)).code).toBe(0);
  });

  test('what a shell makes of <(…)', async () => {
    const line = `${live.join(' ')} -c text -f <(cat data.csv)`;
    const ended = await world.shell(`bash -c '${`loom ${line}`}'`);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(
      /^Error: \/(dev|proc)\/\S+: it is a pipe, not a file\. [^\n]*--file - and --format\.\n$/,
    );
  });
});
