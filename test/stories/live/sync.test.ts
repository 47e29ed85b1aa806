/** `loom run --sync` against servers that are slow, busy, refusing or wrong. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../../program.ts';
import { type Response, refusal, say } from '../worlds/http-server.ts';
import { useServedWorld } from '../worlds/use-world.ts';

let answerTo: (prompt: string) => Response | Promise<Response>;
const { world, server } = useServedWorld(({ body }) => answerTo(JSON.parse(body).messages[0].content));

beforeEach(() => {
  answerTo = (prompt) => say(`Answer to ${prompt}`);
});

/** A refusal of a key. */
const noKey = refusal(401, 'No.', { code: 'invalid_api_key' });

async function run(prompts: readonly string[], ...flags: string[]): Promise<Ended> {
  await writePrompts(prompts);
  return world.run('--sync', ...flags);
}

function writePrompts(prompts: readonly string[]): Promise<string> {
  return world.write('data.csv', `text\n${prompts.map((prompt) => `${prompt}\n`).join('')}`);
}

const output = 'data_results_openai_m.csv';

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `p${index}`);
}

function promptsAsked(): string[] {
  return server.requests.map(({ body }) => JSON.parse(body).messages[0].content);
}

test('each request holds one user message, and as many go out at once as there are workers', async () => {
  let atWork = 0;
  let most = 0;
  answerTo = async (prompt) => {
    most = Math.max(most, ++atWork);
    await new Promise((resolve) => setTimeout(resolve, 30));
    atWork -= 1;
    return say(prompt);
  };
  expect((await run(numbered(20), '-w', '4')).code).toBe(0);
  expect(most).toBe(4);
  // Which of four at once comes first is up to the network.
  const bodies = server.requests.map(({ body }) => JSON.parse(body));
  expect(bodies).toContainEqual({ model: 'm', messages: [{ role: 'user', content: 'p0' }] });
  expect(server.requests[0]).toMatchObject({ method: 'POST', path: '/chat/completions' });
});

test('the rows keep their order though the answers come in another', async () => {
  const held: (() => void)[] = [];
  // Nothing is answered until all eight are there, and then the last comes first.
  answerTo = (prompt) =>
    new Promise((resolve) => {
      held.push(() => resolve(say(`Answer to ${prompt}`)));
      if (held.length === 8)
        for (const [turn, answer] of held.reverse().entries()) setTimeout(answer, turn * 20);
    });
  const prompts = numbered(8);
  expect((await run(prompts)).code).toBe(0);
  expect(await world.read(output)).toBe(
    `text,llm_response\n${prompts.map((prompt) => `${prompt},Answer to ${prompt}\n`).join('')}`,
  );
});

describe('a call is tried again', () => {
  test.each<[string, Response]>([
    ['408', refusal(408, 'slow')],
    ['409', refusal(409, 'busy')],
    ['429', refusal(429, 'too fast', { code: 'rate_limit_exceeded' }, { 'retry-after-ms': '20' })],
    ['500', refusal(500, 'broken')],
    ['503 of a proxy', { status: 503, headers: { 'content-type': 'text/html' }, body: '<h1>busy</h1>' }],
  ])('after %s', async (_, refusal) => {
    const failed = new Set<string>();
    answerTo = (prompt) => {
      if (failed.has(prompt)) return say('at last');
      failed.add(prompt);
      return refusal;
    };
    expect(await run(['x', 'y'])).toMatchObject({
      code: 0,
      stdout: `Done. wrote ${join(world.folder, output)} (2 prompts, 0 cache hits, 0 errors)\n`,
    });
    expect(server.requests).toHaveLength(4);
    expect(await world.read(output)).toBe('text,llm_response\nx,at last\ny,at last\n');
  });

  test('not before the time that the provider asks for', async () => {
    let refusedAt = 0;
    let waited = 0;
    answerTo = () => {
      if (refusedAt > 0) {
        waited = Date.now() - refusedAt;
        return say('at last');
      }
      refusedAt = Date.now();
      return refusal(429, 'too fast', { code: 'rate_limit_exceeded' }, { 'retry-after': '1' });
    };
    expect((await run(['x'])).code).toBe(0);
    expect(waited).toBeGreaterThanOrEqual(990);
  });
});

