/** What our reading of the bundled lists finds and computes is what the package that they come from does. */
import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { describe, expect, test } from 'vitest';
import { findListed } from '../../src/cache/prices/listed-prices.ts';

const lists = ['openai', 'anthropic', 'google', 'openrouter'];

const usages = [
  { inputTokens: 1_000, outputTokens: 100 },
  { inputTokens: 0, outputTokens: 7 },
  { inputTokens: 5_000, outputTokens: 11, cacheReadTokens: 3_000 },
  { inputTokens: 5_000, outputTokens: 11, cacheReadTokens: 3_000, cacheWriteTokens: 1_500 },
  { inputTokens: 5_000, outputTokens: 0, cacheWriteTokens: 5_000 },
  ...[32_000, 128_000, 199_999, 200_000, 200_001, 272_001, 900_000].map((inputTokens) => ({
    inputTokens,
    outputTokens: 1_000,
    cacheReadTokens: 10_000,
  })),
];

function namesOf(list: string): string[] {
  const models = findProvider({ providerId: list })?.models ?? [];
  // What the vendor resells on another platform.
  const own = models.filter(({ id }) => !(list === 'google' && id.startsWith('claude')));
  return own.map(({ id }) => id);
}

describe.each(lists)('of %s', (list) => {
  const names = namesOf(list);
  const asked = names.flatMap((name) => [name, ` ${name.toUpperCase()} `, `${name}-20250728`, `${name}-x`]);

  test('a name means the same model', () => {
    expect(names.length).toBeGreaterThan(20);
    for (const name of asked) {
      const found = calcPrice({}, name, { providerId: list });
      const priced = found?.model_price.input_mtok === undefined ? undefined : found.model.id;
      const ours = findListed({ priceListName: list }, name);
      const expected = found && name.trim().endsWith(':free') ? found.model.id : priced;
      expect([name, ours?.name]).toEqual([
        name,
        expected?.startsWith('claude') && list === 'google' ? undefined : expected,
      ]);
    }
  });

  test('each model costs the same, with long inputs and a cache of the provider’s as well', () => {
    for (const name of names) {
      const ours = findListed({ priceListName: list }, name);
      if (!ours) continue;
      const costs = usages.map((usage) => ours.costOf(usage));
      const told = usages.map(({ inputTokens, outputTokens, ...cache }) => {
        const { cacheReadTokens = 0, cacheWriteTokens = 0 }: Partial<Record<string, number>> = cache;
        const tokens = {
          input_tokens: inputTokens,
          output_tokens: outputTokens,
          cache_read_tokens: cacheReadTokens,
          cache_write_tokens: cacheWriteTokens,
        };
        return calcPrice(tokens, name, { providerId: list })?.total_price ?? Number.NaN;
      });
      expect([name, ...costs.map((cost) => cost.toPrecision(12))]).toEqual([
        name,
        ...told.map((cost) => cost.toPrecision(12)),
      ]);
    }
  });
});
