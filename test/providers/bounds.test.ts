import { rm } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mostLevels } from '../../src/core/nesting.ts';
import { plainContent } from '../../src/core/request/content.ts';
import { readRefusalText, readWhole } from '../../src/providers/http/bodies.ts';
import { mostLinesFor } from '../../src/providers/network/limits.ts';
import type { ProviderEntry } from '../../src/providers/provider.ts';
import { readAnswer } from '../../src/providers/transport/answer-frame.ts';
import { readJsonLines } from '../../src/providers/transport/json-lines.ts';
import { adapters, apiKey, collect, failureOf, never, plainAdapters, writeRequests } from './conformance.ts';
import { type Endless, type EndlessServer, startEndlessServer } from './endless-server.ts';

const request = { customId: 'row-0-1a2b3c4d', model: 'model-1', content: plainContent('Hi') };

/** How a batch says that its results are there, where they are, and one line of them. */
const wires: Readonly<
  Record<string, { readonly batchId: string; readonly done: object; readonly results: RegExp }>
> = {
  openai: {
    batchId: 'batch_1',
    done: { id: 'batch_1', status: 'completed', output_file_id: 'file-out' },
    results: /\/files\/file-out\/content/,
  },
  anthropic: {
    batchId: 'msgbatch_1',
    done: { id: 'msgbatch_1', processing_status: 'ended', request_counts: { succeeded: 1 } },
    results: /\/results$/,
  },
  google: {
    batchId: 'batches/b1',
    done: {
      name: 'batches/b1',
      metadata: { state: 'BATCH_STATE_SUCCEEDED', output: { responsesFile: 'files/out' } },
    },
    results: /:download/,
  },
};
/** One level more than is read. */
const deep = '['.repeat(mostLevels + 1) + ']'.repeat(mostLevels + 1);
const resultLine = `${JSON.stringify({ custom_id: 'row-0-1a2b3c4d', key: 'row-0-1a2b3c4d' })}\n`;

const endless: readonly (readonly [what: string, answer: Endless])[] = [
  ['a text', { start: '{"choices":[{"message":{"content":"', piece: 'a' }],
  ['white space ahead of JSON', { piece: ' ' }],
  ['white space within JSON', { start: '{', piece: ' \n' }],
  ['brackets', { piece: '[' }],
  ['text packed with gzip', { start: '{"id":"', piece: 'a', packing: 'gzip' }],
  ['text packed with deflate', { start: '{"id":"', piece: 'a', packing: 'deflate' }],
  ['text packed with Brotli', { start: '{"id":"', piece: 'a', packing: 'br' }],
];

/** One transport serves all: each way to have no end is tried with one adapter, and that each other is bounded, once. */
const triedFully = ({ name }: ProviderEntry) => name === 'openai';

let server: EndlessServer;
beforeAll(async () => {
  server = await startEndlessServer();
});
afterAll(() => server.close());

describe.each(adapters)('$title, live', (entry) => {
  const call = async (callTimeoutMs = 60_000) =>
    (
      await entry.openSync({ apiKey, baseUrl: server.url, environment: {}, timeoutMs: 60_000, callTimeoutMs })
    ).generate(request, never);

  it.each(triedFully(entry) ? endless : [])(
    'gives the row up at an answer that is %s without an end',
    async (_what, answer) => {
      server.play(() => answer);
      expect(await failureOf(call())).toMatchObject({
        scope: 'row',
        code: 'too_large',
        status: undefined,
        message: "The provider's answer is longer than 64 MB, and was not read on.",
      });
      await server.untilLeft();
    },
  );

  it.each([
    [401, 'run'],
    [500, 'retry'],
  ])('reads the beginning of a %i without an end', async (status, scope) => {
    for (const packing of [undefined, 'gzip'] as const) {
      const shown = { status, start: '<title>No entry</title><p>', piece: 'a', ...(packing && { packing }) };
      server.play(() => shown);
      const failure = await failureOf(call());
      expect(failure).toMatchObject({ scope, status });
      expect((failure as Error).message).toMatch(/^HTTP \d+ No entry a{100,200}$/);
      await server.untilLeft();
    }
  });

  it.each([
    ['head', 300, '0.3 seconds'],
    ['body', 1000, '1 second'],
  ] as const)('gives up an answer whose %s comes bit by bit', async (place, limitMs, told) => {
    server.play(() => ({ start: '{', piece: ' ', trickle: place }));
    const message = `No answer came within ${told}.`;
    expect(await failureOf(call(limitMs))).toMatchObject({ scope: 'row', code: 'timeout', message });
    await server.untilLeft();
  });
});

