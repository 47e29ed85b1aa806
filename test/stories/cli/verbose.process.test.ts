/** `-v` of a command that is interrupted. */
import { beforeEach, expect, test } from 'vitest';
import { createWorld } from '../../program.ts';
import { startHttpServer } from '../worlds/http-server.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(() => createWorld({ OPENAI_API_KEY: 'a-key' }));

beforeEach(async () => {
  await world.write('data.csv', 'text\nHello\n');
});

const live = ['run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync'];

test('a request without an answer is told with its reason', async () => {
  const gone = await startHttpServer(() => ({ body: {} }));
  world.environment.OPENAI_BASE_URL = `${gone.url}/v1`;
  await gone.close();
  const running = world.start(...live, '-v');
  await new Promise<void>((done) => {
    let told = '';
    running.process.stderr?.on('data', (text: string) => {
      told += text;
      if (told.includes('Trying again')) done();
    });
  });
  running.process.kill('SIGINT');
  expect((await running.ended).stderr).toMatch(
    /\nPOST 127\.0\.0\.1:\d+\/v1\/chat\/completions no answer, \d+ ms: The connection to the provider failed: [^\n]*ECONNREFUSED[^\n]*\nOpenAI: attempt 1 failed: The connection [^\n]*ECONNREFUSED[^\n]* Trying again in \d+\.\d s\.\n/,
  );
});