describe('what lasts for all rows stops the run at once:', () => {
  test.each<[string, Response]>([
    ['a refused key', refusal(401, 'No such key.', { code: 'invalid_api_key' })],
    ['a bill that is not paid', refusal(402, 'Pay first.')],
    [
      'a quota that is used up',
      refusal(429, 'You exceeded your current quota.', { code: 'insufficient_quota' }),
    ],
    ['an unknown model', refusal(404, 'There is no such model.', { code: 'model_not_found' })],
  ])('%s; nothing is written, what was answered stays in the cache, exit 1', async (_, refusal) => {
    answerTo = (prompt) => (prompt === 'p5' ? refusal : say(`Answer to ${prompt}`));
    const ended = await run(numbered(40), '-w', '1');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^Weaving live[^\n]*\nError: OpenAI: [^\n]*\n$/);
    expect(ended.stderr).toContain((refusal.body as { error: { message: string } }).error.message);
    expect(await world.listFolder()).toEqual(['data.csv']);
    expect(await world.listState('cache')).toHaveLength(5);
    expect(await world.listLeft()).toEqual([]);
    expect(server.requests).toHaveLength(6);

    answerTo = (prompt) => say(`Answer to ${prompt}`);
    expect((await run(numbered(6))).stdout).toContain('(6 prompts, 5 cache hits, 0 errors)');
    expect(promptsAsked().at(-1)).toBe('p5');
  });
});

describe('a row that fails for itself', () => {
  test('gets an empty cell in a CSV; the rest goes on; exit 3', async () => {
    answerTo = (prompt) => (prompt === 'y' ? refusal(400, 'This prompt is too long.') : say('fine'));
    const ended = await run(['x', 'y', 'z']);
    expect(ended).toMatchObject({
      code: 3,
      stdout: `Done. wrote ${join(world.folder, output)} (3 prompts, 0 cache hits, 1 errors)\n`,
    });
    expect(ended.stderr).toContain('1 of 3 rows have no response');
    expect(ended.stderr).toContain('This prompt is too long.');
    expect(await world.read(output)).toBe('text,llm_response\nx,fine\ny,\nz,fine\n');
  });

  test('gets null in JSON, and is named by its number, in the file of reasons by its id too', async () => {
    await world.write('data.json', '[{"id":"good","prompt":"x"},{"id":"too-long","prompt":"y"}]');
    answerTo = (prompt) => (prompt === 'y' ? refusal(400, 'This prompt is too long.') : say('fine'));
    const ended = await world.loom('run', '-f', 'data.json', '-p', 'openai', '-m', 'm', '--sync');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/rows? 2/);
    expect(await world.read('data_results_openai_m.json.errors.jsonl')).toContain('"id":"too-long"');
    const rows = JSON.parse(await world.read('data_results_openai_m.json'));
    expect(rows.map((row: { llm_response: unknown }) => row.llm_response)).toEqual(['fine', null]);
  });

  test('together with all others: the output is written, exit 1', async () => {
    answerTo = () => refusal(400, 'Not for us.');
    const ended = await run(['x', 'y']);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('(2 prompts, 0 cache hits, 2 errors)');
    expect(ended.stderr).toContain('Not for us.');
    expect(await world.read(output)).toBe('text,llm_response\nx,\ny,\n');
  });
});

describe('an output that exists', () => {
  test('stops the run before the first call is paid for; --force overwrites it', async () => {
    await world.write(output, 'precious');
    const ended = await run(['x']);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^Error: [^\n]*already exists[^\n]*--force[^\n]*\n$/);
    expect(ended.stderr).toContain(join(world.folder, output));
    expect(server.requests).toEqual([]);
    expect(await world.read(output)).toBe('precious');
    expect((await run(['x'], '--force')).code).toBe(0);
    expect(await world.read(output)).toBe('text,llm_response\nx,Answer to x\n');
  });

  test('is as it was when the run stops half-way', async () => {
    await world.write(output, 'precious');
    answerTo = (prompt) => (prompt === 'p3' ? noKey : say('new'));
    expect((await run(numbered(5), '--force', '-w', '1')).code).toBe(1);
    expect(await world.read(output)).toBe('precious');
    expect(await world.listFolder()).toEqual(['data.csv', output]);
  });
});

