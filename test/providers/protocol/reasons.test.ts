/** Reasons are found wherever a server puts them: in refused calls, in rows of batches, and for batches as a whole. */
import { describe, expect, it } from 'vitest';
import type { RowResult } from '../../../src/core/models.ts';
import { readReason } from '../../../src/providers/protocol/reasons.ts';
import { readRefusal } from '../../../src/providers/protocol/refusal.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { collect, never, openBatch, useServer } from '../conformance.ts';
import type { Script } from '../scripted-server.ts';

const inner = { message: 'Too long.', type: 'invalid_request_error', code: 'context_length_exceeded' };
const told = { code: 'context_length_exceeded', number: undefined, message: 'Too long.' };

describe('a reason is read', () => {
  it.each([
    ['an error itself', inner, told],
    ['an object around it', { type: 'error', error: inner, request_id: 'req_1' }, told],
    ['two of them', { error: { type: 'error', error: inner } }, told],
    ['JSON in the place of the error', { error: JSON.stringify({ error: inner }) }, told],
    ['JSON in the place of the message', { error: { message: JSON.stringify({ error: inner }) } }, told],
    ['JSON in JSON', JSON.stringify({ message: JSON.stringify({ detail: JSON.stringify(inner) }) }), told],
    ['a list of errors', { errors: [inner] }, told],
    ['an error that is a list', { error: [inner] }, told],
    [
      'several of them',
      { errors: [inner, { message: 'And this.' }, {}] },
      { ...told, message: 'Too long. (and 1 more)' },
    ],
    ['a text', 'Too long.', { code: '', number: undefined, message: 'Too long.' }],
    ['a list of texts', { errors: ['Too long.'] }, { code: '', number: undefined, message: 'Too long.' }],
    ['an error in words', { error: 'Too long.' }, { code: '', number: undefined, message: 'Too long.' }],
    [
      'an error in words that is the name of the status',
      { statusCode: 400, error: 'Bad Request', message: 'Too long.' },
      { code: '', number: undefined, message: 'Too long.' },
    ],
    ['a detail', { detail: 'Too long.' }, { code: '', number: undefined, message: 'Too long.' }],
    [
      'details about places in the request',
      { detail: [{ loc: ['body', 'temperature'], msg: 'Must be a number', type: 'float_parsing' }] },
      { code: 'float_parsing', number: undefined, message: 'body.temperature: Must be a number' },
    ],
    [
      'a problem of RFC 9457, whose type is an address',
      { type: 'https://example.com/too-long', title: 'Too long.', status: 400 },
      { code: '', number: 400, message: 'Too long.' },
    ],
    [
      "an upstream's words beside a router's",
      {
        error: {
          code: 400,
          message: 'Provider returned error',
          metadata: { raw: JSON.stringify({ error: inner }) },
        },
      },
      { code: '', number: 400, message: 'Provider returned error: Too long.' },
    ],
    [
      'an upstream alone',
      { metadata: { raw: 'is down' } },
      { code: '', number: undefined, message: 'is down' },
    ],
    [
      'a status in words beside its number',
      { code: 8, status: 'RESOURCE_EXHAUSTED', message: 'Used up.' },
      { code: 'RESOURCE_EXHAUSTED', number: 8, message: 'Used up.' },
    ],
    [
      'numbers as texts, and words that say nothing',
      { error: { code: '400', type: 'None', message: 'Too long.' } },
      { code: '', number: 400, message: 'Too long.' },
    ],
    [
      'a web page',
      { message: '<html><style>p{}</style><p>Too\nlong.</p></html>' },
      { code: '', number: undefined, message: 'Too long.' },
    ],
    [
      'a text that begins like a tag',
      '<|end|> is no text.',
      { code: '', number: undefined, message: '<|end|> is no text.' },
    ],
    [
      'other names of sentences',
      { error: { error_message: 'Too long.' } },
      { code: '', number: undefined, message: 'Too long.' },
    ],
    [
      'members that are null',
      { error: { code: null, message: null } },
      { code: '', number: undefined, message: '' },
    ],
    ['nothing', undefined, { code: '', number: undefined, message: '' }],
  ])('from %s', (_what, place, expected) => {
    expect(readReason(place)).toEqual(expected);
  });

  it('from the first place that says it, its word and its message each', () => {
    expect(readReason(null, { code: 'server_error' }, { message: 'Lost.' }, inner)).toEqual({
      ...told,
      code: 'server_error',
      message: 'Lost.',
    });
  });

  it('from no more than is worth it, however it is wrapped', () => {
    let wrapped: unknown = 'Too deep.';
    for (let level = 0; level < 100; level++) wrapped = { error: wrapped };
    expect(readReason(wrapped).message).toBe('');
  });
});

