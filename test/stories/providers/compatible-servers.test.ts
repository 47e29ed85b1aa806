/** Servers that speak OpenAI's protocol, or nearly: reached as `openai`, without a key on this machine. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type Received, type Response, refusal } from '../worlds/http-server.ts';
import { useServer, useWorld } from '../worlds/use-world.ts';

let answer: (request: Received) => Response;
const server = useServer((request) => answer(request));
const world = useWorld();

beforeEach(async () => {
  answer = () => ({ body: { choices: [{ message: { content: 'fine' } }] } });
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

const output = 'data_results_openai_m.csv';

const run = (...flags: string[]) => world.run('--no-cache', ...flags);
const runLive = (...flags: string[]) => run('--sync', '--base-url', `${server.url}/v1`, ...flags);

describe('a server on this machine', () => {
  test('needs no key, and is sent none', async () => {
    expect(await runLive()).toMatchObject({ code: 0 });
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,fine\n');
  });

  test('named by the variable, or by another name of this machine, needs none either', async () => {
    for (const host of ['localhost', '127.0.0.1', '[::ffff:127.0.0.1]']) {
      world.environment.OPENAI_BASE_URL = server.url.replace('127.0.0.1', host);
      const ended = await run('--sync', '--force');
      // An address that is this machine's in disguise is not taken for it.
      if (host.startsWith('[')) expect(ended.stderr).toContain('no API key for OpenAI');
      else expect(ended.code).toBe(0);
    }
  });

  test('is sent the key that is set, as a gateway may want it', async () => {
    world.environment.OPENAI_API_KEY = 'key-of-a-gateway';
    expect(await runLive()).toMatchObject({ code: 0 });
    expect(server.requests[0]?.headers.authorization).toBe('Bearer key-of-a-gateway');
  });

  test('that wants a key all the same is told of by the variable', async () => {
    answer = () => refusal(401, 'Invalid API Key', { code: 401 });
    expect((await runLive()).stderr).toContain(
      'Error: OpenAI: Invalid API Key. Check OPENAI_API_KEY or --api-key.\n',
    );
  });

  test('that speaks as another provider does needs that one’s key', async () => {
    world.environment.ANTHROPIC_BASE_URL = server.url;
    expect((await world.run('-p', 'anthropic', '--sync')).stderr).toContain('no API key for Anthropic');
  });
});

test.each<[string, object]>([
  ['without an id or a usage', { choices: [{ message: { role: 'assistant', content: 'fine' } }] }],
  ['with a usage of null', { usage: null, choices: [{ message: { content: 'fine' } }] }],
  ['in parts', { choices: [{ message: { content: [{ type: 'text', text: 'fi' }, { text: 'ne' }] } }] }],
  [
    'with its reasoning beside it',
    { choices: [{ message: { content: 'fine', reasoning_content: 'Hm.', reasoning: 'Hm.' } }] },
  ],
])('an answer %s is read', async (_, body) => {
  answer = () => ({ body });
  expect(await runLive()).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,fine\n');
});

const plain = { 'content-type': 'text/plain; charset=utf-8' };

describe('an error', () => {
  const wrongAddress = 'Is the address right? See --base-url and OPENAI_BASE_URL.';

  const noModel = 'The model `m` does not exist.';
  const endpoint = 'Unexpected endpoint or method. (POST /chat/completions)';

  test.each<[string, Response, string]>([
    [
      'of Ollama, for a model',
      refusal(404, 'model "m" not found', { type: 'not_found_error', code: null }),
      'model "m" not found',
    ],
    [
      'of Ollama, as a text',
      { status: 404, body: { error: "model 'm' not found, try pulling it first" } },
      `model 'm' not found, try pulling it first. ${wrongAddress}`,
    ],
    [
      'of Ollama, for an address without /v1',
      { status: 404, headers: plain, body: '404 page not found' },
      `HTTP 404 page not found. ${wrongAddress}`,
    ],
    [
      'of vLLM',
      { status: 404, body: { object: 'error', message: noModel, type: 'NotFoundError', code: 404 } },
      noModel,
    ],
    [
      'of vLLM, within a 200',
      { body: { object: 'error', message: noModel, code: 404 } },
      `${noModel} ${wrongAddress}`,
    ],
    [
      'of OpenAI, for an address that it does not have',
      refusal(404, 'Invalid URL (POST /chat/completions)', { type: 'invalid_request_error', code: null }),
      `Invalid URL (POST /chat/completions). ${wrongAddress}`,
    ],
    [
      'of Groq, for an address that it does not have',
      refusal(404, 'Unknown request URL.', { type: 'invalid_request_error', code: 'unknown_url' }),
      `Unknown request URL. ${wrongAddress}`,
    ],
    ['of FastAPI, without /v1', { status: 404, body: { detail: 'Not Found' } }, `Not Found. ${wrongAddress}`],
    ['of LM Studio, without /v1', { body: { error: endpoint } }, `${endpoint}. ${wrongAddress}`],
    [
      'of Azure, for a deployment that is not there',
      refusal(404, 'The API deployment m does not exist.', { code: 'DeploymentNotFound' }),
      'The API deployment m does not exist.',
    ],
  ])('%s stops the run with its words', async (_, response, says) => {
    answer = () => response;
    const ended = await runLive();
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr.endsWith(`\nError: OpenAI: ${says}\n`)).toBe(true);
    expect(server.requests).toHaveLength(1);
  });

  test.each<[string, Response, string, string]>([
    [
      'of vLLM',
      { status: 400, body: { object: 'error', message: 'Too long.', type: 'BadRequestError', code: 400 } },
      ...(['BadRequestError', 'Too long.'] as const),
    ],
    [
      'of llama.cpp',
      refusal(400, 'The context is full.', { code: 400, type: 'exceed_context_size_error' }),
      ...(['exceed_context_size_error', 'The context is full.'] as const),
    ],
    ['as a text', { status: 400, body: { error: 'The prompt is bad.' } }, 'http_400', 'The prompt is bad.'],
    [
      'in plain words',
      { status: 413, headers: plain, body: 'Too large' },
      'http_413',
      'HTTP 413 Too large. The prompt is too large for the server.',
    ],
    ['within a 200', { body: { error: 'Model unloaded.' } }, 'http_400', 'Model unloaded.'],
  ])('%s about one prompt is the reason of its row', async (_, response, kind, message) => {
    await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
    const good = answer;
    answer = (request) => (request.body.includes('Hello') ? response : good(request));
    expect(await runLive()).toMatchObject({ code: 3 });
    expect(JSON.parse(await world.read(`${output}.errors.jsonl`))).toEqual({
      ...{ row: 1, line: 2, id: '1' },
      ...{ kind, message },
    });
  });
});

describe('a server without batches', () => {
  test.each<[string, Response]>([
    ['as Ollama is', { status: 404, headers: plain, body: '404 page not found' }],
    ['as vLLM is', { status: 404, body: { detail: 'Not Found' } }],
    ['as llama.cpp is', { status: 404, body: { error: { code: 404, type: 'not_found_error' } } }],
    ['that knows no POST there', { status: 405, body: { detail: 'Method Not Allowed' } }],
    ['as LM Studio is', { body: { error: 'Unexpected endpoint or method. (POST /v1/files)' } }],
  ])('%s says so at once, and leaves nothing behind', async (_, response) => {
    answer = () => response;
    const address = `${server.url}/v1`;
    expect(await run('--base-url', address)).toEqual({
      code: 1,
      stdout: '',
      stderr: `Spinning the threads... submitting batch.\nError: OpenAI: The server has no batch API at ${address}. Re-run with --sync.\n`,
    });
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /v1/files']);
    expect(await world.listState()).toEqual([]);
  });

  test('in the plan of a key, as at Groq, says so with the words of the vendor', async () => {
    answer = () => refusal(403, 'Batch is not available for your plan.', { code: 'not_available_for_plan' });
    const ended = await run('--base-url', `${server.url}/v1`, '--api-key', 'key-of-a-plan');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(
      "Error: OpenAI: Batch is not available for your plan. The plan of this key has no batches: re-run with --sync, or see the vendor's console.\n",
    );
  });
});
