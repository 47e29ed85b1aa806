/** A line of results counts by what it holds: what servers put around an answer, beside it and ahead of it. */
import { describe, expect, it } from 'vitest';
import { providerEntry } from '../../../src/providers/registry.ts';
import { adapters, collect, never, openBatch, useServer } from '../conformance.ts';

const server = useServer();
const id = 'row-0-1a2b3c4d';
const hello = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
};
const message = { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Hello' }] };
const content = { candidates: [{ content: { parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }] };
const text = JSON.stringify;

type Lines = readonly (readonly [what: string, line: unknown])[];

const ofChat: Lines = [
  ['the answer as a text', { custom_id: id, response: { status_code: 200, body: text(hello) } }],
  ['the response as a text', { custom_id: id, response: text({ status_code: 200, body: hello }) }],
  ['no status', { custom_id: id, response: { request_id: 'r', body: hello }, error: null }],
  ['a status of null', { custom_id: id, response: { status_code: null, body: hello } }],
  ['a status in words', { custom_id: id, response: { status_code: '200', body: hello } }],
  ['the answer as the response', { custom_id: id, response: hello }],
  ['the answer beside the id', { custom_id: id, ...hello }],
  ['the answer as the body', { custom_id: id, body: hello }],
  ['a body in a body', { custom_id: id, response: { status_code: 200, body: { body: hello } } }],
  ['a body in a text in a body', { custom_id: id, response: { body: { body: text(hello) } } }],
  [
    'an error of nulls',
    { custom_id: id, response: { status_code: 200, body: hello }, error: { code: null, message: null } },
  ],
  ['an error of nothing', { custom_id: id, response: { status_code: 200, body: hello }, error: {} }],
  ['an empty error', { custom_id: id, response: { status_code: 200, body: hello }, error: '' }],
  [
    'an error of empty words',
    { custom_id: id, response: { status_code: 200, body: { ...hello, error: { code: '', message: '' } } } },
  ],
  ['itself as a text', text({ custom_id: id, response: { status_code: 200, body: hello } })],
  ['itself in a list', [{ custom_id: id, response: { status_code: 200, body: hello } }]],
  ['an id that is a number', { custom_id: 7, response: { status_code: 200, body: hello } }],
];

const ofAnthropic: Lines = [
  ['the message as a text', { custom_id: id, result: { type: 'succeeded', message: text(message) } }],
  ['the result as a text', { custom_id: id, result: text({ type: 'succeeded', message }) }],
  ['no type', { custom_id: id, result: { message } }],
  ['the message as the result', { custom_id: id, result: message }],
  ['the message beside the id', { custom_id: id, ...message }],
  ['a message in a message', { custom_id: id, result: { type: 'succeeded', message: { message } } }],
  ['the form of OpenAI', { custom_id: id, response: { status_code: 200, body: message } }],
  ['content that is a text', { custom_id: id, result: { message: { type: 'message', content: 'Hello' } } }],
  [
    'an error of nulls',
    { custom_id: id, result: { type: 'succeeded', message, error: { type: null, message: null } } },
  ],
  ['an error of nothing', { custom_id: id, error: {}, result: { type: 'succeeded', message } }],
  ['itself as a text', text({ custom_id: id, result: { type: 'succeeded', message } })],
  ['itself in a list', [{ custom_id: id, result: { type: 'succeeded', message } }]],
];

const ofGoogle: Lines = [
  ['the response as a text', { key: id, response: text(content) }],
  ['a response in a response', { key: id, response: { response: content } }],
  ['a body', { key: id, response: { status_code: 200, body: content } }],
  ['the answer beside the key', { key: id, ...content }],
  ['an error of nulls', { key: id, response: content, error: { code: null, message: null } }],
  ['an error of nothing', { key: id, response: content, error: {} }],
  ['an error of zeros', { key: id, response: content, error: { code: 0, message: '', details: [] } }],
  ['the id of OpenAI', { metadata: { custom_id: id }, response: content }],
  ['itself as a text', text({ key: id, response: content })],
  ['itself in a list', [{ key: id, response: content }]],
];

interface Vendor {
  readonly batchId: string;
  /** The batch, over. */
  readonly done: object;
  readonly download: RegExp;
  readonly lines: Lines;
  /** Lines that say no, whatever they hold. */
  readonly refused: readonly object[];
}

const chat: Vendor = {
  batchId: 'batch_1',
  done: { id: 'batch_1', status: 'completed', output_file_id: 'file-out' },
  download: /\/content$/,
  lines: ofChat,
  refused: [
    { custom_id: id, response: { status_code: 500, body: hello } },
    { custom_id: id, response: { status_code: 200, body: hello }, error: { message: 'No.' } },
  ],
};

const vendors: Readonly<Record<string, Vendor>> = {
  openai: chat,
  anthropic: {
    batchId: 'msgbatch_1',
    done: { id: 'msgbatch_1', processing_status: 'ended', request_counts: { succeeded: 1 } },
    download: /\/results$/,
    lines: ofAnthropic,
    refused: [
      { custom_id: id, result: { type: 'errored', error: { message: 'No.' }, message } },
      { custom_id: id, result: { type: 'expired', message } },
    ],
  },
  google: {
    batchId: 'batches/b1',
    done: {
      name: 'batches/b1',
      metadata: { state: 'BATCH_STATE_SUCCEEDED', output: { responsesFile: 'files/out' } },
    },
    download: /:download/,
    lines: ofGoogle,
    refused: [{ key: id, response: content, error: { code: 13, message: 'No.' } }],
  },
};

/** Of those whose results are pages, or stand at addresses of their own, this is tried beside the adapter. */
const others = ['xai', 'fireworks'];

describe.each(adapters.filter(({ name }) => !others.includes(name)))('$title', (entry) => {
  const { batchId, done, download, lines, refused } = vendors[entry.name] as Vendor;

  async function read(body: string) {
    server().play(({ path }) => ({ body: download.test(path) ? body : done }));
    return collect((await openBatch({ entry, path: '' }, server().url)).results(batchId, never));
  }

  it.each(lines)('reads the answer on a line with %s', async (_, line) => {
    expect(await read(`${text(line)}\n`)).toMatchObject([{ outcome: 'succeeded', text: 'Hello' }]);
  });

  it.each(refused)('takes no answer of a line that says no', async (line) => {
    const [result] = await read(text(line));
    expect(result?.outcome).not.toBe('succeeded');
  });

  it('reads a file that begins with a byte order mark, at its first line too', async () => {
    const line = text(lines[0]?.[1]);
    const other = line.replace(id, 'row-1-1a2b3c4d');
    expect(await read(`\ufeff${line}\r\n${other}\n`)).toMatchObject([
      { customId: id, text: 'Hello' },
      { customId: 'row-1-1a2b3c4d', text: 'Hello' },
    ]);
  });

  it('reads a file that is one list', async () => {
    const all = lines.map(([, line]) => line).filter((line) => typeof line === 'object');
    expect(await read(text(all.flat()))).toHaveLength(all.length);
  });
});

it('reads the results that stand in a batch of Google itself', async () => {
  const inlined = ofGoogle.filter(([what]) => !what.startsWith('itself')).map(([, line]) => line);
  server().play(() => ({
    body: {
      name: 'batches/b1',
      metadata: { state: 'BATCH_STATE_SUCCEEDED' },
      response: { inlinedResponses: { inlinedResponses: inlined } },
    },
  }));
  const provider = await openBatch({ entry: providerEntry('google'), path: '' }, server().url);
  const results = await collect(provider.results('batches/b1', never));
  expect(results.map(({ outcome }) => outcome)).toEqual(inlined.map(() => 'succeeded'));
});
