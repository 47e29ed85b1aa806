/** What runs cost by a person's own `prices.json`, and by the lists where that says nothing. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDollars } from '../../../src/cli/words/counts.ts';
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
  const wrong = '{"openai": {"m": {"input": 1}}}';
  const told = () => `${world.statePath('prices.json')}: openai, m, output is missing.`;

  test.each(['--batch', '--sync', '--dry-run', '--preview'])(
    'ends a run with %s before anything is sent',
    async (mode) => {
      await world.writeState('prices.json', wrong);
      await world.write('data.csv', 'text\nHello\n');
      const ran = await world.run(mode);
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toContain(`Error: ${told()} `);
      expect(await world.countCalls('openai')).toEqual({});
    },
  );

  test('never stops a fetch: what was paid for is written, and the cost is unknown', async () => {
    await world.write('data.csv', 'text\nHello\n');
    await world.submit();
    await world.writeState('prices.json', wrong);
    const ended = await fetchUntilDone(world);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('Fabric complete.');
    expect(ended.stderr).toContain(`Warning: ${told()} It is a number from 0`);
    expect(ended.stderr).toMatch(
      /\nTokens: \d+ in, \d+ out; cost unknown: the prices of your own are in error\.\n/,
    );
    expect(await world.read('data_results_openai_m.csv')).toContain('Sandbox answer from m: Hello');
  });

  test('is told once for all outputs of a fetch', async () => {
    await world.write('data.csv', 'text\nHello\n');
    await world.write('more.csv', 'text\nHi\n');
    await world.submit();
    await world.submit('-f', 'more.csv', '-c', 'text');
    await world.writeState('prices.json', wrong);
    let stderr = '';
    for (let tries = 0; tries < 100 && stderr.match(/cost unknown/g)?.length !== 2; tries += 1)
      stderr += (await world.loom('fetch', '--wait', '--interval', '0.1')).stderr;
    expect(stderr.match(/Warning: .*prices\.json/g)).toHaveLength(1);
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
