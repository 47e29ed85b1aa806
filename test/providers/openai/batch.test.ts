import { describe, expect, it } from 'vitest';
import { plainContent } from '../../../src/core/request/content.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import {
  collect,
  failureOf,
  never,
  openBatch,
  prompt,
  refuse,
  useServer,
  writeRequests,
} from '../conformance.ts';
import type { Arrived, Script } from '../scripted-server.ts';

const vendor = { entry: providerEntry('openai'), path: '/v1' };
const line = (customId: string, response: unknown, error: unknown = null) =>
  JSON.stringify({ id: 'batch_req_1', custom_id: customId, response, error });
const chat = (text: string) => ({ choices: [{ message: { content: text }, finish_reason: 'stop' }] });
const answerLine = (customId: string, text: string) => line(customId, { status_code: 200, body: chat(text) });

/** How a batch of this tag is looked for. */
const sent = (tag: string, fileId?: string) => ({ tag, fileId });

describe('OpenAI, batches', () => {
  const server = useServer();
  const open = () => openBatch(vendor, server().url);
  const check = async (batch: object) => {
    server().play(() => ({ body: { id: 'batch_1', ...batch } }));
    return (await open()).check('batch_1', never);
  };

  it('uploads the request file and creates the batch from it', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d', 'row-1-1a2b3c4d']);
    server().play(({ path }) => ({
      body: { id: path === '/v1/files' ? 'file-1' : 'batch_1', status: 'validating' },
    }));
    const fileId = await provider.upload?.(file, never);
    expect(await provider.create({ file, fileId }, { model: 'model-1', tag: 'job-1-0' }, never)).toBe(
      'batch_1',
    );
    const [upload, creation] = server().arrived as [Arrived, Arrived];
    expect(upload.path).toBe('/v1/files');
    expect(Number(upload.headers['content-length'])).toBe(Buffer.byteLength(upload.body));
    const parts = upload.body.split(/--+loom-\w+(?:--)?\r\n/).filter((part) => part !== '');
    const [filePart, purposePart] = parts as [string, string];
    const lines = ['row-0-1a2b3c4d', 'row-1-1a2b3c4d'].map((customId) =>
      provider.encode({ customId, model: 'model-1', content: plainContent(prompt) }),
    );
    expect(filePart.split('\r\n\r\n')[1]).toBe(`${lines.join('\n')}\n\r\n`);
    expect(filePart).toMatch(/name="file"; filename="loom-requests-[^"]+\.jsonl"/);
    expect(purposePart).toContain('name="purpose"\r\n\r\nbatch\r\n');
    expect([creation.method, creation.path, JSON.parse(creation.body)]).toEqual([
      'POST',
      '/v1/batches',
      {
        input_file_id: 'file-1',
        endpoint: '/v1/chat/completions',
        completion_window: '24h',
        metadata: { loom_tag: 'job-1-0' },
      },
    ]);
  });

  it('classes what goes wrong with an upload', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server().play(() => refuse(413));
    expect(await failureOf(provider.upload?.(file, never))).toMatchObject({
      scope: 'run',
      status: 413,
    });
    server().play(() => ({ fault: 'reset' }));
    expect(await failureOf(provider.upload?.(file, never))).toMatchObject({
      scope: 'retry',
      code: 'connection',
    });
  });

  it('reads counts, once the file is validated', async () => {
    const empty = { total: 0, completed: 0, failed: 0 };
    expect((await check({ status: 'validating', request_counts: empty })).counts).toBeUndefined();
    const counts = { total: 10, completed: 6, failed: 1 };
    expect((await check({ status: 'in_progress', request_counts: counts })).counts).toEqual({
      total: 10,
      succeeded: 6,
      failed: 1,
    });
    expect((await check({ status: 'in_progress', request_counts: null })).counts).toBeUndefined();
  });

  it('says why a batch failed', async () => {
    const full = {
      code: 'token_limit_exceeded',
      line: null,
      message: 'Enqueued token limit reached.\n',
      param: null,
    };
    expect(await check({ status: 'failed', errors: { object: 'list', data: [full] } })).toMatchObject({
      status: 'failed',
      queueFull: true,
      error: { code: 'token_limit_exceeded', message: 'Enqueued token limit reached.' },
    });
    const azure =
      "The number of enqueued tokens has surpassed the configured limit of 30K for the deployment 'd'.";
    for (const message of ['Enqueued token limit reached for m.', azure]) {
      const data = [{ code: 'quota', message }];
      expect(await check({ status: 'failed', errors: { data } })).toMatchObject({ queueFull: true });
    }
    const bad = { code: 'invalid_json_line', line: 3, message: 'This line is no JSON.' };
    expect(await check({ status: 'failed', errors: { data: [bad, bad] } })).toMatchObject({
      queueFull: false,
      error: { code: 'invalid_json_line', message: 'line 3: This line is no JSON. (and 1 more)' },
    });
    expect((await check({ status: 'failed', errors: { data: [] } })).error).toBeUndefined();
  });

  const serveFiles =
    (batch: object, files: Record<string, string>): Script =>
    ({ path }) => {
      const id = /^\/v1\/files\/(.+)\/content$/.exec(path)?.[1];
      return id
        ? { status: id in files ? 200 : 404, body: files[id] ?? '' }
        : { body: { id: 'batch_1', ...batch } };
    };

  it('reads every file of a batch that has several', async () => {
    const lines = ['row-1', 'row-2'].map((id) => line(id, { status_code: 200, body: chat(`to ${id}`) }));
    const files = { a: `${JSON.stringify(lines[0])}\n`, b: `${JSON.stringify(lines[1])}\n` };
    server().play(serveFiles({ status: 'completed', output_file_ids: ['a', 'b'] }, files));
    expect(await collect((await open()).results('batch_1', never))).toMatchObject([
      { customId: 'row-1', text: 'to row-1' },
      { customId: 'row-2', text: 'to row-2' },
    ]);
  });

  it('reads the error file after the output file, and tells its failures apart', async () => {
    const errors = [
      line('row-1', {
        status_code: 429,
        body: { error: { message: 'Slow down.\n', code: 'rate_limit_exceeded' } },
      }),
      line('row-2', {
        status_code: 400,
        body: { error: { message: 'Bad.', type: 'invalid_request_error', code: null } },
      }),
      line('row-3', { status_code: 0, body: {} }),
      line('row-4', null, { code: 'batch_expired', message: 'This request could not be executed in time.' }),
      line('row-5', null, { code: 'batch_cancelled', message: 'Cancelled.' }),
      line('row-6', { status_code: 502, body: null }),
      line('row-7', null),
      line('row-8', { status_code: 200, body: { choices: [] } }),
      line('row-9', { status_code: 200, body: {} }),
      line('row-10', { status_code: 200, body: chat('x') }, { code: 'server_error', message: 'Lost.' }),
    ];
    const batch = { status: 'expired', output_file_id: 'file-out', error_file_id: 'file-err' };
    server().play(
      serveFiles(batch, { 'file-out': `${answerLine('row-0', 'yes')}\n`, 'file-err': errors.join('\n') }),
    );
    const rows = await collect((await open()).results('batch_1', never));
    const failed = (customId: string, kind: string, message: unknown, outcome = 'failed') => ({
      customId,
      outcome,
      error: { kind, message },
    });
    expect(rows).toEqual([
      { customId: 'row-0', outcome: 'succeeded', text: 'yes', finishReason: 'stop' },
      failed('row-1', 'rate_limit_exceeded', 'Slow down.'),
      failed('row-2', 'invalid_request_error', 'Bad.'),
      failed('row-3', 'not_processed', 'The request got no answer (status 0).'),
      failed('row-4', 'batch_expired', 'This request could not be executed in time.', 'expired'),
      failed('row-5', 'batch_cancelled', 'Cancelled.', 'cancelled'),
      failed('row-6', 'http_502', 'The request got no answer (status 502).'),
      failed('row-7', 'not_processed', 'The request got no answer (status 0).'),
      failed('row-8', 'empty', 'The answer has no text.'),
      failed('row-9', 'not_processed', 'The request got no answer (status 200).'),
      failed('row-10', 'server_error', 'Lost.'),
    ]);
  });

  it.each([undefined, null, ''])('reads the error file when the output file is %j', async (missing) => {
    const batch = { status: 'completed', output_file_id: missing, error_file_id: 'file-err' };
    server().play(serveFiles(batch, { 'file-err': line('row-1', { status_code: 500, body: {} }) }));
    expect(await collect((await open()).results('batch_1', never))).toMatchObject([
      { customId: 'row-1', outcome: 'failed' },
    ]);
    expect(server().arrived.map(({ path }) => path)).toEqual([
      '/v1/batches/batch_1',
      '/v1/files/file-err/content',
    ]);
  });

  it('finds a batch by its tag on a later page', async () => {
    const now = Math.floor(Date.now() / 1000);
    const other = (id: string, age = 0) => ({ id, created_at: now - age, metadata: { loom_tag: 'other' } });
    const mine = { id: 'batch_mine', created_at: now, metadata: { loom_tag: 'mine' } };
    server().play(({ path }) => ({
      body: path.includes('after=b')
        ? {
            object: 'list',
            data: [{ id: 'c', input_file_id: 'file-9', metadata: null }, mine],
            has_more: false,
          }
        : { object: 'list', data: [other('a'), other('b')], has_more: true },
    }));
    expect(await (await open()).find?.(sent('mine'), never)).toBe('batch_mine');
    expect(server().arrived.map(({ path }) => path)).toEqual([
      '/v1/batches?limit=100',
      '/v1/batches?limit=100&after=b',
    ]);
    expect(await (await open()).find?.(sent('nobody'), never)).toBeUndefined();
  });

  it('knows a batch by its file where the server keeps no metadata, but for one of another tag', async () => {
    const data = [
      { id: 'refused', input_file_id: 'file-1', metadata: { loom_tag: 'mine.1' } },
      { id: 'others', input_file_id: 'file-2', metadata: {} },
      { id: 'batch_mine', input_file_id: 'file-1', metadata: null },
    ];
    server().play(() => ({ body: { object: 'list', data, has_more: false } }));
    expect(await (await open()).find?.(sent('mine.2', 'file-1'), never)).toBe('batch_mine');
    expect(await (await open()).find?.(sent('mine.2', 'file-3'), never)).toBeUndefined();
    expect(await (await open()).find?.(sent('mine.2'), never)).toBeUndefined();
  });

  it('says that it can not tell where a list leaves out both the tag and the file of a batch', async () => {
    const now = Math.floor(Date.now() / 1000);
    const data = [
      { id: 'a', created_at: now },
      { id: 'b', created_at: now - 40 * 24 * 3600 },
    ];
    const find = async () => (await open()).find?.(sent('mine', 'file-1'), never);
    server().play(() => ({ body: { object: 'list', data, has_more: false } }));
    expect(await failureOf(find())).toMatchObject({
      scope: 'run',
      code: 'list_unread',
      message: "The provider's list of batches does not say of each what it was made of.",
    });
    data.shift();
    expect(await find()).toBeUndefined();
  });

  it('leaves out batches of before that were made of the same file', async () => {
    const data = [
      { id: 'given_back', input_file_id: 'file-1' },
      { id: 'batch_mine', input_file_id: 'file-1' },
    ];
    server().play(() => ({ body: { data } }));
    const find = async (formerIds: string[]) =>
      (await open()).find?.({ tag: 'mine.2', fileId: 'file-1', formerIds }, never);
    expect(await find(['given_back'])).toBe('batch_mine');
    expect(await find(['given_back', 'batch_mine'])).toBeUndefined();
  });

  it('goes on after a page that does not say whether there is more, however short, and ends where all comes again', async () => {
    const page = (from: number) =>
      Array.from({ length: 50 }, (_, index) => ({ id: `b${from + index}`, input_file_id: 'file-x' }));
    const mine = { id: 'batch_mine', input_file_id: 'file-1' };
    const find = async () => (await open()).find?.(sent('mine', 'file-1'), never);
    server().play(({ path }) => ({ body: path.includes('after=b49') ? [mine] : page(0) }));
    expect(await find()).toBe('batch_mine');
    server().play(() => ({ body: { data: page(0) } }));
    expect(await find()).toBeUndefined();
    expect(server().arrived).toHaveLength(2);
  });

  it('leaves metadata out once it was refused, and asks for nothing twice after another refusal', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    const create = (tag: string) => provider.create({ file, fileId: 'file-1' }, { model: 'm', tag }, never);
    server().play(({ body }) =>
      body.includes('metadata')
        ? { status: 400, body: { error: { message: 'Unknown parameter: metadata.' } } }
        : { body: { id: 'batch_1' } },
    );
    expect(await create('mine')).toBe('batch_1');
    expect(await create('other')).toBe('batch_1');
    const bodies = server().arrived.map(({ body }) => Object.keys(JSON.parse(body)).includes('metadata'));
    expect(bodies).toEqual([true, false, false]);
    for (const [status, message] of [
      [400, 'No such model.'],
      [500, 'Lost the metadata.'],
    ] as const) {
      server().play(() => ({ status, body: { error: { message } } }));
      const fresh = await open();
      const failed = fresh.create({ file, fileId: 'file-1' }, { model: 'm', tag: 'mine' }, never);
      expect(await failureOf(failed)).toMatchObject({ status, message });
      expect(server().arrived).toHaveLength(1);
    }
  });

  it.each([
    'The file file-1 has not been processed yet.',
    'Input file is still being processed.',
    "File 'file-1' is not ready.",
    'The file file-1 can not be used: its status is pending.',
  ])('waits for an upload where a creation is refused with “%s”', async (message) => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    let looks = 0;
    server().play(({ method }) => {
      if (method === 'GET') return { body: { id: 'file-1', status: ++looks < 2 ? 'uploaded' : 'processed' } };
      return looks < 2 ? { status: 400, body: { error: { message } } } : { body: { id: 'batch_1' } };
    });
    const source = { file, fileId: 'file-1' };
    expect(await provider.create(source, { model: 'm', tag: 'mine' }, never)).toBe('batch_1');
    expect(server().arrived.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/batches',
      'GET /v1/files/file-1',
      'GET /v1/files/file-1',
      'POST /v1/batches',
    ]);
  });

  it('ends a wait for an upload with the signal', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    const stop = new AbortController();
    server().play(({ method }) => {
      if (method === 'GET') setImmediate(() => stop.abort(new Error('enough')));
      return method === 'GET'
        ? { body: { id: 'file-1', status: 'uploaded' } }
        : { status: 400, body: { error: { message: 'The file is not processed.' } } };
    });
    const created = provider.create({ file, fileId: 'file-1' }, { model: 'm', tag: 'mine' }, stop.signal);
    expect(await failureOf(created)).toMatchObject({ message: 'enough' });
  });

  it.each<[unknown, string | undefined]>([
    [1_760_000_000, '2025-10-09T08:53:20.000Z'],
    ['1760000000', '2025-10-09T08:53:20.000Z'],
    [1_760_000_000_000, '2025-10-09T08:53:20.000Z'],
    ['2025-10-09T08:53:20Z', '2025-10-09T08:53:20.000Z'],
    ['2025-10-09T10:53:20.5+02:00', '2025-10-09T08:53:20.500Z'],
    ['2025-10-09 08:53:20.123456', '2025-10-09T08:53:20.123Z'],
    ...[0, '0', '', null, 'soon'].map((none): [unknown, undefined] => [none, undefined]),
  ])('reads the time %j', async (created_at, time) => {
    const { times } = await check({ status: 'in_progress', created_at });
    expect(times.created?.toISOString()).toBe(time);
  });

  it.each([
    ['nothing', {}, 'It begins: {}'],
    ['an error', { error: 'Unexpected endpoint' }, 'It begins: {"error":"Unexpected endpoint"}'],
    ['a page', '<html><body>Welcome</body></html>', 'It is a web page that begins: Welcome'],
  ])('does not take %s with a 200 for an empty listing', async (_, body, what) => {
    server().play(() => ({ body }));
    expect(await failureOf((await open()).find?.(sent('mine'), never))).toMatchObject({
      code: 'unreadable',
      message: `The provider's answer can't be read: it is not a list of batches. ${what}`,
    });
  });

  it('takes a list of nothing for an empty listing', async () => {
    server().play(() => ({ body: { object: 'list', data: null } }));
    expect(await (await open()).find?.(sent('mine'), never)).toBeUndefined();
  });

  it('looks no further back than a month for a tag', async () => {
    const old = Math.floor(Date.now() / 1000) - 31 * 24 * 3600;
    server().play(() => ({ body: { object: 'list', data: [{ id: 'a', created_at: old }], has_more: true } }));
    expect(await (await open()).find?.(sent('mine'), never)).toBeUndefined();
    expect(server().arrived).toHaveLength(1);
  });

  it('does not take a broken listing for an answer', async () => {
    server().play(() => refuse(500));
    expect(await failureOf((await open()).find?.(sent('mine'), never))).toMatchObject({
      scope: 'retry',
      status: 500,
    });
  });

  it('takes the refusal to cancel a batch that is being cancelled for no error', async () => {
    const provider = await open();
    server().play(({ method }) =>
      method === 'POST' ? refuse(409) : { body: { id: 'batch_1', status: 'cancelling' } },
    );
    expect(await provider.cancel?.('batch_1', never)).toMatchObject({
      status: 'in_progress',
      rawStatus: 'cancelling',
    });
  });

  it('deletes a file, which may be gone already', async () => {
    const provider = await open();
    server().play(() => ({ body: { id: 'file-1', deleted: true } }));
    await provider.deleteFile?.('file-1', never);
    expect(server().arrived.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'DELETE /v1/files/file-1',
    ]);
    server().play(() => refuse(404));
    await provider.deleteFile?.('file-1', never);
    server().play(() => refuse(500));
    expect(await failureOf(provider.deleteFile?.('file-1', never))).toMatchObject({
      status: 500,
    });
  });
});
