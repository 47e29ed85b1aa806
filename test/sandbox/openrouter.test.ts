import { afterEach, describe, expect, test, vi } from 'vitest';
import type { SandboxOptions } from '../../src/sandbox/server.ts';
import { open, openrouterClient, thrown, until } from './rehearsal.ts';

const model = 'vendor/model';

afterEach(() => {
  vi.useRealTimers();
});

const ask = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });

test('a live call is answered with the prompt, the model and what it cost', async () => {
  const client = openrouterClient(await open());
  const answer = await client.chat.completions.create(ask('What is a loom?'));
  expect(answer).toMatchObject({
    model,
    provider: 'Sandbox',
    choices: [
      { message: { content: 'Sandbox answer from vendor/model: What is a loom?' }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 4, completion_tokens: 13, total_tokens: 17, cost: 0.000017 },
  });
});

test.each([
  ['a refused key', 'bad-key', ask('x'), 401, 'User not found.'],
  ['a missing key', ' ', ask('x'), 401, 'No auth credentials found'],
  [
    'an unknown model',
    'key',
    { ...ask('x'), model: 'no-such-model' },
    400,
    'no-such-model is not a valid model ID',
  ],
  ['a moderated prompt', 'key', ask('[[sandbox:blocked]]'), 403, /requires moderation/],
  ['a prompt that asks for 402', 'key', ask('[[sandbox:error 402]]'), 402, /error 402/],
])('%s is refused with a code that is a number', async (_what, key, body, status, message) => {
  const client = openrouterClient(await open(), key);
  const error = await thrown(client.chat.completions.create(body));
  expect(error).toMatchObject({ status, code: status });
  expect((error.error as { message: string }).message).toMatch(message);
});

test('an error can come as HTTP 200, in place of the answer or within its choice', async () => {
  const client = openrouterClient(await open());
  const body = await client.chat.completions.create(ask('[[sandbox:body-error 502]]'));
  expect(body).toMatchObject({ error: { code: 502 } });
  expect(body.choices).toBe(undefined);
  const choice = await client.chat.completions.create(ask('[[sandbox:choice-error 502]]'));
  expect(choice.choices[0]).toMatchObject({ finish_reason: 'error', error: { code: 502 } });
});

test('there are no files and no token counts', async () => {
  const client = openrouterClient(await open());
  expect((await thrown(client.files.list())).status).toBe(404);
  expect((await thrown(client.responses.inputTokens.count({ model, input: 'x' }))).status).toBe(404);
});

describe('batches', () => {
  const headers = { authorization: 'Bearer key' };
  const requestOf = (custom_id: string, content: string, more: object = {}) => ({
    custom_id,
    body: { messages: [{ role: 'user', content }], ...more },
  });
  const head = { endpoint: '/v1/chat/completions', model, completion_window: '24h' };
  const threeRequests = ['a', 'b', 'c'].map((id) => requestOf(id, `prompt ${id}`));

  async function openBatches(options: Partial<SandboxOptions> = {}) {
    const address = `${(await open(options)).baseUrls.openrouter}/batches`;
    // biome-ignore lint/suspicious/noExplicitAny: as it comes
    const get = async (path = ''): Promise<any> => (await fetch(address + path, { headers })).json();
    // biome-ignore lint/suspicious/noExplicitAny: as it comes
    const create = async (body: object): Promise<{ status: number; batch: any }> => {
      const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: answer.status, batch: await answer.json() };
    };
    const end = (id: string) =>
      until(
        () => get(`/${id}`),
        ({ finalized_at }) => finalized_at !== null,
      );
    return { address, get, create, end };
  }

  test('are created with 202, and give their results in pages and within them', async () => {
    const { get, create, end } = await openBatches();
    const { status, batch } = await create({ ...head, requests: threeRequests });
    expect([status, batch]).toMatchObject([
      202,
      {
        ...{ object: 'batch', model, status: 'validating', finalized_at: null },
        request_counts: { total: 3, completed: 0, failed: 0 },
        results: null,
      },
    ]);
    const ended = await end(batch.id);
    expect(ended).toMatchObject({
      status: 'completed',
      request_counts: { total: 3, completed: 3, failed: 0 },
    });
    expect(ended.results.map((result: { custom_id: string }) => result.custom_id)).toEqual(['c', 'b', 'a']);
    const [result] = ended.results;
    expect(result).toMatchObject({
      response: {
        status_code: 200,
        body: {
          choices: [{ message: { content: `Sandbox answer from ${model}: prompt c` } }],
          usage: { total_tokens: 13, cost: 0.0000065 },
        },
      },
      error: null,
    });
    const first = await get(`/${batch.id}/results?limit=2`);
    expect(first).toEqual({
      object: 'list',
      data: ended.results.slice(0, 2),
      has_more: true,
      next_cursor: expect.any(String),
    });
    const second = await get(`/${batch.id}/results?limit=2&cursor=${first.next_cursor}`);
    expect(second).toEqual({
      object: 'list',
      data: ended.results.slice(2),
      has_more: false,
      next_cursor: null,
    });
  });

  test.each([
    ['requests ahead of what they are for', { requests: threeRequests, ...head }, /before requests/],
    [
      'an unknown model',
      { ...head, model: 'no-such-model', requests: threeRequests },
      /not a valid model ID/,
    ],
    ['no requests', { ...head, requests: [] }, /at least 1/],
    ['the same id twice', { ...head, requests: [threeRequests[0], threeRequests[0]] }, /not unique/],
    [
      'another model in a request',
      { ...head, requests: [requestOf('a', 'x', { model: 'm' })] },
      /must match/,
    ],
    ['too many requests', { ...head, requests: [...threeRequests, requestOf('d', 'x')] }, /at most 3/],
  ])('with %s are refused', async (_what, body, message) => {
    const { get, create } = await openBatches({ limits: { openrouter: { requests: 3 } } });
    const { status, batch } = await create(body);
    expect([status, batch.error.message]).toEqual([400, expect.stringMatching(message)]);
    expect((await get()).data).toEqual([]);
  });

  test('fail as a whole for one request that is not in order, and say which', async () => {
    const { get, create, end } = await openBatches();
    const { status, batch } = await create({ ...head, requests: [...threeRequests, requestOf('d', '')] });
    expect(status).toBe(202);
    expect(await end(batch.id)).toMatchObject({
      status: 'failed',
      request_counts: { total: 4, completed: 0, failed: 4 },
      results: null,
      error: { message: expect.stringMatching(/^requests\.3: /) },
    });
    expect((await get(`/${batch.id}/results`)).error.code).toBe(404);
  });

  test('are listed newest first, without results, and are not cancelled but deleted once they are over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { address, get, create } = await openBatches({ turnaroundMs: 60_000 });
    const older = await create({ ...head, requests: threeRequests });
    const newer = await create({ ...head, requests: threeRequests });
    const first = await get('?limit=1');
    expect([first.data[0].id, first.has_more]).toEqual([newer.batch.id, true]);
    const second = await get(`?limit=1&after=${first.last_id}`);
    expect([second.data[0].id, second.has_more]).toEqual([older.batch.id, false]);
    const own = `${address}/${older.batch.id}`;
    expect((await fetch(`${own}/cancel`, { method: 'POST', headers })).status).toBe(404);
    expect((await fetch(own, { method: 'DELETE', headers })).status).toBe(409);
    vi.setSystemTime(Date.now() + 60_000);
    expect((await fetch(own, { method: 'DELETE', headers })).status).toBe(200);
    expect((await get(`/${older.batch.id}`)).error.code).toBe(404);
  });
});
