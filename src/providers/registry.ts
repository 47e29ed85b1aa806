/**
 * The providers there are. An entry knows what its provider can do; its adapter, and with it the SDK, is loaded when
 * one of them is opened. A new provider is an adapter file and an entry here.
 */
import { LoomError } from '../core/errors.ts';
import type { ProviderName } from '../core/models.ts';
import { guardEntry } from './guard.ts';
import type { BatchEntry, ProviderEntry } from './provider.ts';

const openai: ProviderEntry = {
  name: 'openai',
  title: 'OpenAI',
  keyVariable: 'OPENAI_API_KEY',
  baseUrlVariable: 'OPENAI_BASE_URL',
  countsTokens: false,
  keylessOnLoopback: true,
  messageTokens: 7,
  priceListName: 'openai',
  batchPriceShare: 0.5,
  completionWindowHours: 24,
  openSync: async (connection) => (await import('./openai/sync.ts')).openSync(connection),
  openBatch: async (connection) => (await import('./openai/batch.ts')).openBatch(connection),
};

const anthropic: ProviderEntry = {
  name: 'anthropic',
  title: 'Anthropic',
  keyVariable: 'ANTHROPIC_API_KEY',
  baseUrlVariable: 'ANTHROPIC_BASE_URL',
  countsTokens: true,
  messageTokens: 7,
  priceListName: 'anthropic',
  batchPriceShare: 0.5,
  completionWindowHours: 24,
  openSync: async (connection) => (await import('./anthropic/sync.ts')).openSync(connection),
  openBatch: async (connection) => (await import('./anthropic/batch.ts')).openBatch(connection),
};

const google: ProviderEntry = {
  name: 'google',
  title: 'Google',
  keyVariable: 'GOOGLE_API_KEY',
  baseUrlVariable: 'GOOGLE_GEMINI_BASE_URL',
  countsTokens: true,
  messageTokens: 0,
  priceListName: 'google',
  batchPriceShare: 0.5,
  completionWindowHours: 48,
  openSync: async (connection) => (await import('./google/sync.ts')).openSync(connection),
  openBatch: async (connection) => (await import('./google/batch.ts')).openBatch(connection),
};

const openrouter: ProviderEntry = {
  name: 'openrouter',
  title: 'OpenRouter',
  keyVariable: 'OPENROUTER_API_KEY',
  baseUrlVariable: 'OPENROUTER_BASE_URL',
  countsTokens: false,
  messageTokens: 7,
  priceListName: 'openrouter',
  batchPriceShare: 1,
  openSync: async (connection) => (await import('./openrouter/sync.ts')).openSync(connection),
};

const alibaba: ProviderEntry = {
  name: 'alibaba',
  title: 'Alibaba',
  keyVariable: 'DASHSCOPE_API_KEY',
  baseUrlVariable: 'DASHSCOPE_BASE_URL',
  countsTokens: false,
  messageTokens: 8,
  priceListName: 'alibaba',
  batchPriceShare: 0.5,
  completionWindowHours: 24,
  openSync: async (connection) => (await import('./alibaba/sync.ts')).openSync(connection),
  openBatch: async (connection) => (await import('./alibaba/batch.ts')).openBatch(connection),
};

const entries: Readonly<Record<ProviderName, ProviderEntry>> = {
  openai,
  anthropic,
  google,
  openrouter,
  alibaba,
};

const guarded = new Map(Object.values(entries).map((entry) => [entry.name, guardEntry(entry)]));

export function providerEntry(name: ProviderName): ProviderEntry {
  return guarded.get(name) as ProviderEntry;
}

/** LoomError `provider` for one that has no batch API. */
export function requireBatchApi(entry: ProviderEntry): BatchEntry {
  if (entry.openBatch) return entry as BatchEntry;
  throw new LoomError('provider', `${entry.title} has no batch API.`, { hint: 'Re-run with --sync.' });
}
