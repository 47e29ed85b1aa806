import { describe, expect, it } from 'vitest';
import { profile } from '../../../src/providers/mistral/profile.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import {
  apiKey,
  type BatchVendor,
  collect,
  describeBatchProvider,
  failureOf,
  never,
  openBatch,
  prompt,
  useServer,
  writeRequests,
} from '../conformance.ts';
import { chatBatch } from '../openai/wire.ts';
import type { Arrived } from '../scripted-server.ts';

const jobPath = '/v1/batch/jobs/job_1';
const contentOf = (file: string) => `/v1/files/${file}/content`;

/** As its SDK has it. */
const jobOf = (status: string, more: object = {}) => ({
  id: 'job_1',
  object: 'batch',
  input_files: ['file-1'],
  metadata: null,
  endpoint: '/v1/chat/completions',
  model: 'model-1',
  agent_id: null,
  output_file: null,
  error_file: null,
  errors: [],
  outputs: null,
  status,
  created_at: 1_782_097_200,
  total_requests: 0,
  completed_requests: 0,
  succeeded_requests: 0,
  failed_requests: 0,
  started_at: null,
  completed_at: null,
  ...more,
});

const answerLine = (custom_id: string, content: string) =>
  JSON.stringify({
    id: 'batch-1-1-0',
    custom_id,
    response: { status_code: 200, body: { choices: [{ message: { content }, finish_reason: 'stop' }] } },
    error: null,
  });

const vendor: BatchVendor = {
  ...chatBatch(profile),
  entry: providerEntry('mistral'),
  batchId: 'job_1',
  line: { custom_id: 'row-0-1a2b3c4d', body: { messages: [{ role: 'user', content: prompt }] } },
  refusedKey: { status: 401, body: { detail: `Invalid API Key: ${apiKey}` } },
  statuses: [
    ['QUEUED', 'validating'],
    ['RUNNING', 'in_progress'],
    ['SUCCESS', 'completed'],
    ['FAILED', 'failed'],
    ['TIMEOUT_EXCEEDED', 'expired'],
    ['CANCELLATION_REQUESTED', 'in_progress'],
    ['CANCELLED', 'cancelled'],
  ],
  batchOf: jobOf,
  runningBatch: jobOf('RUNNING'),
  cancelledBatch: jobOf('CANCELLED'),
  cancelPath: `${jobPath}/cancel`,
  timed: [
    ['a job that says nothing', { id: 'job_1', status: 'QUEUED' }, {}],
    [
      'a job in the queue, which has a start all the same',
      jobOf('QUEUED', { started_at: 1_782_097_201 }),
      { created: new Date('2026-06-22T03:00:00Z') },
    ],
    [
      'a job that is over',
      jobOf('SUCCESS', { started_at: 1_782_097_260, completed_at: 1_782_100_800 }),
      {
        created: new Date('2026-06-22T03:00:00Z'),
        started: new Date('2026-06-22T03:01:00Z'),
        ended: new Date('2026-06-22T04:00:00Z'),
        resultsEnd: new Date('2026-06-23T04:00:00Z'),
      },
    ],
  ],
  serveResults:
    (download) =>
    ({ path }) =>
      path === contentOf('out-1') ? download : { body: jobOf('SUCCESS', { output_file: 'out-1' }) },
  answerLine,
  refusals: [
    [
      'a workspace without billing',
      {
        status: 402,
        body: { detail: 'You do not have access to this service. You can enable billing via the console.' },
      },
      {
        scope: 'run',
        status: 402,
        message: 'You do not have access to this service. You can enable billing via the console.',
      },
    ],
    [
      'a model that there is not',
      {
        status: 400,
        body: {
          object: 'error',
          message: 'Invalid model: model-1',
          type: 'invalid_model',
          param: null,
          code: '1500',
        },
      },
      { scope: 'run', code: 'model_not_found', message: 'Invalid model: model-1' },
    ],
    [
      'a value that is out of range',
      {
        status: 422,
        body: {
          detail: [
            {
              loc: ['body', 'temperature'],
              msg: 'Input should be less than or equal to 1.5',
              type: 'less_than_equal',
            },
          ],
        },
      },
      { scope: 'run', status: 422, message: 'body.temperature: Input should be less than or equal to 1.5' },
    ],
  ],
};

describeBatchProvider(vendor);

