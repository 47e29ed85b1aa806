/** The cost of many answers is the sum of what each of them costs. */
import { calcPrice } from '@pydantic/genai-prices';
import { describe, expect, test } from 'vitest';
import type { RowOutcome, Usage } from '../../../src/core/models.ts';
import type { ProviderName } from '../../../src/core/names.ts';
import { findPrice } from '../../../src/orchestrator/usage/price-usage.ts';
import { UsageTally } from '../../../src/orchestrator/usage/usage-tally.ts';

function answered(usage: Usage | undefined): RowOutcome {
  return { outcome: 'succeeded', text: 'x', usage };
}

async function costOf(provider: ProviderName, model: string, usages: readonly Usage[]) {
  const tally = new UsageTally();
  for (const usage of usages) tally.add(answered(usage));
  const { price } = await findPrice({ home: { base: '/nowhere' }, provider, model, batch: false });
  return tally.cost(price);
}

/** Each answer by itself, as the price list reckons it. */
function costOneByOne(providerId: string, model: string, usages: readonly Usage[]): number {
  return usages.reduce((sum, { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }) => {
    const tokens = {
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      cache_read_tokens: cacheReadTokens,
      cache_write_tokens: cacheWriteTokens,
    };
    return sum + (calcPrice(tokens, model, { providerId })?.total_price ?? Number.NaN);
  }, 0);
}

const short = Array.from({ length: 3000 }, (_, index) => ({
  inputTokens: 1000 + (index % 97),
  outputTokens: index % 31,
  cacheReadTokens: index % 3 === 0 ? 512 : undefined,
  cacheWriteTokens: index % 5 === 0 ? 128 : undefined,
}));
const long = [40_000, 128_000, 200_000, 200_001, 250_000].map((inputTokens) => ({
  inputTokens,
  outputTokens: 1000,
}));

describe('the cost of many answers', () => {
  test.each<[ProviderName, string]>([
    ['openai', 'gpt-4o-mini'],
    ['anthropic', 'claude-haiku-4-5'],
    ['anthropic', 'claude-sonnet-4-5'],
    ['google', 'gemini-2.5-pro'],
    ['openrouter', 'openai/gpt-4o-mini'],
  ])('at %s for %s is the sum of each, whatever a long input costs there', async (provider, model) => {
    const usages = [...short, ...long];
    expect(await costOf(provider, model, usages)).toBeCloseTo(costOneByOne(provider, model, usages), 9);
  });

  test('knows the price of a long input: more than twice that of one of half its length', async () => {
    const [half] = [await costOf('google', 'gemini-2.5-pro', [{ inputTokens: 150_000, outputTokens: 0 }])];
    const whole = await costOf('google', 'gemini-2.5-pro', [{ inputTokens: 300_000, outputTokens: 0 }]);
    expect(whole).toBeCloseTo(4 * (half as number), 9);
  });

  test('is what the provider says that it charged, where it says so, also for an unknown model', async () => {
    const told = { inputTokens: 10, outputTokens: 10, cost: 0.25 };
    expect(await costOf('openrouter', 'nobody/knows', [told, told])).toBe(0.5);
  });

  test.each<[ProviderName, string]>([
    ['openai', 'no-such-model'],
    ['openai', 'whisper-1'],
    ['alibaba', 'gpt-4o-mini'],
  ])('at %s for %s is unknown, not 0', async (provider, model) => {
    expect(await costOf(provider, model, [{ inputTokens: 10, outputTokens: 10 }])).toBeUndefined();
  });

  test('of a free model is 0', async () => {
    const model = 'meta-llama/llama-3.3-70b-instruct:free';
    expect(await costOf('openrouter', model, [{ inputTokens: 10, outputTokens: 10 }])).toBe(0);
  });

  test('takes no harm from parts that are more than the whole', async () => {
    const odd = { inputTokens: 10, outputTokens: 0, cacheReadTokens: 100, cacheWriteTokens: 100 };
    expect(await costOf('anthropic', 'claude-haiku-4-5', [odd])).toBeCloseTo(10 * 0.1e-6, 12);
  });
});

test('answers without a count of tokens are counted apart, and failures without one not at all', () => {
  const tally = new UsageTally();
  tally.add(answered(undefined));
  tally.add({ outcome: 'failed', error: { kind: 'http_400', message: 'No.' } });
  tally.add({
    outcome: 'failed',
    error: { kind: 'refusal', message: 'No.' },
    usage: { inputTokens: 5, outputTokens: 2 },
  });
  expect(tally).toMatchObject({ answers: 1, untold: 1, inputTokens: 5, outputTokens: 2 });
});
