import { openEntry } from '../openai/entry.ts';
import type { VendorEntry } from '../provider.ts';
import { profile } from './profile.ts';

export const fireworks: VendorEntry = {
  ...openEntry(profile),
  batchPriceShare: 0.5,
  completionWindowHours: 24,
  openBatch: async (connection) => (await import('./batch.ts')).openBatch(connection),
};
