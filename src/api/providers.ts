/** What is known of a provider without asking it. */
import type { ProviderName } from '../core/names.ts';
import { providerEntry } from '../providers/registry.ts';

export interface ProviderInfo {
  readonly name: ProviderName;
  /** What people call it. */
  readonly title: string;
  readonly keyVariable: string;
  /** Asked for a key where the first has none. */
  readonly otherKeyVariables: readonly string[];
  readonly baseUrlVariable: string;
  /** Whether it counts tokens itself. */
  readonly countsTokens: boolean;
  readonly takesBatches: boolean;
  /** Within which a batch ends. */
  readonly completionWindowHours: number | undefined;
}

export function describeProvider(provider: ProviderName): ProviderInfo {
  const {
    name,
    title,
    keyVariable,
    otherKeyVariables = [],
    baseUrlVariable,
    ...entry
  } = providerEntry(provider);
  const { countsTokens, completionWindowHours } = entry;
  return {
    ...{ name, title, keyVariable, otherKeyVariables, baseUrlVariable, countsTokens, completionWindowHours },
    takesBatches: entry.openBatch !== undefined,
  };
}
