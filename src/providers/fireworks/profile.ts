/** Fireworks: live calls are OpenAI's, batches are jobs of an account over data sets. */
import { asText } from '../network/wire.ts';
import type { Profile } from '../openai/profile.ts';
import { chatSettings, withEffort } from '../openai/settings.ts';
import { atLeast, oneOfEfforts } from '../settings.ts';

export const profile: Profile = {
  name: 'fireworks',
  title: 'Fireworks',
  keyVariable: 'FIREWORKS_API_KEY',
  baseUrlVariable: 'FIREWORKS_BASE_URL',
  accountVariable: 'FIREWORKS_ACCOUNT_ID',
  addresses: ['https://api.fireworks.ai/inference/v1'],
  messageTokens: 7,
  priceListName: 'fireworks',
  unverified: 'its batches by a call to Fireworks itself, and what its results look like',
  settings: chatSettings({
    places: { top_k: 'top_k', ...withEffort },
    checks: { top_k: atLeast(0), effort: oneOfEfforts('low', 'medium', 'high') },
  }),
  // Of jobs and data sets: google.rpc.Status as the whole body. Of live calls OpenAI's.
  isOwnError: ({ code, message }) => typeof code === 'number' && asText(message) !== '',
};
