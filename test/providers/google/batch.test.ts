import { describe, expect, it } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import {
  apiKey,
  collect,
  describeBatchProvider,
  failureOf,
  never,
  openBatch,
  refuse,
  useServer,
  writeRequests,
} from '../conformance.ts';
import { contents, refusal, refusals, refusedKey, variables } from '../google-vendor.ts';
import { type Arrived, startScriptedServer } from '../scripted-server.ts';

const vendor = { entry: providerEntry('google'), path: '' };
/** Result files have longer names than uploaded ones. */
const resultsFile = 'files/batch-0123456789abcdef0123456789abcdef0123456789abcdef';
const downloadPath = `/v1beta/${resultsFile}:download?alt=media`;
const response = (text: string) => ({
  candidates: [{ content: { parts: [{ text }] }, finishReason: 'STOP' }],
});
const answerLine = (key: string, text: string) => JSON.stringify({ key, response: response(text) });
const operation = (metadata: object, more = {}) => ({ name: 'batches/b1', metadata, ...more });

/** How a batch of this tag is looked for. */
const sent = (tag: string, fileId?: string) => ({ tag, fileId });

describeBatchProvider({
  ...vendor,
  keyHeader: ['x-goog-api-key', apiKey],
  variables,
  refusedKey,
  batchId: 'batches/b1',
  line: { key: 'row-0-1a2b3c4d', request: { contents } },
  runningBatch: operation({ state: 'BATCH_STATE_RUNNING' }),
  cancelledBatch: operation({ state: 'BATCH_STATE_CANCELLED' }, { done: true }),
  cancelPath: '/v1beta/batches/b1:cancel',
  timed: [
    ['a batch that says nothing', operation({ state: 'BATCH_STATE_PENDING' }), {}],
    [
      'a batch that is over',
      operation({
        state: 'BATCH_STATE_SUCCEEDED',
        createTime: '2026-11-22T10:00:00.123456789Z',
        updateTime: '2026-11-22T11:00:01Z',
        endTime: '2026-11-22T11:00:00Z',
      }),
      { created: new Date('2026-11-22T10:00:00.123Z'), ended: new Date('2026-11-22T11:00:00Z') },
    ],
  ],
  serveResults: (download) => (arrived) =>
    arrived.path === downloadPath
      ? download
      : {
          body: operation(
            { state: 'BATCH_STATE_SUCCEEDED', output: { responsesFile: resultsFile } },
            { done: true },
          ),
        },
  answerLine,
  statuses: ['JOB_STATE_', 'BATCH_STATE_'].flatMap((prefix) =>
    (
      [
        ['QUEUED', 'validating'],
        ['PENDING', 'validating'],
        ['RUNNING', 'in_progress'],
        ['CANCELLING', 'in_progress'],
        ['PAUSED', 'in_progress'],
        ['UPDATING', 'in_progress'],
        ['SUCCEEDED', 'completed'],
        ['PARTIALLY_SUCCEEDED', 'completed'],
        ['FAILED', 'failed'],
        ['CANCELLED', 'cancelled'],
        ['EXPIRED', 'expired'],
        ['UNSPECIFIED', 'unknown'],
      ] as const
    ).map(([word, status]) => [prefix + word, status] as const),
  ),
  batchOf: (state) => operation({ state }),
  refusals: [
    ...refusals,
    [
      'a file that was just uploaded',
      { status: 400, body: refusal(400, 'FAILED_PRECONDITION', 'The File f1 is not in an ACTIVE state.') },
      { scope: 'retry', code: 'file_not_active' },
    ],
    [
      'a request that makes no sense',
      { status: 400, body: refusal(400, 'INVALID_ARGUMENT', 'Bad.') },
      { scope: 'run', code: 'INVALID_ARGUMENT' },
    ],
  ],
});

