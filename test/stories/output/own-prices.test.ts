/** What runs cost by a person's own `prices.json`, and by the lists where that says nothing. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDollars } from '../../../src/cli/words/counts.ts';
import { checkOwnPrices } from '../../../src/index.ts';
import { batchProviders, createSandboxWorld, fetchUntilDone, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

/** Not of OpenRouter, which says itself what it charged. */
const priced = providers.filter((name) => name !== 'openrouter');
const withBatches = batchProviders.filter((name) => name !== 'openrouter');

/** 1,000 dollars a million: whatever the tokens, the cost is theirs in tenths of a cent. */
async function writePrices(more: object = {}): Promise<void> {
  const models = { 'house-*': { input: 1_000, output: 1_000, ...more } };
  await world.writeState(
    'prices.json',
    JSON.stringify(Object.fromEntries(priced.map((name) => [name, models]))),
  );
}

const input = (provider: string, model = 'house-model') =>
  ['-f', 'data.csv', '-c', 'text', '-p', provider, '-m', model] as const;

function tokensOf(stderr: string) {
  const [, read, written, rest] = /^Tokens: (\d+) in, (\d+) out; (.*)$/m.exec(stderr) ?? [];
  return { tokens: Number(read) + Number(written), rest };
}

describe.each(priced)('own prices at %s', (provider) => {
  test('are what a live run costs, also before it and as its limit', async () => {
    await writePrices();
    await world.write('data.csv', 'text\nHello there\n');
    const ahead = await world.loom('run', ...input(provider), '--sync', '--dry-run');
    const counted = Number(/Input tokens: about (\d+)/.exec(ahead.stdout)?.[1]);
    expect(ahead.stdout).toContain(`Cost: about ${formatDollars(counted / 1000)} for the input`);
    const refused = await world.loom('run', ...input(provider), '--sync', '--max-cost', '0.0001');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('the input alone costs about $');
    const ran = await world.loom('run', ...input(provider), '--sync');
    const { tokens, rest } = tokensOf(ran.stderr);
    expect(rest).toBe(`cost about ${formatDollars(tokens / 1000)}.`);
  });
});

describe.each(withBatches)('own prices of a batch at %s', (provider) => {
  test.each([
    ['the usual share', {}, 0.5],
    ['a share of their own', { batch: 0.25 }, 0.25],
    ['prices of their own', { batch: { input: 100, output: 100 } }, 0.1],
    ['no discount', { batch: 1 }, 1],
  ])('are %s', async (_, more, share) => {
    await writePrices(more);
    await world.write('data.csv', 'text\nHello there\n');
    await world.loom('run', ...input(provider));
    const { tokens, rest } = tokensOf((await fetchUntilDone(world)).stderr);
    expect(rest).toBe(`cost about ${formatDollars((tokens * share) / 1000)}.`);
  });
});

