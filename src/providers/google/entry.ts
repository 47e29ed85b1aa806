import type { VendorEntry } from '../provider.ts';
import { settings } from './settings.ts';

export const google: VendorEntry = {
  name: 'google',
  title: 'Google',
  keyVariable: 'GOOGLE_API_KEY',
  otherKeyVariables: ['GEMINI_API_KEY'],
  baseUrlVariable: 'GOOGLE_GEMINI_BASE_URL',
  addresses: ['https://generativelanguage.googleapis.com'],
  countsTokens: true,
  messageTokens: 0,
  priceListName: 'google',
  batchPriceShare: 0.5,
  completionWindowHours: 48,
  // "Flex inference" is half the price of live calls, as a batch is; that of priority is in no list.
  tiers: {
    field: 'serviceTier',
    prices: { standard: 'list', flex: 'batch', priority: 'unknown' },
  },
  settings,
  openSync: async (connection) => (await import('./sync.ts')).openSync(connection),
  openBatch: async (connection) => (await import('./batch.ts')).openBatch(connection),
};
