/** What is known of a provider without asking it. */
import type { ProviderName } from '../core/names.ts';
import type { ProviderEntry } from '../providers/provider.ts';
import { providerEntry } from '../providers/registry.ts';

type Facts = Pick<ProviderEntry, 'name' | 'title' | 'keyVariable' | 'baseUrlVariable' | 'countsTokens'>;

export interface ProviderInfo extends Facts {
  readonly takesBatches: boolean;
  /** Within which a batch ends. */
  readonly completionWindowHours: number | undefined;
}

export function describeProvider(provider: ProviderName): ProviderInfo {
  const { name, title, keyVariable, baseUrlVariable, countsTokens, completionWindowHours, openBatch } =
    providerEntry(provider);
  const takesBatches = openBatch !== undefined;
  return { name, title, keyVariable, baseUrlVariable, countsTokens, completionWindowHours, takesBatches };
}
