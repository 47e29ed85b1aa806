import { createReadStream } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  open,
  openaiBatch,
  openaiClient,
  openaiEnd,
  openaiLine,
  parseLines,
  temporaryFolder,
  thrown,
  until,
} from './rehearsal.ts';

const model = 'gpt-4o-mini';
const ask = (content: unknown) => ({ model, messages: [{ role: 'user', content }] }) as never;

test('a live call is answered with the prompt, the model and a count of tokens', async () => {
  const client = openaiClient(await open());
  const { data, request_id } = await client.chat.completions.create(ask('What is a loom?')).withResponse();
  expect(data.choices[0]).toEqual({
    index: 0,
    message: {
      role: 'assistant',
      content: 'Sandbox answer from gpt-4o-mini: What is a loom?',
      refusal: null,
    },
    logprobs: null,
    finish_reason: 'stop',
  });
  expect(data.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 12, total_tokens: 16 });
  expect(request_id).toMatch(/^req_/);
});

test.each([
  ['a missing key', ' ', 401, null, /^401 You didn't provide an API key/],
  ['a refused key, which is echoed', 'bad-key', 401, 'invalid_api_key', /provided: bad-key\. /],
])('%s is refused', async (_what, key, status, code, message) => {
  const client = openaiClient(await open(), key);
  const error = await thrown(client.chat.completions.create(ask('x')));
  expect(error).toMatchObject({ status, code });
  expect(error.message).toMatch(message);
});

test.each([
  ['an unknown model', { model: 'no-such-model', messages: [] }, 404, 'model_not_found', null],
  ['an empty prompt', ask(''), 400, 'empty_string', 'messages[0].content'],
  ['a prompt of null', ask(null), 400, 'invalid_type', 'messages[0].content'],
  ['no messages', { model }, 400, 'missing_required_parameter', 'messages'],
  ['a list of no messages', { model, messages: [] }, 400, 'empty_array', 'messages'],
  ['no model', { messages: [] }, 400, null, null],
  [
    'max_tokens at a reasoning model',
    { model: 'gpt-5', max_tokens: 5, messages: [] },
    400,
    'unsupported_parameter',
    'max_tokens',
  ],
])('%s is refused', async (_what, body, status, code, param) => {
  const client = openaiClient(await open());
  const error = await thrown(client.chat.completions.create(body as never));
  expect(error).toMatchObject({ status, code, param, type: 'invalid_request_error' });
});

test('an upload arrives byte for byte, as a Blob with a length and as a stream without', async () => {
  const client = openaiClient(await open());
  // A text that looks like the end of a part, at a length that no chunk boundary is a friend of.
  const text = `\r\n--\r\n------formdata-undici-0\r\n--openai-${'\r\n-'.repeat(120_000)}`;
  const path = join(await temporaryFolder(), 'requests.jsonl');
  await writeFile(path, text);
  for (const file of [new File([text], 'requests.jsonl'), createReadStream(path)]) {
    const { id, bytes, filename } = await client.files.create({ file, purpose: 'batch' });
    expect({ bytes, filename }).toEqual({ bytes: text.length, filename: 'requests.jsonl' });
    expect(await (await client.files.content(id)).text()).toBe(text);
  }
});

test.each([
  ['a file that is not JSONL', { file: new File(['x'], 'x.csv'), purpose: 'batch' }, 400, /Must be \.jsonl/],
  ['an empty file', { file: new File([''], 'x.jsonl'), purpose: 'batch' }, 400, /empty/],
  ['an unknown purpose', { file: new File(['x'], 'x.jsonl'), purpose: 'fun' }, 400, /'fun' is not one of/],
  ['a form without a file', { purpose: 'batch' }, 400, /'file' is a required property/],
  [
    'a file past the limit',
    { file: new File(['x'.repeat(1001)], 'x.jsonl'), purpose: 'batch' },
    413,
    /larger than/,
  ],
])('%s is not taken', async (_what, form, status, message) => {
  const client = openaiClient(await open({ limits: { openai: { fileBytes: 1000 } } }));
  const error = await thrown(client.files.create(form as never));
  expect(error.status).toBe(status);
  expect(error.message).toMatch(message);
});

test('a form that ends too early gets an answer and leaves no file', async () => {
  const dir = await temporaryFolder();
  const sandbox = await open({ dir });
  const answer = await fetch(`${sandbox.baseUrls.openai}/files`, {
    method: 'POST',
    headers: { authorization: 'Bearer key', 'content-type': 'multipart/form-data; boundary=B' },
    body: '--B\r\nContent-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\nhalf',
  });
  expect(answer.status).toBe(400);
  expect(await readdir(join(dir, 'openai/files'))).toEqual([]);
});

test('a form that goes wrong early gets its answer after all of it was sent', async () => {
  const sandbox = await open();
  const body = `--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n${'x'.repeat(5_000_000)}`;
  const headers = { authorization: 'Bearer key', 'content-type': 'multipart/form-data; boundary=B' };
  const answer = await fetch(`${sandbox.baseUrls.openai}/files`, { method: 'POST', headers, body });
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    { error: { message: expect.stringMatching(/too long/) } },
  ]);
});

