/** An answer counts by what it holds, and is asked for once: at every provider, live and about batches. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainContent } from '../../src/core/request/content.ts';
import { adapters, apiKey, collect, failureOf, never, plainAdapters, writeRequests } from './conformance.ts';
import { frame, type RawServer, startRawServer } from './raw-server.ts';

let server: RawServer;
beforeAll(async () => {
  server = await startRawServer();
});
afterAll(() => server.close());

const connection = () => ({ apiKey, baseUrl: server.url, environment: {}, timeoutMs: 20_000 });
const request = { customId: 'row-0-1a2b3c4d', model: 'model-1', content: plainContent('Hi') };

/** In the form of every provider at once. */
const answer = JSON.stringify({
  choices: [{ index: 0, message: { role: 'assistant', content: 'Grüße' }, finish_reason: 'stop' }],
  ...{ type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Grüße' }] },
  candidates: [{ content: { role: 'model', parts: [{ text: 'Grüße' }] }, finishReason: 'STOP' }],
});
const page = '<!DOCTYPE html><html><head><title>Hotel</title></head><body>Please sign in.</body></html>';
const utf16 = Buffer.from(answer, 'utf16le');

const frames: readonly (readonly [what: string, bytes: Buffer])[] = [
  ...['text/plain', 'text/html; charset=utf-8', 'application/octet-stream', 'nonsense', undefined].map(
    (type) => [`the type ${type}`, frame(answer, { 'content-type': type })] as const,
  ),
  ['a byte order mark', frame(`\ufeff${answer}`)],
  ['white space around', frame(`\r\n\n  ${answer}\t\r\n`)],
  ['JSON as a text of JSON', frame(JSON.stringify(answer), { 'content-type': 'text/plain' })],
  ['JSON as a text of a text', frame(JSON.stringify(JSON.stringify(answer)))],
  ['a list of one', frame(`[${answer}]`)],
  ['one object deeper', frame(`{"success":true,"error":null,"result":${answer}}`)],
  ['two objects deeper, as a text', frame(JSON.stringify({ data: { body: answer } }))],
  ['an error of nothing', frame(answer.replace('{', '{"error":{"code":null,"message":""},'))],
  ['a wrong charset', frame(answer, { 'content-type': 'application/json; charset=iso-8859-1' })],
  ['UTF-16', frame(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]))],
  ['UTF-16 without a mark', frame(Buffer.from(utf16).swap16())],
  [
    'Latin-1, by its label',
    frame(Buffer.from(answer, 'latin1'), { 'content-type': 'text/json; charset="ISO-8859-1"' }),
  ],
  ...['gzip', 'br', 'deflate', 'zstd', 'aws-chunked', 'gzip, br'].map(
    (packing) => [`${packing} that is plain`, frame(answer, { 'content-encoding': packing })] as const,
  ),
  ['gzip', frame(gzipSync(answer), { 'content-encoding': 'gzip' })],
  ['gzip that is not told', frame(gzipSync(answer))],
  ['gzip in gzip', frame(gzipSync(gzipSync(answer)), { 'content-encoding': 'gzip, gzip' })],
  ['br', frame(brotliCompressSync(answer), { 'content-encoding': 'br' })],
  ['deflate', frame(deflateSync(answer), { 'content-encoding': 'deflate' })],
  ['deflate without its header', frame(deflateRawSync(answer), { 'content-encoding': 'deflate' })],
  ...['201 Created', '202 Accepted', '203 Other', '205 Reset Content', '206 Partial Content', '299 X'].map(
    (status) => [`the status ${status}`, frame(answer, { status })] as const,
  ),
  ...['100 Continue', '102 Processing', '103 Early Hints'].map(
    (notice) =>
      [
        `${notice} ahead of it`,
        Buffer.concat([Buffer.from(`HTTP/1.1 ${notice}\r\n\r\n`), frame(answer)]),
      ] as const,
  ),
  ['a byte too many', Buffer.concat([frame(answer, { connection: undefined }), Buffer.from('x')])],
  ['a head of 200 kB', frame(answer, { 'x-trace': 'x'.repeat(200_000) })],
];

