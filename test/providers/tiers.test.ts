import { expect, test } from 'vitest';
import { UsageTally } from '../../src/orchestrator/usage/usage-tally.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { findAskedTier, priceOfTier, sayTier } from '../../src/providers/tiers.ts';

const [openai, google, anthropic] = (['openai', 'google', 'anthropic'] as const).map(providerEntry);

test.each([
  ['flex', 'batch'],
  ['FLEX', 'batch'],
  ['SERVICE_TIER_FLEX', 'batch'],
  ['unspecified', 'list'],
  ['standard', 'list'],
  ['priority', 'unknown'],
  ['deferred', 'unknown'],
  [undefined, 'list'],
])('an answer of Google in the tier %s has the price: %s', (tier, price) => {
  expect(priceOfTier(google?.tiers, tier)).toBe(price);
});

test('where there are no tiers, every word costs what it always did', () => {
  expect(priceOfTier(anthropic?.tiers, 'priority')).toBe('list');
});

test('a tier is said in the field of the vendor, beside what else is, and changes no settings', () => {
  const settings = { temperature: 1, extra: { user: 'me' } };
  if (!openai || !google || !anthropic) throw new Error('no entries');
  expect(sayTier(openai, settings, 'flex')).toEqual({
    temperature: 1,
    extra: { user: 'me', service_tier: 'flex' },
  });
  expect(sayTier(google, undefined, 'flex')).toEqual({ extra: { serviceTier: 'flex' } });
  expect(sayTier(openai, settings, undefined)).toBe(settings);
  expect(settings.extra).toEqual({ user: 'me' });
  expect(findAskedTier(openai, undefined, { extra: { service_tier: 'flex' } })).toBe('flex');
  expect(findAskedTier(anthropic, undefined, { extra: { service_tier: 'auto' } })).toBeUndefined();
});

test('the sum of answers knows each tier by itself, long inputs too', () => {
  const tally = new UsageTally();
  for (const [inputTokens, tier] of [
    [10, 'a'],
    [20, 'a'],
    [100, 'b'],
    [40_000, 'a'],
    [7, undefined],
  ] as const)
    tally.addUsage({ inputTokens, outputTokens: 1 }, tier);
  const costOf = ({ inputTokens }: { inputTokens: number }, tier = '') =>
    inputTokens * (tier === 'a' ? 1 : 1000);
  expect(tally.cost({ costOf })).toBe(40_030 + 100_000 + 7_000);
  expect(tally.listTiers()).toEqual([
    ['a', 3],
    ['b', 1],
    [undefined, 1],
  ]);
  expect(
    tally.cost({ costOf: (usage, tier) => (tier === 'b' ? undefined : costOf(usage, tier)) }),
  ).toBeUndefined();
});
