/** The wire texts of OpenAI and of those that speak like it. */

import { guardEntry } from '../../../src/providers/guard.ts';
import { openEntry } from '../../../src/providers/openai/entry.ts';
import type { BatchProfile, Profile } from '../../../src/providers/openai/profile.ts';
import { apiKey, type BatchVendor, prompt, type SyncVendor } from '../conformance.ts';
import { refusals } from './refusals.ts';

const variables = {
  OPENAI_BASE_URL: 'http://127.0.0.1:9/stray',
  OPENAI_API_KEY: 'stray-key-0123456789',
  OPENAI_ADMIN_KEY: 'stray-admin-0123456789',
  OPENAI_CUSTOM_HEADERS: 'x-stray: 1\nauthorization: Bearer stray',
  OPENAI_LOG: 'debug',
};

/** For OpenAI alone. */
const strayAccount = { OPENAI_ORG_ID: 'stray-org', OPENAI_PROJECT_ID: 'stray-project' };

const refusedKey = {
  status: 401,
  body: {
    error: {
      message: `Incorrect API key provided: ${apiKey}. Also known as conf****************cdef.`,
      type: 'invalid_request_error',
      param: null,
      code: 'invalid_api_key',
    },
  },
};

const choice = (message: object | null, finish_reason: string | null = 'stop') => ({
  choices: [{ message, finish_reason }],
});

const unanswered = [
  ['an empty text', choice({ content: '' }), 'empty'],
  ['thoughts alone', choice({ content: '', reasoning_content: 'Hm.' }), 'empty'],
  ['a null', choice({ content: null, refusal: null }), 'empty'],
  ['no choices', { choices: [] }, 'empty'],
  ['a choice without a message', choice(null), 'empty'],
  ['a refusal', choice({ content: null, refusal: 'I can not help with that.' }), 'refusal'],
  ['a filtered text', choice({ content: 'half of ' }, 'content_filter'), 'content_filter'],
  ['a token limit without a text', choice({ content: '' }, 'length'), 'max_tokens'],
] as const;

const told = [
  [
    'an answer',
    {
      ...choice({ content: 'x' }),
      usage: {
        prompt_tokens: 12,
        completion_tokens: 7,
        total_tokens: 19,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 4 },
      },
    },
    { usage: { inputTokens: 12, outputTokens: 7 }, finishReason: 'stop' },
  ],
  [
    'an answer to a prompt that was cached, with its cost',
    {
      ...choice({ content: 'x' }, 'length'),
      usage: {
        prompt_tokens: 2000,
        completion_tokens: 1,
        cost: 0.0125,
        prompt_tokens_details: { cached_tokens: 1536 },
      },
    },
    {
      usage: { inputTokens: 2000, outputTokens: 1, cacheReadTokens: 1536, cost: 0.0125 },
      finishReason: 'length',
    },
  ],
  [
    'a refusal',
    {
      ...choice({ content: null, refusal: 'No.' }),
      usage: { prompt_tokens: 5, completion_tokens: 3, prompt_tokens_details: null },
    },
    { usage: { inputTokens: 5, outputTokens: 3 }, finishReason: 'stop' },
  ],
  ['a server that tells nothing', choice({ content: 'x' }, null), {}],
  [
    'a server that tells nonsense',
    { ...choice({ content: 'x' }), usage: { prompt_tokens: -1, completion_tokens: 'many' } },
    { finishReason: 'stop' },
  ],
] as const;

const batchTimes = { id: 'batch_1', status: 'in_progress', created_at: 1_760_000_000 };

