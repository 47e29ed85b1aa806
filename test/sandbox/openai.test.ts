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
  openaiResults,
  temporaryFolder,
  thrown,
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

test('the Responses API is answered in its own form, and by its own rules', async () => {
  const client = openaiClient(await open());
  const create = (more: object) => client.responses.create({ model, input: 'What is a loom?', ...more });
  const answer = await create({ instructions: 'Be kind.' });
  expect(answer).toMatchObject({ object: 'response', status: 'completed', incomplete_details: null });
  expect(answer.output_text).toBe('Sandbox answer from gpt-4o-mini: What is a loom?');
  expect(answer.usage).toMatchObject({ input_tokens: 6, output_tokens: 12, total_tokens: 18 });
  expect(await create({ max_output_tokens: 2 })).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output_text: 'Sandbox ',
  });
  const refused = async (more: object) => (await thrown(create(more))).message;
  expect(await refused({ seed: 1 })).toBe("400 Unknown parameter: 'seed'.");
  expect(await refused({ background: true })).toBe("400 The sandbox has no answers of 'background'.");
  expect(await refused({ input: '' })).toBe("400 Missing required parameter: 'input'.");
  expect(await refused({ text: { format: { type: 'json_schema', schema: {} } } })).toBe(
    "400 Missing required parameter: 'text.format.name'.",
  );
  expect(await refused({ text: { format: { type: 'json_object' } } })).toBe(
    "400 Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
  );
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

test('a batch goes from validating to completed, with a file of answers and one of errors', async () => {
  const client = openaiClient(await open());
  const rows = { good: 'hello', asked: '[[sandbox:error 429]]', empty: '', nothing: '[[sandbox:error 0]]' };
  const lines = Object.entries(rows).map(([id, content]) => openaiLine(id, content));
  const metadata = { tag: 'job-1' };
  const created = await openaiBatch(client, lines, { metadata });
  const counts = { total: 0, completed: 0, failed: 0 };
  expect(created).toMatchObject({
    ...{ status: 'validating', request_counts: counts, metadata, output_file_id: null },
  });
  const batch = await openaiEnd(client, created.id);
  expect(batch).toMatchObject({
    ...{ status: 'completed', endpoint: '/v1/chat/completions', model, metadata, errors: null },
    input_file_id: created.input_file_id,
    request_counts: { total: 4, completed: 1, failed: 3 },
  });
  const [answer] = await openaiResults(client, batch.output_file_id);
  expect(answer).toMatchObject({ custom_id: 'good', error: null, response: { status_code: 200 } });
  expect(answer.response.body.choices[0].message.content).toBe('Sandbox answer from gpt-4o-mini: hello');
  const errors = await openaiResults(client, batch.error_file_id);
  expect(
    errors.map(({ custom_id, error, response: { status_code, body } }) => [
      ...[custom_id, error, status_code, body.error?.code],
    ]),
  ).toEqual([
    ['nothing', null, 0, undefined],
    ['empty', null, 400, 'empty_string'],
    ['asked', null, 429, 'rate_limit_exceeded'],
  ]);
  const failed = await openaiEnd(client, (await openaiBatch(client, lines.slice(1))).id);
  expect('output_file_id' in failed).toBe(false);
  const answered = await openaiEnd(client, (await openaiBatch(client, lines.slice(0, 1))).id);
  expect(answered.error_file_id).toBe(null);
  expect(await thrown(client.batches.cancel(answered.id))).toMatchObject({ status: 409 });
});

test('the files of a batch outlive the file that it was made from, until they are deleted themselves', async () => {
  const client = openaiClient(await open());
  const { id, input_file_id } = await openaiBatch(client, [openaiLine('a', 'hello')]);
  expect(await (await client.files.content(input_file_id)).text()).toContain('hello');
  await client.files.delete(input_file_id);
  const outputId = (await openaiEnd(client, id)).output_file_id as string;
  const text = await (await client.files.content(outputId)).text();
  expect(text.trim().split('\n')).toHaveLength(1);
  await client.files.delete(outputId);
  expect((await thrown(client.files.content(outputId))).status).toBe(404);
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

const line = openaiLine('a', 'é');
test.each([
  ['too_many_tasks', { requests: 3 }, ['a', 'b', 'c'].map((id) => openaiLine(id, 'x')), openaiLine('d', 'x')],
  ['file_too_large', { batchBytes: Buffer.byteLength(line) + 1 }, [line], ''],
])('a batch takes as much as the limit says, and not a bit more: %s', async (code, openai, lines, more) => {
  const client = openaiClient(await open({ limits: { openai } }));
  expect((await openaiEnd(client, (await openaiBatch(client, lines)).id)).status).toBe('completed');
  const over = await openaiEnd(client, (await openaiBatch(client, [...lines, more])).id);
  expect([over.status, over.errors?.data?.[0]?.code]).toEqual(['failed', code]);
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
  const creation = openaiBatch(client, [openaiLine('a', 'x')], change);
  expect(await thrown(creation)).toMatchObject({ status: 400, param });
  expect((await client.batches.list()).data).toEqual([]);
});
