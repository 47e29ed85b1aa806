/** `--call-timeout`: how long one live call may take. */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runSync } from '../../src/index.ts';
import { createWorld, type World } from '../program.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { baseUrlVariables, keyVariables, providers } from './sandbox-world.ts';

let world: World;
let server: HttpServer;
let asked: string[];

/** What each provider's answer looks like: one body for all of them. */
const answer = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'fast' }, finish_reason: 'stop' }],
  content: [{ type: 'text', text: 'fast' }],
  candidates: [{ content: { parts: [{ text: 'fast' }] }, finishReason: 'STOP' }],
  input_tokens: 3,
  totalTokens: 3,
};

beforeEach(async () => {
  asked = [];
  // The model never gets done with slow prompts.
  server = await startHttpServer(({ body }) => {
    asked.push(body.includes('slow') ? 'slow' : 'quick');
    return body.includes('slow') ? new Promise(() => {}) : { body: answer };
  });
  world = await createWorld();
  for (const provider of providers) {
    world.environment[baseUrlVariables[provider]] = server.url;
    world.environment[keyVariables[provider]] = 'a-key-0123';
  }
  await world.write('data.csv', 'text\nquick one\nslow one\n');
});

afterEach(async () => {
  await server.close();
  await world.remove();
});

const order = (provider: string) => ['-f', 'data.csv', '-c', 'text', '-p', provider, '-m', 'm'];

test.each(providers)('a row that takes longer has failed at %s, and is asked once', async (provider) => {
  const { code, stderr } = await world.loom('run', ...order(provider), '--sync', '--call-timeout', '3s');
  expect(code).toBe(3);
  expect(stderr).toContain('1 of 2 rows have no response: 1 × timeout.');
  expect(stderr).toContain('No answer came within 3 seconds, the --call-timeout.');
  expect(asked.sort()).toEqual(['quick', 'slow']);
  expect(await world.read(`data_results_${provider}_m.csv`)).toBe(
    'text,llm_response\nquick one,fast\nslow one,\n',
  );
});

test('a file of defaults says it, and the same run asks for that row alone again', async () => {
  await world.write('loom.config.json', JSON.stringify({ run: { callTimeout: '3s' } }));
  const run = () => world.loom('run', ...order('openai'), '--sync', '--force');
  expect((await run()).code).toBe(3);
  expect((await run()).code).toBe(3);
  expect(asked.sort()).toEqual(['quick', 'slow', 'slow']);
});

test.each(['anthropic', 'google'])('a count at %s that takes longer is given up', async (provider) => {
  const { code, stdout } = await world.loom('tokens', ...order(provider), '--call-timeout', '3s');
  expect(code).toBe(3);
  expect(stdout).toContain('errors=1');
});

test('the library takes it in milliseconds', async () => {
  const summary = await runSync({
    file: join(world.folder, 'data.csv'),
    col: 'text',
    provider: 'openai',
    model: 'm',
    apiKey: 'a-key-0123',
    baseUrl: server.url,
    home: join(world.folder, 'home'),
    callTimeoutMs: 3_000,
  });
  expect(summary).toMatchObject({ answered: 1, failed: 1, failures: [{ kind: 'timeout' }] });
  expect(asked.sort()).toEqual(['quick', 'slow']);
});

test('a time that is none is a mistake in the command line', async () => {
  const { code, stderr } = await world.loom('run', ...order('openai'), '--sync', '--call-timeout', 'soon');
  expect(code).toBe(2);
  expect(stderr).toContain("option '--call-timeout <time>' argument 'soon' is invalid.");
});
