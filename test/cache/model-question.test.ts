/** Names of models that are most likely mistakes are asked about; those that are merely unknown are not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openKnownNames } from '../../src/cache/prices/known-names.ts';
import { questionModel } from '../../src/cache/prices/model-question.ts';
import type { ProviderName } from '../../src/core/names.ts';
import { builtInNames, isProvider } from '../../src/providers/registry.ts';

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loom-names-'));
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

const vendor = (name: ProviderName) => ({ name, priceListName: name });

async function question(provider: ProviderName, model: string): Promise<string | undefined> {
  const others = builtInNames.filter((name) => name !== provider && name !== 'openrouter');
  const asked = provider === 'openrouter' ? others : [...others, 'openrouter' as const];
  const meant = questionModel(
    await openKnownNames({ base }, isProvider),
    vendor(provider),
    asked.map(vendor),
    model,
  );
  return meant && (meant.provider === provider ? meant.model : `${meant.provider}: ${meant.model}`);
}

test.each<[ProviderName, string, string]>([
  ['openai', 'gpt-4o-mnii', 'gpt-4o-mini'],
  ['openai', 'gpt-4o-min', 'gpt-4o-mini'],
  ['openai', 'gtp-4o-mini', 'gpt-4o-mini'],
  ['openai', 'gpt4o-mini', 'gpt-4o-mini'],
  ['openai', 'gpt-40', 'gpt-4o'],
  ['openai', 'GPT-4o-mini', 'gpt-4o-mini'],
  ['openai', 'gpt-4o-mnii-2024-07-18', 'gpt-4o-mini-2024-07-18'],
  ['anthropic', 'claude-hiaku-4-5', 'claude-haiku-4-5'],
  ['anthropic', 'cluade-sonnet-4-5', 'claude-sonnet-4-5'],
  ['google', 'gemini-2.5-falsh', 'gemini-2.5-flash'],
  ['google', 'gemini-2.5flash', 'gemini-2.5-flash'],
  ['openrouter', 'openai/gpt-4o-mnii', 'openai/gpt-4o-mini'],
  ['openrouter', 'gpt-4o-mini', 'openai/gpt-4o-mini'],
  ['alibaba', 'qwen-pluss', 'qwen-plus'],
  ['alibaba', 'qwen3max', 'qwen3-max'],
])('a slip at %s: is %s meant to be %s?', async (provider, model, meant) => {
  expect(await question(provider, model)).toBe(meant);
});

test.each<[ProviderName, string, string]>([
  ['openai', 'claude-haiku-4-5', 'anthropic: claude-haiku-4-5'],
  ['openai', 'claude-haiku-4-5-20251001', 'anthropic: claude-haiku-4-5-20251001'],
  ['openai', 'gemini-2.5-flash', 'google: gemini-2.5-flash'],
  ['openai', 'qwen-plus', 'alibaba: qwen-plus'],
  ['openai', 'openai/gpt-4o-mini', 'openrouter: openai/gpt-4o-mini'],
  ['anthropic', 'gpt-4o-mini', 'openai: gpt-4o-mini'],
  ['google', 'claude-haiku-4-5', 'anthropic: claude-haiku-4-5'],
  ['google', 'gpt-4o', 'openai: gpt-4o'],
  ['alibaba', 'gpt-4o-mini-2024-07-18', 'openai: gpt-4o-mini-2024-07-18'],
])('a model of another provider, at %s: %s is %s', async (provider, model, meant) => {
  expect(await question(provider, model)).toBe(meant);
});

test.each<[ProviderName, string]>([
  // Known, and snapshots of what is known.
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-4o-2024-11-20'],
  ['openai', 'gpt-4o-mini-2025-12-31'],
  ['openai', 'gpt-4-0613'],
  ['openai', 'text-embedding-3-small'],
  ['anthropic', 'claude-haiku-4-5-20251001'],
  ['anthropic', 'claude-3-5-haiku-20241022'],
  ['anthropic', 'claude-3-5-haiku'],
  ['anthropic', 'claude-sonnet-4-20250514'],
  ['google', 'gemini-2.5-flash-lite-preview-09-2025'],
  ['google', 'models/gemini-2.5-flash'],
  ['google', 'gemini-2.0-flash-001'],
  ['openrouter', 'openai/gpt-4o-mini:free'],
  ['openrouter', 'openai/gpt-4o-mini:online'],
  ['alibaba', 'qwen-plus-2025-07-28'],
  ['alibaba', 'qwen-max-latest'],
  // A person's own.
  ['openai', 'ft:gpt-4o-mini-2024-07-18:acme::abc'],
  ['openai', 'ft:gpt-4o-mnii-2024-07-18:acme::abc'],
  ['openai', 'gpt-4o-mini-2024-07-18.ft-0123'],
  ['google', 'tunedModels/mine'],
  // Newer than the list, or of another size: names by themselves.
  ['openai', 'gpt-5.9'],
  ['openai', 'gpt-7-sol'],
  ['openai', 'o9-mini'],
  ['openai', 'gpt-6.2-sol'],
  ['anthropic', 'claude-haiku-5-5'],
  ['anthropic', 'claude-opus-7'],
  ['google', 'gemini-9-flash'],
  ['alibaba', 'qwen9-max'],
  ['alibaba', 'qwen-mt-plus'],
  ['alibaba', 'qwen3-vl-flash'],
  // Of a server of one's own.
  ['openai', 'llama3.2'],
  ['openai', 'my-deployment'],
  ['openai', 'm'],
  ['openai', 'gpt'],
])('nothing is asked at %s about %s', async (provider, model) => {
  expect(await question(provider, model)).toBeUndefined();
});

test('nothing is asked about what one’s own prices name', async () => {
  expect(await question('openai', 'gpt4o-mini')).toBe('gpt-4o-mini');
  const price = { input: 1, output: 1 };
  writeFileSync(
    join(base, 'prices.json'),
    JSON.stringify({ openai: { 'gpt4o-mini': price, 'claude-*': price } }),
  );
  expect(await question('openai', 'gpt4o-mini')).toBeUndefined();
  expect(await question('openai', 'claude-haiku-4-5')).toBeUndefined();
});

test('no model that a provider lists is taken for a slip of another', async () => {
  const known = await openKnownNames({ base }, isProvider);
  for (const provider of builtInNames) {
    const asked = known
      .list(vendor(provider))
      .filter((name) => questionModel(known, vendor(provider), [], name) !== undefined);
    expect(asked).toEqual([]);
  }
});
