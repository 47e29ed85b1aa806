/** `-v`: a line for each request to a provider, and never a key, a prompt or an answer; `-q`: nothing where all is well. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../../program.ts';
import { type HttpServer, type Received, type Response, startHttpServer } from '../worlds/http-server.ts';
import {
  batchProviders,
  createSandboxWorld,
  fetchUntilDone,
  keyVariables,
  orderOf,
  type ProviderName,
  providers,
  submittedId,
} from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const key = 'marker-key-4711';
const prompt = 'marker prompt zebra';

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  for (const name of providers) world.environment[keyVariables[name]] = key;
  await world.write('data.csv', `id,text\n1,${prompt}\n`);
});

function expectNoSecrets({ stdout, stderr }: Ended): void {
  expect(`${stdout}${stderr}`).not.toMatch(/marker|Sandbox answer/);
  expect(stderr).not.toMatch(/^GET ,/m);
}

/** The lines about requests, with times and ports left out. */
function requestLines({ stderr }: Ended): string[] {
  return stderr
    .split('\n')
    .filter((line) => /^(GET|POST|DELETE) /.test(line))
    .map((line) =>
      line
        .replace(/:\d+\//, '/')
        .replace(/\d+ ms/, '0 ms')
        .replace(/sandbox\d+/, 'sandbox1'),
    );
}

const liveLines: Readonly<Record<ProviderName, string>> = {
  openai: 'POST 127.0.0.1/openai/v1/chat/completions 200, 0 ms, request req_sandbox1',
  anthropic: 'POST 127.0.0.1/anthropic/v1/messages 200, 0 ms, request req_sandbox1',
  google: 'POST 127.0.0.1/google/v1beta/models/m:generateContent 200, 0 ms',
  openrouter: 'POST 127.0.0.1/openrouter/api/v1/chat/completions 200, 0 ms',
  alibaba: 'POST 127.0.0.1/alibaba/compatible-mode/v1/chat/completions 200, 0 ms, request req_sandbox1',
};

test.each(providers)('a live run of %s has one for its call', async (provider) => {
  const ended = await world.loom('run', ...orderOf(provider), '--sync', '-v');
  expect(ended.code).toBe(0);
  expect(requestLines(ended)).toEqual([liveLines[provider]]);
  expectNoSecrets(ended);
});

test.each(batchProviders)('a batch of %s has one for each upload, check and download', async (provider) => {
  const submitted = await world.loom('run', ...orderOf(provider), '-v');
  submittedId(submitted);
  expect(requestLines(submitted).length).toBeGreaterThan(0);
  expectNoSecrets(submitted);
  const fetched = await fetchUntilDone(world, '-v');
  expect(fetched.code).toBe(0);
  expect(fetched.stdout).toContain('Fabric complete.');
  expect(requestLines(fetched).length).toBeGreaterThan(1);
  expectNoSecrets(fetched);
  const calls = await world.countCalls(provider);
  expect(calls).not.toEqual({});
});

test('nothing of it is told without -v', async () => {
  expect(requestLines(await world.loom('run', ...orderOf('openai'), '--sync'))).toEqual([]);
});

describe('at a server that answers by script', () => {
  let server: HttpServer;
  let answer: (request: Received) => Response;

  beforeEach(async () => {
    server = await startHttpServer((request) => answer(request));
    world.environment.OPENAI_BASE_URL = `${server.url}/v1`;
  });

  afterEach(() => server.close());

  const chat = { choices: [{ message: { role: 'assistant', content: 'marker answer' } }] };

  test('a call that is tried again is told each time, with the reason and the pause, also of no second', async () => {
    const echo = { error: { message: `No: ${prompt}, ${key}`, code: `no ${prompt}` } };
    const answers: Response[] = [
      { status: 500, headers: { 'retry-after-ms': '1', 'x-request-id': `x ${prompt}` }, body: echo },
      { status: 429, headers: { 'retry-after-ms': '1', 'x-request-id': 'req_2' }, body: echo },
      { body: chat },
    ];
    answer = () => answers.shift() as Response;
    const ended = await world.loom('run', ...orderOf('openai'), '--sync', '-v');
    expect(ended.code).toBe(0);
    const lines = ended.stderr.replaceAll(/\d+ ms/g, '0 ms').replaceAll(/\d+\.\d s/g, '0.0 s');
    const post = `POST ${new URL(server.url).host}/v1/chat/completions`;
    expect(lines.split('\n').slice(1, 6)).toEqual([
      `${post} 500, 0 ms`,
      'OpenAI: attempt 1 failed: HTTP 500. Trying again in 0.0 s.',
      `${post} 429, 0 ms, attempt 2, request req_2`,
      'OpenAI: attempt 2 failed: HTTP 429. Trying again in 0.0 s.',
      `${post} 200, 0 ms, attempt 3`,
    ]);
    expectNoSecrets(ended);
  });

  test('each step of a redirect is told, without what stands behind its question mark', async () => {
    const batch = { id: 'batch_1', status: 'completed', output_file_id: 'file_2' };
    const line = { custom_id: '', response: { status_code: 200, body: chat } };
    answer = ({ method, path, body }) => {
      if (path === '/v1/files') {
        line.custom_id = /"custom_id":"([^"]+)"/.exec(body)?.[1] ?? '';
        return { body: { id: 'file_1' } };
      }
      if (path === '/v1/files/file_2/content')
        return { status: 302, headers: { location: '/elsewhere?signature=marker' }, body: '' };
      if (path === '/elsewhere') return { body: `${JSON.stringify(line)}\n` };
      return { body: method === 'DELETE' ? {} : batch };
    };
    submittedId(await world.loom('run', ...orderOf('openai')));
    const ended = await world.loom('fetch', '-v');
    expect(ended.code).toBe(0);
    expect(requestLines(ended)).toEqual([
      'GET 127.0.0.1/v1/batches/batch_1 200, 0 ms',
      'GET 127.0.0.1/v1/batches/batch_1 200, 0 ms',
      'GET 127.0.0.1/v1/files/file_2/content 302, 0 ms',
      'GET 127.0.0.1/elsewhere 200, 0 ms',
      'DELETE 127.0.0.1/v1/files/file_1 200, 0 ms',
    ]);
    expectNoSecrets(ended);
  });

  test('a user and a password in an address are not told', async () => {
    world.environment.OPENAI_BASE_URL = server.url.replace('http://', 'http://marker:marker@');
    const ended = await world.loom('run', ...orderOf('openai'), '--sync', '-v');
    expect(ended.code).toBe(1);
    expectNoSecrets(ended);
  });
});

