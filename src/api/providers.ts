/** What is known of a provider without asking it. */
import type { ProviderName } from '../core/names.ts';
import type { ProviderEntry } from '../providers/provider.ts';
import { findProvider as findRegistered, providerEntry, providerNames } from '../providers/registry.ts';
import type { ReachOptions } from './options/options.ts';
import { findProvider, withProviders } from './options/reach.ts';

export interface ProviderInfo {
  readonly name: ProviderName;
  /** What people call it. */
  readonly title: string;
  readonly keyVariable: string;
  /** Asked for a key where the first has none. */
  readonly otherKeyVariables: readonly string[];
  readonly baseUrlVariable: string;
  /** Where it is, where nothing else is said. */
  readonly baseUrl: string;
  /** Whether a person's own `providers.json` describes it. */
  readonly isOwn: boolean;
  /** Whether it counts tokens itself. */
  readonly countsTokens: boolean;
  readonly takesBatches: boolean;
  /** Whether `loom run` submits them only with `--batch`: most of its models take none. */
  readonly batchesWhenAsked: boolean;
  /** Within which a batch ends. */
  readonly completionWindowHours: number | undefined;
  /** For so many hours after the end of a batch its results can be had, where that is no more than a few days. */
  readonly resultsKeptHours: number | undefined;
}

/** Where a person's own providers are described. */
export type ProvidersOptions = Pick<ReachOptions, 'home' | 'environment' | 'workingFolder'>;

/** Those that are built in, and then a person's own. */
export function listProviders(options: ProvidersOptions = {}): readonly ProviderInfo[] {
  return withProviders(options, () => providerNames().map((name) => describeEntry(providerEntry(name))));
}

/** LoomError `usage` for one that there is not. */
export function describeProvider(provider: ProviderName, options: ProvidersOptions = {}): ProviderInfo {
  return describeEntry(findProvider(provider, options));
}

function describeEntry(entry: ProviderEntry): ProviderInfo {
  const { name, title, keyVariable, otherKeyVariables = [], baseUrlVariable, isOwn = false } = entry;
  const { countsTokens, completionWindowHours, resultsKeptHours, batchesWhenAsked = false } = entry;
  return {
    ...{ name, title, keyVariable, otherKeyVariables, baseUrlVariable, isOwn },
    ...{ baseUrl: entry.addresses[0], countsTokens, completionWindowHours, resultsKeptHours },
    takesBatches: entry.openBatch !== undefined,
    batchesWhenAsked,
  };
}

/** The same of one that a verb has met. */
export function describeMet(provider: ProviderName): ProviderInfo {
  return describeEntry(providerEntry(provider));
}

/** For how long a provider keeps results after the end of a batch, where that is no more than a few days. */
export function findShortLife(provider: ProviderName): { title: string; hours: number } | undefined {
  const { title, resultsKeptHours: hours } = findRegistered(provider) ?? {};
  return title !== undefined && hours !== undefined ? { title, hours } : undefined;
}

/** What people call a provider; its name where nothing else is known of it any more. */
export function titleOf(provider: ProviderName): string {
  return findRegistered(provider)?.title ?? provider;
}
