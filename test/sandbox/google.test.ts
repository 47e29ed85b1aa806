import type { BatchJob, GoogleGenAI } from '@google/genai';
import { expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/server.ts';
import { googleBatch, googleClient, googleLine, open, parseLines, thrown, until } from './rehearsal.ts';

const model = 'gemini-2.5-flash';
const headers = { 'x-goog-api-key': 'key' };
const config = { mimeType: 'application/jsonl' };

async function upload(client: GoogleGenAI, text: string): Promise<string> {
  return (await client.files.upload({ file: new Blob([text]), config })).name as string;
}

async function ended(client: GoogleGenAI, name: string): Promise<BatchJob> {
  return until(
    () => client.batches.get({ name }),
    (job) => !['JOB_STATE_PENDING', 'JOB_STATE_RUNNING'].includes(job.state as string),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: the raw operation
async function raw(sandbox: Sandbox, path: string): Promise<any> {
  return (await fetch(`${sandbox.baseUrls.google}/v1beta/${path}`, { headers })).json();
}

async function download(sandbox: Sandbox, name: string): Promise<Response> {
  return fetch(`${sandbox.baseUrls.google}/v1beta/${name}:download?alt=media`, { headers });
}

/** The error object in what the SDK threw. */
// biome-ignore lint/suspicious/noExplicitAny: the vendor's own object
async function refused(promise: Promise<unknown>): Promise<any> {
  return JSON.parse((await thrown(promise)).message as string).error;
}

test('a live call is answered with the prompt, the model and a count of tokens', async () => {
  const client = googleClient(await open());
  const answer = await client.models.generateContent({ model, contents: 'What is a loom?' });
  expect(answer.text).toBe('Sandbox answer from gemini-2.5-flash: What is a loom?');
  expect(answer.candidates?.[0]).toMatchObject({ finishReason: 'STOP', content: { role: 'model' } });
  expect(answer.usageMetadata).toEqual({
    promptTokenCount: 4,
    candidatesTokenCount: 14,
    totalTokenCount: 18,
  });
});

const contents = [{ parts: [{ text: 'What is a loom?' }] }];

/** A call that no SDK makes. */
async function post(call: string, body: object) {
  const address = `${(await open()).baseUrls.google}/v1beta/models/${call}`;
  const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
  return [answer.status, await answer.json()];
}

test('tokens are counted, for contents and for a whole request', async () => {
  expect(await post(`${model}:countTokens`, { contents })).toMatchObject([200, { totalTokens: 4 }]);
  const systemInstruction = { parts: [{ text: 'x'.repeat(40) }] };
  const whole = { generateContentRequest: { model: `models/${model}`, contents, systemInstruction } };
  expect(await post(`${model}:countTokens`, whole)).toMatchObject([200, { totalTokens: 14 }]);
});

test('a refused key is HTTP 400 with the reason among the details, a missing one is HTTP 403', async () => {
  const sandbox = await open();
  const error = await refused(googleClient(sandbox, 'bad-key').models.generateContent({ model, contents }));
  expect(error).toMatchObject({ code: 400, status: 'INVALID_ARGUMENT' });
  expect(error.details[0]['@type']).toMatch(/ErrorInfo$/);
  expect(error.details[0].reason).toBe('API_KEY_INVALID');
  const answer = await fetch(`${sandbox.baseUrls.google}/v1beta/batches`);
  expect([answer.status, await answer.json()]).toMatchObject([
    403,
    { error: { status: 'PERMISSION_DENIED' } },
  ]);
});

test.each([
  ['an unknown model', 'no-such-model', { contents }, 404, 'NOT_FOUND'],
  ['an empty prompt', model, { contents: [{ parts: [{ text: '' }] }] }, 400, 'INVALID_ARGUMENT'],
  ['no contents', model, {}, 400, 'INVALID_ARGUMENT'],
  ['no parts', model, { contents: [{ parts: [] }] }, 400, 'INVALID_ARGUMENT'],
  ['an unknown field', model, { contents, thinking_config: {} }, 400, 'INVALID_ARGUMENT'],
])('%s is refused', async (_what, name, body, code, status) => {
  expect(await post(`${name}:generateContent`, body)).toMatchObject([code, { error: { code, status } }]);
});

test('an upload of several chunks arrives whole, and can be looked at but not downloaded', async () => {
  const sandbox = await open();
  const client = googleClient(sandbox);
  const text = Array.from({ length: 10_000 }, (_, row) => googleLine(`${row}`, 'x'.repeat(1000))).join('\n');
  const name = await upload(client, text);
  const file = { name, state: 'ACTIVE', mimeType: 'application/jsonl', sizeBytes: String(text.length) };
  expect(await client.files.get({ name })).toMatchObject(file);
  expect((await download(sandbox, name)).status).toBe(400);
  const job = await client.batches.create({ model, src: { fileName: name }, config: { displayName: 'x' } });
  expect((await raw(sandbox, job.name as string)).metadata.batchStats.requestCount).toBe('10000');
  await client.files.delete({ name });
  expect(await refused(client.files.get({ name }))).toMatchObject({ code: 403, status: 'PERMISSION_DENIED' });
});

test('an upload goes on where it stopped, and nowhere else', async () => {
  let address = `${(await open()).baseUrls.google}/upload/v1beta/files`;
  const call = (command: string, more: Record<string, string>, body = '') => {
    const all = { ...headers, 'x-goog-upload-command': command, ...more };
    return fetch(address, { method: 'POST', headers: all, body });
  };
  const send = (command: string, offset: number, body: string) =>
    call(command, { 'x-goog-upload-offset': String(offset) }, body);
  const begun = await call('start', {
    'x-goog-upload-protocol': 'resumable',
    'x-goog-upload-header-content-length': '10',
    'x-goog-upload-header-content-type': 'application/jsonl',
  });
  address = begun.headers.get('x-goog-upload-url') as string;
  expect((await send('upload', 0, '01234')).headers.get('x-goog-upload-status')).toBe('active');
  expect((await send('upload', 3, '34')).status).toBe(400);
  expect((await send('upload, finalize', 5, '567')).status).toBe(400);
  const last = await send('upload, finalize', 8, '89');
  expect(last.headers.get('x-goog-upload-status')).toBe('final');
  expect(await last.json()).toMatchObject({ file: { sizeBytes: '10', state: 'ACTIVE' } });
  expect((await send('upload', 10, '')).status).toBe(404);
});

test('a file past the limit is refused when its upload begins', async () => {
  const client = googleClient(await open({ limits: { google: { fileBytes: 4 } } }));
  expect(await upload(client, '1234')).toMatch(/^files\//);
  expect(await refused(upload(client, '12345'))).toMatchObject({
    code: 400,
    message: expect.stringMatching(/at most 4/),
  });
});

test('a batch from a file succeeds, and says so with counts that are texts', async () => {
  const lines = [
    googleLine('good', 'hello'),
    googleLine('empty', ''),
    JSON.stringify({ key: 'no-request' }),
    googleLine('quota', '[[sandbox:error 429]]'),
  ];
  const patient = await open({ turnaroundMs: 60_000 });
  const { name: waiting = '' } = await googleBatch(googleClient(patient), lines);
  expect(waiting).toMatch(/^batches\/[a-z0-9]+$/);
  const pending = { requestCount: '4', pendingRequestCount: '4' };
  const metadata = { state: 'BATCH_STATE_PENDING', batchStats: pending, displayName: 'job-1' };
  expect(await raw(patient, waiting)).toMatchObject({ name: waiting, metadata });
  expect(await raw(patient, 'batches')).toMatchObject({ operations: [{ metadata }] });
  const sandbox = await open();
  const client = googleClient(sandbox);
  const { name = '' } = await googleBatch(client, lines);
  const job = await ended(client, name);
  expect(job).toMatchObject({ state: 'JOB_STATE_SUCCEEDED', displayName: 'job-1', model: 'models/m' });
  const operation = await raw(sandbox, name);
  expect(operation.done).toBe(true);
  const batchStats = { requestCount: '4', successfulRequestCount: '1', failedRequestCount: '3' };
  expect(operation.metadata.batchStats).toEqual(batchStats);
  expect(operation.response.responsesFile).toBe(job.dest?.fileName);
  const results = parseLines(await (await download(sandbox, job.dest?.fileName as string)).text());
  expect(results.map((row) => [row.key, row.error?.code])).toEqual([
    ['quota', 8],
    ['no-request', 3],
    ['empty', 3],
    ['good', undefined],
  ]);
  const parts = [{ text: 'Sandbox answer from m: hello' }];
  expect(results.at(-1).response.candidates[0].content).toEqual({ parts, role: 'model' });
  await client.batches.delete({ name });
  expect(await refused(client.batches.get({ name }))).toMatchObject({ code: 404, status: 'NOT_FOUND' });
});

test('a line that is no JSON fails the whole batch', async () => {
  const sandbox = await open();
  const client = googleClient(sandbox);
  const { name = '' } = await googleBatch(client, [googleLine('a', 'x'), 'no json']);
  expect((await ended(client, name)).state).toBe('JOB_STATE_FAILED');
  expect(await raw(sandbox, name)).toMatchObject({
    done: true,
    error: { code: 3, message: 'Failed to parse line 2 of the input file as JSON.' },
  });
});

test('a batch of inline requests has its results in itself, in their order, with their metadata', async () => {
  const sandbox = await open();
  const client = googleClient(sandbox);
  const src = ['one', 'two'].map((text) => ({
    contents: [{ role: 'user', parts: [{ text }] }],
    metadata: { key: `key-${text}` },
  }));
  const { name } = await client.batches.create({ model, src, config: { displayName: 'inline' } });
  await ended(client, name as string);
  const operation = await raw(sandbox, name as string);
  const rows = operation.response.inlinedResponses.inlinedResponses;
  const row = (text: string) => ({
    metadata: { key: `key-${text}` },
    response: { candidates: [{ content: { parts: [{ text: `Sandbox answer from ${model}: ${text}` }] } }] },
  });
  expect(rows).toMatchObject([row('one'), row('two')]);
  expect(operation.metadata.output.inlinedResponses.inlinedResponses).toEqual(rows);
});

test('inline requests past the limit, an unknown model and a missing file create no batch', async () => {
  const client = googleClient(await open({ limits: { google: { inlineBytes: 2000 } } }));
  const inline = (text: string) => [{ contents: [{ role: 'user', parts: [{ text }] }] }];
  const create = (name: string, src: never) =>
    client.batches.create({ model: name, src, config: { displayName: 'x' } });
  expect(await refused(create(model, inline('x'.repeat(2001)) as never))).toMatchObject({
    code: 400,
    message: expect.stringMatching(/exceeds the limit/),
  });
  expect(await refused(create('no-such-model', inline('x') as never))).toMatchObject({ code: 404 });
  expect(await refused(create(model, { fileName: 'files/none' } as never))).toMatchObject({ code: 404 });
  expect(await create(model, inline('x') as never)).toMatchObject({ state: 'JOB_STATE_PENDING' });
});
