/** The wire texts that the tests of Google's batches and live calls share. */
import { apiKey, prompt } from './conformance.ts';

export const variables = {
  GOOGLE_API_KEY: 'stray-key-0123456789',
  GEMINI_API_KEY: 'stray-key-0123456789',
  GOOGLE_GEMINI_BASE_URL: 'http://127.0.0.1:9/stray',
  GOOGLE_GENAI_USE_VERTEXAI: 'true',
  GOOGLE_CLOUD_PROJECT: 'stray-project',
  GOOGLE_CLOUD_LOCATION: 'stray-location',
};

export const refusal = (code: number, status: string, message: string, details: object[] = []) => ({
  error: { code, status, message, details },
});

export const refusedKey = {
  status: 400,
  body: refusal(400, 'INVALID_ARGUMENT', `API key not valid: ${apiKey}.`, [
    { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
  ]),
};

export const contents = [{ role: 'user', parts: [{ text: prompt }] }];

export const refusals = [
  [
    'a used up quota',
    {
      status: 429,
      body: refusal(429, 'RESOURCE_EXHAUSTED', 'Quota.', [
        { '@type': 'type.googleapis.com/google.rpc.Help' },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7.5s' },
      ]),
    },
    { scope: 'retry', code: 'RESOURCE_EXHAUSTED', status: 429, retryAfterMs: 7500 },
  ],
  [
    'a model that does not exist',
    { status: 404, body: refusal(404, 'NOT_FOUND', 'models/x is not found') },
    { scope: 'run', code: 'NOT_FOUND', message: 'models/x is not found' },
  ],
  [
    'a key without the permission',
    { status: 403, body: refusal(403, 'PERMISSION_DENIED', 'No.') },
    { scope: 'run', code: 'PERMISSION_DENIED' },
  ],
  [
    'a country that is not served',
    { status: 400, body: refusal(400, 'FAILED_PRECONDITION', 'Not here.') },
    { scope: 'run', code: 'FAILED_PRECONDITION' },
  ],
  [
    'a key that has expired',
    { status: 400, body: refusal(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.') },
    { scope: 'run', code: 'invalid_api_key' },
  ],
  [
    'a model that is busy, in a list',
    { status: 503, body: [refusal(503, 'UNAVAILABLE', 'Busy.')] },
    { scope: 'retry', code: 'UNAVAILABLE', message: 'Busy.' },
  ],
] as const;
