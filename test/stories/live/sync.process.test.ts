/** `loom run --sync` that is interrupted, killed or watched while it runs. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Ended, runArgs } from '../../program.ts';
import { type Response, refusal, say } from '../worlds/http-server.ts';
import { output } from '../worlds/openai-world.ts';
import { useServedWorld } from '../worlds/use-world.ts';

let answerTo: (prompt: string) => Response | Promise<Response>;

const promptIn = (body: string): string => JSON.parse(body).messages[0].content;
const { world, server } = useServedWorld(({ body }) => answerTo(promptIn(body)));

beforeEach(() => {
  answerTo = (prompt) => say(`Answer to ${prompt}`);
});

async function run(prompts: readonly string[], ...flags: string[]): Promise<Ended> {
  await writePrompts(prompts);
  return world.run('--sync', ...flags);
}

function writePrompts(prompts: readonly string[]): Promise<string> {
  return world.write('data.csv', `text\n${prompts.map((prompt) => `${prompt}\n`).join('')}`);
}

const args = runArgs('--sync');

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `p${index}`);
}

function promptsAsked(): string[] {
  return server.requests.map(({ body }) => promptIn(body));
}

/** Resolves when so many requests have arrived. */
async function arrived(count: number): Promise<void> {
  while (server.requests.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.skipIf(process.platform === 'win32')('a signal', () => {
  test('ends the run; nothing is written, and what was answered is in the cache', async () => {
    answerTo = (prompt) => (Number(prompt.slice(1)) < 3 ? say(`Answer to ${prompt}`) : new Promise(() => {}));
    await writePrompts(numbered(20));
    const { process: running, ended } = world.start(...args, '-w', '2');
    await arrived(5);
    while ((await world.listState()).filter((name) => /^cache\/\w+\.json$/.test(name)).length < 3) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    running.kill('SIGINT');
    const result = await ended;
    expect(result).toMatchObject({ code: 130, stdout: '' });
    expect(result.stderr).not.toContain('Error:');
    expect(await world.listFolder()).toEqual(['data.csv']);
    expect((await world.listState()).filter((name) => !/^cache\/\w+\.json$/.test(name))).toEqual([]);
    answerTo = (prompt) => say(`Answer to ${prompt}`);
    expect((await run(numbered(20))).stdout).toContain('(20 prompts, 3 cache hits, 0 errors)');
  });

  test('ends a run that waits for its next try at once', async () => {
    let answeredAt = 0;
    answerTo = () => {
      answeredAt = Date.now();
      return refusal(429, 'later', { code: 'rate_limit_exceeded' }, { 'retry-after': '200' });
    };
    await writePrompts(['x']);
    const { process: running, ended } = world.start(...args);
    await arrived(1);
    // Whether the refusal is read by then or not, the run must end.
    while (Date.now() - answeredAt < 300) await new Promise((resolve) => setTimeout(resolve, 20));
    running.kill('SIGINT');
    const result = await ended;
    expect(result.code).toBe(130);
  });
});

test.skipIf(process.platform === 'win32')(
  'answers that the cache refuses are not paid for again after a SIGKILL',
  async () => {
    await world.writeState('cache', 'a file where the folder should be');
    answerTo = (prompt) => (Number(prompt.slice(1)) < 3 ? say(`Paid for ${prompt}`) : new Promise(() => {}));
    await writePrompts(numbered(20));
    const { process: running, ended } = world.start(...args, '-w', '1');
    await arrived(4);
    running.kill('SIGKILL');
    await ended;
    answerTo = (prompt) => say(`Answer to ${prompt}`);
    server.requests.length = 0;
    expect((await world.loom(...args)).code).toBe(0);
    expect(promptsAsked().sort()).toEqual(numbered(20).slice(3).sort());
    const answers = numbered(20).map(
      (prompt, row) => `${prompt},${row < 3 ? 'Paid for' : 'Answer to'} ${prompt}\n`,
    );
    expect(await world.read(output)).toBe(`text,llm_response\n${answers.join('')}`);
  },
);

test('without a terminal a long run says every ten seconds how far it is', async () => {
  const answers: (() => void)[] = [];
  answerTo = (prompt) =>
    prompt === 'p0'
      ? say('quick')
      : new Promise((resolve) => {
          answers.push(() => resolve(say('slow')));
        });
  await writePrompts(numbered(3));
  const { process: running, ended } = world.start(...args);
  let stderr = '';
  running.stderr?.on('data', (text: string) => {
    stderr += text;
  });
  while (!stderr.includes('Generating')) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const answer of answers) answer();
  const result = await ended;
  expect(result.code).toBe(0);
  expect(result.stderr.split('\n')[1]).toMatch(
    /^Generating 1\/3 {2}cache=0 {2}errors=0 {2}0:00:\d\d {2}eta 0:00:\d\d$/,
  );
  expect(result.stdout).toBe(
    `Done. wrote ${join(world.folder, output)} (3 prompts, 0 cache hits, 0 errors)\n`,
  );
});
