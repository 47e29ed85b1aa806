/** A vendor that is like OpenAI in nothing that a profile can say. */
import type { BatchProfile, Profile } from '../../../src/providers/openai/profile.ts';
import { chatSettings } from '../../../src/providers/openai/settings.ts';

export function createElsewhere(batches: Partial<BatchProfile> = {}): Profile {
  return {
    name: 'openai',
    title: 'Elsewhere',
    keyVariable: 'ELSEWHERE_API_KEY',
    baseUrlVariable: 'ELSEWHERE_BASE_URL',
    addresses: ['https://api.elsewhere.example/api'],
    messageTokens: 7,
    priceListName: 'openai',
    settings: chatSettings(),
    batches: {
      limits: { requests: 100, bytes: 1_000_000, least: 2 },
      priceShare: (model) => (model === 'model-1' ? 0.8 : 1),
      purpose: 'batch-api',
      endpoint: '/chat',
      window: '7d',
      lineForm: 'body',
      modelAt: 'batch',
      cancels: false,
      repeatField: 'idempotency_key',
      graceMs: 60_000,
      ...batches,
    },
  };
}