describe.each(plainAdapters)('$title, batches', (entry) => {
  const { batchId, done, results } = wires[entry.name] as (typeof wires)[string];
  const open = (timeoutMs = 60_000) =>
    entry.openBatch?.({ apiKey, baseUrl: server.url, environment: {}, timeoutMs }) as ReturnType<
      NonNullable<typeof entry.openBatch>
    >;
  const check = async (timeoutMs?: number) => (await open(timeoutMs)).check(batchId, never);
  const download = async (requests?: number) => collect((await open()).results(batchId, never, requests));

  it('stops at a status that is a text without an end', async () => {
    server.play(() => ({ start: '{"id":"', piece: 'a' }));
    expect(await failureOf(check())).toMatchObject({ scope: 'run', code: 'too_large', status: undefined });
    await server.untilLeft();
  });

  it.skipIf(!triedFully(entry))('stops at any other answer without an end', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    const batch = { model: 'model-1', tag: 'tag-1' };
    const calls = [
      () => provider.create({ file, fileId: 'files/f1' }, batch, never),
      () => provider.cancel?.(batchId, never),
      () => provider.upload?.(file, never),
      () => provider.find?.({ tag: 'tag-1', fileId: undefined }, never),
      () => provider.listCandidates?.(new Date(0), 1, never),
      () => provider.readClock?.(never),
    ];
    for (const call of calls) {
      server.play(() => ({ start: '{"data":[', piece: ' ' }));
      const promise = call();
      if (!promise) continue;
      expect(await failureOf(promise)).toMatchObject({ scope: 'run', code: 'too_large' });
      await server.untilLeft();
    }
    await rm(file.path);
  });

  it('reads the beginning of a refusal without an end', async () => {
    server.play(() => ({ status: 500, start: '{"error":{"message":"', piece: 'a' }));
    expect(await failureOf(check())).toMatchObject({ scope: 'retry', status: 500 });
    server.play((path) => (results.test(path) ? { status: 403, piece: 'a' } : done));
    expect(await failureOf(download())).toMatchObject({ scope: 'run', status: 403 });
    await server.untilLeft();
  });

  it.each(['head', 'body'] as const)('gives up a status whose %s comes bit by bit', async (place) => {
    server.play(() => ({ start: '{', piece: ' ', trickle: place }));
    expect(await failureOf(check(300))).toMatchObject({ scope: 'retry', code: 'timeout' });
    await server.untilLeft();
  });

  const endlessResults = [
    ['one line', { start: '{"custom_id":"', piece: 'a' }, 'a line of more than 64 MB'],
    [
      'one line, packed',
      { start: '{"custom_id":"', piece: 'a', packing: 'gzip' },
      'a line of more than 64 MB',
    ],
    ['blank lines', { piece: '\r\n' }, 'more than 1008 lines'],
    ['the same result', { piece: resultLine }, 'more than 1008 lines'],
  ] as const;

  it.each(triedFully(entry) ? endlessResults : endlessResults.slice(2))(
    'stops at a download that is %s without an end',
    async (_what, answer, bound) => {
      server.play((path) => (results.test(path) ? answer : done));
      expect(await failureOf(download(2))).toMatchObject({
        scope: 'run',
        code: 'too_large',
        message: `The provider's results hold ${bound}, and were not read on.`,
      });
      await server.untilLeft();
    },
  );
});

it('does not read JSON that is nested deeper than any answer', async () => {
  const text = `{"choices":${deep}}`;
  expect(() => readAnswer(Buffer.from(text), undefined)).toThrow(
    expect.objectContaining({ scope: 'row', code: 'unreadable' }),
  );
  expect(readAnswer(Buffer.from(JSON.stringify(text)), undefined).object).toBeUndefined();
  const values: unknown[] = [];
  for await (const value of readJsonLines(new Response(`{"a":${deep}}\n{"a":1}\n`).body, 2))
    values.push(...value);
  expect(values).toEqual([{ a: 1 }]);
});

it('gives out the lines that stand ahead of the one that ends the reading', async () => {
  const values: unknown[] = [];
  const reading = (async () => {
    const body = new Response('{"a": 1}\n{"a": 2}\n{"a": 12345}\n{"a": 4}\n').body;
    for await (const some of readJsonLines(body, 9, 8)) values.push(...some);
  })();
  expect(await failureOf(reading)).toMatchObject({ code: 'too_large' });
  expect(values).toEqual([{ a: 1 }, { a: 2 }]);
});

const answerOf = (text: string) => ({ body: Readable.from([Buffer.from(text)]), headers: {} });

it('counts the bytes and the lines that it keeps, and takes as many as the bound', async () => {
  const whole = (length: number) => readWhole(answerOf('x'.repeat(length)), 10);
  expect((await whole(10)).toString()).toBe('x'.repeat(10));
  expect(await failureOf(whole(11))).toMatchObject({ code: 'too_large' });
  expect(await readRefusalText(answerOf('x'.repeat(11)), 10)).toEqual({
    text: 'x'.repeat(10),
    isCut: false,
  });
  const stalled = new PassThrough();
  stalled.write('so far');
  expect(await readRefusalText({ body: stalled, headers: {} }, 10, 1)).toEqual({
    text: 'so far',
    isCut: false,
  });

  const read = async (text: string, mostLines: number) => {
    const values: unknown[] = [];
    for await (const value of readJsonLines(new Response(text).body, mostLines, 8)) values.push(...value);
    return values;
  };
  expect(await read('{"a": 1}\n\n{"a": 2}\n', 3)).toEqual([{ a: 1 }, { a: 2 }]);
  expect(await failureOf(read('{"a": 1}\n\n{"a": 2}\n', 2))).toMatchObject({ code: 'too_large' });
  expect(await failureOf(read('{"a": 12}\n', 3))).toMatchObject({ code: 'too_large' });
  expect(await failureOf(read('         ', 3))).toMatchObject({ code: 'too_large' });
  expect(mostLinesFor(50_000)).toBeGreaterThan(2 * 50_000);
});
