import { expect, test } from 'vitest';
import type { CallFault } from '../../src/sandbox/faults.ts';
import { type Faults, readFaults, type Sandbox } from '../../src/sandbox/server.ts';
import {
  anthropicClient,
  anthropicRequest,
  googleClient,
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
  const headers = { 'x-goog-api-key': 'key' };
  return fetch(`${sandbox.baseUrls.google}/v1beta/models/m:generateContent`, {
    method: 'POST',
    headers,
    body,
  });
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
  ['retry-after' as const, { 'retry-after': '1', 'retry-after-ms': null }],
  ['retry-after-ms' as const, { 'retry-after': null, 'retry-after-ms': expect.stringMatching(/^\d+$/) }],
  ['none' as const, { 'retry-after': null, 'retry-after-ms': null }],
])(
  'a rate limit lets one second of calls through and then answers 429, header: %s',
  async (header, expected) => {
    const sandbox = await openCalls({ do: 'rateLimit', perSecond: 3, header });
    const answers = await Promise.all(Array.from({ length: 5 }, (_, call) => ask(sandbox, String(call))));
    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const refused = answers.find((answer) => answer.status === 429) as Response;
    const headers = {
      'retry-after': refused.headers.get('retry-after'),
      'retry-after-ms': refused.headers.get('retry-after-ms'),
    };
    expect(headers).toEqual(expected);
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
    expect((await ask(sandbox, 'x', 'another key')).status).toBe(200);
    await until(
      () => ask(sandbox, 'x'),
      (answer) => answer.status === 200,
    );
  },
);

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
  const sandbox = await openCalls({
    provider: 'openai',
    operation: 'generate',
    skip: 1,
    times: 2,
    do: 'status',
    status: 503,
    code: 'busy',
    message: 'Not now',
  });
  expect((await askGoogle(sandbox)).status).toBe(200);
  await openaiClient(sandbox).batches.list();
  const statuses = [];
  for (let call = 0; call < 5; call += 1) statuses.push((await ask(sandbox, 'x')).status);
  expect(statuses).toEqual([200, 503, 503, 200, 200]);
  const other = await openCalls({
    do: 'status',
    status: 429,
    code: 'insufficient_quota',
    message: 'Pay first',
  });
  expect(await (await ask(other, 'x')).json()).toEqual({
    error: { message: 'Pay first', type: 'insufficient_quota', param: null, code: 'insufficient_quota' },
  });
});

test('a connection can be cut before the work, after it, and within the answer', async () => {
  for (const [at, answered] of [
    ['request', 0],
    ['reply', 1],
    ['body', 1],
  ] as const) {
    const sandbox = await openCalls({ do: 'cut', at, times: 1 });
    await expect(ask(sandbox, 'x').then((answer) => answer.text())).rejects.toThrow(
      /fetch failed|terminated/,
    );
    const { vendors } = await statistics(sandbox);
    expect([vendors.openai.answered, vendors.openai.lost, vendors.openai.statuses]).toEqual([
      answered,
      answered,
      { cut: 1 },
    ]);
    expect((await ask(sandbox, 'x')).status).toBe(200);
  }
});

test('a result file can be cut off in its middle, with what came before it whole', async () => {
  const sandbox = await openCalls({
    operation: 'download',
    do: 'cut',
    at: 'body',
    afterBytes: 3000,
    times: 1,
  });
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
  const more = await Promise.race([
    reader.read(),
    new Promise((resolve) => setTimeout(resolve, 100, 'nothing')),
  ]);
  expect(more).toBe('nothing');
  await reader.cancel();

  const garbled = await ask(await openCalls({ do: 'garble' }), 'x');
  expect(garbled.status).toBe(200);
  await expect(garbled.json()).rejects.toThrow(SyntaxError);

  const page = await ask(await openCalls({ do: 'html', status: 502 }), 'x');
  expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html']);

  const inBody = await openCalls({ do: 'bodyError', status: 502 });
  const answer = await fetch(`${inBody.baseUrls.openrouter}/chat/completions`, {
    method: 'POST',
    body: '{}',
  });
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
  expect([refused.status, await refused.text()]).toEqual([
    400,
    expect.stringContaining('calls[0].do is one of'),
  ]);
  expect((await ask(sandbox, 'x')).status).toBe(503);
  expect((await replace({})).status).toBe(200);
  expect((await ask(sandbox, 'x')).status).toBe(200);
});

