/** A person's own providers, described in `providers.json` of the home. */
import { beforeEach, expect, test } from 'vitest';
import { startHttpServer } from '../worlds/http-server.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);
const order = ['-f', 'data.csv', '-c', 'text', '-m', 'm', '-o', 'out.csv', '--force'];

const describeOwn = (content: unknown) =>
  world.writeState('providers.json', typeof content === 'string' ? content : JSON.stringify(content));

beforeEach(() => world.write('data.csv', 'text\nHello\n'));

test('one is asked by its name, live without a key where it needs none, and in batches', async () => {
  const { local, openai } = world.sandbox.baseUrls;
  await describeOwn({
    'our-vllm': { base_url: local, needs_key: false },
    ours: { base_url: openai, title: 'Our gateway', batches: { price_share: 1 } },
  });
  const live = await world.loom('run', ...order, '-p', 'our-vllm', '--sync');
  expect(live).toMatchObject({ code: 0 });
  const none = await world.loom('run', ...order, '-p', 'our-vllm');
  expect(none.stderr).toBe('Error: our-vllm has no batch API. Re-run with --sync.\n');
  const refused = await world.loom('run', ...order, '-p', 'ours');
  expect(refused.stderr).toMatch(/^Error: Our gateway: .+ Check OURS_API_KEY or --api-key\.$/m);
  world.environment.OURS_API_KEY = 'a-key';
  expect(await world.loom('run', ...order, '-p', 'ours')).toMatchObject({ code: 0 });
  const listed = await world.loom('list', '-p', 'ours', '--output-format', 'json');
  expect(JSON.parse(listed.stdout).batches).toMatchObject([{ provider: 'ours' }]);
  await fetchUntilDone(world, '--force');
  expect(await world.read('out.csv')).toMatch(/^text,llm_response\nHello,.+\n$/);
});

test.each<[object | string, string]>([
  ['{', 'it is not JSON: something is wrong on line 1, at column 2.'],
  [[], 'it is not a JSON object.'],
  [{ Ours: {} }, '"Ours" can\'t be the name of a provider.'],
  [{ ours: {} }, 'ours has no base_url.'],
  [{ ours: { base_url: 'gpu01:8000' } }, 'ours, base_url is "gpu01:8000".'],
  [{ ours: { base_url: 'http://a/v1?key=secret-1' } }, 'ours, base_url is something else.'],
  [
    { ours: { base_url: 'http://a/v1', key_variable: 'sk-proj-0123456789abcd' } },
    'ours, key_variable is something else.',
  ],
  [{ ours: { base_url: 'http://a/v1', colour: 1 } }, 'ours has a field "colour".'],
  [{ ours: { base_url: 'http://a/v1', batches: { least: 0 } } }, 'ours, batches, least is 0.'],
])('a file that says %j is told of, with its place, to who asks one of its own', async (content, what) => {
  await describeOwn(content);
  const ended = await world.loom('run', ...order, '-p', 'ours', '--sync');
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toContain(`Error: ${world.statePath('providers.json')}: ${what}`);
  expect(ended.stderr).toMatch(/\.\n$/);
  // Who asks another is not kept from it.
  expect(await world.loom('run', ...order, '-p', 'openai', '--sync')).toMatchObject({ code: 0 });
  const doctor = await world.loom('doctor', '-p', 'openai');
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toMatch(/^wrong {2}providers {3}/m);
});

test('answers are kept by the address that the name leads to, and batches are fetched where they were sent', async () => {
  await describeOwn({ ours: { base_url: world.sandbox.baseUrls.openai, batches: {} } });
  world.environment.OURS_API_KEY = 'a-key';
  expect(await world.loom('run', ...order, '-p', 'ours')).toMatchObject({ code: 0 });
  expect(await world.loom('run', ...order, '-p', 'ours', '--sync')).toMatchObject({ code: 0 });
  await describeOwn({ ours: { base_url: world.sandbox.baseUrls.local, batches: {} } });
  const ended = await fetchUntilDone(world, '--force');
  expect(ended.stdout).toContain('Fabric complete');
  const elsewhere = await world.loom('run', ...order, '-p', 'ours', '--sync');
  expect(elsewhere.stdout).toContain('(1 prompts, 0 cache hits, 0 errors)');
});

test('a batch of one that is described no more is listed, and a fetch says what is missing', async () => {
  world.environment.OURS_API_KEY = 'a-key';
  await describeOwn({ ours: { base_url: world.sandbox.baseUrls.openai, batches: {} } });
  await world.loom('run', ...order, '-p', 'ours');
  await describeOwn({});
  expect((await world.loom('list', '-p', 'ours')).stdout).toContain('ours');
  const ended = await world.loom('fetch');
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('there is no provider "ours".');
});

test('a name that is built in by now takes the others with it no more than itself', async () => {
  const { local } = world.sandbox.baseUrls;
  await describeOwn({
    openai: { base_url: 'http://127.0.0.1:9/v1' },
    ours: { base_url: local, needs_key: false },
  });
  expect(await world.loom('run', ...order, '-p', 'ours', '--sync')).toMatchObject({ code: 0 });
  expect(await world.loom('run', ...order, '-p', 'openai', '--sync')).toMatchObject({ code: 0 });
  const doctor = await world.loom('doctor', '-p', 'openai');
  expect(doctor.stdout.replace(/\s+/g, ' ')).toContain(
    `openai in ${world.statePath('providers.json')} is built in, and what the file says does not count: give another name.`,
  );
});

test('one way to write an address is as good as another for the answers that are kept', async () => {
  const fine = { body: { choices: [{ message: { content: 'fine' }, finish_reason: 'stop' }] } };
  const server = await startHttpServer(() => fine);
  const address = `${server.url.replace('127.0.0.1', 'LOCALHOST')}/v1`;
  await describeOwn({ ours: { base_url: address, needs_key: false, batches: {} } });
  expect(await world.loom('run', ...order, '-p', 'ours', '--sync')).toMatchObject({ code: 0 });
  await server.close();
  const exported = await world.loom('export', '-f', 'data.csv', '-c', 'text', '-m', 'm', '-p', 'ours');
  expect(exported.stderr).toContain('has its answer in the cache.');
});
