/** What models cost: by the lists that come with the program, and by a person's own file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openKnownNames } from '../../src/cache/prices/known-names.ts';
import { priceOfBatch } from '../../src/cache/prices/model-price.ts';
import { openPriceBook, openSoundPriceBook } from '../../src/cache/prices/price-book.ts';
import { LoomError } from '../../src/core/errors.ts';
import type { ProviderName } from '../../src/core/names.ts';
import { isProvider } from '../../src/providers/registry.ts';

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loom-prices-'));
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

const million = 1_000_000;
const vendor = (name: ProviderName) => ({ name, priceListName: name });

async function findPrice(provider: ProviderName, model: string) {
  return (await openPriceBook({ base }, isProvider)).find(vendor(provider), model);
}

async function costOf(provider: ProviderName, model: string, inputTokens: number, outputTokens: number) {
  return (await findPrice(provider, model))?.costOf({ inputTokens, outputTokens });
}

function writeOwn(prices: unknown): void {
  writeFileSync(join(base, 'prices.json'), typeof prices === 'string' ? prices : JSON.stringify(prices));
}

describe('the lists that come with the program', () => {
  test.each<[ProviderName, string, number, number]>([
    ['openai', 'gpt-4o-mini', 0.15, 0.6],
    ['openai', 'gpt-4o-mini-2024-07-18', 0.15, 0.6],
    ['anthropic', 'claude-haiku-4-5', 1, 5],
    ['google', 'gemini-2.5-flash', 0.3, 2.5],
    ['openrouter', 'openai/gpt-4o-mini', 0.15, 0.6],
    ['alibaba', 'qwen-plus', 0.4, 1.2],
    ['alibaba', 'qwen-plus-latest', 0.4, 1.2],
    ['alibaba', 'qwen-plus-2025-07-28', 0.4, 1.2],
    ['alibaba', 'qwen3.7-max', 2.5, 7.5],
  ])('know %s’s %s', async (provider, model, input, output) => {
    const price = await findPrice(provider, model);
    expect(price?.levels[0]).toMatchObject({ above: 0, input, output });
    expect(price?.costOf({ inputTokens: 10_000, outputTokens: 0 })).toBeCloseTo(input / 100, 12);
    expect(price?.costOf({ inputTokens: 0, outputTokens: 10_000 })).toBeCloseTo(output / 100, 12);
  });

  test.each<[ProviderName, string]>([
    ['alibaba', 'gpt-4o-mini'],
    ['alibaba', 'qwen-plus-somethng'],
    ['alibaba', 'qwen9-max'],
    ['openai', 'whisper-1'],
    ['google', 'claude-haiku-4-5'],
  ])('know no price at %s for %s', async (provider, model) => {
    expect(await findPrice(provider, model)).toBeUndefined();
  });

  test.each<[ProviderName, string, number, number, number]>([
    // Up to the length, and above it: all of the request has the price of its length.
    ['google', 'gemini-2.5-pro', 200_000, 1.25, 2.5],
    ['anthropic', 'claude-sonnet-4-5', 200_000, 3, 6],
    ['openai', 'gpt-6-sol', 272_000, 2, 4],
    ['alibaba', 'qwen-plus', 256_000, 0.4, 1.2],
    ['alibaba', 'qwen3-max', 32_000, 1.2, 2.4],
    ['alibaba', 'qwen3-max', 128_000, 2.4, 3],
  ])(
    'price requests at %s with %s by their length, at %i tokens',
    async (provider, model, length, below, above) => {
      expect(await costOf(provider, model, length, 0)).toBeCloseTo((length * below) / million, 9);
      expect(await costOf(provider, model, length + 1, 0)).toBeCloseTo(((length + 1) * above) / million, 9);
    },
  );

  test.each<[ProviderName, number]>([
    ['openai', 60],
    ['anthropic', 20],
    ['google', 25],
    ['openrouter', 500],
    ['alibaba', 30],
  ])('list the models of %s, each of which they find again', async (provider, least) => {
    const book = await openPriceBook({ base }, isProvider);
    const listed = book.list(vendor(provider));
    expect(listed.length).toBeGreaterThan(least);
    const names = listed.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const known = (await openKnownNames({ base }, isProvider)).list(vendor(provider));
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('a file of own prices', () => {
  test('goes before the lists, by name and by beginning, and stands for a model that no list has', async () => {
    writeOwn({
      openai: {
        'gpt-4o-mini': { input: 0.12, output: 0.48, cached_input: 0.06, context: 64_000 },
        'ft:*': { input: 1, output: 2 },
        'ft:gpt-4o*': { input: 3, output: 4 },
      },
      alibaba: { 'my-model': { input: 5, output: 6 } },
    });
    expect(await costOf('openai', 'gpt-4o-mini', million, million)).toBeCloseTo(0.6, 12);
    expect(await costOf('openai', 'ft:gpt-4o-mini:acme', million, 0)).toBe(3);
    expect(await costOf('openai', 'ft:gpt-5:acme', million, 0)).toBe(1);
    expect(await costOf('alibaba', 'my-model', 0, million)).toBe(6);
    // Of others nothing changes.
    expect(await costOf('openai', 'gpt-4o', million, 0)).toBe(2.5);
    const price = await findPrice('openai', 'gpt-4o-mini');
    expect(price).toMatchObject({ context: 64_000, levels: [{ cachedInput: 0.06 }] });
    expect(
      price?.costOf({ inputTokens: million, outputTokens: 0, cacheReadTokens: million / 2 }),
    ).toBeCloseTo(0.09, 12);
    const names = (await openPriceBook({ base }, isProvider)).list(vendor('openai')).map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['gpt-4o-mini', 'ft:*', 'ft:gpt-4o*']);
    expect(names.filter((name) => name === 'gpt-4o-mini')).toHaveLength(1);
  });

  test('may say what a batch costs, as a share or as prices; else it is the usual share', async () => {
    writeOwn({
      openai: {
        usual: { input: 1, output: 2 },
        share: { input: 1, output: 2, batch: 0.8 },
        full: { input: 1, output: 2, batch: 1 },
        prices: { input: 1, output: 2, batch: { input: 0.25, output: 0.75 } },
      },
    });
    const usage = { inputTokens: million, outputTokens: million };
    const batchCost = async (model: string) => {
      const price = await findPrice('openai', model);
      return price && priceOfBatch(price, 0.5).costOf(usage);
    };
    expect(await batchCost('usual')).toBe(1.5);
    expect(await batchCost('share')).toBeCloseTo(2.4, 12);
    expect(await batchCost('full')).toBe(3);
    expect(await batchCost('prices')).toBe(1);
  });

  test.each([
    [
      '{"openai": {"m": {"input": 1,, "output": 2}}}',
      'it is not JSON: something is wrong on line 1, at column 30.',
    ],
    ['[]', 'it is not a JSON object.'],
    [{ opnai: {} }, 'there is no provider "opnai".'],
    [{ openai: [] }, 'openai is not an object of models.'],
    [{ openai: { m: 1 } }, 'openai, m is not an object of prices.'],
    [{ openai: { m: { input: 1, ouput: 2 } } }, 'openai, m has a field "ouput".'],
    [{ openai: { m: { input: 1 } } }, 'openai, m, output is missing.'],
    [{ openai: { m: { input: -1, output: 1 } } }, 'openai, m, input is -1.'],
    [{ openai: { m: { input: '1', output: 1 } } }, 'openai, m, input is "1".'],
    ['{"openai": {"m": {"input": 1e999, "output": 1}}}', 'openai, m, input is null.'],
    [{ openai: { m: { input: 1, output: 1, batch: 2 } } }, 'openai, m, batch is 2.'],
    [{ openai: { m: { input: 1, output: 1, batch: { input: 1 } } } }, 'openai, m, batch, output is missing.'],
  ])('that is wrong has a fault with its place, and the lists count alone: %j', async (content, message) => {
    writeOwn(content);
    const failure = await openSoundPriceBook({ base }, isProvider).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LoomError);
    const { kind, message: told, hint } = failure as LoomError;
    expect({ kind, told }).toEqual({ kind: 'state', told: `${join(base, 'prices.json')}: ${message}` });
    expect(hint).toMatch(/\.$/);
    const book = await openPriceBook({ base }, isProvider);
    expect(book.fault).toEqual(failure);
    expect(book.find(vendor('openai'), 'gpt-4o-mini')?.levels[0].input).toBe(0.15);
  });
});
