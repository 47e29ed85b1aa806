import { describe, expect, it } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import { messageParams, refusals, refusedKey, variables } from '../anthropic-vendor.ts';
import {
  apiKey,
  collect,
  describeBatchProvider,
  never,
  openBatch,
  useServer,
  writeRequests,
} from '../conformance.ts';
import type { Arrived } from '../scripted-server.ts';

const vendor = { entry: providerEntry('anthropic'), path: '' };
const resultsPath = '/v1/messages/batches/msgbatch_1/results';
const line = (customId: string, result: unknown) => JSON.stringify({ custom_id: customId, result });
const answerLine = (customId: string, text: string) =>
  line(customId, {
    type: 'succeeded',
    message: { content: [{ type: 'text', text }], stop_reason: 'end_turn' },
  });
const ended = (results_url: unknown, request_counts = { succeeded: 1 }) => ({
  id: 'msgbatch_1',
  processing_status: 'ended',
  results_url,
  request_counts,
});

describeBatchProvider({
  ...vendor,
  keyHeader: ['authorization', `Bearer ${apiKey}`],
  variables,
  refusedKey,
  batchId: 'msgbatch_1',
  line: { custom_id: 'row-0-1a2b3c4d', params: messageParams },
  runningBatch: { id: 'msgbatch_1', processing_status: 'in_progress' },
  cancelledBatch: { id: 'msgbatch_1', processing_status: 'ended', request_counts: { canceled: 3 } },
  cancelPath: '/v1/messages/batches/msgbatch_1/cancel',
  timed: [
    ['a batch that says nothing', { id: 'msgbatch_1', processing_status: 'in_progress' }, {}],
    [
      'a running batch',
      {
        id: 'msgbatch_1',
        created_at: '2026-11-22T10:00:00.123456Z',
        expires_at: '2026-11-23T10:00:00Z',
        ended_at: null,
        cancel_initiated_at: null,
      },
      {
        created: new Date('2026-11-22T10:00:00.123Z'),
        expires: new Date('2026-11-23T10:00:00Z'),
        resultsEnd: new Date('2026-12-21T10:00:00.123Z'),
      },
    ],
    [
      'a cancelled batch',
      { id: 'msgbatch_1', cancel_initiated_at: '2026-11-22T10:01:00Z', ended_at: '2026-11-22T10:02:00Z' },
      { cancelRequested: new Date('2026-11-22T10:01:00Z'), ended: new Date('2026-11-22T10:02:00Z') },
    ],
  ],
  serveResults: (download, url) => (arrived) =>
    arrived.path === resultsPath ? download : { body: ended(`${url}${resultsPath}`) },
  answerLine,
  statuses: [
    ['in_progress', 'in_progress'],
    ['canceling', 'in_progress'],
    ['ended', 'completed'],
  ],
  batchOf: (processing_status) => ({ id: 'msgbatch_1', processing_status }),
  refusals,
});

