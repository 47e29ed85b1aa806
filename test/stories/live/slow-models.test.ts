/** `--call-timeout`: how long one live call may take. */
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { runSync } from '../../../src/index.ts';
import { say } from '../worlds/http-server.ts';
import { orderOf, providers } from '../worlds/sandbox-world.ts';
import { useServedWorld } from '../worlds/use-world.ts';

let asked: string[];
// The model never gets done with slow prompts.
const { world, server } = useServedWorld(({ body }) => {
  asked.push(body.includes('slow') ? 'slow' : 'quick');
  return body.includes('slow') ? new Promise(() => {}) : say('fast');
});

beforeEach(async () => {
  asked = [];
  await world.write('data.csv', 'text\nquick one\nslow one\n');
});

test.each(providers)('a row that takes longer has failed at %s, and is asked once', async (provider) => {
  const { code, stderr } = await world.run('-p', provider, '--sync', '--call-timeout', '2s');
  expect(code).toBe(3);
  expect(stderr).toContain('1 of 2 rows have no response: 1 × timeout.');
  expect(stderr).toContain('No answer came within 2 seconds.');
  expect(asked.sort()).toEqual(['quick', 'slow']);
  expect(await world.read(`data_results_${provider}_m.csv`)).toBe(
    'text,llm_response\nquick one,fast\nslow one,\n',
  );
});

test('a file of defaults says it, and the same run asks for that row alone again', async () => {
  await world.write('loom.config.json', JSON.stringify({ run: { callTimeout: '2s' } }));
  const run = () => world.run('--sync', '--force');
  expect((await run()).code).toBe(3);
  expect((await run()).code).toBe(3);
  expect(asked.sort()).toEqual(['quick', 'slow', 'slow']);
});

test.each(['anthropic', 'google'] as const)(
  'a count at %s that takes longer is given up',
  async (provider) => {
    const { code, stdout } = await world.loom('tokens', ...orderOf(provider), '--call-timeout', '2s');
    expect(code).toBe(3);
    expect(stdout).toContain('errors=1');
  },
);

test('the library takes it in milliseconds', async () => {
  const summary = await runSync({
    file: join(world.folder, 'data.csv'),
    col: 'text',
    provider: 'openai',
    model: 'm',
    apiKey: 'a-key-0123',
    baseUrl: server.url,
    home: join(world.folder, 'home'),
    callTimeoutMs: 2_000,
  });
  expect(summary).toMatchObject({ answered: 1, failed: 1, failures: [{ kind: 'timeout' }] });
  expect(asked.sort()).toEqual(['quick', 'slow']);
});

test('a time that is none is a mistake in the command line', async () => {
  const { code, stderr } = await world.run('--sync', '--call-timeout', 'soon');
  expect(code).toBe(2);
  expect(stderr).toContain("option '--call-timeout <time>' argument 'soon' is invalid.");
});
