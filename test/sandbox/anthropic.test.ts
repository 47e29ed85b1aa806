import Anthropic from '@anthropic-ai/sdk';
import { expect, test } from 'vitest';
import { anthropicClient, anthropicRequest, open, parseLines, thrown, until } from './rehearsal.ts';

const model = 'claude-sonnet-5-5';
const ask = (content: unknown, more: object = {}) =>
  ({ model, max_tokens: 100, messages: [{ role: 'user', content }], ...more }) as never;

async function ended(client: Anthropic, id: string) {
  return until(
    () => client.messages.batches.retrieve(id),
    (batch) => batch.processing_status === 'ended',
  );
}

// biome-ignore lint/suspicious/noExplicitAny: results are of several shapes
async function resultsOf(client: Anthropic, id: string): Promise<any[]> {
  const results = [];
  for await (const result of await client.messages.batches.results(id)) results.push(result);
  return results;
}

test('a live call is answered with the prompt, the model and a count of tokens', async () => {
  const client = anthropicClient(await open());
  const { data, request_id } = await client.messages.create(ask('What is a loom?')).withResponse();
  expect(data).toMatchObject({
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text: 'Sandbox answer from claude-sonnet-5-5: What is a loom?' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 4, output_tokens: 14, service_tier: 'standard' },
  });
  expect(request_id).toMatch(/^req_/);
});

test('tokens are counted as the live call counts them', async () => {
  const client = anthropicClient(await open());
  const messages = [{ role: 'user' as const, content: 'What is a loom?' }];
  expect(await client.messages.countTokens({ model, messages })).toEqual({ input_tokens: 4 });
  expect(await client.messages.countTokens({ model, messages, system: 'x'.repeat(40) })).toEqual({
    input_tokens: 14,
  });
});

test.each([
  ['a refused key', ask('x'), 'bad-key', 401, 'authentication_error', 'invalid x-api-key'],
  [
    'an unknown model',
    ask('x', { model: 'no-such-model' }),
    'key',
    404,
    'not_found_error',
    'model: no-such-model',
  ],
  [
    'no max_tokens',
    ask('x', { max_tokens: undefined }),
    'key',
    400,
    'invalid_request_error',
    /^max_tokens: Field/,
  ],
  [
    'max_tokens of 0',
    ask('x', { max_tokens: 0 }),
    'key',
    400,
    'invalid_request_error',
    /^max_tokens: Input should/,
  ],
  ['an empty prompt', ask(''), 'key', 400, 'invalid_request_error', /must have non-empty content$/],
  ['white space', ask(' \n'), 'key', 400, 'invalid_request_error', /non-whitespace text$/],
  [
    'a temperature',
    ask('x', { temperature: 1 }),
    'key',
    400,
    'invalid_request_error',
    /^temperature: Extra inputs/,
  ],
  ['a top_k', ask('x', { top_k: 1 }), 'key', 400, 'invalid_request_error', /^top_k: Extra inputs/],
])('%s is refused', async (_what, body, key, status, type, message) => {
  const error = await thrown(anthropicClient(await open(), key).messages.create(body));
  expect(error).toMatchObject({ status, type });
  expect(error.apiMessage).toMatch(message);
  expect(error.requestID).toBe((error.error as { request_id: string }).request_id);
});

test('the older version takes the other header for the key, and a temperature', async () => {
  const sandbox = await open();
  const defaultHeaders = { 'anthropic-version': '2023-06-01', 'x-api-key': 'key', authorization: null };
  const older = new Anthropic({
    apiKey: 'unused',
    baseURL: sandbox.baseUrls.anthropic,
    defaultHeaders,
    maxRetries: 0,
  });
  expect((await older.messages.create(ask('x', { temperature: 1 }))).stop_reason).toBe('end_turn');
});

test.each([
  ['no version', { authorization: 'Bearer key' }, 400, /anthropic-version: header is required/],
  [
    'a version nobody knows',
    { authorization: 'Bearer key', 'anthropic-version': '2020-02-30' },
    400,
    /not a valid version/,
  ],
  ['no key', { 'anthropic-version': '2026-10-21' }, 401, /x-api-key header is required/],
])('a call with %s is refused', async (_what, headers, status, message) => {
  const sandbox = await open();
  const body = JSON.stringify(ask('x'));
  const answer = await fetch(`${sandbox.baseUrls.anthropic}/v1/messages`, {
    method: 'POST',
    headers: headers as never,
    body,
  });
  expect(answer.status).toBe(status);
  expect(await answer.text()).toMatch(message);
});

