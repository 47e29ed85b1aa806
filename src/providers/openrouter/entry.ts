import { openEntry } from '../openai/entry.ts';
import type { VendorEntry } from '../provider.ts';
import { profile } from './profile.ts';

export const openrouter: VendorEntry = {
  ...openEntry(profile),
  // "Typically", says its guide to batches; what an answer names as its cost goes before.
  batchPriceShare: 0.5,
  // The one that can be asked for; of some hosts a batch has longer, and says so.
  completionWindowHours: 24,
  batchesWhenAsked: true,
  openBatch: async (connection) => (await import('./batch.ts')).openBatch(connection, profile),
};
