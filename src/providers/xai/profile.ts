/** xAI (Grok): live calls are OpenAI's, batches are its own. */
import { asText } from '../network/wire.ts';
import type { Profile } from '../openai/profile.ts';
import { chatSettings, withEffort } from '../openai/settings.ts';
import { oneOfEfforts } from '../settings.ts';

export const profile: Profile = {
  name: 'xai',
  title: 'xAI',
  keyVariable: 'XAI_API_KEY',
  baseUrlVariable: 'XAI_BASE_URL',
  addresses: ['https://api.x.ai/v1'],
  messageTokens: 7,
  priceListName: 'x-ai',
  unverified:
    'its batches by a call to xAI itself, how large a file they take, and which models have no discount',
  settings: chatSettings({
    places: { max_tokens: 'max_completion_tokens', ...withEffort },
    checks: { effort: oneOfEfforts('low', 'medium', 'high') },
  }),
  // `{"code": "Some requested entity was not found", "error": "…"}`
  isOwnError: ({ code, error }) => asText(code) !== '' && asText(error) !== '',
  refusals: [
    // As people met it: 400 with the key, masked (continuedev/continue#10778).
    { status: 400, says: /incorrect api key/i, scope: 'run', as: 'invalid_api_key' },
    { status: 403, says: /usage guidelines|failed check/i, scope: 'row', as: 'usage_guidelines' },
    {
      says: /\bmodel\b.* (?:does not exist|not found)|^model not found/i,
      scope: 'run',
      as: 'model_not_found',
    },
  ],
};
