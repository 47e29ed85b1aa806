import { describe, expect, it } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import { profile } from '../../../src/providers/xai/profile.ts';
import {
  apiKey,
  collect,
  describeBatchProvider,
  describeSyncProvider,
  failureOf,
  never,
  openBatch,
  prompt,
  useServer,
  writeRequests,
} from '../conformance.ts';
import { chatBatch, chatSync } from '../openai/wire.ts';
import type { Arrived } from '../scripted-server.ts';

const entry = providerEntry('xai');
const refusedKey = {
  status: 400,
  body: {
    code: 'Client specified an invalid argument',
    error: `Incorrect API key provided: ${apiKey}. You can obtain an API key from https://console.x.ai.`,
  },
};
const refusals = [
  [
    'a model that does not exist',
    {
      status: 404,
      body: { code: 'Not found', error: 'The model grok-0 does not exist or your team has no access.' },
    },
    { scope: 'run', code: 'model_not_found' },
  ],
  [
    'a team without credits',
    { status: 403, body: { error: 'Your team has no credits.' } },
    { scope: 'run', status: 403 },
  ],
] as const;
const completion = (text: string) => ({
  choices: [{ message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
});
const state = (pending: number, success = 0, error = 0, cancelled = 0) => ({
  num_requests: pending + success + error + cancelled,
  num_pending: pending,
  num_success: success,
  num_error: error,
  num_cancelled: cancelled,
});
const batch = (counts: object, more = {}) => ({ batch_id: 'batch_1', name: 't', state: counts, ...more });
const answer = (id: string, text: string) => ({
  batch_request_id: id,
  batch_result: { response: { chat_get_completion: completion(text) } },
});
const resultsPath = '/v1/batches/batch_1/results?limit=100';
const shared = { entry, sharesAdapter: false, refusedKey };

describeSyncProvider({
  ...chatSync(profile),
  ...shared,
  refusals: [
    ...refusals,
    [
      'a prompt that a safety check stopped',
      {
        status: 403,
        body: { error: 'Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO' },
      },
      { scope: 'row', code: 'usage_guidelines' },
    ],
  ],
});

describeBatchProvider({
  ...chatBatch(profile),
  ...shared,
  batchId: 'batch_1',
  line: {
    custom_id: 'row-0-1a2b3c4d',
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'model-1', messages: [{ role: 'user', content: prompt }] },
  },
  runningBatch: batch(state(2, 1)),
  cancelledBatch: batch(state(0, 1, 0, 2), { cancel_time: '2026-11-22' }),
  // It has none.
  statuses: [],
  batchOf: () => ({}),
  cancelPath: '/v1/batches/batch_1:cancel',
  timed: [
    ['a batch that says nothing', batch(state(1)), {}],
    [
      'a batch whose times are days',
      batch(state(1), { create_time: '2026-11-22', cancel_time: '2026-11-23T10:00:00Z' }),
      { created: new Date('2026-11-22T00:00:00Z'), cancelRequested: new Date('2026-11-23T10:00:00Z') },
    ],
  ],
  serveResults: (download) => (arrived) =>
    arrived.path === resultsPath ? download : { body: batch(state(0, 2)) },
  answerLine: (customId, text) => JSON.stringify(answer(customId, text)),
  noResults: 'it is not a page of results',
  pageOf: (results) => `{"results":[${results.join(',')}],"pagination_token":null}`,
  refusals,
});

describe('xAI, batches', () => {
  const server = useServer();
  const open = (timeoutMs?: number) => openBatch({ entry, path: '/v1' }, server().url, timeoutMs);
  const sent = () => server().arrived.map(({ method, path }) => `${method} ${path}`);

  it('uploads the request file without a purpose, and creates the batch under its tag', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d', 'row-1-1a2b3c4d']);
    server().play(({ path }) => ({ body: path === '/v1/files' ? { id: 'file_1' } : batch(state(0)) }));
    const fileId = await provider.upload?.(file, never);
    expect(await provider.create({ file, fileId }, { model: 'model-1', tag: 'job-1-0' }, never)).toBe(
      'batch_1',
    );
    const [upload, creation] = server().arrived as [Arrived, Arrived];
    expect(upload.body).toContain('name="file"; filename=');
    expect(upload.body).not.toContain('purpose');
    expect([creation.path, JSON.parse(creation.body)]).toEqual([
      '/v1/batches',
      { name: 'job-1-0', input_file_id: 'file_1' },
    ]);
  });

  const message = 'Line 3 is not valid.';
  it.each<[string, object, object]>([
    ['no requests yet', batch(state(0)), { status: 'validating', counts: undefined }],
    [
      'some that are pending',
      batch(state(2, 1, 1)),
      { status: 'in_progress', counts: { total: 4, succeeded: 1, failed: 1 } },
    ],
    [
      'none that are pending',
      batch(state(0, 3, 1)),
      { status: 'completed', counts: { total: 4, succeeded: 3, failed: 1 } },
    ],
    ['counts that are texts', batch({ num_requests: '2', num_pending: '1' }), { status: 'in_progress' }],
    [
      'a cancel under way',
      batch(state(2, 1), { cancel_time: '2026-11-22' }),
      { status: 'in_progress', rawStatus: 'cancelling' },
    ],
    [
      'a cancel that is done',
      batch(state(0, 1, 0, 2), { cancel_time: '2026-11-22', cancel_by_xai_message: null }),
      { status: 'cancelled', counts: { total: 3, succeeded: 1, failed: 2 } },
    ],
    [
      'an end by xAI before anything was done',
      batch(state(0), { cancel_time: '2026-11-22', cancel_by_xai_message: message }),
      { status: 'failed', error: { code: 'failed', message } },
    ],
    [
      'an end by xAI with answers, which are had',
      batch(state(0, 2, 0, 1), { cancel_time: '2026-11-22', cancel_by_xai_message: message }),
      { status: 'cancelled', error: { code: 'failed', message } },
    ],
    ['no counts', { batch_id: 'batch_1' }, { status: 'unknown', rawStatus: '' }],
  ])('tells by its counts how a batch is: %s', async (_, body, expected) => {
    server().play(() => ({ body }));
    expect(await (await open()).check('batch_1', never)).toMatchObject({ batchId: 'batch_1', ...expected });
  });

  /** Serves pages by their tokens; the first has none. */
  const playPages = (pages: Readonly<Record<string, object>>) =>
    server().play(({ path }) => {
      const query = new URL(path, 'http://host').searchParams;
      if (!path.includes('/results')) return { body: batch(state(0, 3)) };
      return { body: pages[query.get('pagination_token') ?? ''] ?? {} };
    });
  const results = async () => collect((await open()).results('batch_1', never, 3));

  it('reads page after page, to the one without a token or without results', async () => {
    const pages = {
      '': { results: [answer('row-0', 'a')], pagination_token: 'p/2' },
      'p/2': { results: [answer('row-1', 'b'), answer('row-2', 'c')], pagination_token: 'p3' },
    };
    playPages(pages);
    const texts = (await results()).map((row) => [row.customId, row.outcome === 'succeeded' && row.text]);
    expect(texts).toEqual([
      ['row-0', 'a'],
      ['row-1', 'b'],
      ['row-2', 'c'],
    ]);
    expect(sent()).toEqual([
      'GET /v1/batches/batch_1',
      `GET ${resultsPath}`,
      `GET ${resultsPath}&pagination_token=p%2F2`,
      `GET ${resultsPath}&pagination_token=p3`,
    ]);
    playPages({ ...pages, 'p/2': { results: [answer('row-1', 'b')], pagination_token: '' } });
    expect(await results()).toHaveLength(2);
  });

  it('gives out one page before it asks for the next', async () => {
    playPages({ '': { results: [answer('row-0', 'a')], pagination_token: 'p2' } });
    for await (const _ of (await open()).results('batch_1', never, 3)) break;
    expect(sent()).toEqual(['GET /v1/batches/batch_1', `GET ${resultsPath}`]);
  });

  it.each<[string, (token: string) => object]>([
    [
      'whose token is one of before',
      (token) => ({ results: [answer(`row-${token}`, 'a')], pagination_token: 'p' }),
    ],
    [
      'that begins as one of before',
      (token) => ({ results: [answer('row-0', 'a')], pagination_token: `${token}p` }),
    ],
  ])('ends at a page %s', async (_, pageAt) => {
    server().play(({ path }) => {
      if (!path.includes('/results')) return { body: batch(state(0, 3)) };
      return { body: pageAt(new URL(path, 'http://host').searchParams.get('pagination_token') ?? '') };
    });
    expect(await failureOf(results())).toMatchObject({
      scope: 'run',
      code: 'too_large',
      message: "The provider's results hold the same page again and again, and were not read on.",
    });
    expect(sent().length).toBeLessThanOrEqual(4);
  });

  it('ends at far more results than there were requests', async () => {
    let asked = 0;
    server().play(({ path }) => {
      if (!path.includes('/results')) return { body: batch(state(0, 3)) };
      const many = Array.from({ length: 500 }, (_, index) => answer(`row-${asked}-${index}`, 'a'));
      return { body: { results: many, pagination_token: `p${asked++}` } };
    });
    expect(await failureOf(results())).toMatchObject({ scope: 'run', code: 'too_large' });
  });

  it('tells answers, refusals and odd results apart, however they are wrapped', async () => {
    const held = completion('yes');
    const failed = (id: string, error: unknown) => ({ batch_request_id: id, batch_result: { error } });
    playPages({
      '': {
        results: [
          answer('row-0', 'yes'),
          { batch_request_id: 'row-1', batch_result: { response: held } },
          {
            batch_request_id: 'row-2',
            batch_result: { response: { chat_get_completion: JSON.stringify(held) } },
          },
          {
            batch_request_id: 'row-3',
            batch_result: { response: { other: 1 }, error: { code: 3, message: 'Bad.' } },
          },
          failed('row-4', { code: 429, message: 'Too many.' }),
          failed('row-5', { code: 1, message: 'Cancelled.' }),
          failed('row-6', 'A text.'),
          { batch_request_id: 'row-7', batch_result: {}, error_message: 'Alone.' },
          { batch_request_id: 'row-8' },
          { ...answer('row-9', 'yes'), error_message: '' },
          { ...answer('row-10', 'yes'), error_message: 'No.' },
          'a text',
        ],
      },
    });
    const rows = await results();
    expect(
      rows.map((row) => [row.customId, row.outcome, row.outcome === 'succeeded' ? row.text : row.error]),
    ).toEqual([
      ['row-0', 'succeeded', 'yes'],
      ['row-1', 'succeeded', 'yes'],
      ['row-2', 'succeeded', 'yes'],
      ['row-3', 'failed', { kind: 'INVALID_ARGUMENT', message: 'Bad.' }],
      ['row-4', 'failed', { kind: 'http_429', message: 'Too many.' }],
      ['row-5', 'cancelled', { kind: 'batch_cancelled', message: 'Cancelled.' }],
      ['row-6', 'failed', { kind: 'not_processed', message: 'A text.' }],
      ['row-7', 'failed', { kind: 'not_processed', message: 'Alone.' }],
      ['row-8', 'failed', { kind: 'not_processed', message: 'The request got no answer.' }],
      ['row-9', 'succeeded', 'yes'],
      ['row-10', 'failed', { kind: 'not_processed', message: 'No.' }],
    ]);
  });

  it('reads what an answer cost, in ticks', async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 2, cost_in_usd_ticks: 37_756_000 };
    const told = {
      batch_request_id: 'row-0',
      batch_result: { response: { chat_get_completion: { ...completion('a'), usage } } },
    };
    playPages({ '': { results: [told] } });
    expect(await results()).toMatchObject([{ usage: { inputTokens: 5, outputTokens: 2, cost: 0.0037756 } }]);
  });

  it('finds a batch by its name on a later page, or where it has none by its file', async () => {
    const listed = (batch_id: string, name: string, input_file_id = 'file_1') => ({
      batch_id,
      name,
      input_file_id,
    });
    server().play(({ path }) => ({
      body: path.includes('pagination_token=p2')
        ? { batches: [listed('b2', 'other'), listed('b3', 'mine')], pagination_token: 'p3' }
        : path.includes('p3')
          ? { batches: [], pagination_token: 'p3' }
          : { batches: [listed('b1', 'other')], pagination_token: 'p2' },
    }));
    const find = async (tag: string, fileId?: string) => (await open()).find?.({ tag, fileId }, never);
    expect(await find('mine')).toBe('b3');
    expect(sent()).toEqual(['GET /v1/batches?limit=100', 'GET /v1/batches?limit=100&pagination_token=p2']);
    expect(await find('nobody', 'file_1')).toBeUndefined();
    server().play(() => ({ body: { batches: [listed('b1', '', 'file_1'), listed('b2', '', 'file_2')] } }));
    expect(await find('nobody', 'file_2')).toBe('b2');
    server().play(() => ({ body: { batches: [], pagination_token: null } }));
    expect(await find('mine')).toBeUndefined();
  });

  it('takes no answer that is not a list for a list without the batch, and no circle', async () => {
    const find = async () => (await open()).find?.({ tag: 'mine', fileId: undefined }, never);
    server().play(() => ({ body: { fine: true } }));
    expect(await failureOf(find())).toMatchObject({
      code: 'unreadable',
      message: 'The provider\'s answer can\'t be read: it is not a list of batches. It begins: {"fine":true}',
    });
    server().play(() => ({ body: { batches: [{ batch_id: 'a', name: 'other' }], pagination_token: 'p' } }));
    expect(await failureOf(find())).toMatchObject({ code: 'list_unread' });
  });

  it('deletes a file, which may be gone already', async () => {
    const provider = await open();
    server().play(() => ({ status: 404, body: { error: 'no such file' } }));
    await provider.deleteFile?.('file_1', never);
    expect(sent()).toEqual(['DELETE /v1/files/file_1']);
  });

  it('is discounted by a fifth, and for some models not at all', () => {
    const { batchPriceShare } = entry;
    const shareOf = (model: string) =>
      typeof batchPriceShare === 'number' ? batchPriceShare : batchPriceShare(model);
    expect(['grok-4.3', 'grok-4.7', 'grok-4', 'grok-4.20-reasoning'].map(shareOf)).toEqual([
      0.8, 0.8, 0.8, 0.8,
    ]);
    expect(['grok-4.5', 'grok-4.5-latest', 'grok-4.6', 'grok-build-0.1'].map(shareOf)).toEqual([1, 1, 1, 1]);
  });
});
