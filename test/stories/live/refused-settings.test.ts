/** A model or a setting that is refused for every row ends a live run after a handful of calls. */
import { describe, expect, test } from 'vitest';
import { type Response, refusal, say } from '../worlds/http-server.ts';
import { providers } from '../worlds/sandbox-world.ts';
import { useServedWorld } from '../worlds/use-world.ts';

let answerTo: (body: string) => Response;
const { world, server } = useServedWorld(({ body }) => answerTo(body));

const refuse = (message: string, code = 'invalid_request_error') =>
  refusal(400, message, { type: code, code, status: code });

async function run(rows: number, provider: string, ...flags: string[]) {
  const prompts = Array.from({ length: rows }, (_, row) => `prompt ${row + 1} of many\n`);
  await world.write('data.csv', `text\n${prompts.join('')}`);
  return world.run('-p', provider, '--sync', ...flags);
}

describe.each(providers)('at %s', (provider) => {
  test('the run ends with the eighth refusal, which is told, and nothing is written', async () => {
    answerTo = () => refuse('The temperature is not supported with this model.', 'unsupported_value');
    const { code, stdout, stderr } = await run(40, provider, '-w', '1');
    expect({ code, stdout, calls: server.requests.length }).toEqual({ code: 1, stdout: '', calls: 8 });
    expect(stderr).toMatch(
      /\nError: \S+[^\n]*: The first 8 answers are the same refusal: The temperature is not supported with this model\. It will be so for every row: change the model, or the setting that it names\. No output is written\.\n$/,
    );
    expect(await world.listFolder()).toEqual(['data.csv']);
  });
});

test('with more workers no call is made after those that are under way', async () => {
  answerTo = () => refuse('Model Not Exist');
  const { code } = await run(60, 'openai', '-w', '20');
  expect(code).toBe(1);
  expect(server.requests.length).toBeLessThanOrEqual(27);
  expect(await world.listFolder()).toEqual(['data.csv']);
});

test('seven rows that are all refused are seven failed rows', async () => {
  answerTo = () => refuse('Model Not Exist');
  const { code, stdout } = await run(7, 'openai');
  expect(code).toBe(1);
  expect(stdout).toContain('(7 prompts, 0 cache hits, 7 errors)');
});

test('prompts that are all stopped by moderation are all asked', async () => {
  answerTo = () => refuse('The model flagged your input as inappropriate content.');
  const { code, stdout } = await run(12, 'openai');
  expect({ code, calls: server.requests.length }).toEqual({ code: 1, calls: 12 });
  expect(stdout).toContain('12 errors)');
});

test('one answer lets the run go on, and answers of the cache are none', async () => {
  answerTo = (body) => (body.includes('prompt 3 ') ? say('fine') : refuse('Model Not Exist'));
  expect((await run(12, 'openai', '-w', '1')).code).toBe(3);
  expect(server.requests.length).toBe(12);
  server.requests.length = 0;
  expect((await run(12, 'openai', '-w', '1', '--force')).code).toBe(1);
  expect(server.requests.length).toBe(8);
});
