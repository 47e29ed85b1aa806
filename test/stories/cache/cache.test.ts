/** The response cache: what a live run answered once is not paid for again. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { hashKey, sandboxOf } from '../worlds/cache-keys.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,Again\n4,\n'));

const run = (...flags: string[]) => world.run('--sync', '--force', ...flags);

async function callsSoFar(): Promise<number> {
  return (await world.countCalls('openai')).generate ?? 0;
}

function key(prompt: string, separator = '|'): string {
  return createHash('sha256').update(['openai', 'm', prompt].join(separator)).digest('hex');
}

/** As a run names it here, at another address than OpenAI's own. */
function keyHere(prompt: string): string {
  return hashKey('openai', 'm', prompt, `@${sandboxOf(world)}`);
}

function entry(response: unknown, provider = 'openai', model = 'm'): string {
  return JSON.stringify({ provider, model, response, created_at: '2026-01-01T00:00:00+00:00' });
}

/** What data.csv comes out as, with these answers to Hello and World. */
function merged(hello: string, world = 'Sandbox answer from m: World'): string {
  return `id,text,llm_response\n1,Hello,${hello}\n2,World,${world}\n3,Again,Sandbox answer from m: Again\n4,,\n`;
}

const output = 'data_results_openai_m.csv';

test('a second run is all hits, makes no call, and writes the same', async () => {
  expect((await run()).code).toBe(0);
  const first = await world.read(output);
  const calls = await callsSoFar();
  const second = await run();
  expect(second).toEqual({
    code: 0,
    stdout: `Done. wrote ${join(world.folder, output)} (4 prompts, 3 cache hits, 0 errors)\n`,
    stderr:
      'Weaving live... provider=openai model=m workers=8 cache=on\n4 rows: 3 answered, 1 empty prompt skipped\n',
  });
  expect(await callsSoFar()).toBe(calls);
  expect(await world.read(output)).toBe(first);
  expect(first).toBe(merged('Sandbox answer from m: Hello'));
});

test('a run of a few more rows pays for those alone', async () => {
  await run();
  const calls = await callsSoFar();
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,New\n');
  expect((await run()).stdout).toContain('(3 prompts, 2 cache hits, 0 errors)');
  expect(await callsSoFar()).toBe(calls + 1);
});

test('every row whose answer comes from the cache is a hit, also where it asks what another one asked', async () => {
  await run();
  await world.write('data.csv', 'id,text\n1,Hello\n2,Hello\n');
  expect((await run()).stdout).toContain('(2 prompts, 2 cache hits, 0 errors)');
  await world.write('data.csv', 'id,text\n1,Hello\n2,Hello\n3,New\n4,New\n');
  expect((await run()).stdout).toContain('(4 prompts, 2 cache hits, 0 errors)');
});

test('an input that is broken behind its cached rows leaves the output as it was', async () => {
  await run();
  const first = await world.read(output);
  await world.write('data.csv', 'id,text\n1,Hello\n2,"World\n');
  const broken = await run();
  expect(broken.code).toBe(1);
  expect(broken.stderr).toContain('line 3 opens a quote that is never closed');
  expect(await world.read(output)).toBe(first);
});

test('--no-cache neither reads nor writes it', async () => {
  expect((await run('--no-cache')).stdout).toContain(' 0 cache hits, ');
  expect(await world.listState()).toEqual([]);
  await run();
  const [calls, state] = [await callsSoFar(), await world.listState()];
  const bypassed = await run('--no-cache');
  expect(bypassed.stdout).toContain(' 0 cache hits, ');
  expect(bypassed.stderr).toContain('cache=off');
  expect(await callsSoFar()).toBe(calls + 3);
  expect(await world.listState()).toEqual(state);
});

test('an entry lies under sha256("<provider>|<model>|<prompt>|@<address>") and says what it is', async () => {
  await run();
  expect(await world.listState()).toEqual(
    ['Hello', 'World', 'Again'].map((prompt) => join('cache', `${keyHere(prompt)}.json`)).sort(),
  );
  const stored = JSON.parse(await world.readState(`cache/${keyHere('Hello')}.json`));
  expect(stored).toEqual({
    provider: 'openai',
    model: 'm',
    response: 'Sandbox answer from m: Hello',
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)$/),
    address: sandboxOf(world),
  });
});

test('with --with-usage it says too what the answer cost', async () => {
  await run('--with-usage');
  expect(JSON.parse(await world.readState(`cache/${keyHere('Hello')}.json`))).toMatchObject({
    response: 'Sandbox answer from m: Hello',
    input_tokens: 2,
    output_tokens: 7,
    finish_reason: 'stop',
  });
});

test('another provider or model does not get the answer', async () => {
  await run();
  expect((await run('-m', 'other')).stdout).toContain(' 0 cache hits, ');
  expect((await run('-p', 'openrouter')).stdout).toContain('(4 prompts, 0 cache hits, 0 errors)');
});

