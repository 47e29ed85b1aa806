/** Batches that are pending for longer than their provider takes. */
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startHttpServer } from '../worlds/http-server.ts';
import {
  batchProviders,
  createSandboxWorld,
  type ProviderName,
  type SandboxWorld,
} from '../worlds/sandbox-world.ts';

let world: SandboxWorld;

beforeEach(async () => {
  // Nothing ends during a test.
  world = await createSandboxWorld({ turnaroundMs: 3_600_000 });
  await world.write('data.csv', 'text\nHello\n');
});

afterEach(() => world.remove());

/** Submits a batch and says in its record that this was so many hours ago. */
async function submitAgo(provider: ProviderName, hours: number): Promise<string> {
  const id = await world.submit('-p', provider);
  const name = `batches/${provider}_${id.replaceAll('/', '_')}.json`;
  const record = JSON.parse(await world.readState(name));
  record.created_at = new Date(Date.now() - (hours * 60 + 1) * 60_000).toISOString();
  await world.writeState(name, JSON.stringify(record, null, 2));
  return id;
}

const windows: Readonly<Record<string, readonly [title: string, hours: number]>> = {
  openai: ['OpenAI', 24],
  anthropic: ['Anthropic', 24],
  google: ['Google', 48],
  alibaba: ['Alibaba', 24],
};

function windowOf(provider: ProviderName) {
  const window = windows[provider];
  if (!window) throw new Error(`Say here what the window of ${provider} is.`);
  return window;
}

test.each(batchProviders)('a batch older than the window of %s is called stuck, exit 0', async (provider) => {
  const [title, hours] = windowOf(provider);
  const id = await submitAgo(provider, hours + 7);
  const ended = await world.loom('fetch');
  expect(ended.code).toBe(0);
  expect(ended.stderr).toBe(
    `Warning: batch ${id} has been pending for ${hours + 7} h, longer than ${title}'s window of ${hours} h: it is stuck. See it at the provider, or cancel it with loom cancel --id ${id} and run the same command again; answers it gave are kept.\n`,
  );
});

test.each(batchProviders)('a younger one of %s is not', async (provider) => {
  await submitAgo(provider, windowOf(provider)[1] - 1);
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '' });
});

test('a wait calls it so once, however often it asks', async () => {
  await submitAgo('openai', 31);
  const { stderr } = await world.loom('fetch', '--wait', '--interval', '0.02s', '--timeout', '1.5s');
  expect(stderr.match(/it is stuck\./g)).toHaveLength(1);
});

test('one that could not be asked is not called stuck: nobody knows', async () => {
  await submitAgo('openai', 31);
  world.environment.OPENAI_API_KEY = 'bad-key';
  const ended = await world.loom('fetch');
  expect(ended.code).toBe(1);
  expect(ended.stderr).not.toContain('stuck');
});

test('a batch with a window of its own is not stuck before that is over, and the word for its status is told', async () => {
  const created_at = Math.floor(Date.now() / 1000) - 160 * 3_600;
  const batch = {
    id: 'batch_1',
    status: 'paused_for_review',
    created_at,
    expires_at: created_at + 168 * 3_600,
  };
  const server = await startHttpServer(() => ({ body: batch }));
  onTestFinished(() => server.close());
  world.environment.OPENAI_BASE_URL = `${server.url}/v1`;
  await submitAgo('openai', 160);
  expect(await world.loom('fetch')).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('id=batch_1 status=unknown\n'),
    stderr: 'Warning: batch batch_1: the provider calls it paused_for_review\n',
  });
  batch.status = 'In Progress';
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: '' });
});
