import { expect, test } from 'vitest';
import type { CallFault } from '../../src/sandbox/faults.ts';
import { readFaults, type Sandbox } from '../../src/sandbox/server.ts';
import {
  anthropicClient,
  anthropicRequest,
  googleBatch,
  googleClient,
  googleLine,
  open,
  openaiBatch,
  openaiClient,
  openaiEnd,
  openaiLine,
  parseLines,
  thrown,
  until,
} from './rehearsal.ts';

const openCalls = (...calls: CallFault[]) => open({ faults: { calls }, countPrompts: true });

function ask(sandbox: Sandbox, content: string, key = 'key'): Promise<Response> {
  return fetch(`${sandbox.baseUrls.openai}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }),
  });
}

function askGoogle(sandbox: Sandbox): Promise<Response> {
  const body = JSON.stringify({ contents: [{ parts: [{ text: 'x' }] }] });
  return fetch(`${sandbox.baseUrls.google}/v1beta/models/m:generateContent?key=k`, { method: 'POST', body });
}

// biome-ignore lint/suspicious/noExplicitAny: a report
async function statistics(sandbox: Sandbox): Promise<any> {
  return (await fetch(`${sandbox.origin}/sandbox/stats`)).json();
}

test('latency holds back live calls and nothing else', async () => {
  const sandbox = await open({ latencyMs: 200 });
  const started = performance.now();
  await openaiClient(sandbox).batches.list();
  const listed = performance.now() - started;
  await ask(sandbox, 'x');
  expect(performance.now() - started - listed).toBeGreaterThan(190);
});

test.each([
  ['retry-after', '1', null],
  ['retry-after-ms', null, expect.stringMatching(/^\d+$/)],
  ['none', null, null],
] as const)('past a rate limit calls are answered 429, header: %s', async (header, seconds, milliseconds) => {
  const sandbox = await openCalls({ do: 'rateLimit', perSecond: 3, header });
  const answers = await Promise.all(Array.from({ length: 5 }, (_, call) => ask(sandbox, String(call))));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
  const refused = answers.find(({ status }) => status === 429) as Response;
  const { headers } = refused;
  expect([headers.get('retry-after'), headers.get('retry-after-ms')]).toEqual([seconds, milliseconds]);
  expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
  expect((await ask(sandbox, 'x', 'another key')).status).toBe(200);
  await until(
    () => ask(sandbox, 'x'),
    ({ status }) => status === 200,
  );
});

test('Google says in the body how long to wait', async () => {
  const sandbox = await openCalls({ do: 'status', status: 429, retryAfter: 7 });
  const answer = await askGoogle(sandbox);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, null]);
  const { error } = (await answer.json()) as { error: { status: string; details: object[] } };
  expect(error.status).toBe('RESOURCE_EXHAUSTED');
  expect(error.details).toEqual([{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }]);
});

test('an error share meets the same prompts each time, and with `once` only the first time', async () => {
  const sandbox = await openCalls({ do: 'status', status: 529, share: 0.3, once: true });
  const prompts = Array.from({ length: 200 }, (_, prompt) => `prompt ${prompt}`);
  const round = async () =>
    (await Promise.all(prompts.map((prompt) => ask(sandbox, prompt)))).map(({ status }) => status);
  const failed = (await round()).filter((status) => status === 529).length;
  expect(failed).toBeGreaterThan(30);
  expect(failed).toBeLessThan(90);
  expect(new Set(await round())).toEqual(new Set([200]));
  const always = await openCalls({ do: 'status', status: 500, share: 0.3 });
  const fates = async () =>
    (await Promise.all(prompts.map((prompt) => ask(always, prompt)))).map(({ status }) => status);
  expect(await fates()).toEqual(await fates());
});

test('a rule is for one vendor and one operation, after so many calls and for so many', async () => {
  const choice = { provider: 'openai', operation: 'generate', skip: 1, times: 2 } as const;
  const sandbox = await openCalls({ ...choice, do: 'status', status: 503 });
  expect((await askGoogle(sandbox)).status).toBe(200);
  await openaiClient(sandbox).batches.list();
  const statuses = [];
  for (let call = 0; call < 5; call += 1) statuses.push((await ask(sandbox, 'x')).status);
  expect(statuses).toEqual([200, 503, 503, 200, 200]);
});

test('a fault can have a code and words of its own', async () => {
  const code = 'insufficient_quota';
  const sandbox = await openCalls({ do: 'status', status: 429, code, message: 'Pay first' });
  const error = { message: 'Pay first', type: code, param: null, code };
  expect(await (await ask(sandbox, 'x')).json()).toEqual({ error });
});

test.each([
  ['request', 0],
  ['reply', 1],
  ['body', 1],
] as const)('a connection can be cut at the %s', async (at, answered) => {
  const sandbox = await openCalls({ do: 'cut', at, times: 1 });
  await expect(ask(sandbox, 'x').then((answer) => answer.text())).rejects.toThrow(/fetch failed|terminated/);
  const { openai } = (await statistics(sandbox)).vendors;
  expect(openai).toMatchObject({ answered, lost: answered, statuses: { cut: 1 } });
  expect((await ask(sandbox, 'x')).status).toBe(200);
});

test('a result file can be cut off in its middle, with what came before it whole', async () => {
  const fault = { do: 'cut', at: 'body', afterBytes: 3000, times: 1 } as const;
  const sandbox = await openCalls({ operation: 'download', ...fault });
  const client = openaiClient(sandbox);
  const lines = Array.from({ length: 100 }, (_, row) => openaiLine(`row-${row}`, `prompt ${row}`));
  const batch = await openaiEnd(client, (await openaiBatch(client, lines)).id);
  const chunks: Uint8Array[] = [];
  const response = await client.files.content(batch.output_file_id as string);
  const read = async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
  };
  await expect(read()).rejects.toThrow(/terminated/);
  expect(Buffer.concat(chunks)).toHaveLength(3000);
  const again = await client.files.content(batch.output_file_id as string);
  expect(parseLines(await again.text())).toHaveLength(100);
});

test('the reply to a create call can be lost, and the batch is there all the same', async () => {
  const sandbox = await openCalls({ operation: 'createBatch', do: 'cut', at: 'reply', times: 1 });
  const client = anthropicClient(sandbox);
  const requests = [anthropicRequest('a', 'x')];
  expect((await thrown(client.messages.batches.create({ requests }))).constructor.name).toBe(
    'APIConnectionError',
  );
  expect((await client.messages.batches.list()).data).toHaveLength(1);
});

test('an answer can stall, be cut JSON, be a page of HTML, or be an error under HTTP 200', async () => {
  const stalled = await openCalls({ do: 'stall', afterBytes: 5 });
  const response = await ask(stalled, 'x');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('{"id"');
  const nothing = new Promise((resolve) => setTimeout(resolve, 100, 'nothing'));
  expect(await Promise.race([reader.read(), nothing])).toBe('nothing');
  await reader.cancel();

  const garbled = await ask(await openCalls({ do: 'garble' }), 'x');
  expect(garbled.status).toBe(200);
  await expect(garbled.json()).rejects.toThrow(SyntaxError);

  const page = await ask(await openCalls({ do: 'html', status: 502 }), 'x');
  expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);

  const inBody = await openCalls({ do: 'bodyError', status: 502 });
  const address = `${inBody.baseUrls.openrouter}/chat/completions`;
  const answer = await fetch(address, { method: 'POST', body: '{}' });
  expect([answer.status, await answer.json()]).toMatchObject([200, { error: { code: 502 } }]);
});

test.each([
  ['an error status', { do: 'status', status: 522, afterWork: true }, 522],
  ['a page of HTML under HTTP 200', { do: 'html', status: 200, afterWork: true }, 200],
  ['nothing under HTTP 200', { do: 'empty' }, 200],
] satisfies [string, CallFault, number][])(
  'a call can do its work and be answered with %s',
  async (_, fault, status) => {
    const sandbox = await openCalls({ ...fault, operation: 'createBatch', times: 1 });
    const answer = await fetch(`${sandbox.baseUrls.anthropic}/v1/messages/batches`, {
      method: 'POST',
      headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ requests: [anthropicRequest('a', 'x')] }),
    });
    expect(answer.status).toBe(status);
    expect(await answer.text()).not.toContain('msgbatch_');
    expect((await anthropicClient(sandbox).messages.batches.list()).data).toHaveLength(1);
  },
);

test('a fault can be over after a time, and faults can be replaced while the sandbox runs', async () => {
  const sandbox = await openCalls({ do: 'status', status: 403, forMs: 200 });
  expect((await ask(sandbox, 'x')).status).toBe(403);
  await until(
    () => ask(sandbox, 'x'),
    (answer) => answer.status === 200,
  );
  const replace = (faults: unknown) =>
    fetch(`${sandbox.origin}/sandbox/faults`, { method: 'PUT', body: JSON.stringify(faults) });
  expect((await replace({ calls: [{ do: 'status', status: 503 }] })).status).toBe(200);
  expect((await ask(sandbox, 'x')).status).toBe(503);
  const refused = await replace({ calls: [{ do: 'explode' }] });
  const says = expect.stringContaining('calls[0].do is one of');
  expect([refused.status, await refused.text()]).toEqual([400, says]);
  expect((await ask(sandbox, 'x')).status).toBe(503);
  expect((await replace({})).status).toBe(200);
  expect((await ask(sandbox, 'x')).status).toBe(200);
});

test('a rule can wait for a call of another kind', async () => {
  const fault = { do: 'status', status: 403 } as const;
  const sandbox = await openCalls({ operation: 'listBatches', after: 'createBatch', ...fault });
  const client = openaiClient(sandbox);
  await client.batches.list();
  await openaiBatch(client, [openaiLine('a', 'x')]);
  expect((await thrown(client.batches.list())).status).toBe(403);
});

test("a vendor's clock can be off, and its answers can lack the time", async () => {
  const clocks = { openai: { aheadMs: -60_000 }, anthropic: { dateHeader: false } };
  const sandbox = await open({ faults: { clocks } });
  const behind = (time: number) => Math.round((Date.now() - time) / 20_000) * 20;
  const client = openaiClient(sandbox);
  const { created_at } = await openaiBatch(client, [openaiLine('a', 'x')]);
  expect(behind(created_at * 1000)).toBe(60);
  expect(behind(Date.parse((await ask(sandbox, 'x')).headers.get('date') as string))).toBe(60);
  const undated = await fetch(`${sandbox.baseUrls.anthropic}/v1/messages/batches`, {
    headers: { 'x-api-key': 'key', 'anthropic-version': '2023-06-01' },
  });
  expect([undated.status, undated.headers.get('date')]).toEqual([200, null]);
});

test('delays add up and a fault can follow them', async () => {
  const sandbox = await openCalls(
    { do: 'delay', ms: 60 },
    { do: 'delay', ms: 60 },
    { do: 'status', status: 500 },
  );
  const started = performance.now();
  expect((await ask(sandbox, 'x')).status).toBe(500);
  expect(performance.now() - started).toBeGreaterThan(115);
});

test('a failed batch says why, and only the first one fails', async () => {
  const fault = { end: 'failed', code: 'internal', message: 'Sorry', times: 1 } as const;
  const sandbox = await open({ faults: { batches: [fault, { ...fault, provider: 'google' }] } });
  const client = openaiClient(sandbox);
  const run = async () => openaiEnd(client, (await openaiBatch(client, [openaiLine('a', 'x')])).id);
  const failed = await run();
  expect(failed.status).toBe('failed');
  expect(failed.errors?.data).toEqual([{ code: 'internal', message: 'Sorry', line: null, param: null }]);
  expect((await run()).status).toBe('completed');
  const { name } = await googleBatch(googleClient(sandbox), [googleLine('a', 'x')]);
  const operation = await until(
    async () => (await fetch(`${sandbox.baseUrls.google}/v1beta/${name}?key=k`)).json() as Promise<object>,
    (operation) => 'done' in operation,
  );
  expect(operation).toMatchObject({ error: { code: 13, message: 'Sorry' } });
});

test('an archived Anthropic batch has no results any more', async () => {
  const { batches } = anthropicClient(await open({ faults: { batches: [{ archived: true }] } })).messages;
  const { id } = await batches.create({ requests: [anthropicRequest('a', 'x')] });
  const batch = await until(
    () => batches.retrieve(id),
    ({ processing_status }) => processing_status === 'ended',
  );
  expect([batch.archived_at, batch.results_url]).toEqual([expect.any(String), null]);
});

test('a missing error file can have an empty id', async () => {
  const client = openaiClient(await open({ faults: { batches: [{ blankFileIds: true }] } }));
  const { id } = await openaiBatch(client, [openaiLine('a', 'x')]);
  expect((await openaiEnd(client, id)).error_file_id).toBe('');
});

test('faults are read from data, and a field that is wrong is named', () => {
  const faults = {
    calls: [
      { provider: 'openai', operation: 'generate', share: 0.1, once: true, do: 'status', status: 500 },
      { do: 'rateLimit', perSecond: 20, header: 'none' },
    ],
    batches: [{ end: 'expired', doneShare: 0.5 }],
    queue: { google: 100 },
    clocks: { google: { aheadMs: -1000, dateHeader: true } },
  };
  expect(readFaults(JSON.parse(JSON.stringify(faults)))).toEqual(faults);
  const wrong: [unknown, RegExp][] = [
    [[], /^Faults are an object/],
    [{ call: [] }, /^faults\.call is not known/],
    [{ calls: [{ do: 'explode' }] }, /^calls\[0\]\.do is one of delay, status/],
    [{ calls: [{ do: 'delay' }] }, /^calls\[0\]\.ms is missing/],
    [{ calls: [{ do: 'delay', ms: -1 }] }, /^calls\[0\]\.ms can't be -1/],
    [{ calls: [{ do: 'delay', ms: 1, status: 500 }] }, /^calls\[0\]\.status is not known/],
    [{ calls: [{ do: 'stall', operation: 'fly' }] }, /^calls\[0\]\.operation can't be "fly"/],
    [{ batches: [{ end: 'well' }] }, /^batches\[0\]\.end can't be "well"/],
    [{ batches: ['x'] }, /^batches\[0\] is not an object/],
    [{ clocks: { openai: { aheadMs: '1' } } }, /^clocks\.openai\.aheadMs can't be "1"/],
    [{ queue: { mars: 1 } }, /^queue\.mars is not known/],
  ];
  for (const [value, message] of wrong) expect(() => readFaults(value)).toThrow(message);
});