test('files are found, deleted and then gone', async () => {
  const client = openaiClient(await open());
  const { id } = await client.files.create({ file: new File(['1'], 'x.jsonl'), purpose: 'batch' });
  expect(await client.files.retrieve(id)).toMatchObject({ id, filename: 'x.jsonl', purpose: 'batch' });
  expect(await client.files.delete(id)).toEqual({ id, object: 'file', deleted: true });
  expect((await thrown(client.files.retrieve(id))).status).toBe(404);
  expect((await thrown(client.files.delete(id))).status).toBe(404);
});

test('a batch goes from validating to completed and answers each row, in an order of its own', async () => {
  const client = openaiClient(await open());
  const lines = [0, 1, 2, 3, 4].map((row) => openaiLine(`row-${row}`, `prompt ${row}`));
  const created = await openaiBatch(client, lines, { tag: 'job-1' });
  expect(created).toMatchObject({
    status: 'validating',
    request_counts: { total: 0, completed: 0, failed: 0 },
    metadata: { tag: 'job-1' },
    output_file_id: null,
  });
  const batch = await openaiEnd(client, created.id);
  expect(batch).toMatchObject({
    status: 'completed',
    endpoint: '/v1/chat/completions',
    model,
    input_file_id: created.input_file_id,
    request_counts: { total: 5, completed: 5, failed: 0 },
    metadata: { tag: 'job-1' },
    error_file_id: null,
    errors: null,
  });
  const results = parseLines(await (await client.files.content(batch.output_file_id as string)).text());
  expect(results.map((row) => row.custom_id)).toEqual(['row-4', 'row-3', 'row-2', 'row-1', 'row-0']);
  for (const row of results) {
    const number = row.custom_id.slice(4);
    expect(row.error).toBe(null);
    expect(row.response.status_code).toBe(200);
    const { content } = row.response.body.choices[0].message;
    expect(content).toBe(`Sandbox answer from gpt-4o-mini: prompt ${number}`);
  }
});

test('the files of a batch outlive the file that it was made from, until they are deleted themselves', async () => {
  const client = openaiClient(await open());
  const { id, input_file_id } = await openaiBatch(client, [openaiLine('a', 'hello')]);
  expect(await (await client.files.content(input_file_id)).text()).toContain('hello');
  await client.files.delete(input_file_id);
  const outputId = (await openaiEnd(client, id)).output_file_id as string;
  const text = await (await client.files.content(outputId)).text();
  expect(parseLines(text)).toHaveLength(1);
  await client.files.delete(outputId);
  expect((await thrown(client.files.content(outputId))).status).toBe(404);
});

test('failed rows are in the error file, each with its status', async () => {
  const client = openaiClient(await open());
  const { id } = await openaiBatch(client, [
    openaiLine('good', 'hello'),
    openaiLine('asked', '[[sandbox:error 429]]'),
    openaiLine('empty', ''),
    openaiLine('nothing', '[[sandbox:error 0]]'),
  ]);
  const batch = await openaiEnd(client, id);
  expect(batch.request_counts).toEqual({ total: 4, completed: 1, failed: 3 });
  const answers = parseLines(await (await client.files.content(batch.output_file_id as string)).text());
  expect(answers.map((row) => row.custom_id)).toEqual(['good']);
  const errors = parseLines(await (await client.files.content(batch.error_file_id as string)).text());
  const codes = errors.map((row) => [
    row.custom_id,
    row.response.status_code,
    row.response.body.error?.code,
    row.error,
  ]);
  expect(codes).toEqual([
    ['nothing', 0, undefined, null],
    ['empty', 400, 'empty_string', null],
    ['asked', 429, 'rate_limit_exceeded', null],
  ]);
});

test('a batch whose rows all failed has no output file at all', async () => {
  const client = openaiClient(await open());
  const { id } = await openaiBatch(client, [openaiLine('a', '[[sandbox:error 500]]')]);
  const batch = await openaiEnd(client, id);
  expect(batch.status).toBe('completed');
  expect('output_file_id' in batch).toBe(false);
  expect(batch.error_file_id).toMatch(/^file-errors/);
});