/** Answers in pieces; the first two are half of one. */
const chunks: readonly object[] = [
  { choices: [{ index: 0, delta: { role: 'assistant', content: 'Gr' } }] },
  { choices: [{ index: 0, delta: { content: 'üße\u2028' } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } },
];
const streams: Readonly<Record<string, readonly object[]>> = {
  anthropic: [
    {
      type: 'message_start',
      message: { type: 'message', content: [], usage: { input_tokens: 5, output_tokens: 1 } },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Grüße\u2028' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ],
  google: [
    { candidates: [{ content: { parts: [{ text: 'Gr' }] } }] },
    { candidates: [{ content: { parts: [{ text: 'üß' }] } }] },
    {
      candidates: [{ content: { parts: [{ text: 'e\u2028' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2 },
    },
  ],
};

const unreadable = "The provider's answer can't be read: ";
const unread: readonly (readonly [what: string, bytes: Buffer | string, told: RegExp])[] = [
  ['a page', frame(page), /It is a web page that begins: Hotel Please sign in\.$/],
  ['a page as text', frame(page, { 'content-type': 'text/html' }), /It is a web page that begins: Hotel/],
  ['plain words', frame('Bad gateway, sorry'), /It is not JSON, and begins: Bad gateway, sorry$/],
  ['nothing', frame(''), /It is empty\.$/],
  ['nothing under 204', frame('', { status: '204 No Content' }), /It is empty\.$/],
  ['null', frame('null'), /It begins: null$/],
  ['a list', frame('[]'), /It begins: \[\]$/],
  ['another shape', frame('{"ok": true}'), /It begins: {"ok": true}$/],
  ['a key', frame(`Do you know ${apiKey}? ${'x'.repeat(300)}`), /begins: Do you know \[key\]\? x{90,110}…$/],
  ['half an answer', frame(answer.slice(0, 40)), /It is not JSON, and begins: {"choices"/],
  [
    'broken gzip',
    frame(Buffer.concat([gzipSync(answer).subarray(0, 60), Buffer.alloc(600, 0xff)]), {
      'content-encoding': 'gzip',
    }),
    /it is packed, and can't be unpacked/,
  ],
  [
    'lines that end with LF alone',
    frame(answer).toString('latin1').replaceAll('\r\n', '\n'),
    /it breaks the rules of HTTP \(.*\), and may have been paid for\.$/,
  ],
  ['no head', answer, /it breaks the rules of HTTP/],
  [
    'chunks that are none',
    frame(answer, { 'content-length': undefined, 'transfer-encoding': 'chunked' }),
    /it breaks the rules of HTTP/,
  ],
  ['a line that is no header', frame(answer, { 'no header': 'x' }), /it breaks the rules of HTTP/],
  ['two lengths', frame(answer, { 'Content-Length': '3' }), /it breaks the rules of HTTP/],
  ['a status of 99', frame(answer, { status: '099 X' }), /it breaks the rules of HTTP/],
  [
    'another protocol',
    frame(answer, { status: '101 Switching Protocols', upgrade: 'websocket', connection: 'upgrade' }),
    /it breaks the rules of HTTP/,
  ],
  ['a head of 2 MB', frame(answer, { 'x-trace': 'x'.repeat(2_000_000) }), /it breaks the rules of HTTP/],
];

/** Cut: the answer was on its way, and did not come. */
const cut: readonly (readonly [what: string, bytes: Buffer | string])[] = [
  ['nothing at all', ''],
  ['half a head', 'HTTP/1.1 200 OK\r\ncontent-ty'],
  ['fewer bytes than told', frame(answer, { 'content-length': '5000' })],
  [
    'chunks without an end',
    frame(`10\r\n${answer.slice(0, 16)}\r\n`, {
      'content-length': undefined,
      'transfer-encoding': 'chunked',
    }),
  ],
];

describe.each(adapters)('$title, live', (entry) => {
  const generate = async () => (await entry.openSync(connection())).generate(request, never);

  it.each(frames)('reads an answer with %s, asked once', async (_, bytes) => {
    server.play(() => bytes);
    expect(await generate()).toMatchObject({ outcome: 'succeeded', text: 'Grüße' });
    expect(server.calls).toBe(1);
  });

  it('reads an answer that is streamed, though nobody asked for a stream, to its end alone', async () => {
    const pieces = (streams[entry.name] ?? chunks).map((piece) => JSON.stringify(piece));
    const events = (list: readonly string[]) => list.map((piece) => `event: x\ndata: ${piece}\n\n`).join('');
    const type = { 'content-type': 'text/event-stream' };
    for (const body of [
      `: hold on\n\n${events(pieces)}data: [DONE]\n\n`,
      events(pieces),
      `[${pieces.join(',\n')}]`,
    ]) {
      server.play(() => frame(body, type));
      expect(await generate()).toMatchObject({
        outcome: 'succeeded',
        text: 'Grüße\u2028',
        usage: { inputTokens: 5, outputTokens: 2 },
      });
    }
    server.play(() => frame(events(pieces.slice(0, 2)), type));
    expect(await failureOf(generate())).toMatchObject({ scope: 'row', code: 'unreadable' });
    server.play(() =>
      frame(events(['{"error":{"message":"Busy.","code":429,"type":"rate_limit_error"}}']), type),
    );
    expect(await failureOf(generate())).toMatchObject({ scope: 'retry', status: 429, message: 'Busy.' });
  });

  it.each(unread)('tells what it is when %s comes, and does not ask again', async (_, bytes, told) => {
    server.play(() => bytes);
    const failure = await failureOf(generate());
    expect(failure).toMatchObject({ scope: 'row', code: 'unreadable', status: undefined, brokeOff: false });
    const { message } = failure as Error;
    expect(message.slice(0, unreadable.length)).toBe(unreadable);
    expect(message).toMatch(told);
    expect(message).not.toContain(apiKey);
  });

  it('asks again for the words of a refusal that broke off, which nobody pays for', async () => {
    server.play(() => frame('{"error":{"message":', { status: '400 Bad Request', 'content-length': '900' }));
    const failure = await failureOf(generate());
    expect(failure).toMatchObject({ scope: 'retry', code: 'http_400', status: 400, brokeOff: false });
  });

  it.each(cut)('takes %s for a connection that broke off', async (_, bytes) => {
    server.play(() => bytes);
    expect(await failureOf(generate())).toMatchObject({ scope: 'retry', code: 'connection', brokeOff: true });
  });

  it('does not take a server that is not there for one that may have been paid', async () => {
    const gone = await startRawServer();
    await gone.close();
    const provider = await entry.openSync({ ...connection(), baseUrl: gone.url });
    const failure = await failureOf(provider.generate(request, never));
    expect(failure).toMatchObject({ scope: 'retry', code: 'connection', brokeOff: false });
  });

  it.runIf(entry.countsTokens)('counts tokens by what an answer holds', async () => {
    const provider = await entry.openSync(connection());
    const count = () => provider.countTokens?.(request, never) as Promise<number>;
    const counts = JSON.stringify({ input_tokens: 17, totalTokens: 17 });
    for (const body of [counts, `\ufeff${counts}`, JSON.stringify(counts), `{"data":${counts}}`]) {
      server.play(() => frame(body, { 'content-type': 'text/plain' }));
      expect(await count()).toBe(17);
    }
    server.play(() => frame(page));
    expect(await failureOf(count())).toMatchObject({
      scope: 'row',
      code: 'unreadable',
      message: expect.stringContaining('It is a web page that begins: Hotel'),
    });
    expect(server.calls).toBe(1);
  });
});

/** The same batch at every vendor, over, and one line of its results. */
const batch = JSON.stringify({
  ...{ id: 'batches/b1', name: 'batches/b1', object: 'batch', file: { name: 'files/f1' } },
  ...{ status: 'completed', output_file_id: 'file-out', processing_status: 'ended' },
  request_counts: { total: 1, completed: 1, failed: 0, succeeded: 1 },
  metadata: { state: 'BATCH_STATE_SUCCEEDED', output: { responsesFile: 'files/out' } },
});
const resultLine = JSON.stringify({
  ...{ custom_id: 'row-0-1a2b3c4d', key: 'row-0-1a2b3c4d' },
  response: { status_code: 200, body: JSON.parse(answer), candidates: JSON.parse(answer).candidates },
  result: { type: 'succeeded', message: JSON.parse(answer) },
});
const isDownload = (line: string) => /\/content|\/results|:download/.test(line);

/** A few of the frames stand for all: batches are read by the same transport. */
const wrap: Readonly<Record<string, (body: string) => Buffer>> = {
  'no type': (body) => frame(body, { 'content-type': undefined }),
  'a byte order mark': (body) => frame(`\ufeff${body}`, { 'content-type': 'text/plain' }),
  'a text of JSON': (body) => frame(JSON.stringify(body)),
  'gzip that is plain': (body) => frame(body, { 'content-encoding': 'gzip' }),
  'gzip that is not told': (body) => frame(gzipSync(body)),
};

describe.each(plainAdapters)('$title, batches', (entry) => {
  const open = () => entry.openBatch?.(connection()) as ReturnType<NonNullable<typeof entry.openBatch>>;

  it.each(Object.entries(wrap))('reads what comes with %s', async (_, wrapped) => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    server.play((line) => wrapped(isDownload(line) ? resultLine : batch));
    const created = await provider.create({ file, fileId: 'files/f1' }, { model: 'm', tag: 't' }, never);
    expect(created).toBe('batches/b1');
    // Google's upload goes by headers, which are not of the body.
    if (entry.name !== 'google') expect(await provider.upload?.(file, never)).not.toBe('');
    expect(await provider.check('batches/b1', never)).toMatchObject({ status: 'completed' });
    expect(await collect(provider.results('batches/b1', never))).toMatchObject([
      { customId: 'row-0-1a2b3c4d', outcome: 'succeeded', text: 'Grüße' },
    ]);
  });

  it('tells what it is when a page comes, and asks nothing again', async () => {
    const provider = await open();
    const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
    const calls = [
      () => provider.create({ file, fileId: 'files/f1' }, { model: 'm', tag: 't' }, never),
      () => provider.check('batches/b1', never),
      () => provider.upload?.(file, never),
      () => provider.find?.({ tag: 't', fileId: undefined }, never),
      () => provider.listCandidates?.(new Date(0), 1, never),
    ];
    for (const call of calls) {
      server.play(() => frame(page));
      const promise = call();
      if (!promise) continue;
      expect(await failureOf(promise)).toMatchObject({
        scope: 'run',
        code: 'unreadable',
        status: undefined,
        message: expect.stringContaining('It is a web page that begins: Hotel Please sign in.'),
      });
      expect(server.calls).toBe(1);
    }
  });
});
