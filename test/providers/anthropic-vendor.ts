/** The wire texts that the tests of Anthropic's batches and live calls share. */
import { apiKey, prompt } from './conformance.ts';

export const variables = {
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:9/stray',
  ANTHROPIC_API_KEY: 'stray-key-0123456789',
  ANTHROPIC_AUTH_TOKEN: 'stray-token-0123456789',
  ANTHROPIC_CUSTOM_HEADERS: 'x-stray: 1\nanthropic-version: stray',
  ANTHROPIC_LOG: 'debug',
};

export const refusal = (type: string, message: string) => ({
  type: 'error',
  error: { type, message },
  request_id: 'req_1',
});

export const refusedKey = {
  status: 401,
  body: refusal('authentication_error', `invalid x-api-key: ${apiKey}`),
};

export const messageParams = {
  model: 'model-1',
  max_tokens: 4096,
  messages: [{ role: 'user', content: prompt }],
};

export const refusals = [
  [
    'an empty account',
    {
      status: 400,
      body: refusal('invalid_request_error', 'Your credit balance is too low to access the API.'),
    },
    { scope: 'run', code: 'billing_error' },
  ],
  [
    'an unpaid bill',
    { status: 402, body: refusal('billing_error', 'Pay.') },
    { scope: 'run', code: 'billing_error', status: 402 },
  ],
  [
    'a model that does not exist',
    { status: 404, body: refusal('not_found_error', 'model: x') },
    { scope: 'run', code: 'not_found_error', message: 'model: x' },
  ],
  [
    'a key without the permission',
    { status: 403, body: refusal('permission_error', 'No.') },
    { scope: 'run', code: 'permission_error' },
  ],
  [
    'a rate limit',
    { status: 429, headers: { 'retry-after': '3' }, body: refusal('rate_limit_error', 'Slow.') },
    { scope: 'retry', code: 'rate_limit_error', retryAfterMs: 3000 },
  ],
  [
    'an overload',
    { status: 529, body: refusal('overloaded_error', 'Busy.') },
    { scope: 'retry', code: 'overloaded_error', status: 529 },
  ],
] as const;
