import type { VendorEntry } from '../provider.ts';
import { settings } from './settings.ts';

export const anthropic: VendorEntry = {
  name: 'anthropic',
  title: 'Anthropic',
  keyVariable: 'ANTHROPIC_API_KEY',
  baseUrlVariable: 'ANTHROPIC_BASE_URL',
  addresses: ['https://api.anthropic.com'],
  countsTokens: true,
  messageTokens: 7,
  priceListName: 'anthropic',
  batchPriceShare: 0.5,
  completionWindowHours: 24,
  settings,
  openSync: async (connection) => (await import('./sync.ts')).openSync(connection),
  openBatch: async (connection) => (await import('./batch.ts')).openBatch(connection),
};