test('what one address answered before a run without the cache was cut off is not given out as of another', async () => {
  answerTo = (prompt) => (prompt === 'p2' ? noKey : say(`First ${prompt}`));
  expect((await run(numbered(4), '--no-cache', '-w', '1')).code).toBe(1);

  answerTo = () => say('Other');
  const asked = server.requests.length;
  expect((await run(numbered(4), '--no-cache', '--base-url', `${server.url}/other`)).code).toBe(0);
  expect(server.requests.length - asked).toBe(4);
  expect(await world.read(output)).toBe('text,llm_response\np0,Other\np1,Other\np2,Other\np3,Other\n');

  answerTo = (prompt) => say(`Second ${prompt}`);
  expect((await run(numbered(4), '--no-cache', '--force')).code).toBe(0);
  expect(await world.read(output)).toBe(
    'text,llm_response\np0,First p0\np1,First p1\np2,Second p2\np3,Second p3\n',
  );
});

describe.skipIf(process.platform === 'win32')('answers that the cache refuses', () => {
  beforeEach(() => world.writeState('cache', 'a file where the folder should be'));

  async function pay(count: number, end: () => Response | Promise<Response>): Promise<void> {
    answerTo = (prompt) => (Number(prompt.slice(1)) < count ? say(`Paid for ${prompt}`) : end());
    await writePrompts(numbered(20));
  }

  function answersOf(paid: number): string {
    const answers = numbered(20).map((prompt, row) => `${row < paid ? 'Paid for' : 'Answer to'} ${prompt}`);
    return `text,llm_response\n${numbered(20)
      .map((prompt, row) => `${prompt},${answers[row]}\n`)
      .join('')}`;
  }

  async function goOn(): Promise<Ended> {
    answerTo = (prompt) => say(`Answer to ${prompt}`);
    server.requests.length = 0;
    return world.run('--sync');
  }

  test('are not paid for again after a run that the provider stopped, nor after a second one', async () => {
    await pay(3, () => noKey);
    expect((await world.run('--sync', '-w', '1')).code).toBe(1);
    await pay(5, () => noKey);
    expect((await world.run('--sync', '-w', '1')).code).toBe(1);
    expect(promptsAsked()).toEqual(['p0', 'p1', 'p2', 'p3', 'p3', 'p4', 'p5']);

    const ended = await goOn();
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('5 answers are kept from a run that was cut off.\n');
    expect(promptsAsked().sort()).toEqual(numbered(20).slice(5).sort());
    expect(await world.read(output)).toBe(answersOf(5));
    expect(await world.listState()).toEqual(['cache']);
  });

  test('go into the cache as soon as it takes them', async () => {
    await pay(3, () => noKey);
    await world.run('--sync', '-w', '1');
    await rm(world.statePath('cache'));
    expect((await goOn()).code).toBe(0);
    const again = await world.run('--sync', '--force');
    expect(again.stdout).toContain('(20 prompts, 20 cache hits, 0 errors)');
    expect(await world.read(output)).toBe(answersOf(3));
  });

  test('are not given to a row that asks something else by now', async () => {
    await pay(3, () => noKey);
    await world.run('--sync', '-w', '1');
    await writePrompts(['p0', 'new', 'p2', 'bad', 'p2']);
    answerTo = (prompt) => (prompt === 'bad' ? refusal(400, 'Not for us.') : say(`Answer to ${prompt}`));
    expect((await world.run('--sync')).code).toBe(3);
    expect(await world.read(output)).toBe(
      'text,llm_response\np0,Paid for p0\nnew,Answer to new\np2,Paid for p2\nbad,\np2,Paid for p2\n',
    );
  });
});