describe('Anthropic, batches', () => {
  const server = useServer();
  const open = () => openBatch(vendor, server().url);
  const check = async (batch: object) => {
    server().play(() => ({ body: { id: 'msgbatch_1', ...batch } }));
    return (await open()).check('msgbatch_1', never);
  };

  it.each([
    ['ended', { succeeded: 3 }, 'completed'],
    ['ended', { succeeded: 1, expired: 2 }, 'completed'],
    ['ended', { errored: 3 }, 'completed'],
    ['ended', { errored: 1, canceled: 2 }, 'completed'],
    ['ended', { canceled: 3 }, 'cancelled'],
    ['ended', { expired: 3 }, 'expired'],
    ['ended', { canceled: 1, expired: 2 }, 'cancelled'],
    ['ended', {}, 'completed'],
  ])('maps %s with %j to %s', async (raw, counts, status) => {
    expect(await check({ processing_status: raw, request_counts: counts })).toMatchObject({
      status,
      rawStatus: raw,
    });
  });

  it('posts the request file as it is', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d', 'row-1-1a2b3c4d']);
    server().play(() => ({ body: { id: 'msgbatch_1', processing_status: 'in_progress' } }));
    const batch = { model: 'model-1', tag: 'job-1-0' };
    expect(await provider.create({ file, fileId: undefined }, batch, never)).toBe('msgbatch_1');
    const [arrived] = server().arrived as [Arrived];
    expect([arrived.method, arrived.path]).toEqual(['POST', '/v1/messages/batches']);
    expect(arrived.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(file.bytes),
      'anthropic-version': '2026-10-21',
    });
    expect(JSON.parse(arrived.body)).toEqual({
      requests: [
        { custom_id: 'row-0-1a2b3c4d', params: messageParams },
        { custom_id: 'row-1-1a2b3c4d', params: messageParams },
      ],
    });
  });

  it('offers no upload, no deletion and no look-up by tag', async () => {
    const provider = await open();
    expect([provider.upload, provider.deleteFile, provider.find]).toEqual([undefined, undefined, undefined]);
  });

  it('knows only the total until the end', async () => {
    const counts = { processing: 7, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
    expect((await check({ processing_status: 'in_progress', request_counts: counts })).counts).toEqual({
      total: 7,
    });
    const atTheEnd = { processing: 0, succeeded: 4, errored: 1, canceled: 0, expired: 2 };
    expect((await check({ processing_status: 'ended', request_counts: atTheEnd })).counts).toEqual({
      total: 7,
      succeeded: 4,
      failed: 3,
    });
  });

  it('tells failed, cancelled, expired and odd results apart', async () => {
    const failure = (type: string, message: string) => ({
      type: 'error',
      error: { type, message },
      request_id: 'req_1',
    });
    const lines = [
      answerLine('row-0', 'yes'),
      line('row-1', { type: 'errored', error: failure('invalid_request_error', 'prompt is too long\n') }),
      line('row-2', { type: 'errored', error: { type: 'api_error', message: 'Oh.' } }),
      line('row-3', { type: 'canceled' }),
      line('row-4', { type: 'expired' }),
      line('row-5', { type: 'something_new' }),
      line('row-6', null),
      line('row-7', { type: 'succeeded', message: { content: [], stop_reason: 'refusal' } }),
      line('row-8', { type: 'succeeded', message: null }),
    ];
    server().play(({ path }) =>
      path === resultsPath ? { body: lines.join('\n') } : { body: ended(resultsPath) },
    );
    const rows = await collect((await open()).results('msgbatch_1', never));
    expect(
      rows.map((row) => [row.customId, row.outcome, row.outcome === 'succeeded' ? row.text : row.error.kind]),
    ).toEqual([
      ['row-0', 'succeeded', 'yes'],
      ['row-1', 'failed', 'invalid_request_error'],
      ['row-2', 'failed', 'api_error'],
      ['row-3', 'cancelled', 'batch_cancelled'],
      ['row-4', 'expired', 'batch_expired'],
      ['row-5', 'failed', 'not_processed'],
      ['row-6', 'failed', 'not_processed'],
      ['row-7', 'failed', 'refusal'],
      ['row-8', 'failed', 'unreadable'],
    ]);
    expect(rows[1]).toMatchObject({ error: { message: 'prompt is too long' } });
  });

  it.each([
    ['a relative address', () => resultsPath],
    ['an address of another host', () => 'https://example.com/v1/messages/batches/msgbatch_1/results'],
    ['another port of the same host', () => `http://127.0.0.1:9${resultsPath}`],
    ['no address', () => null],
    ['no valid address', () => 'http://'],
  ])('asks its own host for the results, given %s', async (_what, address) => {
    server().play(({ path }) =>
      path === resultsPath ? { body: answerLine('row-0', 'yes') } : { body: ended(address()) },
    );
    expect(await collect((await open()).results('msgbatch_1', never))).toHaveLength(1);
    expect(server().arrived.map(({ path }) => path)).toEqual([
      '/v1/messages/batches/msgbatch_1',
      resultsPath,
    ]);
  });
});
