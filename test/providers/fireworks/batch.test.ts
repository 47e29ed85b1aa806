import { describe, expect, it } from 'vitest';
import { profile } from '../../../src/providers/fireworks/profile.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
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
import { type Arrived, type Reply, startScriptedServer } from '../scripted-server.ts';

const entry = providerEntry('fireworks');
const path = '/inference/v1';
/** Without a variable, on this machine. */
const account = 'accounts/local';
const batchId = `${account}/batchInferenceJobs/job-1`;
const dataset = `${account}/datasets/job-1-out`;
const job = (state: string, more = {}) => ({ name: batchId, state, outputDatasetId: dataset, ...more });
const completion = (text: string) => ({
  choices: [{ message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
});
const answerLine = (custom_id: string, text: string) =>
  JSON.stringify({ custom_id, response: completion(text) });
const addressesPath = `/v1/${dataset}:getDownloadEndpoint`;
const refusal = (code: number, message: string) => ({ code, message, details: [] });
const words = [
  ['CREATING', 'validating'],
  ['VALIDATING', 'validating'],
  ['PENDING', 'validating'],
  ['CREATING_INPUT_DATASET', 'validating'],
  ['RUNNING', 'in_progress'],
  ['WRITING_RESULTS', 'in_progress'],
  ['RE_QUEUEING', 'in_progress'],
  ['PAUSED', 'in_progress'],
  ['IDLE', 'in_progress'],
  ['CANCELLING', 'in_progress'],
  ['COMPLETED', 'completed'],
  ['EARLY_STOPPED', 'completed'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'cancelled'],
  ['EXPIRED', 'expired'],
  ['DELETING', 'unknown'],
] as const;

describeSyncProvider({ ...chatSync(profile), entry, sharesAdapter: false });

describeBatchProvider({
  ...chatBatch(profile),
  entry,
  sharesAdapter: false,
  batchId,
  line: { custom_id: 'row-0-1a2b3c4d', body: { messages: [{ role: 'user', content: prompt }] } },
  runningBatch: job('JOB_STATE_RUNNING'),
  cancelledBatch: job('JOB_STATE_CANCELLED'),
  cancelPath: undefined,
  statuses: words.flatMap(([word, status]) =>
    ['', 'JOB_STATE_'].map((prefix) => [prefix + word, status] as const),
  ),
  batchOf: (word) => job(word),
  timed: [
    ['a job that says nothing', job('JOB_STATE_PENDING'), {}],
    [
      'a running job',
      job('JOB_STATE_RUNNING', { createTime: '2026-11-22T10:00:00Z', updateTime: '2026-11-22T10:30:00Z' }),
      { created: new Date('2026-11-22T10:00:00Z') },
    ],
    [
      'a job that is over',
      job('JOB_STATE_EXPIRED', { createTime: '2026-11-22T10:00:00Z', updateTime: '2026-11-23T10:00:01Z' }),
      { created: new Date('2026-11-22T10:00:00Z'), ended: new Date('2026-11-23T10:00:01Z') },
    ],
  ],
  serveResults: (download, url) => (arrived) => {
    if (arrived.path === `/v1/${batchId}`) return { body: job('JOB_STATE_COMPLETED') };
    if (arrived.path === addressesPath)
      return { body: { filenameToSignedUrls: { 'a.jsonl': `${url}/signed?s=1` } } };
    return download;
  },
  answerLine,
  refusals: [
    [
      'a model that does not exist',
      { status: 404, body: refusal(5, 'Model x was not found.') },
      { scope: 'run', status: 404 },
    ],
    ['an account without room', { status: 429, body: refusal(8, 'Quota.') }, { scope: 'retry', status: 429 }],
  ],
});

describe('Fireworks, batches', () => {
  const server = useServer();
  const open = () => openBatch({ entry, path }, server().url);
  const openAs = async (account: string | undefined, baseUrl = server().url + path) => {
    const provider = await entry.openBatch?.({
      apiKey,
      baseUrl,
      account,
      timeoutMs: 20_000,
      environment: {},
    });
    if (!provider) throw new Error('no batches');
    return provider;
  };
  const sent = () => server().arrived.map(({ method, path }) => `${method} ${path}`);
  const ready = { name: 'accounts/a/datasets/d', state: 'READY' };
  const order = { model: 'accounts/fireworks/models/m', tag: 'loom-job_20261129_ab12cd-0.1764380000000' };
  const id = 'loom-job-20261129-ab12cd-0-r1764380000000';
  const jobOfTag = `accounts/a/batchInferenceJobs/${id}`;
  const create = async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    return provider.create({ file, fileId: 'accounts/a/datasets/d' }, order, never);
  };

  it('makes a data set, uploads the requests into it, and creates a job with an id of ours', async () => {
    const provider = await openAs('my account');
    const file = await writeRequests(provider, ['row-0-1a2b3c4d', 'row-1-1a2b3c4d']);
    server().play(({ path }) => ({
      body: path.includes('batchInferenceJobs') ? { name: 'job' } : { name: 'x' },
    }));
    const fileId = await provider.upload?.(file, never);
    expect(fileId).toMatch(/^accounts\/my account\/datasets\/loom-[0-9a-f]{20}$/);
    expect(await provider.create({ file, fileId }, order, never)).toBe('job');
    const [dataset, upload, look, creation] = server().arrived as [Arrived, Arrived, Arrived, Arrived];
    const name = fileId?.split('/').at(-1);
    expect([dataset.path, JSON.parse(dataset.body)]).toEqual([
      '/v1/accounts/my%20account/datasets',
      { datasetId: name, dataset: { userUploaded: {} } },
    ]);
    expect(upload.path).toBe(`/v1/accounts/my%20account/datasets/${name}:upload`);
    expect(upload.body).toContain('name="file"; filename=');
    expect(upload.body).toContain('{"custom_id":"row-1-1a2b3c4d","body":{"messages":');
    expect(look.path).toBe(`/v1/accounts/my%20account/datasets/${name}`);
    expect([creation.path, JSON.parse(creation.body)]).toEqual([
      `/v1/accounts/my%20account/batchInferenceJobs?batchInferenceJobId=${id}`,
      {
        model: order.model,
        displayName: order.tag,
        inputDatasetId: fileId,
        outputDatasetId: `accounts/my account/datasets/${id}-out`,
      },
    ]);
  });

  it('says that the account is missing, and sends nothing', async () => {
    const file = await writeRequests(await open(), ['row-0-1a2b3c4d']);
    server().play(() => ({}));
    for (const account of [undefined, ' ', 'a/../b']) {
      const provider = await openAs(account, 'https://api.fireworks.ai/inference/v1');
      for (const call of [provider.upload?.(file, never), provider.check('job-1', never)])
        expect(await failureOf(call)).toMatchObject({ scope: 'run', code: 'account_missing' });
    }
    const provider = await openAs(undefined, 'https://api.fireworks.ai/inference/v1');
    expect(await failureOf(provider.upload?.(file, never))).toMatchObject({
      message: 'Batches at Fireworks belong to an account: set FIREWORKS_ACCOUNT_ID to its id.',
    });
    expect(sent()).toEqual([]);
  });

  it('needs no account for what names its own', async () => {
    const provider = await openAs('b');
    server().play(() => ({ body: { ...job('JOB_STATE_RUNNING'), name: jobOfTag } }));
    await provider.check(jobOfTag, never);
    await provider.deleteFile?.('accounts/a/datasets/d', never);
    await provider.check('job-1', never);
    expect(sent()).toEqual([
      `GET /v1/${jobOfTag}`,
      'DELETE /v1/accounts/a/datasets/d',
      'GET /v1/accounts/b/batchInferenceJobs/job-1',
    ]);
  });

  it.each<[string, Reply]>([
    ['409', { status: 409, body: refusal(6, 'Taken.') }],
    ['400', { status: 400, body: refusal(3, 'batch inference job already exists') }],
  ])('takes a job that is there already, as %s says, for the one that was asked for', async (_, reply) => {
    server().play(({ method, path }) => {
      if (method === 'POST') return reply;
      return { body: path.includes('Jobs') ? { ...job('JOB_STATE_RUNNING'), name: jobOfTag } : ready };
    });
    expect(await create()).toBe(jobOfTag);
    expect(sent().at(-1)).toBe(`GET /v1/${jobOfTag}`);
  });

  it.each<[string, Reply]>([
    ['is not found', { status: 404, body: refusal(5, 'No.') }],
    ['can not be looked up', { status: 403, body: refusal(7, 'No.') }],
    ['is not told', { fault: 'reset' }],
  ])('settles nothing where a job that is said to be there %s', async (_, reply) => {
    server().play(({ method, path }) => {
      if (method === 'POST') return { status: 409, body: refusal(6, 'Taken.') };
      return path.includes('Jobs') ? reply : { body: ready };
    });
    expect(await failureOf(create())).toMatchObject({ scope: 'retry', status: 409, message: 'Taken.' });
  });

  it('creates nothing from a data set that is not ready', async () => {
    server().play(() => ({ body: { ...ready, state: 'UPLOADING' } }));
    expect(await failureOf(create())).toMatchObject({ scope: 'retry', code: 'file_not_ready', status: 400 });
    expect(sent()).toEqual(['GET /v1/accounts/a/datasets/d']);
  });

  it('classes what a creation is refused with', async () => {
    for (const [status, scope] of [
      [404, 'run'],
      [429, 'retry'],
      [500, 'retry'],
    ] as const) {
      server().play(({ method }) =>
        method === 'POST' ? { status, body: refusal(5, 'No.') } : { body: ready },
      );
      expect(await failureOf(create())).toMatchObject({ scope, status, message: 'No.' });
    }
  });

  it('reads the files of results one after the other, at another host without the key', async () => {
    const other = await startScriptedServer();
    other.play(({ path }) => ({
      body: path.startsWith('/errors')
        ? JSON.stringify({ custom_id: 'row-2', error: { code: 3, message: 'Bad.' } })
        : answerLine(`row-${path.slice(1, 2)}`, 'yes'),
    }));
    const files = {
      'part-0.jsonl': `${other.url}/0?signature=a%2Fb`,
      'part-1.jsonl': `${other.url}/1?signature=c`,
      'errors.jsonl': `${other.url}/errors?signature=d`,
    };
    server().play(({ path }) => ({
      body: path === addressesPath ? { filenameToSignedUrls: files } : job('JOB_STATE_COMPLETED'),
    }));
    expect(await collect((await open()).results(batchId, never))).toMatchObject([
      { customId: 'row-0', text: 'yes' },
      { customId: 'row-1', text: 'yes' },
      { customId: 'row-2', outcome: 'failed', error: { kind: 'INVALID_ARGUMENT', message: 'Bad.' } },
    ]);
    expect(other.arrived.map(({ path }) => path)).toEqual([
      '/0?signature=a%2Fb',
      '/1?signature=c',
      '/errors?signature=d',
    ]);
    expect(JSON.stringify(other.arrived)).not.toContain(apiKey);
    expect(other.arrived.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    await other.close();
  });

  it('has no results where there is no file, or no data set of them', async () => {
    for (const body of [{ filenameToSignedUrls: {} }, {}]) {
      server().play(({ path }) => ({ body: path === addressesPath ? body : job('JOB_STATE_EXPIRED') }));
      expect(await collect((await open()).results(batchId, never))).toEqual([]);
    }
    server().play(() => ({ body: { name: batchId, state: 'JOB_STATE_EXPIRED' } }));
    expect(await collect((await open()).results(batchId, never))).toEqual([]);
    server().play(({ path }) => ({ body: path === addressesPath ? { fine: 1 } : job('JOB_STATE_EXPIRED') }));
    expect(await failureOf(collect((await open()).results(batchId, never)))).toMatchObject({
      code: 'unreadable',
    });
  });

  it('says of results that are deleted that they are gone', async () => {
    server().play(({ path }) =>
      path === addressesPath
        ? { status: 404, body: refusal(5, 'Dataset was not found.') }
        : { body: job('JOB_STATE_COMPLETED') },
    );
    expect(await failureOf(collect((await open()).results(batchId, never)))).toMatchObject({
      scope: 'run',
      code: 'results_gone',
    });
  });

  it('reads counts and the reason of a job that failed', async () => {
    const jobProgress = { totalInputRequests: 4, successfullyProcessedRequests: 3 };
    server().play(() => ({
      body: job('JOB_STATE_FAILED', {
        jobProgress,
        status: { code: 'INVALID_ARGUMENT', message: 'Line 1 is bad.' },
      }),
    }));
    expect(await (await open()).check(batchId, never)).toMatchObject({
      status: 'failed',
      counts: { total: 4, succeeded: 3, failed: 0 },
      error: { code: 'INVALID_ARGUMENT', message: 'Line 1 is bad.' },
    });
    server().play(() => ({ body: job('JOB_STATE_COMPLETED', { status: { code: 'OK', message: '' } }) }));
    expect((await (await open()).check(batchId, never)).error).toBeUndefined();
  });

  it('tells answers, refusals and odd lines apart', async () => {
    const lines = [
      { custom_id: 'row-0', response: completion('bare') },
      { custom_id: 'row-1', response: { status_code: 200, body: completion('in a body') } },
      { custom_id: 'row-2', response: { status_code: 500, body: completion('no') } },
      { custom_id: 'row-3', response: null, error: 'A text.' },
      { custom_id: 'row-4' },
      { response: completion('nobody') },
    ];
    const rows = (await open()).decode?.(lines) ?? [];
    expect(rows.map((row) => [row.customId, row.outcome === 'succeeded' ? row.text : row.error])).toEqual([
      ['row-0', 'bare'],
      ['row-1', 'in a body'],
      ['row-2', { kind: 'http_500', message: 'HTTP 500' }],
      ['row-3', { kind: 'not_processed', message: 'A text.' }],
      ['row-4', { kind: 'not_processed', message: 'The request got no answer.' }],
    ]);
  });

  it('finds its jobs beside an address without /inference, too', async () => {
    const provider = await openAs(undefined, `${server().url}/gateway/v1`);
    server().play(() => ({ body: job('JOB_STATE_RUNNING') }));
    await provider.check(batchId, never);
    expect(sent()).toEqual([`GET /gateway/v1/${batchId}`]);
  });

  it('deletes a data set, which may be gone already', async () => {
    server().play(() => ({ status: 404, body: refusal(5, 'No.') }));
    await (await open()).deleteFile?.('accounts/a/datasets/d', never);
    expect(sent()).toEqual(['DELETE /v1/accounts/a/datasets/d']);
  });
});
