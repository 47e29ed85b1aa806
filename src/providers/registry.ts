/**
 * The providers there are: those that are built in, and a person's own. An entry knows what its provider can do; its
 * adapter, and with it the SDK, is loaded when one of them is opened.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { LoomError } from '../core/errors.ts';
import { otherProviderNames, type ProviderName } from '../core/names.ts';
import { looksSecret } from '../core/secret-shapes.ts';
import { findClosestName, quoteValue } from '../core/words.ts';
import { anthropic } from './anthropic/entry.ts';
import { fireworks } from './fireworks/entry.ts';
import { google } from './google/entry.ts';
import { guardEntry } from './guard.ts';
import { mistral } from './mistral/entry.ts';
import { openAiEntries, openEntry } from './openai/entry.ts';
import type { Profile } from './openai/profile.ts';
import { openrouter } from './openrouter/entry.ts';
import type { BatchEntry, ProviderEntry } from './provider.ts';
import { xai } from './xai/entry.ts';

const [openai, ...compatible] = openAiEntries;
const builtIn = new Map(
  [openai, anthropic, google, openrouter, ...compatible, xai, fireworks, mistral].flatMap((entry) =>
    entry ? [[entry.name, guardEntry(entry)] as const] : [],
  ),
);

/** The names of those that are built in, those that most people ask first. */
export const builtInNames: readonly ProviderName[] = [...builtIn.keys()];

/** A person's own providers, as a file describes them; with a `fault` it can't be used, and describes none. */
export interface OwnProviders {
  readonly path: string;
  readonly entries: ReadonlyMap<ProviderName, ProviderEntry>;
  /** Names that it gives to others than those that are built in under them: a newer version may know more than an older. */
  readonly taken: readonly ProviderName[];
  readonly fault: LoomError | undefined;
}

export function openOwnProviders(path: string, read: () => readonly Profile[]): OwnProviders {
  try {
    const profiles = read();
    const [taken, free] = [true, false].map((isTaken) =>
      profiles.filter(({ name }) => builtIn.has(name) === isTaken),
    ) as [Profile[], Profile[]];
    const entries = free.map((profile) => [profile.name, guardEntry(openEntry(profile))] as const);
    return { path, entries: new Map(entries), taken: taken.map(({ name }) => name), fault: undefined };
  } catch (error) {
    if (!(error instanceof LoomError)) throw error;
    return { path, entries: new Map(), taken: [], fault: error };
  }
}

/** Those of the work that is going on: two homes may be in use at once in one process, and call different servers alike. */
const current = new AsyncLocalStorage<OwnProviders>();

/** Those that the work knows which is going on; undefined where nothing keeps track of them. */
export function currentOwnProviders(): OwnProviders | undefined {
  return current.getStore();
}

/** Does work that knows these own providers, and no others. */
export function withOwnProviders<Result>(own: OwnProviders, work: () => Result): Result {
  // Where a person has none, as most have, the work is not slowed by keeping track of it.
  const hasNone = own.entries.size === 0 && own.fault === undefined;
  return hasNone && current.getStore() === undefined ? work() : current.run(own, work);
}

/** Those that are built in, and then a person's own. */
export function providerNames(): readonly ProviderName[] {
  return [...builtInNames, ...(current.getStore()?.entries.keys() ?? [])];
}

/** Undefined for one that is not there, or not any more: a record may name it. */
export function findProvider(name: ProviderName): ProviderEntry | undefined {
  return builtIn.get(name) ?? current.getStore()?.entries.get(name);
}

/** Whether a person has described it. */
export function isOwnProvider(name: ProviderName): boolean {
  return findProvider(name)?.isOwn ?? false;
}

export function isProvider(name: ProviderName): boolean {
  return findProvider(name) !== undefined;
}

/** LoomError `usage` for one that is not there; where a person's own can't be read, says why. */
export function providerEntry(name: ProviderName): ProviderEntry {
  const entry = findProvider(name);
  if (entry) return entry;
  const fault = current.getStore()?.fault;
  if (fault) throw fault;
  const names = providerNames();
  // A program without types may pass anything.
  const provider = String(name);
  const closest = otherProviderNames[provider.toLowerCase()] ?? findClosestName(provider, names);
  // What was mistyped may be a key.
  const shown = looksSecret(provider) ? '"…"' : quoteValue(provider);
  throw new LoomError('usage', `there is no provider ${shown}.`, {
    code: 'provider_unknown',
    facts: { provider: looksSecret(provider) ? '…' : provider, names, closest },
    hint: `There are ${names.join(', ')}.${closest === undefined ? '' : ` Did you mean ${closest}?`}`,
  });
}

/** Whether what a batch would cost is told beside what live calls do. */
export function offersBatches(entry: ProviderEntry): entry is BatchEntry {
  return entry.openBatch !== undefined && !entry.batchesWhenAsked;
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
