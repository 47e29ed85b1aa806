import { afterEach, expect, test, vi } from 'vitest';
import type { SandboxOptions } from '../../src/sandbox/server.ts';
import { open, parseLines } from './rehearsal.ts';

const headers = { authorization: 'Bearer key' };
const lineOf = (custom_id: string, content: string) =>
  `${JSON.stringify({ custom_id, body: { messages: [{ role: 'user', content }] } })}\n`;
const order = { endpoint: '/v1/chat/completions', model: 'm', metadata: { tag: 't' } };

afterEach(() => {
  vi.useRealTimers();
});

async function openMistral(options: Partial<SandboxOptions> = {}) {
  vi.useFakeTimers({ toFake: ['Date'] });
  const address = (await open({ turnaroundMs: 60_000, ...options })).baseUrls.mistral;
  const ask = async (method: string, path: string, body?: object | FormData, own: object = headers) => {
    const sent = body instanceof FormData ? body : JSON.stringify(body);
    const answer = await fetch(address + path, { method, headers: { ...own }, ...(body && { body: sent }) });
    // biome-ignore lint/suspicious/noExplicitAny: as it comes
    return { status: answer.status, body: (await answer.json()) as any };
  };
  const upload = (text: string, purpose = 'batch') => {
    const form = new FormData();
    form.set('purpose', purpose);
    form.set('file', new File([text], 'requests.jsonl'));
    return ask('POST', '/files', form);
  };
  const create = async (text: string) => {
    const { body } = await upload(text);
    return (await ask('POST', '/batch/jobs', { ...order, input_files: [body.id] })).body;
  };
  const read = async (fileId: string) =>
    parseLines(await (await fetch(`${address}/files/${fileId}/content`, { headers })).text());
  return { ask, upload, create, read };
}

const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

test('a job goes from the queue to its files of answers and of errors, which are there for a day', async () => {
  const { ask, create, read } = await openMistral();
  const created = await create(lineOf('a', 'hello') + lineOf('b', '[[sandbox:error 400]]'));
  expect(created).toMatchObject({
    ...{ status: 'QUEUED', model: 'm', metadata: { tag: 't' } },
    ...{ total_requests: 0, completed_at: null },
  });
  const look = async () => (await ask('GET', `/batch/jobs/${created.id}`)).body;
  pass(30_000);
  expect(await look()).toMatchObject({ status: 'RUNNING', total_requests: 2, output_file: null });
  pass(30_000);
  const ended = await look();
  expect(ended).toMatchObject({
    ...{ status: 'SUCCESS', completed_requests: 2, succeeded_requests: 1, failed_requests: 1 },
    completed_at: created.created_at + 60,
  });
  expect(await read(ended.output_file)).toMatchObject([
    {
      custom_id: 'a',
      response: {
        status_code: 200,
        body: { choices: [{ message: { content: 'Sandbox answer from m: hello' } }] },
      },
    },
  ]);
  const [failed] = await read(ended.error_file);
  expect(failed).toMatchObject({ custom_id: 'b', response: { status_code: 400 }, error: null });
  expect(JSON.parse(failed.response.body)).toMatchObject({
    object: 'error',
    message: 'The prompt asked the sandbox for error 400.',
  });
  pass(24 * 3_600_000 + 1_000);
  expect((await ask('GET', `/files/${ended.output_file}/content`)).status).toBe(404);
});

test('jobs are listed newest first, in pages that are counted from 0, and cancelled once', async () => {
  const { ask, create } = await openMistral();
  const ids: string[] = [];
  for (let number = 0; number < 3; number += 1) {
    ids.unshift((await create(lineOf('a', 'x'))).id);
    pass(10);
  }
  const listed: string[][] = [];
  for (const page of [0, 1, 2]) {
    const { body } = await ask('GET', `/batch/jobs?page=${page}&page_size=2`);
    expect(body.total).toBe(3);
    listed.push(body.data.map(({ id }: { id: string }) => id));
  }
  expect(listed).toEqual([ids.slice(0, 2), ids.slice(2), []]);
  const cancel = () => ask('POST', `/batch/jobs/${ids[0]}/cancel`);
  expect((await cancel()).body.status).toBe('CANCELLATION_REQUESTED');
  pass(10_000);
  expect((await ask('GET', `/batch/jobs/${ids[0]}`)).body.status).toBe('CANCELLED');
  expect((await cancel()).status).toBe(400);
});

test('what is not in order is refused, a file for one of its lines', async () => {
  const { ask, upload } = await openMistral();
  expect((await upload('{"custom_id": "a"}\n')).body.message).toMatch(/^Invalid file format\. line 1/);
  expect((await upload(lineOf('a', 'x'), 'fine-tune')).status).toBe(422);
  const { body: file } = await upload(lineOf('a', 'x'));
  for (const [change, status] of [
    [{ input_files: ['none'] }, 404],
    [{ model: 'no-such-model' }, 400],
    [{ model: undefined }, 422],
    [{ endpoint: '/v1/responses' }, 422],
    [{ timeout_hours: 0 }, 422],
  ] as const) {
    const job = { ...order, input_files: [file.id], ...change };
    expect((await ask('POST', '/batch/jobs', job)).status).toBe(status);
  }
  const chat = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
  for (const [change, status] of [
    [{}, 200],
    [{ random_seed: 1, temperature: 1.5 }, 200],
    [{ seed: 1 }, 422],
    [{ temperature: 1.6 }, 422],
  ] as const)
    expect((await ask('POST', '/chat/completions', { ...chat, ...change })).status).toBe(status);
  expect(await ask('GET', '/models', undefined, {})).toEqual({
    status: 401,
    body: { detail: 'Invalid API Key' },
  });
});