test('a rule can wait for a call of another kind', async () => {
  const sandbox = await openCalls({
    operation: 'listBatches',
    after: 'createBatch',
    do: 'status',
    status: 403,
  });
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

const openBatches = (...batches: NonNullable<Faults['batches']>) => open({ faults: { batches } });
const rows = Array.from({ length: 10 }, (_, row) => `row-${row}`);

test('an expired OpenAI batch keeps what was done, and its error file names the others', async () => {
  const client = openaiClient(await openBatches({ end: 'expired', doneShare: 0.4 }));
  const { id } = await openaiBatch(
    client,
    rows.map((row) => openaiLine(row, 'x')),
  );
  const batch = await openaiEnd(client, id);
  expect(batch).toMatchObject({ status: 'expired', request_counts: { total: 10, completed: 4, failed: 6 } });
  expect(batch.expired_at).toBeGreaterThan(0);
  const answered = parseLines(await (await client.files.content(batch.output_file_id as string)).text());
  expect(answered.map((row) => row.custom_id).sort()).toEqual(rows.slice(0, 4));
  const expired = parseLines(await (await client.files.content(batch.error_file_id as string)).text());
  expect(expired.map((row) => row.custom_id).sort()).toEqual(rows.slice(4));
  expect(expired[0]).toMatchObject({ response: null, error: { code: 'batch_expired' } });
});

test('an expired or cancelled Anthropic batch has a result for each row', async () => {
  for (const [end, type] of [
    ['expired', 'expired'],
    ['cancelled', 'canceled'],
  ] as const) {
    const { batches } = anthropicClient(await openBatches({ end })).messages;
    const { id } = await batches.create({ requests: rows.map((row) => anthropicRequest(row, 'x')) });
    const batch = await until(
      () => batches.retrieve(id),
      ({ processing_status }) => processing_status === 'ended',
    );
    expect(batch.request_counts).toMatchObject({ succeeded: 5, [type]: 5 });
    const types = [];
    for await (const { result } of await batches.results(id)) types.push(result.type);
    expect(types.sort()).toEqual([...Array(5).fill(type), ...Array(5).fill('succeeded')].sort());
  }
});

test.each(['expired', 'cancelled', 'failed'] as const)(
  'a Google batch that is %s keeps nothing',
  async (end) => {
    const sandbox = await openBatches({ end, message: 'Out of order' });
    const { batches } = googleClient(sandbox);
    const src = [{ contents: [{ parts: [{ text: 'x' }] }] }];
    const { name } = await batches.create({ model: 'm', src, config: { displayName: 'x' } });
    const job = await until(
      () => batches.get({ name: name as string }),
      ({ state }) => state !== 'JOB_STATE_PENDING' && state !== 'JOB_STATE_RUNNING',
    );
    expect([job.state, job.dest?.inlinedResponses]).toEqual([`JOB_STATE_${end.toUpperCase()}`, undefined]);
    const raw = await fetch(`${sandbox.baseUrls.google}/v1beta/${name}`, {
      headers: { 'x-goog-api-key': 'key' },
    });
    const { error } = (await raw.json()) as { error?: object };
    expect(error).toEqual(end === 'failed' ? { code: 13, message: 'Out of order' } : undefined);
  },
);

test('a failed OpenAI batch says why, and only the first one fails', async () => {
  const client = openaiClient(
    await openBatches({ end: 'failed', code: 'internal', message: 'Sorry', times: 1 }),
  );
  const failed = await openaiEnd(client, (await openaiBatch(client, [openaiLine('a', 'x')])).id);
  expect(failed.status).toBe('failed');
  expect(failed.errors?.data).toEqual([{ code: 'internal', message: 'Sorry', line: null, param: null }]);
  expect((await openaiEnd(client, (await openaiBatch(client, [openaiLine('a', 'x')])).id)).status).toBe(
    'completed',
  );
});

test('a failed Anthropic batch is one of errored rows', async () => {
  const { batches } = anthropicClient(await openBatches({ end: 'failed' })).messages;
  const { id } = await batches.create({ requests: rows.map((row) => anthropicRequest(row, 'x')) });
  const batch = await until(
    () => batches.retrieve(id),
    ({ processing_status }) => processing_status === 'ended',
  );
  expect(batch.request_counts).toMatchObject({ succeeded: 0, errored: 10 });
});

test('a part of the rows can fail, with counts that agree with the files', async () => {
  const client = openaiClient(await openBatches({ failedShare: 0.5, failedStatus: 503 }));
  const lines = Array.from({ length: 100 }, (_, row) => openaiLine(`row-${row}`, 'x'));
  const batch = await openaiEnd(client, (await openaiBatch(client, lines)).id);
  const answered = parseLines(await (await client.files.content(batch.output_file_id as string)).text());
  const failed = parseLines(await (await client.files.content(batch.error_file_id as string)).text());
  expect(batch.request_counts).toEqual({ total: 100, completed: answered.length, failed: failed.length });
  expect(failed.length).toBeGreaterThan(30);
  expect(failed.length).toBeLessThan(70);
  expect(new Set(failed.map((row) => row.response.status_code))).toEqual(new Set([503]));
});

test('results can be missing, come twice, belong to nobody, and have blank lines between them', async () => {
  const fault = { missingShare: 0.2, duplicateShare: 0.3, unknownRows: 2, blankLines: true };
  const client = openaiClient(await openBatches(fault));
  const lines = Array.from({ length: 100 }, (_, row) => openaiLine(`row-${row}`, 'x'));
  const batch = await openaiEnd(client, (await openaiBatch(client, lines)).id);
  const text = await (await client.files.content(batch.output_file_id as string)).text();
  const ids = parseLines(text).map((row) => row.custom_id as string);
  const known = new Set(ids.filter((id) => id.startsWith('row-')));
  expect(known.size).toBe(79);
  expect(ids.length - known.size - 2).toBeGreaterThan(20);
  expect(ids.filter((id) => id.startsWith('nobody-')).sort()).toEqual(['nobody-1', 'nobody-2']);
  expect(text).toContain('\n\n');
});

test('results can belong to others, be a page of HTML, and be whole later', async () => {
  const fault = { foreignShare: 0.2, pageShare: 0.2, wholeAfterMs: 1500 };
  const client = openaiClient(await openBatches(fault));
  const lines = Array.from({ length: 100 }, (_, row) => openaiLine(`row-${row}`, 'x'));
  const batch = await openaiEnd(client, (await openaiBatch(client, lines)).id);
  const read = async () => (await client.files.content(batch.output_file_id as string)).text();
  const text = await read();
  expect(text.match(/"nobody-\d+"/g)).toHaveLength(20);
  expect(text.match(/^<html>/gm)).toHaveLength(20);
  const whole = await until(read, (now) => !/nobody|<html>/.test(now));
  expect(parseLines(whole)).toHaveLength(100);
});

test('only the failed rows can have results at first, with words of their own', async () => {
  const fault = {
    failedShare: 0.5,
    failedStatus: 429,
    failedCode: 'slow_down',
    failedMessage: 'Later',
    onlyErrors: true,
  };
  const sandbox = await openBatches(fault);
  const client = openaiClient(sandbox);
  const batch = await openaiEnd(
    client,
    (
      await openaiBatch(
        client,
        rows.map((row) => openaiLine(row, 'x')),
      )
    ).id,
  );
  expect([batch.status, batch.output_file_id]).toEqual(['completed', undefined]);
  expect(batch.request_counts).toMatchObject({ total: 10 });
  const failed = parseLines(await (await client.files.content(batch.error_file_id as string)).text());
  expect(failed[0].response.body.error).toMatchObject({ code: 'slow_down', message: 'Later' });
  const { batches } = anthropicClient(sandbox).messages;
  const { id } = await batches.create({ requests: rows.map((row) => anthropicRequest(row, 'x')) });
  await until(
    () => batches.retrieve(id),
    ({ processing_status }) => processing_status === 'ended',
  );
  const types = new Set();
  for await (const { result } of await batches.results(id)) types.add(result.type);
  expect([...types]).toEqual(['errored']);
});

test('an archived Anthropic batch has no results any more', async () => {
  const { batches } = anthropicClient(await openBatches({ archived: true })).messages;
  const { id } = await batches.create({ requests: [anthropicRequest('a', 'x')] });
  const batch = await until(
    () => batches.retrieve(id),
    ({ processing_status }) => processing_status === 'ended',
  );
  expect([batch.archived_at, batch.results_url]).toEqual([expect.any(String), null]);
});

test('a missing error file can have an empty id', async () => {
  const client = openaiClient(await openBatches({ blankFileIds: true }));
  const { id } = await openaiBatch(client, [openaiLine('a', 'x')]);
  expect((await openaiEnd(client, id)).error_file_id).toBe('');
});

test('a batch can be hidden at first and use words that nobody has seen', async () => {
  const faults = { batches: [{ hiddenMs: 300, runningWord: 'pondering', endedWord: 'retired' }] };
  const client = openaiClient(await open({ turnaroundMs: 900, faults }));
  const { id } = await openaiBatch(client, [openaiLine('a', 'x')]);
  expect((await thrown(client.batches.retrieve(id))).status).toBe(404);
  expect((await client.batches.list()).data).toEqual([]);
  const seen = new Set<string>();
  await until(
    async () => (await client.batches.retrieve(id).catch(() => undefined))?.status as string | undefined,
    (status) => {
      if (status !== undefined) seen.add(status);
      return status === 'retired';
    },
  );
  expect(seen).toContain('pondering');
});

test('a full queue fails the OpenAI batch, and takes it again once the others have ended', async () => {
  const client = openaiClient(await open({ turnaroundMs: 500, faults: { queue: { openai: 3 } } }));
  const lines = ['a', 'b'].map((id) => openaiLine(id, 'x'));
  const first = await openaiBatch(client, lines);
  const second = await openaiEnd(client, (await openaiBatch(client, lines)).id);
  expect([second.status, second.errors?.data?.[0]?.code]).toEqual(['failed', 'token_limit_exceeded']);
  await openaiEnd(client, first.id);
  const again = await client.batches.create({
    input_file_id: second.input_file_id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  expect((await openaiEnd(client, again.id)).status).toBe('completed');
});

test('a full queue is HTTP 429 at Anthropic and Google, when the batch is created', async () => {
  const sandbox = await open({ turnaroundMs: 30_000, faults: { queue: { anthropic: 1, google: 1 } } });
  const { batches } = anthropicClient(sandbox).messages;
  await batches.create({ requests: [anthropicRequest('a', 'x')] });
  const refused = await thrown(batches.create({ requests: [anthropicRequest('a', 'x')] }));
  expect(refused).toMatchObject({ status: 429, type: 'rate_limit_error' });
  expect((await batches.list()).data).toHaveLength(1);
  const google = googleClient(sandbox).batches;
  const src = [{ contents: [{ parts: [{ text: 'x' }] }] }];
  await google.create({ model: 'm', src, config: { displayName: 'x' } });
  expect((await thrown(google.create({ model: 'm', src, config: { displayName: 'x' } }))).status).toBe(429);
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