it('refused calls are read in the same way', () => {
  const refusal = (body: object) => readRefusal(400, {}, JSON.stringify(body));
  expect(
    refusal({ code: 'InvalidParameter', message: 'Range of input length.', request_id: 'r' }),
  ).toMatchObject({
    code: 'InvalidParameter',
    message: 'Range of input length.',
  });
  expect(refusal({ errors: [{ message: 'No such model.' }] })).toMatchObject({
    code: '',
    message: 'No such model.',
  });
  expect(readRefusal(502, {}, '<html><title>502 Bad Gateway</title></html>').message).toBe(
    'HTTP 502 Bad Gateway',
  );
});

/** The reasons of rows, in their order. */
function reasonsOf(rows: readonly RowResult[]): unknown[] {
  return rows.map((row) => (row.outcome === 'succeeded' ? row.text : [row.error.kind, row.error.message]));
}

/** Rows that are numbered as they stand. */
const numbered = (name: string, places: readonly object[]) =>
  places.map((place, index) => JSON.stringify({ [name]: `row-${index}`, ...place })).join('\n');

describe.each(['openai', 'alibaba'] as const)('a row of a batch of %s', (name) => {
  const server = useServer();

  it('has its reason, wherever in its line that stands', async () => {
    const chat = {
      choices: [{ message: { content: null }, error: { code: 502, message: 'Upstream is down.' } }],
    };
    const lines = numbered('custom_id', [
      { response: null, error: inner },
      { response: null, error: 'Too long.' },
      { response: { status_code: 400, body: { error: inner } }, error: null },
      { response: { status_code: 400, body: { error: 'Too long.' } } },
      { response: { status_code: 400, error: inner } },
      { response: { status_code: 400, body: { message: 'Too long.' } } },
      { response: { status_code: 422, body: { detail: [{ loc: ['body', 'n'], msg: 'Too long.' }] } } },
      { response: { status_code: 400, body: { errors: [{ message: 'Too long.' }] } } },
      { response: { status_code: 400, body: { object: 'error', message: 'Too long.', code: 400 } } },
      { response: { status_code: 500, body: JSON.stringify({ error: inner }) } },
      { response: { status_code: 502, body: '<html><h1>Bad Gateway</h1></html>' } },
      { response: { status_code: 500, body: { error: { message: JSON.stringify({ error: inner }) } } } },
      {
        response: {
          status_code: 400,
          body: { error: { message: 'Provider returned error', metadata: { raw: 'No.' } } },
        },
      },
      { response: { status_code: 200, body: chat } },
      { errors: [{ message: 'Too long.' }] },
      { message: 'Too long.' },
      { error: { type: 'request_failed', message: 'Too long.' } },
      { response: { status_code: 0, body: {} }, error: { code: 'batch_expired' } },
    ]);
    const batch = { id: 'batch_1', status: 'completed', output_file_id: null, error_file_id: 'file-err' };
    server().play(({ path }) => ({ body: path.endsWith('/content') ? lines : batch }));
    const entry = providerEntry(name);
    const path = '/v1';
    const provider = await openBatch({ entry, path }, server().url);
    expect(reasonsOf(await collect(provider.results('batch_1', never)))).toEqual([
      ['context_length_exceeded', 'Too long.'],
      ['not_processed', 'Too long.'],
      ['context_length_exceeded', 'Too long.'],
      ['http_400', 'Too long.'],
      ['context_length_exceeded', 'Too long.'],
      ['http_400', 'Too long.'],
      ['http_422', 'body.n: Too long.'],
      ['http_400', 'Too long.'],
      ['http_400', 'Too long.'],
      ['context_length_exceeded', 'Too long.'],
      ['http_502', 'Bad Gateway'],
      ['context_length_exceeded', 'Too long.'],
      ['http_400', 'Provider returned error: No.'],
      ['http_502', 'Upstream is down.'],
      ['not_processed', 'Too long.'],
      ['not_processed', 'Too long.'],
      ['request_failed', 'Too long.'],
      ['batch_expired', 'The request got no answer (status 0).'],
    ]);
  });

  it.each([
    [
      'a list',
      { errors: { data: [{ code: 'bad', line: 3, message: 'No.' }, { message: 'Nor this.' }] } },
      ['bad', 'line 3: No. (and 1 more)'],
    ],
    ['a bare list', { errors: [{ message: 'No.', count: 2 }] }, ['failed', 'No.']],
    ['an error', { error: { code: 'quota', message: 'No.' } }, ['quota', 'No.']],
    ['a text', { error: 'No.' }, ['failed', 'No.']],
  ])('and the batch itself has its own, from %s', async (_what, more, [code, message]) => {
    server().play(() => ({ body: { id: 'batch_1', status: 'failed', ...more } }));
    const provider = await openBatch({ entry: providerEntry(name), path: '/v1' }, server().url);
    expect((await provider.check('batch_1', never)).error).toEqual({ code, message });
  });
});