/** Unix seconds; what has not happened is null, absent, 0 or an empty text. */
const chatBatchTimes: BatchVendor['timed'] = [
  ['a batch that says nothing', { id: 'batch_1', status: 'validating' }, {}],
  [
    'a running batch',
    { ...batchTimes, in_progress_at: 1_760_000_060, expires_at: 1_760_086_400, completed_at: null },
    {
      created: new Date('2025-10-09T08:53:20Z'),
      started: new Date('2025-10-09T08:54:20Z'),
      expires: new Date('2025-10-10T08:53:20Z'),
    },
  ],
  ...(['completed', 'failed', 'expired', 'cancelled'] as const).map(
    (end) =>
      [
        `a batch that ${end}`,
        { ...batchTimes, completed_at: '', failed_at: 0, [`${end}_at`]: 1_760_000_060, status: end },
        { created: new Date('2025-10-09T08:53:20Z'), ended: new Date('2025-10-09T08:54:20Z') },
      ] as const,
  ),
  [
    'a batch that is being cancelled',
    { ...batchTimes, status: 'cancelling', cancelling_at: 1_760_000_060 },
    { created: new Date('2025-10-09T08:53:20Z'), cancelRequested: new Date('2025-10-09T08:54:20Z') },
  ],
];

const chat = ({ accountHeaders, ...profile }: Profile) => ({
  entry: guardEntry(openEntry(profile)),
  path: new URL(profile.addresses[0]).pathname,
  keyHeader: ['authorization', `Bearer ${apiKey}`] as [string, string],
  variables: { ...variables, ...(!accountHeaders && strayAccount) },
  refusedKey,
  sharesAdapter: profile.title !== 'OpenAI',
});

/** Live calls. */
export const chatSync = (profile: Profile): SyncVendor => ({
  ...chat(profile),
  requestPath: `${chat(profile).path}/chat/completions`,
  requestBody: { model: 'model-1', messages: [{ role: 'user', content: prompt }] },
  conversation: {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What are these?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aW1hZ2U=' } },
          { type: 'file', file: { file_data: 'data:application/pdf;base64,cGRm', filename: 'document' } },
        ],
      },
      { role: 'assistant', content: 'A cat, and its papers.' },
      { role: 'user', content: 'Which cat?' },
    ],
  },
  answer: (text) => choice({ content: text, reasoning_content: 'Hm.' }, null),
  cutShort: (text) => choice({ content: text }, 'length'),
  told,
  unanswered,
  refusals: refusals[profile.title]?.live ?? [],
});

const responded = (status: string, output: object[], more: object = {}) => ({
  id: 'resp_1',
  object: 'response',
  status,
  error: null,
  incomplete_details: null,
  output,
  ...more,
});
const cutOff = (reason: string) => ({ incomplete_details: { reason } });
const thought = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [],
  content: [{ type: 'reasoning_text', text: 'Hm.' }],
};
const said = (...content: object[]) => ({ type: 'message', role: 'assistant', status: 'completed', content });
const words = (text: string) => ({ type: 'output_text', text, annotations: [] });

/** Live calls through the Responses API. */
export const responsesSync = (profile: Profile): SyncVendor => ({
  ...chat(profile),
  settings: { api: 'responses' },
  requestPath: `${chat(profile).path}/responses`,
  requestBody: { model: 'model-1', input: prompt, store: false },
  conversation: {
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'What are these?' },
          { type: 'input_image', detail: 'auto', image_url: 'data:image/png;base64,aW1hZ2U=' },
          { type: 'input_file', filename: 'document', file_data: 'data:application/pdf;base64,cGRm' },
        ],
      },
      { role: 'assistant', content: 'A cat, and its papers.' },
      { role: 'user', content: 'Which cat?' },
    ],
  },
  answer: (text) => responded('completed', [thought, said(words(text))]),
  cutShort: (text) => responded('incomplete', [said(words(text))], cutOff('max_output_tokens')),
  told: [
    [
      'an answer',
      responded('completed', [said(words('x'))], {
        usage: {
          input_tokens: 12,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: 7,
          output_tokens_details: { reasoning_tokens: 4 },
          total_tokens: 19,
        },
      }),
      { usage: { inputTokens: 12, outputTokens: 7 }, finishReason: 'completed' },
    ],
    [
      'an answer to a prompt that was cached, with its cost',
      responded('incomplete', [said(words('x'))], {
        ...cutOff('max_output_tokens'),
        usage: {
          input_tokens: 2000,
          output_tokens: 1,
          cost: 0.0125,
          input_tokens_details: { cached_tokens: 1536, cache_write_tokens: 256 },
        },
      }),
      {
        usage: {
          inputTokens: 2000,
          outputTokens: 1,
          cacheReadTokens: 1536,
          cacheWriteTokens: 256,
          cost: 0.0125,
        },
        finishReason: 'max_output_tokens',
      },
    ],
    ['a server that tells nothing', { output: [said(words('x'))] }, {}],
  ],
  unanswered: [
    ['an empty text', responded('completed', [said(words(''))]), 'empty'],
    ['thoughts alone', responded('completed', [thought]), 'empty'],
    ['no output', responded('in_progress', []), 'empty'],
    ['a refusal', responded('completed', [said({ type: 'refusal', refusal: 'No.' })]), 'refusal'],
    [
      'a filtered text',
      responded('incomplete', [said(words('half of '))], cutOff('content_filter')),
      'content_filter',
    ],
    [
      'a token limit without a text',
      responded('incomplete', [thought], cutOff('max_output_tokens')),
      'max_tokens',
    ],
    ['an answer that failed and does not say why', responded('failed', [said(words('half of '))]), 'failed'],
  ],
  refusals: [
    [
      'an answer that failed at the server',
      { body: responded('failed', [], { error: { code: 'server_error', message: 'Lost.' } }) },
      { scope: 'retry', status: 500, code: 'server_error', message: 'Lost.' },
    ],
    [
      'an answer that failed for its prompt',
      { body: responded('failed', [], { error: { code: 'invalid_prompt', message: 'Not that.' } }) },
      { scope: 'row', status: 400, code: 'invalid_prompt', message: 'Not that.' },
    ],
  ],
});

