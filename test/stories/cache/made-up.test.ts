/** What a sandbox makes up is known by its mark, and no run of another server ever reads it from the cache. */
import { createServer, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { say, startHttpServer } from '../worlds/http-server.ts';
import {
  baseUrlVariables,
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

const world = useWorld(() => createSandboxWorld({ turnaroundMs: 0 }));

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,World\n'));

const order = (provider: ProviderName) => orderOf(provider, '--force');
const live = (provider: ProviderName, ...flags: string[]) =>
  world.loom('run', ...order(provider), '--sync', ...flags);
const hitsOf = ({ stdout }: { stdout: string }) => / (\d) cache hits/.exec(stdout)?.[1];
const cached = () => world.listState('cache');

/** A way to the sandbox by which it is not known before its first answer: below a path that is not its own. */
async function openGateway(): Promise<{ server: Server; urlOf(provider: ProviderName): string }> {
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming;
    const target = new URL(world.sandbox.origin + url.replace(/^\/gateway/, ''));
    incoming.pipe(
      send(target, { method, headers: { ...headers, host: target.host } }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    server,
    urlOf: (provider) => world.sandbox.baseUrls[provider].replace(world.sandbox.origin, `${origin}/gateway`),
  };
}

describe.each(providers)('%s:', (provider) => {
  test('answers of a sandbox whose address was set by hand have a place of their own', async () => {
    expect(hitsOf(await live(provider))).toBe('0');
    for (const name of await cached()) {
      const { address } = JSON.parse(await world.readState(name));
      expect(address).toBe(`sandbox ${world.environment[baseUrlVariables[provider]]}`);
    }
    expect(hitsOf(await live(provider))).toBe('2');
    // Another server at the very same address, as far as the name of an entry goes.
    world.environment[baseUrlVariables[provider]] = 'http://127.0.0.1:9/openai/v1';
    expect(hitsOf(await live(provider, '--dry-run'))).toBeUndefined();
    expect((await live(provider, '--dry-run')).stdout).toContain('Answered from the cache: 0\n');
  });

  test('where only its answers tell, they are in the output and nowhere else', async () => {
    const { server, urlOf } = await openGateway();
    world.environment[baseUrlVariables[provider]] = urlOf(provider);
    world.environment[keyVariables[provider]] = 'another-key';
    expect(await live(provider)).toMatchObject({ code: 0 });
    expect(await cached()).toEqual([]);
    expect(hitsOf(await live(provider))).toBe('0');
    server.closeAllConnections();
    server.close();
  });
});

describe.each(batchProviders)('%s:', (provider) => {
  test('a batch that turns out to be of a sandbox fills no cache of another server', async () => {
    const { server, urlOf } = await openGateway();
    const url = urlOf(provider);
    world.environment[baseUrlVariables[provider]] = url;
    world.environment[keyVariables[provider]] = 'another-key';
    const id = submittedId(await world.loom('run', ...order(provider)));
    expect((await world.loom('run', ...order(provider))).stdout).toContain(`pending already as ${id}.`);
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    for (const name of await cached())
      expect(JSON.parse(await world.readState(name)).address).toBe(`sandbox ${url}`);
    submittedId(await world.loom('run', ...order(provider)));
    server.closeAllConnections();
    server.close();
  });
});

test('a real server that comes to the address of a sandbox is asked, though it was rehearsed there', async () => {
  await live('openai');
  const port = Number(new URL(world.sandbox.origin).port);
  await world.sandbox.close();
  const real = createServer((incoming, outgoing) => {
    incoming.resume();
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify(say('real').body));
  });
  await new Promise<void>((resolve) => real.listen(port, '127.0.0.1', resolve));
  world.environment.OPENAI_API_KEY = 'a-real-key';
  expect(hitsOf(await live('openai'))).toBe('0');
  expect(await world.read('data_results_openai_m.csv')).toBe(
    'id,text,llm_response\n1,Hello,real\n2,World,real\n',
  );
  real.closeAllConnections();
  await new Promise((resolve) => real.close(resolve));
});

test('no server is asked whether it is a sandbox', async () => {
  const server = await startHttpServer(() => say('Hi'));
  world.environment.OPENAI_BASE_URL = `${server.url}/openai/v1`;
  await live('openai');
  const call = '/openai/v1/chat/completions';
  expect(server.requests.map(({ path }) => path)).toEqual([call, call]);
  await server.close();
});

test('answers of --sandbox are in a cache of their own, and bear its name', async () => {
  expect(hitsOf(await live('openai', '--sandbox', '-o', 'a.csv'))).toBe('0');
  expect(hitsOf(await live('openai', '--sandbox', '-o', 'a.csv'))).toBe('2');
  expect(await cached()).toEqual([]);
  const entries = await world.listState('sandbox/cache');
  expect(entries).toHaveLength(2);
  for (const name of entries) expect(JSON.parse(await world.readState(name)).address).toBe('sandbox');
});
