/** What answers will cost, told from a sample that was asked before: by its answers in the cache, or at its end. */
import { describe, expect, test } from 'vitest';
import { previewRun, runDocumentSchema, runSync } from '../../../src/index.ts';
import { createSandboxWorld, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

/** Of OpenRouter, too: before a run nobody says what it charges. */
async function writePrices(prices: object): Promise<void> {
  await world.writeState(
    'prices.json',
    JSON.stringify(Object.fromEntries(providers.map((name) => [name, prices]))),
  );
}

/** Output alone costs something: a dollar a token. */
const byOutput = { m: { input: 0, output: 1_000_000 } };

const rows = (count: number) =>
  `text\n${Array.from({ length: count }, (_, row) => `Row ${row + 10}\n`).join('')}`;
const order = (provider: string, ...flags: string[]) => [
  ...['run', '-f', 'data.csv', '-c', 'text', '-p', provider, '-m', 'm', ...flags],
];
const costLine = (stdout: string) =>
  stdout.split('\n').find((line) => /^ {2}\w*( \w+)?: .*for the input/.test(line));

describe.each(providers)('at %s', (provider) => {
  test('a dry run tells the cost of the answers by those of a sample in the cache', async () => {
    await writePrices(byOutput);
    await world.write('data.csv', rows(10));
    const before = await world.loom(...order(provider, '--sync', '--dry-run'));
    expect(costLine(before.stdout)).toMatch(/; the output comes on top, and is not known before the run$/);
    await world.loom(...order(provider, '--sync', '--sample', '4', '--with-usage', '-o', 'sample.csv'));
    const tokens = (await world.read('sample.csv')).match(/,(\d+),(?:stop|end_turn|STOP)$/gm) ?? [];
    const [, each] = /,(\d+),/.exec(tokens[0] ?? '') ?? [];
    expect(tokens).toHaveLength(4);
    const after = await world.loom(...order(provider, '--sync', '--dry-run'));
    expect(costLine(after.stdout)).toBe(
      `  Cost: about $0.00 for the input, at the price of live calls; about $${6 * Number(each)}.00 for the answers, from 4 answers of a sample in the cache`,
    );
  });
});

test('in batches the answers have the price of a batch, and the most stands beside', async () => {
  await writePrices(byOutput);
  await world.write('data.csv', rows(10));
  await world.loom(...order('openai', '--sync', '--sample', '4', '--max-tokens', '50', '-o', 'sample.csv'));
  const { stdout } = await world.loom(...order('openai', '--max-tokens', '50', '--dry-run'));
  expect(costLine(stdout)).toMatch(
    /^ {2}Cost: about \$0\.00 for the input, at the price of a batch; about \$\d+\.\d\d for the answers, from 4 answers of a sample in the cache; at most \$150\.00 with the output \(--max-tokens 50\)$/,
  );
});

test('answers of other settings, of another model or without the cache tell nothing', async () => {
  await writePrices({ ...byOutput, other: byOutput.m });
  await world.write('data.csv', rows(10));
  await world.loom(...order('openai', '--sync', '--sample', '4', '-o', 'sample.csv'));
  for (const flags of [['--temperature', '0.5'], ['-m', 'other'], ['--no-cache']]) {
    const { stdout } = await world.loom(...order('openai', ...flags, '--dry-run'));
    expect(costLine(stdout)).toContain('; the output comes on top, and is not known before the run');
  }
});

test('a longer input costs more, answers or not: each request has the price of its length', async () => {
  await world.write('data.csv', 'text\nHello\nHi\n');
  const ask = (...flags: string[]) => [
    'run',
    '-f',
    'data.csv',
    '-c',
    'text',
    '-p',
    'alibaba',
    '-m',
    'qwen3-max',
    ...flags,
  ];
  await world.loom(...ask('--sync', '--limit', '1', '-o', 'one.csv'));
  const short = await world.loom(...ask('--sync', '--dry-run'));
  expect(costLine(short.stdout)).toMatch(/for the answers, from 1 answer of a sample in the cache$/);
});

test('a document and the library tell it in numbers', async () => {
  await writePrices(byOutput);
  await world.write('data.csv', rows(10));
  const bare = await world.loom(...order('openai', '--dry-run', '--output-format', 'json'));
  expect(JSON.parse(bare.stdout).estimate).toMatchObject({ answers_cost_usd: null, sampled_answers: 0 });
  await world.loom(...order('openai', '--sync', '--sample', '4', '-o', 'sample.csv'));
  const told = await world.loom(...order('openai', '--dry-run', '--output-format', 'json'));
  const { estimate } = JSON.parse(told.stdout);
  expect(estimate).toMatchObject({ sampled_answers: 4, requests: 6 });
  const { environment, folder: workingFolder } = world;
  const file = `${workingFolder}/data.csv`;
  const preview = await previewRun({
    ...{ environment, workingFolder, home: world.statePath('') },
    ...{ file, col: 'text', provider: 'openai', model: 'm' },
  });
  expect(preview.answers).toMatchObject({ sampled: 4, cost: estimate.answers_cost_usd });
  expect(preview.answers?.outputTokens).toBe(2 * estimate.answers_cost_usd);
});

describe('a live sample', () => {
  test.each(providers)('at %s ends with what the whole would cost', async (provider) => {
    await writePrices(byOutput);
    await world.write('data.csv', rows(10));
    const { stderr } = await world.loom(...order(provider, '--sync', '--sample', '4'));
    const [, output] = /^Tokens: \d+ in, (\d+) out; /m.exec(stderr) ?? [];
    const [, live, batch] =
      /^All 10 rows would cost about \$([\d,.]+) live(?:, \$([\d,.]+) as a batch)?, by the 4 answers of this sample\.$/m.exec(
        stderr,
      ) ?? [];
    // OpenRouter says what it charged: a millionth for each token.
    if (provider === 'openrouter') return expect([Number(live) < 0.01, batch]).toEqual([true, undefined]);
    expect(Number(live)).toBe((Number(output) * 10) / 4);
    expect(Number(batch)).toBe(Number(live) / 2);
  });

  test.each(providers)('at %s has it in its document, too', async (provider) => {
    await writePrices(byOutput);
    await world.write('data.csv', rows(10));
    const json = ['--output-format', 'json'];
    const sample = await world.loom(...order(provider, '--sync', '--sample', '4', '-o', 'a.csv', ...json));
    const { whole, output } = runDocumentSchema.parse(JSON.parse(sample.stdout));
    const cost = ((output?.usage?.cost_usd as number) * 10) / 4;
    expect(whole).toEqual({
      rows: 10,
      sampled_answers: 4,
      live_cost_usd: expect.closeTo(cost, 9),
      batch_cost_usd: provider === 'openrouter' ? null : cost / 2,
    });
    const all = await world.loom(...order(provider, '--sync', ...json));
    expect(JSON.parse(all.stdout).whole).toBeNull();
  });

  test('says nothing where it is the whole, where all was in the cache, or where no price is known', async () => {
    await writePrices(byOutput);
    await world.write('data.csv', rows(4));
    const whole = await world.loom(...order('openai', '--sync', '--sample', '9'));
    expect(whole.stderr).not.toContain('would cost');
    const cached = await world.loom(...order('openai', '--sync', '--sample', '2', '--force'));
    expect(cached.stderr).not.toContain('would cost');
    await world.writeState('prices.json', '{}');
    const unknown = await world.loom(...order('openai', '--sync', '--sample', '2', '--force', '--no-cache'));
    expect(unknown.stderr).toContain('cost unknown');
    expect(unknown.stderr).not.toContain('would cost');
  });

  test('of which answers were asked for again tells what that would cost for all rows', async () => {
    await writePrices(byOutput);
    await world.write('data.csv', rows(10).replaceAll('Row', '[[sandbox:misfit]] Row'));
    const { stderr } = await world.loom(
      ...order('openai', '--sync', '--sample', '4', '--fields', 'a', '--retry-misfits', '1'),
    );
    expect(stderr).toContain('4 calls asked again');
    const [, output] = /^Tokens: \d+ in, ([\d,]+) out; /m.exec(stderr) ?? [];
    const [, live, batch] =
      /^All 10 rows would cost about \$([\d,.]+) live, \$([\d,.]+) as a batch, by the 4 answers of this sample\.$/m.exec(
        stderr,
      ) ?? [];
    expect(Number(live)).toBe((Number(output) * 10) / 4);
    expect(Number(batch)).toBe(Number(live) / 4);
  });

  test('of the library has it, too', async () => {
    await writePrices(byOutput);
    await world.write('data.csv', rows(10));
    const { environment, folder: workingFolder } = world;
    const { whole, usage } = await runSync({
      ...{ environment, workingFolder, home: world.statePath(''), overwrite: true },
      ...{ file: `${workingFolder}/data.csv`, col: 'text', provider: 'openai', model: 'm', sample: 5 },
    });
    const liveCost = 2 * (usage?.cost as number);
    expect(whole).toEqual({ rows: 10, sampled: 5, liveCost, batchCost: liveCost / 2 });
  });
});