test('a batch ends with a result for each row, in an order of its own, at an address on the same host', async () => {
  const sandbox = await open();
  const client = anthropicClient(sandbox);
  const requests = [0, 1, 2, 3].map((row) => anthropicRequest(`row-${row}`, `prompt ${row}`));
  const created = await client.messages.batches.create({ requests });
  expect(created).toMatchObject({
    type: 'message_batch',
    processing_status: 'in_progress',
    request_counts: { processing: 4, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    ended_at: null,
    results_url: null,
  });
  const batch = await ended(client, created.id);
  expect(batch.request_counts).toEqual({ processing: 0, succeeded: 4, errored: 0, canceled: 0, expired: 0 });
  expect(batch.results_url).toBe(`${sandbox.baseUrls.anthropic}/v1/messages/batches/${created.id}/results`);
  const results = await resultsOf(client, created.id);
  expect(results.map((result) => result.custom_id)).toEqual(['row-3', 'row-2', 'row-1', 'row-0']);
  for (const { custom_id, result } of results) {
    expect(result.type).toBe('succeeded');
    const text = `Sandbox answer from claude-sonnet-5-5: prompt ${custom_id.slice(4)}`;
    expect(result.message.content).toEqual([{ type: 'text', text }]);
    expect(result.message.usage.service_tier).toBe('batch');
  }
});

test('a row that is wrong in its content is errored, and the others are answered', async () => {
  const client = anthropicClient(await open());
  const { id } = await client.messages.batches.create({
    requests: [
      anthropicRequest('good', 'hello'),
      anthropicRequest('empty', ''),
      anthropicRequest('unknown', 'hello', 'no-such-model'),
      anthropicRequest('overloaded', '[[sandbox:error 529]]'),
    ],
  });
  expect((await ended(client, id)).request_counts).toMatchObject({ succeeded: 1, errored: 3 });
  const errors = (await resultsOf(client, id)).map(({ custom_id, result }) => [
    custom_id,
    result.type,
    result.error?.error.type,
  ]);
  expect(errors).toEqual([
    ['overloaded', 'errored', 'overloaded_error'],
    ['unknown', 'errored', 'not_found_error'],
    ['empty', 'errored', 'invalid_request_error'],
    ['good', 'succeeded', undefined],
  ]);
});

const good = anthropicRequest('a', 'x');
test.each([
  ['a custom id with a dot', [{ ...good, custom_id: 'a.b' }], /^requests\.0\.custom_id: String should match/],
  ['a custom id that is too long', [{ ...good, custom_id: 'a'.repeat(65) }], /String should have at most 64/],
  ['a custom id twice', [good, good], /^requests\.1\.custom_id: custom_id 'a' is not unique/],
  ['no custom id', [{ params: good.params }], /^requests\.0\.custom_id: Field required/],
  ['no params', [{ custom_id: 'a' }], /^requests\.0\.params: Field required/],
  [
    'no max_tokens',
    [{ ...good, params: { ...good.params, max_tokens: undefined } }],
    /^requests\.0\.params\.max_tokens/,
  ],
  [
    'a temperature',
    [{ ...good, params: { ...good.params, temperature: 1 } }],
    /params\.temperature: Extra inputs/,
  ],
  ['no requests', [], /^requests: List should have at least 1 item/],
])('%s creates no batch', async (_what, requests, message) => {
  const client = anthropicClient(await open());
  const error = await thrown(client.messages.batches.create({ requests } as never));
  expect(error).toMatchObject({ status: 400, type: 'invalid_request_error' });
  expect(error.apiMessage).toMatch(message);
  expect((await client.messages.batches.list()).data).toEqual([]);
});

test.each([
  ['no JSON', '{"requests":[{]}', /not valid JSON/],
  ['an end that is missing', `{"requests":[${JSON.stringify(good)}`, /not valid JSON/],
  ['another field', `{"requests":[${JSON.stringify(good)}],"x":[1]}`, /^x: Extra inputs/],
  ['another name for the list', `{"rows":[${JSON.stringify(good)}]}`, /^rows: Extra inputs/],
])('a body with %s creates no batch', async (_what, body, message) => {
  const client = anthropicClient(await open());
  const headers = { 'content-type': 'application/json' };
  const error = await thrown(
    client.post('/v1/messages/batches', { body: new Blob([body]), headers } as never),
  );
  expect(error.status).toBe(400);
  expect(error.apiMessage).toMatch(message);
});

test('a body is read in whatever pieces and layout it comes', async () => {
  const sandbox = await open();
  const client = anthropicClient(sandbox);
  const tricky = 'a "quoted" [list], {braces} \\ back\\"slash é 🧵 \u2028 "requests":[ \n end';
  const requests = [anthropicRequest('a', tricky), anthropicRequest('b', 'x')];
  const bytes = Buffer.from(JSON.stringify({ requests }, null, 2));
  async function* oneByOne() {
    for (const byte of bytes) yield Buffer.from([byte]);
  }
  const answer = await fetch(`${sandbox.baseUrls.anthropic}/v1/messages/batches`, {
    method: 'POST',
    headers: { 'x-api-key': 'key', 'anthropic-version': '2026-10-21' },
    body: oneByOne() as never,
    duplex: 'half',
  } as never);
  const { id } = (await answer.json()) as { id: string };
  await ended(client, id);
  const texts = (await resultsOf(client, id)).map(({ result }) => result.message.content[0].text);
  expect(texts).toEqual([`Sandbox answer from ${model}: x`, `Sandbox answer from ${model}: ${tricky}`]);
});

test('a batch takes as many requests and bytes as the limits say, and not one more', async () => {
  const requests = ['a', 'b', 'c'].map((id) => anthropicRequest(id, 'é'));
  const batchBytes = Buffer.byteLength(JSON.stringify({ requests: requests.slice(0, 2) }));
  const client = anthropicClient(await open({ limits: { anthropic: { requests: 2 } } }));
  expect((await client.messages.batches.create({ requests: requests.slice(0, 2) })).type).toBe(
    'message_batch',
  );
  expect((await thrown(client.messages.batches.create({ requests }))).apiMessage).toMatch(/at most 2 items/);
  const narrow = anthropicClient(await open({ limits: { anthropic: { batchBytes } } }));
  expect((await narrow.messages.batches.create({ requests: requests.slice(0, 2) })).type).toBe(
    'message_batch',
  );
  const over = [anthropicRequest('a', 'é'), anthropicRequest('b', 'é.')];
  expect(await thrown(narrow.messages.batches.create({ requests: over }))).toMatchObject({
    status: 413,
    type: 'request_too_large',
  });
});

test('batches are listed newest first, in pages', async () => {
  const client = anthropicClient(await open());
  const ids: string[] = [];
  for (let number = 0; number < 5; number += 1) {
    ids.unshift((await client.messages.batches.create({ requests: [good] })).id);
  }
  const listed: string[] = [];
  for await (const batch of client.messages.batches.list({ limit: 2 })) listed.push(batch.id);
  expect(listed).toEqual(ids);
});

test('a cancelled batch has a result for each row, canceled for those that were not reached', async () => {
  const client = anthropicClient(await open({ turnaroundMs: 1000 }));
  const requests = Array.from({ length: 300 }, (_, row) => anthropicRequest(`row-${row}`, 'x'));
  const { id } = await client.messages.batches.create({ requests });
  expect((await thrown(client.messages.batches.delete(id))).status).toBe(400);
  expect((await client.messages.batches.cancel(id)).processing_status).toBe('canceling');
  const { request_counts, cancel_initiated_at } = await ended(client, id);
  expect(cancel_initiated_at).not.toBe(null);
  expect(request_counts.succeeded + request_counts.canceled).toBe(300);
  expect(request_counts.canceled).toBeGreaterThan(0);
  const results = await resultsOf(client, id);
  expect(results.filter(({ result }) => result.type === 'canceled')).toHaveLength(request_counts.canceled);
  expect(results).toHaveLength(300);
});

test('results are not there before the end, and gone after the batch is deleted', async () => {
  const sandbox = await open({ turnaroundMs: 600 });
  const client = anthropicClient(sandbox);
  const { id } = await client.messages.batches.create({ requests: [good] });
  const address = `${sandbox.baseUrls.anthropic}/v1/messages/batches/${id}/results`;
  const headers = { 'x-api-key': 'key', 'anthropic-version': '2026-10-21' };
  expect((await fetch(address, { headers })).status).toBe(404);
  await ended(client, id);
  expect(parseLines(await (await fetch(address, { headers })).text())).toHaveLength(1);
  expect(await client.messages.batches.delete(id)).toEqual({ id, type: 'message_batch_deleted' });
  expect((await fetch(address, { headers })).status).toBe(404);
  expect((await thrown(client.messages.batches.retrieve(id))).status).toBe(404);
});
