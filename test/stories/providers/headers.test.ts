/** `--header` and LOOM_HEADERS: sent with every call, and never shown, kept or written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { refusal } from '../worlds/http-server.ts';
import { createOpenAiWorld, submission, voice } from '../worlds/openai-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createOpenAiWorld);
const secret = 'blue-team-4711';
const header = ['--header', `X-Team: ${secret}`];

/** The team of each request since the last look. */
const teams = () => world.openai.requests.splice(0).map(({ headers }) => headers['x-team']);

/** Whatever is in the folder and the home, as one text. */
async function readAll(): Promise<string> {
  const texts = await Promise.all(
    [world.folder, world.home].map(async (root) => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      return Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')));
    }),
  );
  return texts.flat().join('\n');
}

/** Every request had it, and there were some. */
function expectSent(): void {
  const sent = teams();
  expect(sent.length).toBeGreaterThan(0);
  expect(new Set(sent)).toEqual(new Set([secret]));
}

describe('every command that calls sends it', () => {
  test('a live run', async () => {
    expect(await world.run('--sync', ...header)).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining(secret),
    });
    expectSent();
    expect(await readAll()).not.toContain(secret);
  });

  test('a batch, from its upload to its output', async () => {
    const ended = await world.run(...header);
    expectSent();
    const [batch] = world.openai.batches;
    expect(ended).toEqual({ code: 0, stdout: submission(String(batch?.id)), stderr: voice });
    expect(await readAll()).not.toContain(secret);
    for (const command of ['status', 'fetch'] as const) {
      const id = String(batch?.id);
      expect(await world.loom(command, '--id', id, ...header)).toMatchObject({
        code: 0,
        stderr: expect.not.stringContaining('header'),
      });
      expectSent();
    }
    expect(await readAll()).not.toContain(secret);
  });

  test('cancel, adopt and forget', async () => {
    const id = await world.submitAs('in_progress', ...header);
    teams();
    expect(await world.loom('cancel', '--id', id, '--yes', ...header)).toMatchObject({ code: 0 });
    expectSent();
    expect(await world.loom('forget', '--id', id, '--yes')).toMatchObject({ code: 0 });
    teams();
    const order = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm'];
    expect(await world.loom('adopt', '--id', id, ...order, ...header)).toMatchObject({ code: 0 });
    expectSent();
  });

  test('forget, where it deletes an upload', async () => {
    world.openai.override = ({ method }) => (method === 'DELETE' ? refusal(500, 'Later.') : undefined);
    const id = await world.submitAs('failed', '--header', 'X-Team: other');
    await world.loom('fetch', '--id', id, '--header', 'X-Team: other');
    world.openai.override = () => undefined;
    teams();
    await world.loom('forget', '--id', id, '--yes', ...header);
    expectSent();
  });

  test('models and doctor', async () => {
    world.openai.override = ({ path }) =>
      path.endsWith('/models') ? { body: { data: [{ id: 'm' }] } } : undefined;
    expect(await world.loom('models', '--live', '-p', 'openai', ...header)).toMatchObject({ code: 0 });
    expectSent();
    const ended = await world.loom('doctor', '-p', 'openai', ...header);
    expect(ended).toMatchObject({ code: 0, stdout: expect.not.stringContaining(secret) });
    expectSent();
  });
});

describe('LOOM_HEADERS', () => {
  test('names them a line each, and a flag goes before it', async () => {
    world.environment.LOOM_HEADERS = `X-Team: red\nX-Other: two words`;
    await world.run('--sync', ...header);
    const [request] = world.openai.requests;
    expect(request?.headers).toMatchObject({ 'x-team': secret, 'x-other': 'two words' });
  });

  test('is taken from a .env too', async () => {
    await world.write(
      '.env',
      `LOOM_HEADERS="X-Team: ${secret}\\nopenai/X-Mine: yes\\nanthropic/X-Theirs: no"\n`,
    );
    await world.run('--sync');
    const [request] = world.openai.requests;
    expect(request?.headers).toMatchObject({ 'x-team': secret, 'x-mine': 'yes' });
    expect(request?.headers).not.toHaveProperty('x-theirs');
  });

  test.each([
    [
      'Host: s3cret',
      "LOOM_HEADERS: the header Host can't be given: loom says it by itself, or a request would not arrive.",
    ],
    [
      's3cret',
      `LOOM_HEADERS: header 1 is not of the form 'Name: value'. A name is made of letters, digits and "-", as in X-Team.`,
    ],
    ['nobody/X-A: s3cret', expect.stringMatching(/^LOOM_HEADERS: there is no provider "nobody"/)],
  ])('%s is refused before anything is sent', async (text, error) => {
    world.environment.LOOM_HEADERS = text;
    const ended = await world.run('--sync');
    expect(ended.code).toBe(2);
    expect(ended.stderr.replace('Error: ', '').trimEnd()).toEqual(error);
    expect(world.openai.requests).toEqual([]);
  });
});

