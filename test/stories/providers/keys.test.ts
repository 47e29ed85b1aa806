/** Keys and addresses: flag, else environment, else .env, seen by the header that reaches the server; and kept secret. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Received, type Response, refusal, say, startHttpServer } from '../worlds/http-server.ts';
import { startOpenAiDouble } from '../worlds/openai-double.ts';
import {
  baseUrlVariables,
  keyVariables,
  orderOf,
  type ProviderName,
  providers,
} from '../worlds/sandbox-world.ts';
import { eachTest, useServer, useWorld } from '../worlds/use-world.ts';

let answer: (request: Received) => Response;
const server = useServer((request) => answer(request));
const world = useWorld();

beforeEach(async () => {
  answer = () => say('fine');
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

const run = (provider: ProviderName, ...flags: string[]) =>
  world.run('-p', provider, '--sync', '--no-cache', '--force', ...flags);

/** The key that came with the last request. */
function lastKey(): string | undefined {
  const headers = server.requests.at(-1)?.headers ?? {};
  const key =
    headers['x-goog-api-key'] ?? headers['x-api-key'] ?? headers.authorization?.replace('Bearer ', '');
  return key as string | undefined;
}

describe.each(providers)('the key of %s', (provider) => {
  const variable = keyVariables[provider];

  test('is the flag, else the environment, else .env', async () => {
    world.environment[baseUrlVariables[provider]] = server.url;
    await world.write('.env', `OTHER=1\n# a comment\n${variable}="key-of-dotenv"\n`);
    expect((await run(provider)).code).toBe(0);
    expect(lastKey()).toBe('key-of-dotenv');
    world.environment[variable] = 'key-of-environment';
    await run(provider);
    expect(lastKey()).toBe('key-of-environment');
    await run(provider, '--api-key', 'key-of-flag');
    expect(lastKey()).toBe('key-of-flag');
  });

  test('is not taken from the variable of another provider', async () => {
    for (const other of providers) {
      // Not on this machine, where some servers need no key.
      world.environment[baseUrlVariables[other]] = 'http://gateway.example.com/v1';
      if (other !== provider) world.environment[keyVariables[other]] = `key-of-${other}`;
    }
    // Google's has two names.
    const others = provider === 'google' ? [] : ['GEMINI_API_KEY'];
    for (const name of [...others, 'ANTHROPIC_AUTH_TOKEN', 'OPENAI_ADMIN_KEY']) {
      world.environment[name] = 'key-of-another-variable';
    }
    const ended = await run(provider);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^Error: [^\n]*\n$/);
    for (const word of [variable, '.env', '--api-key']) expect(ended.stderr).toContain(word);
    expect(server.requests).toEqual([]);
  });

  test('goes to its own address alone: --base-url, else the environment, else .env', async () => {
    const elsewhere = await startHttpServer(() => say('fine'));
    world.environment[variable] = 'key';
    for (const other of providers) {
      if (other !== provider) world.environment[baseUrlVariables[other]] = elsewhere.url;
    }
    try {
      await world.write('.env', `${baseUrlVariables[provider]}=${server.url}/dotenv\n`);
      expect((await run(provider)).code).toBe(0);
      expect(server.requests.at(-1)?.path).toMatch(/^\/dotenv\//);
      world.environment[baseUrlVariables[provider]] = `${server.url}/environment/`;
      expect((await run(provider)).code).toBe(0);
      expect(server.requests.at(-1)?.path).toMatch(/^\/environment\/[^/]/);
      expect((await run(provider, '--base-url', `${server.url}/flag`)).code).toBe(0);
      expect(server.requests.at(-1)?.path).toMatch(/^\/flag\//);
      expect(server.requests).toHaveLength(3);
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  test.each([
    ['when the provider echoes it in a refusal', 401],
    ['when it is echoed in the error of one row', 400],
  ])('stays out of every file and message %s', async (_, status) => {
    // It looks like no key that anybody knows, so that only the key itself can be what is taken out.
    const key = 'Zq7verySecret0123456789';
    world.environment[baseUrlVariables[provider]] = server.url;
    world.environment[variable] = key;
    const fields = { type: 'invalid_request_error', status: 'INVALID_ARGUMENT', code: status };
    answer = () => refusal(status, `Incorrect API key provided: ${key}. Bearer ${key}`, fields);
    const live = await run(provider);
    expect(live.code).toBe(1);
    expect(live.stderr).toContain('Incorrect API key provided');
    world.environment.LOOM_DEBUG = '1';
    const ended = [live, await run(provider)];
    if (provider !== 'openrouter') {
      ended.push(await world.run('-p', provider));
    }
    for (const { stdout, stderr } of ended) expect(stdout + stderr).not.toContain(key);
    await expectNowhere(key);
  });
});

/** The text is in no file below the home or the current folder. */
async function expectNowhere(text: string): Promise<void> {
  const files = (await world.listState()).map((name) => world.statePath(name));
  for (const name of await world.listFolder()) files.push(join(world.folder, name));
  for (const path of files)
    expect([path, (await readFile(path, 'utf8')).includes(text)]).toEqual([path, false]);
}

test('a refused key names the variable and --api-key', async () => {
  world.environment.OPENAI_BASE_URL = server.url;
  world.environment.OPENAI_API_KEY = 'key';
  answer = () => refusal(401, 'Wrong key.', { code: 'invalid_api_key' });
  const ended = await run('openai');
  expect(ended.stderr).toMatch(/^Error: [^\n]*Wrong key\.[^\n]*OPENAI_API_KEY[^\n]*--api-key[^\n]*$/m);
});

test('a .env that cannot be read is an error that names it', async () => {
  await mkdir(join(world.folder, '.env'));
  world.environment.OPENAI_BASE_URL = server.url;
  const ended = await run('openai');
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(/^Error: [^\n]*\.env[^\n]*\n$/);
});

describe('the address of a batch', () => {
  const openai = eachTest(startOpenAiDouble, (double) => double.close());

  test('given by --base-url is kept in the record, without the key, and used by fetch', async () => {
    const key = 'sk-a-secret-key-0123456789';
    const id = await world.submit('--base-url', openai.url, '--api-key', key);
    expect(openai.requests[0]?.headers.authorization).toBe(`Bearer ${key}`);
    expect((await world.readRecord(id)).base_url).toBe(openai.url);
    await expectNowhere(key);
    // The environment points elsewhere: the record comes first.
    Object.assign(world.environment, { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'key-of-environment' });
    expect((await world.loom('fetch')).stdout).toMatch(/^Fabric complete\. /);
    expect(openai.requests.at(-1)?.headers.authorization).toBe('Bearer key-of-environment');
    expect(server.requests).toEqual([]);
  });

  test('of the environment is not kept: fetch takes its own, and --base-url before all', async () => {
    Object.assign(world.environment, { OPENAI_BASE_URL: openai.url, OPENAI_API_KEY: 'key' });
    const id = await world.submit();
    expect((await world.readRecord(id)).base_url ?? null).toBe(null);
    world.environment.OPENAI_BASE_URL = `${server.url}/moved`;
    answer = () => refusal(404, 'No such batch.');
    expect((await world.loom('fetch')).code).toBe(1);
    expect(server.requests[0]?.path).toBe(`/moved/batches/${id}`);
    expect((await world.loom('fetch', '--base-url', openai.url)).stdout).toMatch(/^Fabric complete\. /);
  });

  test('of tokens can be given too', async () => {
    answer = () => ({ body: { input_tokens: 5 } });
    world.environment.ANTHROPIC_API_KEY = 'key';
    const args = orderOf('anthropic', '--base-url', server.url);
    expect((await world.loom('tokens', ...args)).stdout).toMatch(/^Total input tokens: 5 across 1 prompts /);
  });
});
