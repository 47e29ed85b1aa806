/** OpenRouter: live calls are OpenAI's, batches are its own. */
import type { Profile } from '../openai/profile.ts';
import { chatSettings, responsesSettings } from '../openai/settings.ts';
import { atLeast } from '../settings.ts';

const withTopK = { places: { top_k: 'top_k' }, checks: { top_k: atLeast(0) } };

export const profile: Profile = {
  name: 'openrouter',
  title: 'OpenRouter',
  keyVariable: 'OPENROUTER_API_KEY',
  baseUrlVariable: 'OPENROUTER_BASE_URL',
  addresses: ['https://openrouter.ai/api/v1', 'https://eu.openrouter.ai/api/v1'],
  messageTokens: 7,
  priceListName: 'openrouter',
  settings: {
    ...chatSettings({ ...withTopK, places: { ...withTopK.places, effort: 'reasoning.effort' } }),
    responses: responsesSettings(withTopK),
  },
  // Its code is the status once more; its word stands elsewhere.
  codePlaces: ['availability.code', 'metadata.error_type', 'error_type'],
  refusals: [
    // 403 is a prompt that a moderation or guardrail stopped, or a key that is of another kind or has spent its own limit.
    {
      status: 403,
      says: /^(?!.*\b(?:flagged|blocked|moderation)\b).*\b(?:keys?|credits?)\b/is,
      scope: 'run',
    },
    { status: 403, scope: 'row' },
    { status: 400, says: /not a valid model/i, scope: 'run', as: 'model_not_found' },
  ],
  // Its page on errors.
  upstreamErrors: true,
  keyPath: '/key',
};
