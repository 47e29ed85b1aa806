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
  ['an unknown model', { model: 'no-such-model' }, 404, 'not_found_error', 'model: no-such-model'],
  ['no max_tokens', { max_tokens: undefined }, 400, 'invalid_request_error', /^max_tokens: Field/],
  ['max_tokens of 0', { max_tokens: 0 }, 400, 'invalid_request_error', /^max_tokens: Input should/],
  ['an empty prompt', ask(''), 400, 'invalid_request_error', /must have non-empty content$/],
  ['white space', ask(' \n'), 400, 'invalid_request_error', /non-whitespace text$/],
  ['a temperature', { temperature: 1 }, 400, 'invalid_request_error', /^temperature: Extra inputs/],
  ['a top_k', { top_k: 1 }, 400, 'invalid_request_error', /^top_k: Extra inputs/],
])('%s is refused', async (_what, more, status, type, message) => {
  const error = await thrown(anthropicClient(await open()).messages.create(ask('x', more)));
  expect(error).toMatchObject({ status, type });
  expect(error.apiMessage).toMatch(message);
  expect(error.requestID).toBe((error.error as { request_id: string }).request_id);
});

test('a key that is refused is not told', async () => {
  const error = await thrown(anthropicClient(await open(), 'bad-key').messages.create(ask('x')));
  expect(error).toMatchObject({ status: 401, type: 'authentication_error', apiMessage: 'invalid x-api-key' });
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
  ['no version', { 'x-api-key': 'key' }, 400, /anthropic-version: header is required/],
  ['an odd version', { 'x-api-key': 'key', 'anthropic-version': '2020' }, 400, /not a valid version/],
  ['no key', { 'anthropic-version': '2026-10-21' }, 401, /x-api-key header is required/],
])('a call with %s is refused', async (_what, headers, status, message) => {
  const sandbox = await open();
  const call = { method: 'POST', headers: headers as never, body: JSON.stringify(ask('x')) };
  const answer = await fetch(`${sandbox.baseUrls.anthropic}/v1/messages`, call);
  expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(message)]);
});

test('a batch ends with a result for each row, at an address on the same host', async () => {
  const sandbox = await open();
  const client = anthropicClient(sandbox);
  const requests = [
    anthropicRequest('good', 'hello'),
    anthropicRequest('empty', ''),
    anthropicRequest('unknown', 'hello', 'no-such-model'),
    anthropicRequest('overloaded', '[[sandbox:error 529]]'),
  ];
  const created = await client.messages.batches.create({ requests });
  const nothing = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  expect(created).toMatchObject({
    ...{ type: 'message_batch', processing_status: 'in_progress', ended_at: null, results_url: null },
    request_counts: { processing: 4, ...nothing },
  });
  const batch = await ended(client, created.id);
  expect(batch.request_counts).toEqual({ ...nothing, processing: 0, succeeded: 1, errored: 3 });
  expect(batch.results_url).toBe(`${sandbox.baseUrls.anthropic}/v1/messages/batches/${created.id}/results`);
  const results = await resultsOf(client, created.id);
  expect(results.map(({ custom_id, result }) => [custom_id, result.type, result.error?.error.type])).toEqual([
    ['overloaded', 'errored', 'overloaded_error'],
    ['unknown', 'errored', 'not_found_error'],
    ['empty', 'errored', 'invalid_request_error'],
    ['good', 'succeeded', undefined],
  ]);
  const { content, usage } = results.at(-1).result.message;
  expect(content).toEqual([{ type: 'text', text: 'Sandbox answer from claude-sonnet-5-5: hello' }]);
  expect(usage.service_tier).toBe('batch');
});

const good = anthropicRequest('a', 'x');
const badly = (more: object) => [{ ...good, params: { ...good.params, ...more } }];
test.each([
  ['a custom id with a dot', [{ ...good, custom_id: 'a.b' }], /^requests\.0\.custom_id: String should match/],
  ['a custom id that is too long', [{ ...good, custom_id: 'a'.repeat(65) }], /String should have at most 64/],
  ['a custom id twice', [good, good], /^requests\.1\.custom_id: custom_id 'a' is not unique/],
  ['no custom id', [{ params: good.params }], /^requests\.0\.custom_id: Field required/],
  ['no params', [{ custom_id: 'a' }], /^requests\.0\.params: Field required/],
  ['no max_tokens', badly({ max_tokens: undefined }), /^requests\.0\.params\.max_tokens/],
  ['a temperature', badly({ temperature: 1 }), /params\.temperature: Extra inputs/],
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

const fitting = [anthropicRequest('a', 'é'), anthropicRequest('b', 'é')];
const batchBytes = Buffer.byteLength(JSON.stringify({ requests: fitting }));
test.each([
  ['requests', { requests: 2 }, [...fitting, anthropicRequest('c', 'x')], 400, /at most 2 items/],
  ['bytes', { batchBytes }, [fitting[0], anthropicRequest('b', 'é.')], 413, /maximum allowed/],
])(
  'a batch takes as many %s as the limit says, and not one more',
  async (_, anthropic, over, status, says) => {
    const { batches } = anthropicClient(await open({ limits: { anthropic } })).messages;
    expect((await batches.create({ requests: fitting })).type).toBe('message_batch');
    const refused = await thrown(batches.create({ requests: over as never }));
    expect(refused).toMatchObject({ status, apiMessage: expect.stringMatching(says) });
  },
);

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
