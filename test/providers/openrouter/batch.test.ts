import { describe, expect, it } from 'vitest';
import { profile } from '../../../src/providers/openrouter/profile.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import {
  type BatchVendor,
  collect,
  describeBatchProvider,
  failureOf,
  never,
  openBatch,
  useServer,
  writeRequests,
} from '../conformance.ts';
import { chatBatch } from '../openai/wire.ts';
import type { Arrived, Reply, Script } from '../scripted-server.ts';

const batchPath = '/api/v1/batches/batch_1';
const resultsPath = `${batchPath}/results?limit=1000`;

/** As its reference has it. */
const batchOf = (status: string, more: object = {}) => ({
  id: 'batch_1',
  object: 'batch',
  endpoint: '/v1/chat/completions',
  model: 'model-1',
  completion_window: '24h',
  status,
  created_at: 1_782_097_200,
  expires_at: null,
  finalized_at: null,
  provider: null,
  request_counts: { total: 2, completed: 0, failed: 0 },
  usage: null,
  results: null,
  error: null,
  ...more,
});

const resultOf = (custom_id: string, response: object | null, error: object | null = null) => ({
  id: 'batch_req_1',
  custom_id,
  response,
  error,
});
const answer = (custom_id: string, content: string) =>
  resultOf(custom_id, {
    status_code: 200,
    request_id: 'request_1',
    body: { choices: [{ message: { content }, finish_reason: 'stop' }] },
  });

