/**
 * The providers there are. An entry knows what its provider can do; its adapter, and with it the SDK, is loaded when
 * one of them is opened.
 */
import { LoomError } from '../core/errors.ts';
import type { ProviderName } from '../core/names.ts';
import { anthropic } from './anthropic/entry.ts';
import { google } from './google/entry.ts';
import { guardEntry } from './guard.ts';
import { openAiEntries } from './openai/entry.ts';
import type { BatchEntry, ProviderEntry } from './provider.ts';

const entries = [...openAiEntries, anthropic, google];
const guarded = new Map(entries.map((entry) => [entry.name, guardEntry(entry)]));

export function providerEntry(name: ProviderName): ProviderEntry {
  return guarded.get(name) as ProviderEntry;
}

/** LoomError `provider` for one that has no batch API. */
export function requireBatchApi(entry: ProviderEntry): BatchEntry {
  if (entry.openBatch) return entry as BatchEntry;
  throw new LoomError('provider', `${entry.title} has no batch API.`, {
    code: 'no_batch_api',
    facts: { title: entry.title },
    hint: 'Ask it live.',
  });
}