test('an entry of the Python tool, under the key joined with NUL, is found', async () => {
  await world.writeState(`cache/${key('Hello', '\0')}.json`, entry('from Python'));
  expect((await run()).stdout).toContain('(4 prompts, 1 cache hits, 0 errors)');
  expect(await world.read(output)).toBe(merged('from Python'));
});

test('our own entry comes before that of the Python tool', async () => {
  await world.writeState(`cache/${key('Hello', '\0')}.json`, entry('from Python'));
  await world.writeState(`cache/${key('Hello')}.json`, entry('ours'));
  await run();
  expect(await world.read(output)).toBe(merged('ours'));
});

test.each<[string, string]>([
  ['empty file', ''],
  ['half written', entry('old').slice(0, 40)],
  ['no object', '[]'],
  ['null', 'null'],
  ['without a response', JSON.stringify({ provider: 'openai', model: 'm', created_at: 'x' })],
  ['with a response that is no text', entry(7)],
  ['with an empty response', entry('')],
  ['of another provider', entry('wrong', 'anthropic')],
  ['of another model', entry('wrong', 'openai', 'other')],
])('an entry that is %s is a miss, and is replaced', async (_, content) => {
  await world.writeState(`cache/${keyHere('Hello')}.json`, content);
  await world.writeState(`cache/${key('World')}.json`, entry('good'));
  const ended = await run();
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain('(4 prompts, 1 cache hits, 0 errors)');
  expect(await world.read(output)).toBe(merged('Sandbox answer from m: Hello', 'good'));
  expect(JSON.parse(await world.readState(`cache/${keyHere('Hello')}.json`))).toMatchObject({
    response: 'Sandbox answer from m: Hello',
  });
});

test('a folder in the place of an entry is a miss and no disaster', async () => {
  await world.writeState(`cache/${keyHere('Hello')}.json/x`, '');
  const ended = await run();
  expect(ended.code).toBe(0);
  expect(await world.read(output)).toBe(merged('Sandbox answer from m: Hello'));
});

test('empty, refused and failed answers are never kept', async () => {
  await world.write(
    'data.csv',
    'id,text\n1,[[sandbox:empty]]\n2,[[sandbox:refuse]]\n3,[[sandbox:error 400]]\n4,fine\n',
  );
  expect((await run()).code).toBe(3);
  expect(await world.listState()).toEqual([join('cache', `${keyHere('fine')}.json`)]);
});

test('the key is wanted even when every answer is in the cache', async () => {
  await run();
  delete world.environment.OPENAI_API_KEY;
  // On this machine an OpenAI-compatible server needs none.
  world.environment.OPENAI_BASE_URL = 'http://gateway.example.com/v1';
  const ended = await run();
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(/^Error: [^\n]*OPENAI_API_KEY[^\n]*\n$/);
});

test('a cache that cannot be written costs a warning, not the run', async () => {
  await world.writeState('cache', 'a file where the folder should be');
  const ended = await run();
  expect(ended.code).toBe(0);
  expect(ended.stderr).toMatch(/^Warning: /m);
  expect(await world.read(output)).toBe(merged('Sandbox answer from m: Hello'));
});

describe('loom cache clear', () => {
  test.each(['--yes', '-y'])(
    '%s deletes every response and says how many; then it is empty',
    async (flag) => {
      await run();
      await world.writeState('batches/openai_b.json', '{}');
      expect(await world.loom('cache', 'clear', flag)).toEqual({
        code: 0,
        stdout: 'Cache cleared. Removed 3 files.\n',
        stderr: '',
      });
      expect(await world.listState()).toEqual([join('batches', 'openai_b.json')]);
      for (const flags of [[flag], []]) {
        expect(await world.loom('cache', 'clear', ...flags)).toEqual({
          code: 0,
          stdout: 'Cache is already empty.\n',
          stderr: '',
        });
      }
      const calls = await callsSoFar();
      expect((await run()).stdout).toContain('(4 prompts, 0 cache hits, 0 errors)');
      expect(await callsSoFar()).toBe(calls + 3);
    },
  );

  test('without a folder says that there is nothing to clear', async () => {
    const nothing = {
      code: 0,
      stdout: 'No cache directory exists yet — nothing to clear.\n',
      stderr: '',
    };
    expect(await world.loom('cache', 'clear')).toEqual(nothing);
    expect(await world.loom('cache', 'clear', '--yes')).toEqual(nothing);
    expect(await world.listState()).toEqual([]);
  });

  test('and the folder may be deleted by hand', async () => {
    await run();
    await rm(world.statePath('cache'), { recursive: true });
    expect((await run()).stdout).toContain('(4 prompts, 0 cache hits, 0 errors)');
    expect(await world.listState()).toHaveLength(3);
  });
});
