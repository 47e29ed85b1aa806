/** How refusals of each vendor that speaks OpenAI's protocol are read. */
import type { BatchVendor, SyncVendor } from '../conformance.ts';

const body = (message: string, code: string | null, type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
});
const routed = (code: number, message: string, metadata?: object) => ({ error: { code, message, metadata } });

export const refusals: Readonly<
  Record<string, { readonly live?: SyncVendor['refusals']; readonly batch?: BatchVendor['refusals'] }>
> = {
  OpenAI: {
    live: [
      [
        'an empty account',
        {
          status: 429,
          body: body('You exceeded your current quota.', 'insufficient_quota', 'insufficient_quota'),
        },
        { scope: 'run', code: 'insufficient_quota', status: 429 },
      ],
      [
        'a model that does not exist',
        { status: 404, body: body('The model `x` does not exist', 'model_not_found') },
        { scope: 'run', code: 'model_not_found', message: 'The model `x` does not exist' },
      ],
      [
        'a model name that is none',
        { status: 400, body: body('invalid model ID', null) },
        { scope: 'run', code: 'model_not_found' },
      ],
      [
        "a model that LiteLLM's proxy does not have",
        { status: 400, body: body('/chat/completions: Invalid model name passed in model=x.', '400') },
        { scope: 'run', code: 'model_not_found' },
      ],
      [
        'a prompt that is too long',
        { status: 400, body: body('Too many tokens.', 'context_length_exceeded') },
        { scope: 'row', code: 'context_length_exceeded', status: 400 },
      ],
      [
        'a closed account',
        { status: 401, body: body('Closed.', 'account_deactivated') },
        { scope: 'run', code: 'account_deactivated' },
      ],
      [
        "a key that LiteLLM's proxy would have to look up in a database that it has not",
        { status: 400, body: body('No connected db.', '400', 'no_db_connection') },
        { scope: 'run', code: 'invalid_api_key', message: 'No connected db.' },
      ],
      [
        'a country that is not served',
        { status: 403, body: body('Not here.', 'unsupported_country_region_territory') },
        { scope: 'run' },
      ],
      ['a body that is too large', { status: 413, body: '' }, { scope: 'row', code: 'http_413' }],
      [
        'an error that is a text',
        { status: 400, body: { error: 'model is loading' } },
        { scope: 'row', message: 'model is loading' },
      ],
      [
        'an error of the server within a 200',
        { body: body('Try again.', null, 'server_error') },
        { scope: 'retry' },
      ],
      [
        'a rate limit within a 200',
        { body: body('Slow down.', 'rate_limit_exceeded') },
        { scope: 'retry', status: 429 },
      ],
      ['an error of the prompt within a 200', { body: { error: 'Too long.' } }, { scope: 'row' }],
    ],
    batch: [
      [
        'an empty account',
        { status: 429, body: body('You exceeded your quota.', 'insufficient_quota') },
        { scope: 'run', code: 'insufficient_quota' },
      ],
      [
        'a file that is not visible yet',
        {
          status: 400,
          body: body('Cannot find file file-1, or organization org-1 does not have access to it.', null),
        },
        { scope: 'retry', code: 'file_not_found', status: 400 },
      ],
      [
        'a request that makes no sense',
        { status: 400, body: body('Bad.', 'bad') },
        { scope: 'run', code: 'bad', status: 400 },
      ],
    ],
  },
  OpenRouter: {
    live: [
      [
        'a key that it does not know',
        { status: 401, body: routed(401, 'No auth credentials found') },
        { scope: 'run', code: 'invalid_api_key' },
      ],
      [
        'a lack of credits',
        { status: 402, body: routed(402, 'Insufficient credits') },
        { scope: 'run', code: 'http_402', status: 402 },
      ],
      [
        'a moderated prompt',
        { status: 403, body: routed(403, 'Flagged') },
        { scope: 'row', code: 'http_403', status: 403 },
      ],
      [
        'a key that has spent its limit',
        { status: 403, body: routed(403, 'Key limit exceeded (total limit).') },
        { scope: 'run' },
      ],
      [
        'a model that is none',
        { status: 400, body: routed(400, 'x is not a valid model ID') },
        { scope: 'run', code: 'model_not_found' },
      ],
      [
        'a model that nobody serves',
        { status: 404, body: routed(404, 'No endpoints found for x.') },
        { scope: 'run', status: 404 },
      ],
      [
        'a prompt that is too long',
        { status: 400, body: routed(400, 'Maximum context length') },
        { scope: 'row', status: 400 },
      ],
      [
        'an upstream error within a 200',
        { body: routed(502, 'Provider returned error', { raw: 'model is down', provider_name: 'X' }) },
        { scope: 'retry', status: 502, code: 'http_502', message: 'Provider returned error: model is down' },
      ],
      ['a rate limit within a 200', { body: routed(429, 'Slow down') }, { scope: 'retry', status: 429 }],
      ['a moderated prompt within a 200', { body: routed(403, 'Flagged') }, { scope: 'row', status: 403 }],
      [
        'an error without a code within a 200',
        { body: { error: { message: 'Oh' } } },
        { scope: 'retry', status: 502, message: 'Oh' },
      ],
      [
        'an error with a code that is no status within a 200',
        { body: { error: { code: 0, message: 'Oh' } } },
        { scope: 'retry', status: 502 },
      ],
      [
        'an error in the choice',
        {
          body: {
            choices: [
              { message: { content: 'half' }, finish_reason: 'error', error: { code: 503, message: 'Gone' } },
            ],
          },
        },
        { scope: 'retry', status: 503, message: 'Gone' },
      ],
      [
        'a choice that ended in an error',
        { body: { choices: [{ message: { content: 'half' }, finish_reason: 'error' }] } },
        { scope: 'retry', status: 502 },
      ],
    ],
  },
  Alibaba: {
    live: [
      [
        'too many tokens a minute, which has the word that OpenAI has for an empty account',
        { status: 429, body: body('You exceeded your current quota.', 'insufficient_quota') },
        { scope: 'retry', code: 'insufficient_quota', status: 429 },
      ],
      [
        'too many calls',
        { status: 429, body: body('Requests rate limit exceeded.', 'limit_requests') },
        { scope: 'retry', code: 'limit_requests' },
      ],
      [
        'an account in arrears',
        { status: 400, body: body('Access denied, your account is overdue.', 'Arrearage', 'Arrearage') },
        { scope: 'run', code: 'Arrearage', status: 400 },
      ],
      [
        'a free quota that is used up',
        { status: 403, body: body('The free quota is used up.', 'AllocationQuota.FreeTierOnly') },
        { scope: 'run', code: 'AllocationQuota.FreeTierOnly' },
      ],
      [
        'a prompt that its filter stops',
        { status: 400, body: body('Inappropriate content.', 'data_inspection_failed') },
        { scope: 'row', code: 'data_inspection_failed' },
      ],
      [
        'a model that does not exist',
        { status: 404, body: body('The model `x` does not exist', 'model_not_found') },
        { scope: 'run', code: 'model_not_found' },
      ],
    ],
    batch: [
      [
        'more batches than an account may have at a time',
        { status: 429, body: { error: { message: 'Too many batches.', code: 'insufficient_quota' } } },
        { scope: 'retry', status: 429 },
      ],
      [
        'an account in arrears',
        { status: 400, body: { error: { message: 'Overdue.', code: 'Arrearage' } } },
        { scope: 'run', code: 'Arrearage' },
      ],
    ],
  },
  Groq: {
    live: [
      [
        'no capacity at the moment',
        { status: 498, body: body('Flex tier capacity exceeded', 'capacity_exceeded') },
        { scope: 'retry', status: 498 },
      ],
      [
        'batches that are not of the plan',
        { status: 403, body: body('Not for this plan.', 'not_available_for_plan', 'permissions_error') },
        { scope: 'run', code: 'not_available_for_plan', status: 403 },
      ],
    ],
  },
  Moonshot: {
    live: [
      [
        'an empty account',
        { status: 429, body: { error: { message: 'Top up.', type: 'exceeded_current_quota_error' } } },
        { scope: 'run', code: 'exceeded_current_quota_error', status: 429 },
      ],
    ],
  },
  'Z.ai': {
    live: [
      [
        'an account that owes money',
        { status: 429, body: { error: { code: '1113', message: 'Please recharge and try again.' } } },
        { scope: 'run', code: '1113', status: 429 },
      ],
    ],
  },
};