describe('Google, batches', () => {
  const server = useServer();
  const open = (timeoutMs?: number) => openBatch(vendor, server().url, timeoutMs);
  const check = async (body: object) => {
    server().play(() => ({ body }));
    return (await open()).check('batches/b1', never);
  };

  it('uploads the request file in pieces and creates the batch from it', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d', 'row-1-1a2b3c4d']);
    server().play(({ path, headers }) => {
      if (path === '/upload/v1beta/files') {
        return {
          headers: { 'x-goog-upload-url': 'https://example.com/upload/v1beta/files?upload_id=u1' },
          body: {},
        };
      }
      if (headers['x-goog-upload-command']) {
        return {
          headers: { 'x-goog-upload-status': 'final' },
          body: { file: { name: 'files/f1', state: 'ACTIVE' } },
        };
      }
      return { body: operation({ state: 'BATCH_STATE_PENDING' }) };
    });
    const fileId = await provider.upload?.(file, never);
    expect(fileId).toBe('files/f1');
    const batch = { model: 'model-1', tag: 'job-1-0' };
    expect(await provider.create({ file, fileId }, batch, never)).toBe('batches/b1');
    const [start, piece, creation] = server().arrived as [Arrived, Arrived, Arrived];
    expect(start.headers).toMatchObject({
      'x-goog-upload-protocol': 'resumable',
      'x-goog-upload-command': 'start',
      'x-goog-upload-header-content-length': String(file.bytes),
      'x-goog-upload-header-content-type': 'application/jsonl',
    });
    expect(piece.path).toBe('/upload/v1beta/files?upload_id=u1');
    expect(piece.headers).toMatchObject({
      'x-goog-upload-command': 'upload, finalize',
      'x-goog-upload-offset': '0',
    });
    expect(piece.body.split('\n').map((line) => line && JSON.parse(line))).toEqual([
      { key: 'row-0-1a2b3c4d', request: { contents } },
      { key: 'row-1-1a2b3c4d', request: { contents } },
      '',
    ]);
    expect([creation.path, JSON.parse(creation.body)]).toEqual([
      '/v1beta/models/model-1:batchGenerateContent',
      { batch: { inputConfig: { fileName: 'files/f1' }, displayName: 'job-1-0' } },
    ]);
  });

  it('stops an upload at once when it is aborted, and hangs up', async () => {
    // Nothing but the abort may end the connection before the test is given up.
    const provider = await open(600_000);
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => ({ fault: 'silence' }));
    const stop = new AbortController();
    const reason = new Error('enough');
    const [arrival, hangup] = [server().nextArrival(), server().nextHangup()];
    const failure = failureOf(provider.upload?.(file, stop.signal));
    await arrival;
    stop.abort(reason);
    expect(await failure).toBe(reason);
    await hangup;
    expect(server().arrived).toHaveLength(1);
  });

  it('does not wait with an abort while the SDK sleeps between two tries of a piece', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    // A piece that is answered without its status is sent again after a second.
    server().play(({ headers }) =>
      headers['x-goog-upload-command'] === 'start'
        ? { headers: { 'x-goog-upload-url': `${server().url}/upload/v1beta/files?upload_id=u1` }, body: {} }
        : { body: {} },
    );
    const stop = new AbortController();
    const reason = new Error('enough');
    const failure = failureOf(provider.upload?.(file, stop.signal));
    while (server().arrived.length < 2) await server().nextArrival();
    // In the middle of that second, with the answer read.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const abortedAt = performance.now();
    stop.abort(reason);
    expect(await failure).toBe(reason);
    expect(performance.now() - abortedAt).toBeLessThan(600);
    expect(server().arrived).toHaveLength(2);
  });

  it('classes what goes wrong with an upload', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    for (const [reply, expected] of [
      [refuse(429, { 'retry-after': '2' }), { scope: 'retry', status: 429, retryAfterMs: 2000 }],
      [{ fault: 'reset' }, { scope: 'retry', code: 'connection', status: undefined }],
      [{ body: {} }, { scope: 'run', code: 'unreadable', status: undefined }],
    ] as const) {
      server().play(() => reply);
      expect(await failureOf(provider.upload?.(file, never))).toMatchObject(expected);
    }
  });

  it('reads counts, which are texts and left out when they are 0', async () => {
    const counts = async (batchStats: object) =>
      (await check(operation({ state: 'BATCH_STATE_RUNNING', batchStats }))).counts;
    expect(
      await counts({ requestCount: '4', successfulRequestCount: '1', pendingRequestCount: '3' }),
    ).toEqual({
      total: 4,
      succeeded: 1,
      failed: 0,
    });
    expect(await counts({})).toBeUndefined();
  });

  it('says why a batch failed', async () => {
    const failed = operation(
      { state: 'BATCH_STATE_FAILED' },
      { done: true, error: { code: 8, message: 'Quota\nused up.' } },
    );
    expect((await check(failed)).error).toEqual({ code: 'RESOURCE_EXHAUSTED', message: 'Quota used up.' });
    expect((await check(operation({ state: 'BATCH_STATE_SUCCEEDED' }))).error).toBeUndefined();
  });

  it('tells failed, blocked and odd results of a file apart', async () => {
    const lines = [
      answerLine('row-0', 'yes'),
      JSON.stringify({ key: 'row-1', error: { code: 3, message: 'Bad.\n' } }),
      JSON.stringify({ key: 'row-2', error: { code: 503, message: 'Busy.' } }),
      JSON.stringify({ key: 'row-3', response: { promptFeedback: { blockReason: 'SAFETY' } } }),
      JSON.stringify({ key: 'row-4' }),
      JSON.stringify({ key: 'row-5', error: { code: 7, status: 'PERMISSION_DENIED', message: 'No.' } }),
      JSON.stringify({ key: 6, response: response('a number for a key') }),
    ];
    const done = operation(
      { state: 'BATCH_STATE_SUCCEEDED' },
      { done: true, response: { responsesFile: resultsFile } },
    );
    server().play(({ path }) => (path === downloadPath ? { body: lines.join('\n') } : { body: done }));
    const rows = await collect((await open()).results('batches/b1', never));
    expect(rows.map((row) => [row.customId, row.outcome === 'succeeded' ? row.text : row.error])).toEqual([
      ['row-0', 'yes'],
      ['row-1', { kind: 'INVALID_ARGUMENT', message: 'Bad.' }],
      ['row-2', { kind: 'http_503', message: 'Busy.' }],
      ['row-3', { kind: 'blocked', message: 'The prompt was blocked: SAFETY.' }],
      ['row-4', { kind: 'not_processed', message: 'The request got no answer.' }],
      ['row-5', { kind: 'PERMISSION_DENIED', message: 'No.' }],
      ['6', 'a number for a key'],
    ]);
  });

  const inlined = (entries: object[]) => ({ inlinedResponses: { inlinedResponses: entries } });

  it('reads the results of a batch whose requests were inline, as the Python tool sends them', async () => {
    const output = inlined([
      { response: response('second'), metadata: { custom_id: 'row-1-99999999', key: 'k' } },
      { response: response('first'), metadata: { key: 'row-0-88888888' } },
      { error: { code: 13, message: 'Oh.' }, metadata: { custom_id: 'my id' } },
      { response: response('nobody knows whose') },
    ]);
    const expected = [
      { customId: 'row-1-99999999', outcome: 'succeeded', text: 'second' },
      { customId: 'row-0-88888888', outcome: 'succeeded', text: 'first' },
      { customId: 'my id', outcome: 'failed', error: { kind: 'INTERNAL', message: 'Oh.' } },
    ];
    const inBoth = operation({ state: 'BATCH_STATE_SUCCEEDED', output }, { done: true, response: output });
    const inOne = operation({ state: 'BATCH_STATE_SUCCEEDED' }, { done: true, response: output });
    for (const body of [inBoth, inOne]) {
      server().play(() => ({ body }));
      expect(await collect((await open()).results('batches/b1', never))).toMatchObject(expected);
    }
  });

  it('does not guess whose results are those that carry no ids at all', async () => {
    const output = inlined([{ response: response('a') }, { response: response('b') }]);
    server().play(() => ({ body: operation({ state: 'BATCH_STATE_SUCCEEDED', output }) }));
    const failure = await failureOf(collect((await open()).results('batches/b1', never)));
    expect(failure).toMatchObject({ scope: 'run', code: 'no_custom_ids' });
  });

  it('follows a download to another host without the key', async () => {
    const other = await startScriptedServer();
    other.play(() => ({ body: answerLine('row-0', 'yes') }));
    const done = operation({ state: 'BATCH_STATE_SUCCEEDED', output: { responsesFile: resultsFile } });
    server().play(({ path }) =>
      path === downloadPath
        ? { status: 302, headers: { location: `${other.url}/elsewhere?a=b` } }
        : { body: done },
    );
    expect(await collect((await open()).results('batches/b1', never))).toHaveLength(1);
    expect(other.arrived.map(({ path }) => path)).toEqual(['/elsewhere?a=b']);
    expect(JSON.stringify(other.arrived)).not.toContain(apiKey);
    await other.close();
  });

  it('finds a batch by its display name on a later page', async () => {
    const named = (name: string, displayName: string) => ({ name, metadata: { displayName } });
    server().play(({ path }) => ({
      body: path.includes('pageToken=p2')
        ? { operations: [named('batches/b2', 'other'), named('batches/b3', 'mine')], nextPageToken: '' }
        : { operations: [named('batches/b1', 'other')], nextPageToken: 'p2' },
    }));
    expect(await (await open()).find?.(sent('mine'), never)).toBe('batches/b3');
    expect(server().arrived.map(({ path }) => path)).toEqual([
      '/v1beta/batches?pageSize=100',
      '/v1beta/batches?pageSize=100&pageToken=p2',
    ]);
    expect(await (await open()).find?.(sent('nobody'), never)).toBeUndefined();
    server().play(() => ({ body: {} }));
    expect(await (await open()).find?.(sent('mine'), never)).toBeUndefined();
    server().play(() => ({ body: { error: 'no such page' } }));
    expect(await failureOf((await open()).find?.(sent('mine'), never))).toMatchObject({
      message:
        'The provider\'s answer can\'t be read: it is not a list of batches. It begins: {"error":"no such page"}',
    });
  });

  it('deletes a file, which may be gone already', async () => {
    const provider = await open();
    server().play(() => ({ body: {} }));
    await provider.deleteFile?.('files/f1', never);
    expect(server().arrived.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'DELETE /v1beta/files/f1',
    ]);
    for (const gone of [403, 404]) {
      server().play(() => refuse(gone));
      await provider.deleteFile?.('files/f1', never);
    }
    server().play(() => refuse(500));
    expect(await failureOf(provider.deleteFile?.('files/f1', never))).toMatchObject({
      status: 500,
    });
  });
});