describe('a prices.json that is wrong', () => {
  const wrong = '{"openai": {"m": {"input": 1}, "gpt-4o-mini": {"input": 1000, "output": 1000}}}';
  const fault = () =>
    `${world.statePath('prices.json')}: openai, m, output is missing. It is a number from 0`;
  const warned = () =>
    `Warning: ${fault()}, prices in US dollars for a million tokens. Costs are by the lists alone until it is mended.\n`;

  const run = (...flags: string[]) => world.loom('run', ...input('openai', 'gpt-4o-mini'), ...flags);
  const countWarnings = (stderr: string) => stderr.match(/prices\.json/g)?.length ?? 0;

  async function writeWrong(): Promise<void> {
    await world.writeState('prices.json', wrong);
    await world.write('data.csv', 'text\nHello\n');
  }

  test('is told in one line at the start of a live run, which goes on by the lists, and again from the cache', async () => {
    await writeWrong();
    const ran = await run('--sync');
    expect(ran.code).toBe(0);
    expect(ran.stderr.startsWith(`${warned()}Weaving live...`)).toBe(true);
    expect(countWarnings(ran.stderr)).toBe(1);
    // By its own prices it would be cents.
    expect(tokensOf(ran.stderr).rest).toMatch(/^cost about \$0\.0000\d+\.$/);
    const cached = await run('--sync', '--force');
    expect(cached.code).toBe(0);
    expect(cached.stderr.startsWith(warned())).toBe(true);
    expect(countWarnings(cached.stderr)).toBe(1);
  });

  test('is told when a batch is submitted, and once for all outputs of a fetch', async () => {
    await writeWrong();
    await world.write('more.csv', 'text\nHi\n');
    for (const file of ['data.csv', 'more.csv']) {
      const sent = await world.loom('run', file, '-c', 'text', '-p', 'openai', '-m', 'gpt-4o-mini');
      expect(sent.code).toBe(0);
      expect(sent.stdout).toContain('Batch submitted.');
      expect(sent.stderr.startsWith(warned())).toBe(true);
    }
    const fetched = await fetchUntilDone(world);
    expect(fetched.code).toBe(0);
    expect(countWarnings(fetched.stderr)).toBe(1);
    expect(fetched.stderr).toContain(warned());
    expect(fetched.stderr).toMatch(/\nTokens: \d+ in, \d+ out; cost about \$0\.0000\d+\.\n/);
    expect(await world.read('data_results_openai_gpt-4o-mini.csv')).toContain('Hello');
  });

  test('is the reason why the cost of a model is unknown that no list has', async () => {
    await writeWrong();
    const ran = await world.run('--sync');
    expect(ran.code).toBe(0);
    expect(tokensOf(ran.stderr).rest).toBe('cost unknown: the prices of your own are in error.');
  });

  test.each([
    ['a dry run', ['--sync', '--dry-run'], 'Cost: about $'],
    ['one with a limit', ['--dry-run', '--max-cost', '1'], 'Cost: about $'],
    ['a preview', ['--preview'], 'Hello'],
    ['a rehearsal', ['--sync', '--sandbox'], 'Done. wrote'],
  ])('is told of in %s', async (_, flags, told) => {
    await writeWrong();
    const ran = await run(...flags);
    expect(ran.code).toBe(0);
    expect(ran.stderr.startsWith(warned())).toBe(true);
    expect(countWarnings(ran.stderr)).toBe(1);
    expect(ran.stdout).toContain(told);
  });

  test('may be one that can not be read at all', async () => {
    await world.write('data.csv', 'text\nHello\n');
    await mkdir(world.statePath('prices.json'), { recursive: true });
    const ran = await run('--sync');
    expect(ran.code).toBe(0);
    expect(countWarnings(ran.stderr)).toBe(1);
    expect(ran.stderr).toMatch(
      /^Warning: .*prices\.json.* Costs are by the lists alone until it is mended\.\nWeaving live/,
    );
  });

  test('is told of by an estimate of tokens', async () => {
    await writeWrong();
    const counted = await world.loom('tokens', ...input('openai', 'gpt-4o-mini'), '--estimate');
    expect(counted).toMatchObject({ code: 0, stderr: warned() });
    expect(counted.stdout).toContain('Input cost: about $');
  });

  test.each([['--sync'], ['--batch']])(
    'ends a run with a limit of its cost before anything is sent: %s',
    async (mode) => {
      await writeWrong();
      const ran = await run(mode, '--max-cost', '1');
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toContain(`Error: ${fault()}`);
      expect(countWarnings(ran.stderr)).toBe(1);
      expect(await world.countCalls('openai')).toEqual({});
    },
  );

  test.each([[[]], [['--live', '-p', 'openai']]])(
    'ends loom models, which is about prices: %j',
    async (flags) => {
      await writeWrong();
      const listed = await world.loom('models', ...flags);
      expect(listed).toMatchObject({ code: 1, stdout: '' });
      expect(listed.stderr.startsWith(`Error: ${fault()}`)).toBe(true);
    },
  );

  test('is told to a program that asks for it', async () => {
    const place = { home: world.statePath(''), environment: {} };
    expect(checkOwnPrices(place)).toBeUndefined();
    await writeWrong();
    expect(checkOwnPrices(place)).toContain(fault());
  });
});

test('Alibaba’s models have a price, in batches half of it', async () => {
  await world.write('data.csv', `text\n${'x'.repeat(40_000)}\n`);
  const live = await world.loom('run', ...input('alibaba', 'qwen-max'), '--sync');
  // 10,000 tokens in at $1.6 a million, and some 60 out at $6.4.
  expect(live.stderr).toMatch(/\nTokens: 10,000 in, \d\d out; cost about \$0\.016\d\.\n/);
  await world.loom('run', ...input('alibaba', 'qwen-max'), '--no-cache', '--force');
  expect((await fetchUntilDone(world, '--force')).stderr).toMatch(/cost about \$0\.008\d\./);
});

test('prices that a person wrote before the first run are no stranger’s folder', async () => {
  const home = join(world.home, 'state');
  world.environment.LOOM_HOME = home;
  await mkdir(home);
  await writeFile(join(home, 'prices.json'), '{}');
  await world.write('data.csv', 'text\nHello\n');
  expect(await world.run('--sync')).toMatchObject({ code: 0 });
});