describe('a row of a batch of anthropic', () => {
  const server = useServer();

  it('has its reason, wherever in its line that stands', async () => {
    const lines = numbered('custom_id', [
      { result: { type: 'errored', error: { type: 'error', error: inner, request_id: 'r' } } },
      { result: { type: 'errored', error: inner } },
      { result: { type: 'errored', error: 'Too long.' } },
      { result: { type: 'errored', error: { message: JSON.stringify({ error: inner }) } } },
      { result: { type: 'errored', message: 'Too long.' } },
      { result: { type: 'errored', error: { code: 529, message: 'Overloaded.' } } },
      { error: inner },
      { result: { type: 'errored' } },
    ]);
    const batch = {
      id: 'b',
      processing_status: 'ended',
      results_url: '/results',
      request_counts: { errored: 8 },
    };
    server().play(({ path }) => ({ body: path === '/results' ? lines : batch }));
    const provider = await openBatch({ entry: providerEntry('anthropic'), path: '' }, server().url);
    expect(reasonsOf(await collect(provider.results('b', never)))).toEqual([
      ['context_length_exceeded', 'Too long.'],
      ['context_length_exceeded', 'Too long.'],
      ['not_processed', 'Too long.'],
      ['context_length_exceeded', 'Too long.'],
      ['not_processed', 'Too long.'],
      ['http_529', 'Overloaded.'],
      ['context_length_exceeded', 'Too long.'],
      ['not_processed', 'The request got no answer.'],
    ]);
  });
});

describe('a row of a batch of google', () => {
  const server = useServer();

  it('has its reason, wherever in its line that stands', async () => {
    const held = (finishReason: string, finishMessage?: string) => ({
      response: { candidates: [{ content: {}, finishReason, finishMessage }] },
    });
    const lines = numbered('key', [
      { error: { code: 3, message: 'Too long.' } },
      { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'Too long.' } },
      { error: 'Too long.' },
      { status: { code: 8, message: 'Used up.' } },
      { status: 'Too long.' },
      { response: { error: { code: 503, message: 'Busy.' } } },
      {
        error: {
          message: JSON.stringify({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Slow.' } }),
        },
      },
      { response: { promptFeedback: { blockReason: 'SAFETY', blockReasonMessage: 'No such words.' } } },
      held('SAFETY', 'No such picture.'),
      held('MALFORMED_FUNCTION_CALL', 'No such function.'),
      held('OTHER'),
      { response: {} },
    ]);
    const output = { responsesFile: 'files/out' };
    const done: Script = ({ path }) => ({
      body: path.includes(':download')
        ? lines
        : { name: 'batches/b', metadata: { state: 'BATCH_STATE_SUCCEEDED', output }, done: true },
    });
    server().play(done);
    const provider = await openBatch({ entry: providerEntry('google'), path: '' }, server().url);
    expect(reasonsOf(await collect(provider.results('batches/b', never)))).toEqual([
      ['INVALID_ARGUMENT', 'Too long.'],
      ['INVALID_ARGUMENT', 'Too long.'],
      ['failed', 'Too long.'],
      ['RESOURCE_EXHAUSTED', 'Used up.'],
      ['failed', 'Too long.'],
      ['http_503', 'Busy.'],
      ['RESOURCE_EXHAUSTED', 'Slow.'],
      ['blocked', 'No such words.'],
      ['content_filter', 'No such picture.'],
      ['empty', 'No such function.'],
      ['empty', 'The answer has no text: OTHER.'],
      ['not_processed', 'The request got no answer.'],
    ]);
  });
});
