/** The entries of those that speak OpenAI's protocol. */
import type { VendorEntry } from '../provider.ts';
import type { Profile } from './profile.ts';
import { profiles } from './profiles.ts';

export const openAiEntries = profiles.map(openEntry);

export function openEntry(profile: Profile): VendorEntry {
  const { refusals, codePlaces, isOwnError, accountHeaders, upstreamErrors, keyPath, batches, ...entry } =
    profile;
  return {
    ...entry,
    countsTokens: false,
    batchPriceShare: batches?.priceShare ?? 1,
    openSync: async (connection) => (await import('./sync.ts')).openSync(connection, profile),
    ...(batches && {
      ...(batches.windowHours !== undefined && { completionWindowHours: batches.windowHours }),
      openBatch: async (connection) =>
        (await import('./batch.ts')).openBatch(connection, { ...profile, batches }),
    }),
  };
}