test('a broken request file fails while it is validated, and the errors name its lines', async () => {
  const client = openaiClient(await open());
  const right = openaiLine('a', 'x');
  const { id } = await openaiBatch(client, [
    right,
    'no json',
    right,
    openaiLine('b', 'x', 'gpt-4o'),
    openaiLine('c', 'x').replace('/v1/chat/completions', '/v1/embeddings'),
    openaiLine('d', 'x', 'no-such-model'),
    openaiLine('e', 'x').replace('"custom_id"', '"id"'),
    openaiLine('', 'x'),
  ]);
  const batch = await openaiEnd(client, id);
  expect(batch.status).toBe('failed');
  expect(batch.errors?.data?.map((error) => [error.line, error.code])).toEqual([
    [2, 'invalid_json_line'],
    [3, 'duplicate_custom_id'],
    [4, 'mismatched_model'],
    [5, 'invalid_url'],
    [6, 'model_not_found'],
    [7, 'missing_required_parameter'],
    [8, 'invalid_custom_id'],
  ]);
  expect(batch).toMatchObject({ output_file_id: null, error_file_id: null });
});

test('a batch takes as many requests as the limit says, and not one more', async () => {
  const client = openaiClient(await open({ limits: { openai: { requests: 3 } } }));
  const lines = ['a', 'b', 'c', 'd'].map((id) => openaiLine(id, 'x'));
  const fits = await openaiEnd(client, (await openaiBatch(client, lines.slice(0, 3))).id);
  expect(fits.status).toBe('completed');
  const over = await openaiEnd(client, (await openaiBatch(client, lines)).id);
  expect([over.status, over.errors?.data?.[0]?.code]).toEqual(['failed', 'too_many_tasks']);
});

test('a batch takes as many bytes as the limit says, and not one more', async () => {
  const line = openaiLine('a', 'é');
  const batchBytes = Buffer.byteLength(line) + 1;
  const client = openaiClient(await open({ limits: { openai: { batchBytes } } }));
  expect((await openaiEnd(client, (await openaiBatch(client, [line])).id)).status).toBe('completed');
  const over = await openaiEnd(client, (await openaiBatch(client, [`${line} `])).id);
  expect([over.status, over.errors?.data?.[0]?.code]).toEqual(['failed', 'file_too_large']);
});

test.each([
  ['a file that is not there', { input_file_id: 'file-none' }, 'input_file_id'],
  ['a file id that is a path', { input_file_id: '../../x' }, 'input_file_id'],
  ['another endpoint', { endpoint: '/v1/fun' }, 'endpoint'],
  ['another window', { completion_window: '1h' }, 'completion_window'],
  ['no endpoint', { endpoint: undefined }, 'endpoint'],
  ['a metadata value that is too long', { metadata: { tag: 'x'.repeat(513) } }, 'metadata'],
])('%s creates no batch', async (_what, change, param) => {
  const client = openaiClient(await open());
  const file = await client.files.create({
    file: new File([openaiLine('a', 'x')], 'x.jsonl'),
    purpose: 'batch',
  });
  const request = {
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    ...change,
  };
  expect(await thrown(client.batches.create(request as never))).toMatchObject({ status: 400, param });
  expect((await client.batches.list()).data).toEqual([]);
});

test('batches are listed newest first, in pages', async () => {
  const client = openaiClient(await open());
  const ids: string[] = [];
  for (let number = 0; number < 5; number += 1)
    ids.unshift((await openaiBatch(client, [openaiLine('a', 'x')])).id);
  const page = await client.batches.list({ limit: 2 });
  expect(page.data.map((batch) => batch.id)).toEqual(ids.slice(0, 2));
  const listed: string[] = [];
  for await (const batch of client.batches.list({ limit: 2 })) listed.push(batch.id);
  expect(listed).toEqual(ids);
});

test('a cancelled batch keeps what was done until then', async () => {
  const client = openaiClient(await open({ turnaroundMs: 4000 }));
  const lines = Array.from({ length: 400 }, (_, row) => openaiLine(`row-${row}`, `prompt ${row}`));
  const { id } = await openaiBatch(client, lines);
  const running = await until(
    () => client.batches.retrieve(id),
    (batch) => (batch.request_counts?.completed ?? 0) > 0,
  );
  expect(running.status).toBe('in_progress');
  expect((await client.batches.cancel(id)).status).toBe('cancelling');
  const batch = await openaiEnd(client, id);
  expect(batch.status).toBe('cancelled');
  const done = batch.request_counts?.completed as number;
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(400);
  const results = parseLines(await (await client.files.content(batch.output_file_id as string)).text());
  expect(results).toHaveLength(done);
  expect(batch.error_file_id).toBe(null);
  expect(await thrown(client.batches.cancel(id))).toMatchObject({ status: 409 });
});

test('a batch that does not exist is not found', async () => {
  const client = openaiClient(await open());
  expect((await thrown(client.batches.retrieve('batch_none'))).status).toBe(404);
  expect((await thrown(client.batches.cancel('batch_none'))).status).toBe(404);
});