test.each([
  ['X-Team: s3cret\nHost: other', 'the header X-Team has a line end in its value.'],
  [
    'Content-Length: 1',
    "the header Content-Length can't be given: loom says it by itself, or a request would not arrive.",
  ],
  [
    's3cret',
    `header 1 is not of the form 'Name: value'. A name is made of letters, digits and "-", as in X-Team.`,
  ],
])('--header %j is a mistake, told in one line', async (text, error) => {
  for (const flags of [['--sync'], ['--dry-run'], ['--preview'], []]) {
    expect(await world.run(...flags, '--header', text)).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: ${error}\n`,
    });
  }
  expect(world.openai.requests).toEqual([]);
});

describe('its value is not told', () => {
  test('by --verbose, LOOM_DEBUG, or an error that repeats it', async () => {
    world.environment.LOOM_DEBUG = '1';
    world.environment.LOOM_HEADERS = 'X-Other: red-team-0815';
    world.openai.override = ({ headers }) =>
      refusal(400, `No ${headers['x-team']} in ${headers['x-other']}.`);
    const ended = await world.run('--sync', '-v', ...header);
    expect(ended.stderr).toContain('"header":["X-Team"]');
    expect(ended.stderr).toContain('LOOM_HEADERS=[headers]');
    expect(ended.stderr).toContain('No [key] in [key].');
    expect(`${ended.stdout}${ended.stderr}${await readAll()}`).not.toMatch(/4711|0815/);
  });

  test('by a preview', async () => {
    const { stdout } = await world.run('--sync', '--preview', ...header);
    expect(stdout).toContain('x-team: [value]');
    expect(stdout).not.toContain(secret);
  });

  test('by a file of defaults, which may not have it', async () => {
    await world.write('loom.config.json', JSON.stringify({ header: `X-Team: ${secret}` }));
    const ended = await world.run('--sync');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('header');
    expect(ended.stderr).toContain('set LOOM_HEADERS in the environment or in .env, or pass --header.');
    expect(ended.stderr).not.toContain(secret);
  });
});

describe('Authorization', () => {
  test('takes the place of the key, and needs none beside it', async () => {
    await world.run('--sync', '--header', 'Authorization: Bearer of-the-gateway');
    delete world.environment.OPENAI_API_KEY;
    await world.run('--sync', '--force', '--no-cache', '--header', 'Authorization: Bearer of-the-gateway');
    expect(world.openai.requests.map(({ headers }) => headers.authorization)).toEqual(
      Array(4).fill('Bearer of-the-gateway'),
    );
  });
});

describe('a batch keeps the names', () => {
  let id = '';
  beforeEach(async () => {
    id = await world.submitAs('in_progress', ...header, '--header', 'X-Key: s3cret-4712');
  });

  test('in its job and its record, and no value', async () => {
    const text = await readAll();
    expect(text.match(/"headers": \[\s*"X-Team",\s*"X-Key"\s*\]/g)).toHaveLength(2);
    expect(text).not.toMatch(/4711|4712/);
  });

  test('and misses those that a later command lacks, once, before it calls', async () => {
    const warning = (names: string) =>
      `Warning: a batch of OpenAI was submitted with the ${names}: set LOOM_HEADERS, or pass --header.\n`;
    const plain = await world.loom('fetch');
    expect(plain.stderr).toBe(warning('headers X-Team, X-Key'));
    expect((await world.loom('status', '--id', id, ...header)).stderr).toBe(warning('header X-Key'));
    world.environment.LOOM_HEADERS = 'x-key: renewed';
    expect((await world.loom('fetch', ...header)).stderr).toBe('');
  });

  test('and of LOOM_HEADERS only those are sent for it: they may be of another gateway by now', async () => {
    world.openai.requests.splice(0);
    world.environment.LOOM_HEADERS = 'X-Key: renewed\nAuthorization: Bearer of-a-gateway';
    await world.loom('fetch', '--id', id, ...header);
    expect(world.openai.requests.length).toBeGreaterThan(0);
    for (const { headers } of world.openai.requests) {
      expect(headers['x-key']).toBe('renewed');
      expect(headers.authorization).not.toContain('of-a-gateway');
    }
  });

  test('and a flag is not sent to batches of several providers', async () => {
    world.environment.ANTHROPIC_BASE_URL = world.openai.url.replace('/v1', '');
    world.environment.ANTHROPIC_API_KEY = 'another-key';
    world.openai.override = ({ path }) =>
      path === '/v1/messages/batches'
        ? { body: { id: 'msgbatch_1', type: 'message_batch', processing_status: 'in_progress' } }
        : undefined;
    expect(await world.run('-p', 'anthropic', '-m', 'c')).toMatchObject({ code: 0 });
    world.openai.requests.splice(0);
    const ended = await world.loom('fetch', ...header);
    expect(ended).toMatchObject({
      code: 1,
      stderr:
        "Error: --header can't serve pending batches of several providers (anthropic, openai). Name one batch with --id, or set the variables of each provider instead.\n",
    });
    expect(world.openai.requests).toEqual([]);
  });
});

describe('answers', () => {
  const calls = async (...flags: string[]) => {
    world.openai.requests.splice(0);
    expect(await world.run('--sync', '--force', ...flags)).toMatchObject({ code: 0 });
    return world.openai.requests.length;
  };

  test('of one route are not given out as another’s', async () => {
    expect(await calls('--header', 'x-portkey-provider: openai')).toBe(2);
    expect(await calls('--header', 'x-portkey-provider: mistral')).toBe(2);
    expect(await calls('--header', 'X-Portkey-Provider: openai')).toBe(0);
    expect(await calls()).toBe(2);
  });

  test('are the same whoever asks, and under a name of one’s own', async () => {
    expect(await calls('--header', 'x-gateway-key: one-4711', '--header', 'traceparent: 00-1')).toBe(2);
    expect(await calls('--header', 'x-gateway-key: renewed-4712')).toBe(0);
    expect(await calls('--server-name', 'gate', '--header', 'x-route: a')).toBe(2);
    expect(await calls('--server-name', 'gate', '--header', 'x-route: b')).toBe(0);
  });

  test('of a batch stay with the headers that it was submitted with', async () => {
    const id = await world.submitAs('completed', '--header', 'x-route: a');
    await world.loom('fetch', '--id', id, '--header', 'x-route: b');
    expect(await calls('--header', 'x-route: a')).toBe(0);
    expect(await calls('--header', 'x-route: b')).toBe(2);
  });
});
