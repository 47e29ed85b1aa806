import { openEntry } from '../openai/entry.ts';
import type { VendorEntry } from '../provider.ts';
import { resultsKeptHours, windowHours } from './limits.ts';
import { profile } from './profile.ts';

export const mistral: VendorEntry = {
  ...openEntry(profile),
  batchPriceShare: 0.5,
  completionWindowHours: windowHours,
  resultsKeptHours,
  openBatch: async (connection) => (await import('./batch.ts')).openBatch(connection, profile),
};