/** What stands on lines, as one page: blank ones are none, and one that is broken stands as a text. */
function pageOf({ body = '', ...reply }: Reply): Reply {
  const text = String(body);
  if (text.startsWith('<')) return { ...reply, body: text };
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const isCut = lines.length > 2 && !isJson(lines.at(-1) as string);
  const elements = lines.map((line, index) =>
    isJson(line) || (isCut && index === lines.length - 1) ? line : JSON.stringify(line),
  );
  const end = isCut ? '' : '\n],"has_more":false,"next_cursor":null}';
  return { ...reply, body: `{"object":"list","data":[\n${elements.join(',\n')}${end}` };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const vendor: BatchVendor = {
  ...chatBatch(profile),
  entry: providerEntry('openrouter'),
  line: {
    custom_id: 'row-0-1a2b3c4d',
    body: { messages: [{ role: 'user', content: 'Größe \u2028 "quoted" 😀' }] },
  },
  statuses: [
    ['validating', 'validating'],
    ['in_progress', 'in_progress'],
    ['finalizing', 'in_progress'],
    ['completed', 'completed'],
    ['failed', 'failed'],
    ['expired', 'expired'],
    ['cancelling', 'in_progress'],
    ['cancelled', 'cancelled'],
  ],
  batchOf,
  runningBatch: batchOf('in_progress'),
  cancelledBatch: batchOf('cancelled'),
  cancelPath: undefined,
  timed: [
    ['a batch that says nothing', { id: 'batch_1', status: 'validating' }, {}],
    [
      'a batch whose host takes longer than a day',
      batchOf('in_progress', { expires_at: 1_782_442_800 }),
      {
        created: new Date('2026-06-22T03:00:00Z'),
        expires: new Date('2026-06-26T03:00:00Z'),
        resultsEnd: new Date('2026-07-22T03:00:00Z'),
      },
    ],
    [
      'a batch that is over',
      batchOf('completed', { finalized_at: 1_782_100_800 }),
      {
        created: new Date('2026-06-22T03:00:00Z'),
        ended: new Date('2026-06-22T04:00:00Z'),
        resultsEnd: new Date('2026-07-22T03:00:00Z'),
      },
    ],
  ],
  serveResults:
    (download): Script =>
    ({ path }) =>
      path === resultsPath ? pageOf(download) : { body: batchOf('completed') },
  answerLine: (customId, text) => JSON.stringify(answer(customId, text)),
  noResults: 'it is no JSON object',
  refusals: [
    [
      'an empty account',
      { status: 402, body: { error: { code: 402, message: 'Insufficient credits' } } },
      { scope: 'run', status: 402, message: 'Insufficient credits' },
    ],
  ],
};

describeBatchProvider(vendor);

describe('OpenRouter, batches', () => {
  const server = useServer();
  const open = () => openBatch(vendor, server().url);
  const paths = () => server().arrived.map(({ path }) => path);
  const results = async () => collect((await open()).results('batch_1', never));
  const texts = async () =>
    (await results()).map((row) => [row.customId, row.outcome === 'succeeded' ? row.text : row.error]);

  it('says what the requests are for ahead of them, in one call with its length', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d', 'row-1-1a2b3c4d']);
    server().play(() => ({ status: 202, body: batchOf('validating') }));
    const order = { model: 'openai/gpt-4o', tag: 'job-1-0' };
    expect(await provider.create({ file, fileId: undefined }, order, never)).toBe('batch_1');
    const [arrived] = server().arrived as [Arrived];
    expect([arrived.method, arrived.path]).toEqual(['POST', '/api/v1/batches']);
    expect(arrived.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(arrived.body)),
    });
    const body = JSON.parse(arrived.body);
    expect(Object.entries(body).slice(0, 3)).toEqual([
      ['endpoint', '/v1/chat/completions'],
      ['model', 'openai/gpt-4o'],
      ['completion_window', '24h'],
    ]);
    expect(Object.keys(body)).toHaveLength(4);
    expect(body.requests.map((request: { custom_id: string }) => request.custom_id)).toEqual([
      'row-0-1a2b3c4d',
      'row-1-1a2b3c4d',
    ]);
  });

  it.each([
    [
      400,
      'openai/gpt-4o has no batch variant',
      'openai/gpt-4o has no batch variant. OpenRouter may want this model as openai/gpt-4o:batch, where it has such a variant.',
    ],
    [
      400,
      "Model 'openai/gpt-4o' does not have a :batch endpoint",
      "Model 'openai/gpt-4o' does not have a :batch endpoint",
    ],
    [400, 'requests.0.custom_id: must be unique', 'requests.0.custom_id: must be unique'],
  ])('names the variant of a model only where that may help', async (status, said, told) => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => ({ status, body: { error: { code: status, message: said } } }));
    const order = { model: 'openai/gpt-4o', tag: 't' };
    expect(await failureOf(provider.create({ file, fileId: undefined }, order, never))).toMatchObject({
      scope: 'run',
      status,
      message: told,
    });
    server().play(() => ({ body: batchOf('failed', { model: 'openai/gpt-4o', error: { message: said } }) }));
    expect((await provider.check('batch_1', never)).error).toEqual({ code: 'failed', message: told });
  });

  it('has no upload, no tag, no cancel and nothing to delete, and knows a new batch only after a while', async () => {
    const { upload, find, cancel, deleteFile, graceMs } = await open();
    expect([upload, find, cancel, deleteFile, graceMs]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      120_000,
    ]);
  });

  it('reads results page by page', async () => {
    const pages: Readonly<Record<string, object>> = {
      [resultsPath]: { object: 'list', data: [answer('row-1', 'b')], has_more: true, next_cursor: 'c 1' },
      [`${resultsPath}&cursor=c%201`]: { data: [answer('row-0', 'a')], has_more: false, next_cursor: null },
    };
    server().play(({ path }) => ({ body: pages[path] ?? batchOf('completed') }));
    expect(await texts()).toEqual([
      ['row-1', 'b'],
      ['row-0', 'a'],
    ]);
    expect(paths()).toEqual([batchPath, resultsPath, `${resultsPath}&cursor=c%201`]);
  });

  it.each([
    ['the same page again and again', { has_more: true, next_cursor: 'c' }],
    ['that there is more, and not where', { has_more: true, next_cursor: null }],
  ])('does not take results for whole when a page says %s', async (_what, end) => {
    server().play(({ path }) => ({
      body: path === batchPath ? batchOf('completed') : { data: [answer('row-0', 'a')], ...end },
    }));
    expect(await failureOf(results())).toMatchObject({ scope: 'run', code: 'list_unread' });
  });

  it.each([
    ['knows no pages', { status: 404, body: { error: { code: 404, message: 'Not Found' } } }],
    ['has its pages no more', { status: 410, body: { error: { code: 410, message: 'Gone' } } }],
    ['answers with the batch itself', { body: batchOf('completed', { results: [] }) }],
  ])('takes the results that stand within the batch from a server that %s', async (_what, reply) => {
    const inline = batchOf('completed', {
      results: [answer('row-0', 'a [b] "c\\"'), answer('row-1', '],"data":[')],
    });
    server().play(({ path }) => (path === batchPath ? { body: inline } : reply));
    expect(await texts()).toEqual([
      ['row-0', 'a [b] "c\\"'],
      ['row-1', '],"data":['],
    ]);
    expect(paths()).toEqual([batchPath, resultsPath, batchPath]);
  });

  it('says that results are gone only of a batch that completed', async () => {
    const gone = { status: 404, body: { error: { code: 404, message: 'Results were deleted.' } } };
    server().play(({ path }) => (path === batchPath ? { body: batchOf('completed') } : gone));
    expect(await failureOf(results())).toMatchObject({ code: 'results_gone', status: 404 });
    const finalized_at = Math.floor(Date.now() / 1000) - 60;
    server().play(({ path }) =>
      path === batchPath ? { body: batchOf('completed', { finalized_at }) } : gone,
    );
    expect(await failureOf(results())).toMatchObject({ scope: 'retry', code: 'results_not_there' });
    // A 410 is no matter of time.
    server().play(({ path }) =>
      path === batchPath ? { body: batchOf('completed', { finalized_at }) } : { ...gone, status: 410 },
    );
    expect(await failureOf(results())).toMatchObject({ code: 'results_gone', status: 410 });
    for (const status of ['failed', 'expired', 'cancelled']) {
      server().play(({ path }) => (path === batchPath ? { body: batchOf(status) } : gone));
      expect(await results()).toEqual([]);
    }
  });

  it('learns how a batch is from its beginning, and waits for no results', async () => {
    const whole = JSON.stringify(batchOf('completed', { results: [answer('row-0', 'x'.repeat(2_000_000))] }));
    // The half that is sent ends within the first answer, and nothing follows.
    server().play(() => ({ body: whole, fault: 'stall' }));
    const provider = await open();
    expect(await provider.check('batch_1', never)).toMatchObject({
      status: 'completed',
      counts: { total: 2 },
    });
  });

  it('reads a failed row, and what an answer cost', async () => {
    const body = {
      choices: [{ message: { content: 'a' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15, cost: 1.33e-5, is_byok: false },
    };
    const error = { message: 'Prompt too long', type: 'invalid_request_error', param: null };
    const data = [
      resultOf('row-0', { status_code: 200, request_id: null, body }),
      resultOf('row-1', null, { ...error, error_type: 'context_length_exceeded' }),
    ];
    server().play(({ path }) => ({
      body: path === batchPath ? batchOf('completed') : { data, has_more: false },
    }));
    expect(await results()).toEqual([
      {
        customId: 'row-0',
        outcome: 'succeeded',
        text: 'a',
        usage: { inputTokens: 12, outputTokens: 3, cost: 1.33e-5 },
        finishReason: 'stop',
      },
      {
        customId: 'row-1',
        outcome: 'failed',
        error: { kind: 'invalid_request_error', message: 'Prompt too long' },
      },
    ]);
  });

  it('lists as candidates batches of as many requests, and those that do not tell yet, the oldest first', async () => {
    const date = 'Mon, 22 Jun 2026 04:00:00 GMT';
    const listed = (id: string, created_at: number, total: number, status = 'in_progress') => ({
      ...batchOf(status),
      ...{ id, created_at, request_counts: { total, completed: 0, failed: 0 } },
    });
    const first = [
      listed('new', 1_782_099_000, 5),
      listed('other', 1_782_098_000, 4),
      listed('blank', 1_782_097_900, 0),
    ];
    const second = [
      listed('done', 1_782_097_800, 0, 'failed'),
      listed('same', 1_782_097_500, 5),
      listed('old', 1_782_090_000, 5),
    ];
    server().play(({ path }) => ({
      headers: { date },
      body: path.includes('after=')
        ? { object: 'list', data: second, has_more: true, last_id: 'old' }
        : { object: 'list', data: first, has_more: true, last_id: 'blank' },
    }));
    const provider = await open();
    const since = new Date(1_782_097_200_000);
    expect(await provider.listCandidates?.(since, 5, never, 'model-1')).toEqual({
      candidates: [
        { batchId: 'same', createdAt: new Date(1_782_097_500_000) },
        { batchId: 'blank', createdAt: new Date(1_782_097_900_000) },
        { batchId: 'new', createdAt: new Date(1_782_099_000_000) },
      ],
      now: new Date(date),
    });
    expect(paths()).toEqual(['/api/v1/batches?limit=100', '/api/v1/batches?limit=100&after=blank']);
    expect(await provider.readClock?.(never)).toEqual(new Date(date));
    expect((await provider.listCandidates?.(since, 5, never, 'model-2'))?.candidates).toEqual([]);
  });
});
