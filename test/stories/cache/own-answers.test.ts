/** An answer of one server is never given out as another's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../src/sandbox/server.ts';
import { hashKey, openaiOf, sandboxOf } from '../worlds/cache-keys.ts';
import {
  baseUrlVariables,
  batchProviders,
  createSandboxWorld,
  fetchUntilDone,
  orderOf,
  type ProviderName,
  providers,
  type SandboxWorld,
  submittedId,
} from '../worlds/sandbox-world.ts';

/** Server A is the world's own, B another with the same models. */
let world: SandboxWorld;
let serverB: Sandbox;
let folderB: string;

beforeEach(async () => {
  world = await createSandboxWorld({ turnaroundMs: 0 });
  folderB = await mkdtemp(join(tmpdir(), 'loom-b-'));
  serverB = await startSandbox({ dir: folderB, turnaroundMs: 0 });
  await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
});

afterEach(async () => {
  await serverB.close();
  await world.remove();
  await rm(folderB, { recursive: true, force: true });
});

const order = (provider: ProviderName) => orderOf(provider, '--force');
const live = (provider: ProviderName, ...flags: string[]) =>
  world.loom('run', ...order(provider), '--sync', ...flags);
const batch = (provider: ProviderName, ...flags: string[]) => world.loom('run', ...order(provider), ...flags);
const atB = (provider: ProviderName) => ['--base-url', serverB.baseUrls[provider]];
const hitsOf = ({ stdout }: { stdout: string }) => / (\d) cache hits/.exec(stdout)?.[1];

describe.each(providers)('%s:', (provider) => {
  test('what A has answered live, B is asked all the same, and each has its own answers then', async () => {
    expect(hitsOf(await live(provider))).toBe('0');
    expect(hitsOf(await live(provider, ...atB(provider)))).toBe('0');
    expect(hitsOf(await live(provider))).toBe('2');
    expect(hitsOf(await live(provider, ...atB(provider)))).toBe('2');
  });
});

describe.each(batchProviders)('%s:', (provider) => {
  test('answers of a batch belong to the server of its record, wherever the variable points later', async () => {
    submittedId(await batch(provider, '--base-url', world.environment[baseUrlVariables[provider]] as string));
    const addressA = world.environment[baseUrlVariables[provider]] as string;
    world.environment[baseUrlVariables[provider]] = serverB.baseUrls[provider];
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    submittedId(await batch(provider));
    expect(hitsOf(await batch(provider, '--base-url', addressA))).toBe('2');
  });
});

test('the same work at another address is other work; under one name it is the same', async () => {
  submittedId(await batch('openai'));
  submittedId(await batch('openai', ...atB('openai')));
  const id = submittedId(await batch('openai', '--server-name', 'gpu'));
  expect((await batch('openai', '--server-name', 'gpu', ...atB('openai'))).stdout).toBe(
    `Nothing sent: the same work is pending already as ${id}.\n`,
  );
});

test('a job of an older build, which names no server, is the same work at the address that it was given', async () => {
  const id = submittedId(await batch('openai'));
  const [name = ''] = await world.listState('jobs');
  const { server: _, ...job } = JSON.parse(await world.readState(name));
  await world.writeState(name, JSON.stringify(job));
  expect((await batch('openai')).stdout).toContain(`pending already as ${id}.`);
  submittedId(await batch('openai', ...atB('openai')));
});

test('--server-name gives answers to a name, whatever the address is, live and in batches', async () => {
  expect(hitsOf(await live('openai', '--server-name', 'gpu'))).toBe('0');
  expect(hitsOf(await live('openai', '--server-name', 'gpu', ...atB('openai')))).toBe('2');
  expect(hitsOf(await live('openai'))).toBe('0');
  expect(hitsOf(await live('openai', '--server-name', 'other'))).toBe('0');
  await world.write('data.csv', 'id,text\n1,Moon\n');
  const id = submittedId(await batch('openai', '--server-name', 'gpu'));
  expect(JSON.parse(await world.readState(`batches/openai_${id}.json`))).toMatchObject({
    server: 'sandbox gpu',
  });
  await fetchUntilDone(world, '--force');
  expect(hitsOf(await live('openai', '--server-name', 'gpu', ...atB('openai')))).toBe('1');
});

test.each(['http://a', 'a b', 'sandbox', ''])('--server-name %j is a usage error', async (name) => {
  expect(await live('openai', '--server-name', name)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--server-name'),
  });
});

describe('an entry', () => {
  const plain = `cache/${hashKey('openai', 'm', 'Hello')}.json`;
  const stored = { provider: 'openai', model: 'm', response: 'Kept', created_at: '2026-01-01T00:00:00Z' };

  test.each([
    ['of an older build', plain],
    ['of the Python tool', `cache/${hashKey(['openai', 'm', 'Hello'].join('\0'))}.json`],
  ])('%s names no address and counts for every server', async (_, path) => {
    await world.writeState(path, JSON.stringify(stored));
    expect(hitsOf(await live('openai'))).toBe('1');
    expect(hitsOf(await live('openai', ...atB('openai')))).toBe('1');
    expect(hitsOf(await live('openai', '--server-name', 'gpu'))).toBe('1');
  });

  test.each([
    ['the vendor itself', 'https://api.openai.com/v1'],
    ['another server', 'http://127.0.0.1:9/v1'],
  ])('of %s is a miss', async (_, address) => {
    await world.writeState(plain, JSON.stringify({ ...stored, address }));
    expect(hitsOf(await live('openai'))).toBe('0');
    expect(JSON.parse(await world.readState(plain)).response).toBe('Kept');
  });

  test('in the place of ours that names another server is a miss, and is replaced', async () => {
    const path = `cache/${hashKey('openai', 'm', 'Hello', `@${sandboxOf(world)}`)}.json`;
    await world.writeState(path, JSON.stringify({ ...stored, address: 'http://127.0.0.1:9/v1' }));
    expect(hitsOf(await live('openai'))).toBe('0');
    expect(JSON.parse(await world.readState(path))).toMatchObject({ address: sandboxOf(world) });
  });
});

test('no password or key of an address is in the cache or in a record', async () => {
  const address = openaiOf(world).replace('http://', 'http://user:hidden@');
  submittedId(await batch('openai', '--base-url', `${openaiOf(world)}/`));
  world.environment.OPENAI_BASE_URL = `${address}?key=hidden`;
  await live('openai', '-o', 'other.csv');
  for (const name of await world.listState()) {
    expect(await world.readState(name)).not.toContain('hidden');
  }
});