/** Batches of the Responses API. */
export const responsesBatch = (profile: Profile): BatchVendor => ({
  ...chatBatch(profile),
  settings: { api: 'responses' },
  line: {
    custom_id: 'row-0-1a2b3c4d',
    method: 'POST',
    url: '/v1/responses',
    body: { model: 'model-1', input: prompt, store: false },
  },
  answerLine: (customId, text) =>
    JSON.stringify({
      id: 'batch_req_1',
      custom_id: customId,
      response: { status_code: 200, body: responded('completed', [thought, said(words(text))]) },
      error: null,
    }),
});

const lineOf = ({ lineForm, modelAt, endpoint = '/v1/chat/completions' }: Partial<BatchProfile> = {}) => ({
  custom_id: 'row-0-1a2b3c4d',
  ...(lineForm !== 'body' && { method: 'POST', url: endpoint }),
  body: {
    ...(modelAt !== 'batch' && { model: 'model-1' }),
    messages: [{ role: 'user', content: prompt }],
  },
});

export const chatBatch = (profile: Profile): BatchVendor => ({
  ...chat(profile),
  batchId: 'batch_1',
  line: lineOf(profile.batches),
  runningBatch: { id: 'batch_1', status: 'in_progress' },
  cancelledBatch: { id: 'batch_1', status: 'cancelled' },
  statuses: [
    ['validating', 'validating'],
    ['in_queue', 'validating'],
    ['in_progress', 'in_progress'],
    ['PROGRESS', 'in_progress'],
    ['finalizing', 'in_progress'],
    ['cancelling', 'in_progress'],
    ['completed', 'completed'],
    ['success', 'completed'],
    ['failed', 'failed'],
    ['expired', 'expired'],
    ['timeout_exceeded', 'expired'],
    ['cancelled', 'cancelled'],
  ],
  batchOf: (status) => ({ id: 'batch_1', status }),
  cancelPath: profile.batches?.cancels === false ? undefined : `${chat(profile).path}/batches/batch_1/cancel`,
  timed:
    profile.batches?.expires === false
      ? chatBatchTimes.map(([what, batch, { expires, ...times }]) => [what, batch, times] as const)
      : chatBatchTimes,
  serveResults: (download) => (arrived) =>
    arrived.path === `${chat(profile).path}/files/file-out/content`
      ? download
      : { body: { id: 'batch_1', status: 'completed', output_file_id: 'file-out', error_file_id: '' } },
  answerLine: (customId, text) =>
    JSON.stringify({
      id: 'batch_req_1',
      custom_id: customId,
      response: { status_code: 200, body: choice({ content: text }) },
      error: null,
    }),
  refusals: refusals[profile.title]?.batch ?? [],
});
