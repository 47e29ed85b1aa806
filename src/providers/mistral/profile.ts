/** Mistral: live calls are OpenAI's, with a few names of its own; batches are jobs. Forms are those of its SDK, 2.7.0. */
import type { Profile } from '../openai/profile.ts';
import { chatSettings } from '../openai/settings.ts';
import { between } from '../settings.ts';

export const profile: Profile = {
  name: 'mistral',
  title: 'Mistral',
  keyVariable: 'MISTRAL_API_KEY',
  baseUrlVariable: 'MISTRAL_BASE_URL',
  addresses: ['https://api.mistral.ai/v1'],
  unverified: 'for how long the results of a batch are kept, and how many requests it takes',
  messageTokens: 4,
  priceListName: 'mistral',
  // More than 1.5 was refused with "Input should be less than or equal to 1.5" (OpenRouter's notes on its batches).
  settings: chatSettings({ places: { seed: 'random_seed' }, checks: { temperature: between(0, 1.5) } }),
  refusals: [
    { code: 'invalid_model', scope: 'run', as: 'model_not_found' },
    { status: 400, says: /^invalid model\b/i, scope: 'run', as: 'model_not_found' },
  ],
};
