/** `--tier`: asked for in the vendor's own field, and paid for as the answers say. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { runSync, submitBatch } from '../../../src/index.ts';
import { type Received, type Response, refusal } from '../worlds/http-server.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useServer, useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello there\n2,Good morning\n'));

const models = { openai: 'gpt-4o', google: 'gemini-2.5-pro', anthropic: 'claude-haiku-4-5' };
const orderOf = (provider: keyof typeof models) => [
  ...['run', 'data.csv', '-c', 'text', '-p', provider, '-m', models[provider]],
];
const live = (provider: keyof typeof models, ...flags: string[]) =>
  world.loom(...orderOf(provider), '--sync', '--force', '--no-cache', '--call-timeout', '20m', ...flags);
const costLine = ({ stderr }: { stderr: string }) =>
  stderr.split('\n').find((line) => line.startsWith('Tokens: '));

describe.each([
  ['openai', '$0.00022', '$0.00011', 'default'],
  ['google', '$0.00025', '$0.00012', 'standard'],
] as const)('%s', (provider, full, half, ordinary) => {
  test('flex costs as a batch does, and the answers are counted by tier', async () => {
    expect(costLine(await live(provider))).toMatch(new RegExp(`; cost about \\${full}\\d*\\.$`));
    expect(costLine(await live(provider, '--tier', 'flex'))).toMatch(
      new RegExp(`; cost about \\${half}\\d*\\. Answers by tier: 2 flex\\.$`),
    );
    expect(costLine(await live(provider, '--tier', ordinary))).toMatch(
      new RegExp(`; cost about \\${full}\\d*\\. Answers by tier: 2 ${ordinary}\\.$`),
    );
  });

  test('priority has no known price, and a limit of the cost refuses it before anything is sent', async () => {
    const title = provider === 'openai' ? 'OpenAI' : 'Google';
    expect(costLine(await live(provider, '--tier', 'priority'))).toMatch(
      new RegExp(
        `; cost unknown: no price is known for the tier priority of ${title}\\. Answers by tier: 2 priority\\.$`,
      ),
    );
    const before = await world.countCalls(provider);
    const limited = await live(provider, '--tier', 'priority', '--max-cost', '1');
    expect(limited).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `Error: no price is known for ${models[provider]} in the tier that is asked for of ${title}, so --max-cost can't be kept; nothing was sent.`,
      ),
    });
    expect(await world.countCalls(provider)).toEqual(before);
  });

  test('--param says it as well, and is not said twice', async () => {
    const field = provider === 'openai' ? 'service_tier' : 'serviceTier';
    const byParam = await live(provider, '--param', `${field}=flex`);
    expect(costLine(byParam)).toMatch(
      new RegExp(`; cost about \\${half}\\d*\\. Answers by tier: 2 flex\\.$`),
    );
    expect(await live(provider, '--tier', 'flex', '--param', `${field}=flex`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(field),
    });
  });

  test('a dry run and a preview know it', async () => {
    const { stdout } = await live(provider, '--tier', 'flex', '--dry-run');
    expect(stdout).toContain('for the input, at the price of live calls in the tier flex;');
    const shown = await live(provider, '--tier', 'flex', '--preview');
    expect(shown.stdout).toMatch(/"service_?[tT]ier": "flex"/);
  });
});

test.each([
  ['anthropic', 'flex', 'Anthropic has no tier "flex" of live calls. Leave it out.'],
  ['openai', 'cheap', 'OpenAI has no tier "cheap" of live calls. It has auto, default, flex, priority.'],
  ['google', 'auto', 'Google has no tier "auto" of live calls. It has standard, flex, priority.'],
] as const)('%s and the tier %s: refused before anything is sent', async (provider, tier, error) => {
  for (const flags of [[], ['--dry-run'], ['--preview']]) {
    const ended = await live(provider, '--tier', tier, ...flags);
    expect(ended).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(`Error: ${error}\n`) });
  }
  expect(await world.countCalls(provider)).toEqual({});
});

test('a batch has a price of its own, and no tier', async () => {
  for (const flags of [[], ['--dry-run'], ['--preview']]) {
    expect(await world.loom(...orderOf('openai'), '--tier', 'flex', ...flags)).toMatchObject({
      code: 2,
      stderr:
        'Error: --tier is for live calls: a batch has a price of its own. Pass --sync, or leave it out.\n',
    });
  }
  const place = { environment: world.environment, workingFolder: world.folder };
  const order = { file: 'data.csv', col: 'text', provider: 'openai', model: 'gpt-4o', tier: 'flex' };
  await expect(submitBatch({ ...place, ...order })).rejects.toMatchObject({
    kind: 'usage',
    code: 'tier_of_batch',
  });
  expect(await world.countCalls('openai')).toEqual({});
});

test('an answer counts whichever tier it came in', async () => {
  const cached = (...flags: string[]) => world.loom(...orderOf('openai'), '--sync', '--force', ...flags);
  await cached('--tier', 'flex');
  const again = await cached();
  expect(again.stderr).not.toContain('Tokens: ');
  expect(await world.countCalls('openai')).toMatchObject({ generate: 2 });
});

test('flex without a time of its own is told to be slow', async () => {
  const slow =
    'In the tier flex an answer may take long: a row has failed after 10 minutes, unless --call-timeout says more.';
  const ended = await world.loom(...orderOf('openai'), '--sync', '--tier', 'flex');
  expect(ended.stderr).toContain(`${slow}\n`);
  expect((await live('openai', '--tier', 'flex')).stderr).not.toContain(slow);
});

describe('the answer says what it costs', () => {
  let answer: (request: Received) => Response;
  const server = useServer((request) => answer(request));
  const say = (tier: object): Response => ({
    body: {
      choices: [{ message: { content: 'fine' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1_000_000, completion_tokens: 0 },
      ...tier,
    },
  });
  const run = (...flags: string[]) => live('openai', '--base-url', `${server.url}/v1`, '-w', '1', ...flags);

  test.each([
    ['the tier that was asked for', { service_tier: 'flex' }, 'cost about $2.50. Answers by tier: 2 flex.'],
    ['another one', { service_tier: 'default' }, 'cost about $5.00. Answers by tier: 2 default.'],
    ['none', {}, 'cost about $2.50. Answers by tier: 2 flex (asked for; not told).'],
    ['null', { service_tier: null }, 'cost about $2.50. Answers by tier: 2 flex (asked for; not told).'],
    [
      'one that nobody knows',
      { service_tier: 'scale' },
      'cost unknown: no price is known for the tier scale of OpenAI. Answers by tier: 2 scale.',
    ],
  ])('where it names %s', async (_, tier, cost) => {
    answer = () => say(tier);
    expect(costLine(await run('--tier', 'flex'))).toBe(`Tokens: 2,000,000 in, 0 out; ${cost}`);
  });

  test('also row by row, and in the JSON document', async () => {
    answer = ({ body }) => say({ service_tier: body.includes('Hello') ? 'flex' : 'default' });
    const ended = await run('--tier', 'flex', '--output-format', 'json');
    expect(JSON.parse(ended.stdout).output.usage).toEqual({
      input_tokens: 2_000_000,
      output_tokens: 0,
      cost_usd: 3.75,
      would_cost: false,
      tiers: [
        { tier: 'flex', answers: 1, assumed: false },
        { tier: 'default', answers: 1, assumed: false },
      ],
    });
  });

  test('also where none was asked for', async () => {
    answer = () => say({ service_tier: 'priority' });
    expect(costLine(await run())).toBe(
      'Tokens: 2,000,000 in, 0 out; cost unknown: no price is known for the tier priority of OpenAI. Answers by tier: 2 priority.',
    );
    answer = () => say({ service_tier: 'default' });
    expect(costLine(await run())).toBe('Tokens: 2,000,000 in, 0 out; cost about $5.00.');
  });

  test('and where that is not known, a limit of the cost ends the run', async () => {
    answer = () => say({ service_tier: 'priority' });
    expect((await run('--max-cost', '100')).stderr).toContain(
      `Error: an answer came in the tier "priority", whose price is not known, so --max-cost can't be kept.`,
    );
  });

  test('a place that is not free is asked for again', async () => {
    let calls = 0;
    answer = () => {
      calls += 1;
      return calls === 1
        ? refusal(429, 'No capacity.', { code: 'resource_unavailable' }, { 'retry-after': '0' })
        : say({ service_tier: 'flex' });
    };
    expect(costLine(await run('--tier', 'flex'))).toContain('Answers by tier: 2 flex.');
    expect(calls).toBe(3);
  });

  test('and is in no line about a row', async () => {
    answer = () => say({ service_tier: 'flex' });
    await live(
      'openai',
      '--base-url',
      `${server.url}/v1`,
      '--tier',
      'flex',
      '--max-cost',
      '0.000001',
      '-w',
      '1',
    );
    answer = ({ body }) =>
      body.includes('Hello') ? say({ service_tier: 'a-tier-4711' }) : refusal(401, 'No.');
    await run('--tier', 'flex');
    const entries = await readdir(world.home, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
    expect(paths.some((path) => path.includes('sync_'))).toBe(true);
    for (const path of paths) expect(await readFile(path, 'latin1')).not.toContain('a-tier-4711');
  });
});

test('the library takes it', async () => {
  const place = { environment: world.environment, workingFolder: world.folder };
  const order = { file: 'data.csv', col: 'text', provider: 'openai', model: 'gpt-4o' };
  const { usage } = await runSync({ ...place, ...order, tier: 'flex', overwrite: true });
  expect(usage?.tiers).toEqual([{ tier: 'flex', answers: 2, isPriced: true, isAssumed: false }]);
});
