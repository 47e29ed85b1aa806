import { openEntry } from '../openai/entry.ts';
import type { VendorEntry } from '../provider.ts';
import { profile } from './profile.ts';

/** Those that its page on batches leaves out of the discount; of others nobody knows more. */
const fullPriced = /^grok-(?:4\.[56]|build)(?:-|$)/;

/** No window: "most" batches are done within a day, and none is said to end by itself. */
export const xai: VendorEntry = {
  ...openEntry(profile),
  batchPriceShare: (model) => (fullPriced.test(model) ? 1 : 0.8),
  openBatch: async (connection) => (await import('./batch.ts')).openBatch(connection, profile),
};
