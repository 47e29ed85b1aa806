import { expect, test } from 'vitest';
import { type Sandbox, sandboxKey } from '../../src/sandbox/server.ts';
import { open, openaiLine, until } from './rehearsal.ts';

/** There is no SDK of xAI's for this: calls as its page on batches has them. */
function connect(sandbox: Sandbox, key = sandboxKey) {
  return async (method: string, path: string, body?: object | FormData) => {
    const isForm = body instanceof FormData;
    const response = await fetch(sandbox.baseUrls.xai + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body && !isForm && { 'content-type': 'application/json' }),
      },
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: each call has an answer of its own
    return { status: response.status, body: (await response.json()) as any };
  };
}

async function submit(ask: ReturnType<typeof connect>, ...lines: string[]) {
  const form = new FormData();
  form.set('file', new File([lines.join('\n')], 'requests.jsonl'));
  const { id } = (await ask('POST', '/files', form)).body;
  return (await ask('POST', '/batches', { name: 'job-1', input_file_id: id })).body.batch_id as string;
}

const end = (ask: ReturnType<typeof connect>, id: string) =>
  until(
    async () => (await ask('GET', `/batches/${id}`)).body,
    ({ state, cancel_time }) => cancel_time !== null || (state.num_requests > 0 && state.num_pending === 0),
  );

test('a batch counts its requests, and has pages of results', async () => {
  const ask = connect(await open());
  const id = await submit(
    ask,
    openaiLine('a', 'Hello'),
    openaiLine('b', '[[sandbox:error 400]]'),
    openaiLine('c', 'x'),
  );
  expect((await ask('GET', '/batches?limit=5')).body).toMatchObject({
    batches: [{ batch_id: id, name: 'job-1' }],
    pagination_token: null,
  });
  expect(await end(ask, id)).toMatchObject({
    cancel_by_xai_message: null,
    state: { num_requests: 3, num_pending: 0, num_success: 2, num_error: 1, num_cancelled: 0 },
  });
  const first = (await ask('GET', `/batches/${id}/results?limit=2`)).body;
  const second = (
    await ask('GET', `/batches/${id}/results?limit=2&pagination_token=${first.pagination_token}`)
  ).body;
  expect(second.pagination_token).toBeNull();
  const results = [...first.results, ...second.results];
  expect(results).toHaveLength(3);
  const resultOf = (name: string) => results.find((result) => result.batch_request_id === name).batch_result;
  expect(resultOf('a').response.chat_get_completion.choices[0].message.content).toMatch(/Hello$/);
  expect(resultOf('b')).toEqual({
    error: { code: 3, message: 'The prompt asked the sandbox for error 400.' },
  });
});

test('a file that is not in order fails its batch, and a cancelled one says when', async () => {
  const ask = connect(await open());
  const failed = await end(ask, await submit(ask, openaiLine('a', 'Hello'), '{"custom_id":"b"}'));
  expect(failed).toMatchObject({ cancel_by_xai_message: "Line 2: Missing required parameter: 'method'." });
  const slow = connect(await open({ turnaroundMs: 60_000 }));
  const id = await submit(slow, openaiLine('a', 'Hello'));
  expect((await slow('GET', `/batches/${id}`)).body.state).toMatchObject({ num_requests: 0, num_pending: 0 });
  expect((await slow('GET', `/batches/${id}/results`)).status).toBe(400);
  expect((await slow('POST', `/batches/${id}:cancel`)).body).toMatchObject({
    cancel_time: expect.any(String),
    cancel_by_xai_message: null,
  });
});

test('keys, models and what is not there are refused in its words', async () => {
  const sandbox = await open();
  expect(await connect(sandbox, 'bad-key')('GET', '/models')).toEqual({
    status: 400,
    body: {
      code: 'Client specified an invalid argument',
      error: 'Incorrect API key provided: bad-key. You can obtain an API key in your account.',
    },
  });
  const ask = connect(sandbox);
  expect(await ask('GET', '/batches/none')).toMatchObject({
    status: 404,
    body: { code: 'Some requested entity was not found', error: 'Batch none was not found.' },
  });
  expect(await ask('POST', '/batches', { name: 'x', input_file_id: 'none' })).toMatchObject({ status: 400 });
  expect(await ask('DELETE', '/files/none')).toMatchObject({ status: 404 });
  expect((await ask('GET', '/models')).body.data.map(({ id }: { id: string }) => id)).toContain('grok-4.3');
});
