import { expect, test } from 'vitest';
import { type Sandbox, sandboxKey } from '../../src/sandbox/server.ts';
import { open, until } from './rehearsal.ts';

const account = '/v1/accounts/acme';

/** Calls as its guide to batches has them. */
function connect(sandbox: Sandbox, key = sandboxKey) {
  const root = `${sandbox.origin}/fireworks`;
  return async (method: string, path: string, body?: object | FormData) => {
    const isForm = body instanceof FormData;
    const response = await fetch(root + path, {
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

const line = (custom_id: string, content: string) =>
  JSON.stringify({ custom_id, body: { messages: [{ role: 'user', content }] } });
const order = {
  model: 'accounts/fireworks/models/m',
  inputDatasetId: 'accounts/acme/datasets/in',
  outputDatasetId: 'accounts/acme/datasets/out',
};

async function upload(ask: ReturnType<typeof connect>, ...lines: string[]) {
  const form = new FormData();
  form.set('file', new File([lines.join('\n')], 'requests.jsonl'));
  await ask('POST', `${account}/datasets`, { datasetId: 'in', dataset: { userUploaded: {} } });
  return ask('POST', `${account}/datasets/in:upload`, form);
}

const create = (ask: ReturnType<typeof connect>, id = 'job-1') =>
  ask('POST', `${account}/batchInferenceJobs?batchInferenceJobId=${id}`, order);

const end = (ask: ReturnType<typeof connect>) =>
  until(
    async () => (await ask('GET', `${account}/batchInferenceJobs/job-1`)).body,
    ({ state }) => /COMPLETED|FAILED/.test(state),
  );

test('a job reads a data set, and its results are had by signed addresses, without a key', async () => {
  const ask = connect(await open());
  await upload(ask, line('a', 'Hello'), line('b', '[[sandbox:error 400]]'));
  expect((await create(ask)).body).toMatchObject({
    name: 'accounts/acme/batchInferenceJobs/job-1',
    state: 'JOB_STATE_VALIDATING',
  });
  expect(await end(ask)).toMatchObject({
    state: 'JOB_STATE_COMPLETED',
    jobProgress: { totalInputRequests: 2, successfullyProcessedRequests: 1, failedRequests: 1 },
  });
  const { filenameToSignedUrls: urls } = (await ask('GET', `${account}/datasets/out:getDownloadEndpoint`))
    .body;
  const read = async (name: string) => JSON.parse(await (await fetch(urls[name])).text());
  expect(await read('results.jsonl')).toMatchObject({ custom_id: 'a', response: { choices: [{}] } });
  expect(await read('errors.jsonl')).toEqual({
    custom_id: 'b',
    error: { code: 3, message: 'The prompt asked the sandbox for error 400.' },
  });
  const headers = { authorization: `Bearer ${sandboxKey}` };
  expect((await fetch(urls['results.jsonl'], { headers })).status).toBe(400);
});

test('there is one job of an id, and none of a data set without an upload', async () => {
  const ask = connect(await open());
  expect((await create(ask)).body).toEqual({ code: 5, message: 'Dataset in was not found.', details: [] });
  await ask('POST', `${account}/datasets`, { datasetId: 'in', dataset: { userUploaded: {} } });
  expect((await ask('GET', `${account}/datasets/in`)).body.state).toBe('UPLOADING');
  expect((await create(ask)).status).toBe(400);
  await upload(ask, line('a', 'Hello'));
  expect((await ask('GET', `${account}/datasets/in`)).body.state).toBe('READY');
  expect((await create(ask)).status).toBe(200);
  expect(await create(ask)).toMatchObject({ status: 409, body: { code: 6 } });
  expect((await create(ask, 'Job_2')).status).toBe(400);
  expect((await ask('DELETE', `${account}/datasets/in`)).status).toBe(200);
  expect((await ask('DELETE', `${account}/datasets/in`)).status).toBe(404);
});

test('a job whose requests are not in order fails, and says why', async () => {
  const ask = connect(await open());
  await upload(ask, line('a', 'Hello'), line('a', 'Hello'));
  await create(ask);
  expect(await end(ask)).toMatchObject({
    state: 'JOB_STATE_FAILED',
    status: { code: 'INVALID_ARGUMENT', message: 'Line 2: the custom_id a is not unique.' },
  });
});

test('a refused key is refused live and for jobs', async () => {
  const ask = connect(await open(), 'bad-key');
  expect((await ask('POST', '/inference/v1/chat/completions', {})).status).toBe(401);
  expect((await ask('GET', `${account}/batchInferenceJobs/x`)).status).toBe(401);
});