describe('Mistral, batches', () => {
  const server = useServer();
  const open = () => openBatch(vendor, server().url);
  const results = async () => collect((await open()).results('job_1', never));

  it('uploads a file for batches, and creates a job that names its model and bears a tag', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => ({ body: { id: 'x-1' } }));
    expect(await provider.upload?.(file, never)).toBe('x-1');
    await provider.create({ file, fileId: 'x-1' }, { model: 'model-1', tag: 'job_1-1.2' }, never);
    const [upload, creation] = server().arrived as [Arrived, Arrived];
    expect([upload.method, upload.path]).toEqual(['POST', '/v1/files']);
    expect(upload.body).toContain('name="purpose"\r\n\r\nbatch\r\n');
    expect([creation.method, creation.path, JSON.parse(creation.body)]).toEqual([
      'POST',
      '/v1/batch/jobs',
      {
        input_files: ['x-1'],
        endpoint: '/v1/chat/completions',
        model: 'model-1',
        metadata: { loom_tag: 'job_1-1.2' },
        timeout_hours: 24,
      },
    ]);
  });

  it('reads the answers and the errors, each from its file, and what a failed row says', async () => {
    const refusal = {
      object: 'error',
      message: 'No such image.',
      type: 'invalid_request_file',
      code: '3310',
    };
    const failed = JSON.stringify({
      ...{ id: 'batch-1-1-1', custom_id: 'row-1', error: null },
      response: { status_code: 400, body: JSON.stringify(refusal) },
    });
    const job = jobOf('SUCCESS', { output_file: 'out-1', error_file: 'err-1' });
    server().play(({ path }) => {
      if (path === jobPath) return { body: job };
      return { body: path === contentOf('out-1') ? answerLine('row-0', 'yes') : failed };
    });
    expect(await results()).toMatchObject([
      { customId: 'row-0', outcome: 'succeeded', text: 'yes' },
      {
        customId: 'row-1',
        outcome: 'failed',
        error: { kind: 'invalid_request_file', message: 'No such image.' },
      },
    ]);
  });

  it('leaves out what the model thought', async () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
      { type: 'text', text: 'Yes.' },
    ];
    const line = answerLine('row-0', '').replace('"content":""', `"content":${JSON.stringify(content)}`);
    server().play(vendor.serveResults({ body: line }, server().url));
    expect(await results()).toMatchObject([{ outcome: 'succeeded', text: 'Yes.' }]);
  });

  it('takes results that are refused a day after the end for gone, in whatever form', async () => {
    const endedAt = (hoursAgo: number) => Math.floor(Date.now() / 1000) - hoursAgo * 3600;
    const serve = (hoursAgo: number) =>
      server().play(({ path }) =>
        path === jobPath
          ? { body: jobOf('SUCCESS', { output_file: 'out-1', completed_at: endedAt(hoursAgo) }) }
          : { status: 404, body: { detail: 'Not Found' } },
      );
    serve(25);
    expect(await failureOf(results())).toMatchObject({ scope: 'run', code: 'results_gone' });
    serve(23);
    expect(await failureOf(results())).toMatchObject({ code: 'http_404' });
  });

  it('says why a job failed, and not what a part of its rows failed for', async () => {
    const errors = [{ message: 'HTTP Error, status code: 400', count: 2 }];
    const provider = await open();
    server().play(() => ({ body: jobOf('FAILED', { errors }) }));
    expect((await provider.check('job_1', never)).error).toEqual({
      code: 'failed',
      message: 'HTTP Error, status code: 400',
    });
    const counts = { total_requests: 4, completed_requests: 4, succeeded_requests: 2, failed_requests: 2 };
    server().play(() => ({ body: jobOf('SUCCESS', { errors, ...counts }) }));
    expect(await provider.check('job_1', never)).toMatchObject({
      error: undefined,
      counts: { total: 4, succeeded: 2, failed: 2 },
    });
  });

  it('takes a cancel of a job that is being cancelled for no error', async () => {
    const provider = await open();
    server().play(({ method }) =>
      method === 'POST'
        ? { status: 400, body: { detail: 'No.' } }
        : { body: jobOf('CANCELLATION_REQUESTED') },
    );
    expect(await provider.cancel?.('job_1', never)).toMatchObject({ status: 'in_progress' });
  });

  describe('a job whose creation was cut off', () => {
    const now = () => Math.floor(Date.now() / 1000);
    const listed = (id: string, metadata: object | null, input_files = ['file-9']) => ({
      ...jobOf('QUEUED', { metadata, input_files, created_at: now() }),
      id,
    });
    const serve = (pages: readonly object[][], total?: number) =>
      server().play(({ path }) => {
        const page = Number(new URL(path, 'http://host').searchParams.get('page'));
        return { body: { object: 'list', data: pages[page] ?? [], ...(total !== undefined && { total }) } };
      });
    const find = async (sent = { tag: 't', fileId: 'file-1' }) => (await open()).find?.(sent, never);

    it('is found by its tag, on whatever page and however long pages are', async () => {
      for (const total of [3, undefined]) {
        serve(
          [[listed('a', { loom_tag: 'other' }), listed('b', {})], [listed('c', { loom_tag: 't' })]],
          total,
        );
        expect(await find()).toBe('c');
        expect(server().arrived.map(({ path }) => path)).toEqual([
          '/v1/batch/jobs?page=0&page_size=100&order_by=-created',
          '/v1/batch/jobs?page=1&page_size=100&order_by=-created',
        ]);
      }
    });

    it('is found by its file where the server keeps no tag', async () => {
      serve([[listed('a', null, ['file-1'])]], 1);
      expect(await find()).toBe('a');
    });

    it('is not there once the whole list was seen', async () => {
      serve([[listed('a', { loom_tag: 'other' })]], 1);
      expect(await find()).toBeUndefined();
      serve([[listed('a', { loom_tag: 'other' })]]);
      expect(await find()).toBeUndefined();
      expect(server().arrived).toHaveLength(2);
    });
  });
});