describe('with -q, a command that has nothing to warn of prints nothing on stderr:', () => {
  test('run, live and as a batch, fetch, list, tokens and cache clear', async () => {
    const commands: string[][] = [
      ['run', ...orderOf('openai')],
      ['run', ...orderOf('anthropic'), '--sync'],
      ['fetch'],
      ['list'],
      ['tokens', ...orderOf('google')],
      ['tokens', ...orderOf('openai'), '--estimate'],
      ['run', ...orderOf('openai'), '--dry-run'],
      ['cache', 'clear', '--yes'],
    ];
    for (const command of commands) {
      const ended = await world.loom(...command, '-q');
      expect({ command, code: ended.code, stderr: ended.stderr }).toEqual({ command, code: 0, stderr: '' });
      expect(ended.stdout).not.toBe('');
    }
  });

  test('a fetch with nothing to do prints nothing at all', async () => {
    expect(await world.loom('fetch', '-q')).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

test('-q keeps warnings and errors', async () => {
  const gone = await world.loom('run', '-f', 'gone.csv', ...orderOf('openai').slice(2), '-q');
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringMatching(/^Error: [^\n]*gone\.csv[^\n]*\n$/)]);
});

test('-q and -v exclude each other', async () => {
  const ended = await world.loom('fetch', '-q', '-v');
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(
    /^Error: option '-q, --quiet' cannot be used with option '-v, --verbose'\.?\n$/,
  );
});

describe('LOOM_DEBUG=1', () => {
  test('tells versions, paths, flags and variables, then each request, and no secret', async () => {
    const secrets = ['--api-key', key, '--system', 'marker system', '--stop', 'marker stop'].concat([
      '--param',
      'user=marker',
    ]);
    world.environment.LOOM_DEBUG = '1';
    world.environment.HTTPS_PROXY = 'http://marker:marker@proxy.example.com:8080';
    const ended = await world.loom('run', ...orderOf('openai'), '--sync', ...secrets);
    expect(ended.code).toBe(0);
    const lines = ended.stderr.split('\n');
    expect(lines[0]).toMatch(/^loom \d+\.\d+\.\d+, Node\.js v\d+\S*, \S+ \S+$/);
    expect(lines.slice(1, 4)).toEqual([
      `command: loom run, in ${world.folder}`,
      `home: ${world.statePath('')}, cache: ${world.statePath('cache')}`.replace('/,', ','),
      'defaults: none',
    ]);
    expect(lines[4]).toMatch(/^flags: \{.*"apiKey":"\[key\]"/);
    expect(lines[4]).toMatch(/"system":"\[text\]".*"stop":"\[text\]".*"param":"\[text\]"/);
    expect(lines[5]).toContain('OPENAI_API_KEY=[key]');
    expect(lines[5]).toContain('HTTPS_PROXY=http://proxy.example.com:8080');
    expect(requestLines(ended)).toEqual([liveLines.openai]);
    expectNoSecrets(ended);
  });

  test('tells where an error comes from', async () => {
    const gone = ['run', '-f', 'gone.csv', ...orderOf('openai').slice(2)];
    expect((await world.loom(...gone)).stderr).not.toContain('    at ');
    world.environment.LOOM_DEBUG = '1';
    expect((await world.loom(...gone, '-q')).stderr).toMatch(/\n {4}at .*\nError: [^\n]*gone\.csv[^\n]*\n$/s);
  });
});
