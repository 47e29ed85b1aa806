import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { type Sandbox, sandboxKey } from '../../src/sandbox/server.ts';
import { open, openaiBatch, openaiEnd, openaiLine, openaiResults, thrown } from './rehearsal.ts';

const model = 'qwen-plus';
const ask = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });

function connect(sandbox: Sandbox, apiKey = sandboxKey): OpenAI {
  return new OpenAI({ apiKey, baseURL: sandbox.baseUrls.alibaba, maxRetries: 0 });
}

test('a live call is answered with the prompt and the model, and shows its thoughts', async () => {
  const sandbox = await open();
  expect(sandbox.baseUrls.alibaba).toMatch(/\/alibaba\/compatible-mode\/v1$/);
  const prompt = 'Hm? [[sandbox:thinking]]';
  const answer = await connect(sandbox).chat.completions.create(ask(prompt));
  expect(answer.choices[0]?.message).toMatchObject({
    content: `Sandbox answer from qwen-plus: ${prompt}`,
    reasoning_content: expect.stringContaining('The sandbox thinks about'),
  });
});

test.each([
  ['a missing key', ' ', ask('x'), 401, null],
  ['a refused key', 'bad-key', ask('x'), 401, 'invalid_api_key'],
  ['an unknown model', 'key', { ...ask('x'), model: 'no-such-model' }, 404, 'model_not_found'],
  ['a prompt that its filter stops', 'key', ask('[[sandbox:blocked]]'), 400, 'data_inspection_failed'],
])('%s is refused', async (_what, key, request, status, code) => {
  const client = connect(await open(), key);
  expect(await thrown(client.chat.completions.create(request))).toMatchObject({ status, code });
});

test('a batch has a name, is listed by a part of it, and gives answers and failures in two files', async () => {
  const client = connect(await open());
  const lines = [openaiLine('a', 'Hello', model), openaiLine('b', '[[sandbox:error 400]]', model)];
  const batch = await openaiBatch(client, lines, { metadata: { ds_name: 'job-1-0' } });
  expect(batch.input_file_id).toMatch(/^file-batch-/);
  await openaiBatch(client, lines, { metadata: { ds_name: 'job-2-0' } });
  const listed = await client.batches.list({ limit: 100, ds_name: 'job-1' } as object);
  expect(listed.data.map(({ id }) => id)).toEqual([batch.id]);
  const ended = await openaiEnd(client, batch.id);
  expect(ended).toMatchObject({
    status: 'completed',
    request_counts: { total: 2, completed: 1, failed: 1 },
    output_file_id: expect.stringMatching(/^file-batch_output-/),
    error_file_id: expect.stringMatching(/^file-batch_output-/),
  });
  expect(await openaiResults(client, ended.output_file_id)).toMatchObject([{ custom_id: 'a', error: null }]);
  expect(await openaiResults(client, ended.error_file_id)).toMatchObject([
    {
      custom_id: 'b',
      response: { status_code: 400, body: null },
      error: { code: 'invalid_parameter_error', message: 'The prompt asked the sandbox for error 400.' },
    },
  ]);
});

test('it keeps files and batches apart from those of OpenAI', async () => {
  const sandbox = await open();
  const { id } = await openaiBatch(connect(sandbox), [openaiLine('a', 'Hello', model)]);
  const openai = new OpenAI({ apiKey: sandboxKey, baseURL: sandbox.baseUrls.openai, maxRetries: 0 });
  expect(await thrown(openai.batches.retrieve(id))).toMatchObject({ status: 404 });
});

test.each([
  ['a window of two weeks', { completion_window: '14d' }, undefined],
  ['a window of more than that', { completion_window: '337h' }, 'completion_window'],
  ['a window of less than a day', { completion_window: '23h' }, 'completion_window'],
  ['a name of 100 characters', { metadata: { ds_name: 'x'.repeat(100) } }, undefined],
  ['a longer name', { metadata: { ds_name: 'x'.repeat(101) } }, 'metadata'],
])('a batch with %s', async (_what, more, param) => {
  const client = connect(await open());
  const creation = openaiBatch(client, [openaiLine('a', 'x', model)], more);
  if (param === undefined) expect(await creation).toMatchObject({ status: 'validating' });
  else expect(await thrown(creation)).toMatchObject({ status: 400, param });
});

test('a request of 6 MB is answered, and one byte more fails the batch', async () => {
  const client = connect(await open());
  const most = 6_000_000 - openaiLine('a', '', model).length;
  const answered = await openaiBatch(client, [openaiLine('a', 'x'.repeat(most), model)]);
  expect(await openaiEnd(client, answered.id)).toMatchObject({ status: 'completed' });
  const batch = await openaiBatch(client, [openaiLine('a', 'x'.repeat(most + 1), model)]);
  const { errors } = await openaiEnd(client, batch.id);
  expect(errors?.data).toMatchObject([{ code: 'line_too_large', line: 1 }]);
});
