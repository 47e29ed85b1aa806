/** What every adapter promises, checked over real HTTP with its real SDK. */
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AnswerFacts, BatchStatus, GenerationSettings, RowResult } from '../../src/core/models.ts';
import type { Content } from '../../src/core/parts.ts';
import { plainContent } from '../../src/core/request/content.ts';
import type { Connection } from '../../src/providers/connection.ts';
import type {
  BatchProvider,
  BatchTimes,
  ProviderEntry,
  RequestFile,
  SyncProvider,
} from '../../src/providers/provider.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import {
  type Arrived,
  type Reply,
  type Script,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.ts';

/** Like no vendor's keys, so that no pattern knows it. */
export const apiKey = 'conformance+key/0123456789abcdef';
export const never = new AbortController().signal;
/** A provider for each adapter: vendors that speak alike share one, and what it does for them is tried once. */
export const adapters = (['openai', 'anthropic', 'google', 'xai', 'fireworks'] as const).map(providerEntry);
/** Those whose batches can say in one body how they are: for tests of what all share, which serve one to each. */
export const plainAdapters = adapters.filter(({ name }) => name !== 'xai' && name !== 'fireworks');
export const prompt = 'Größe \u2028 "quoted" 😀';

const text = (text: string) => ({ type: 'text', text }) as const;
const conversation: Content = {
  messages: [
    {
      role: 'user',
      parts: [
        text('What are these?'),
        { type: 'image', mediaType: 'image/png', data: 'aW1hZ2U=' },
        { type: 'document', mediaType: 'application/pdf', data: 'cGRm' },
      ],
    },
    { role: 'assistant', parts: [text('A cat, and its papers.')] },
    { role: 'user', parts: [text('Which cat?')] },
  ],
};

interface Vendor {
  readonly entry: ProviderEntry;
  /** What the base URL has after the host. */
  readonly path: string;
  /** The header that carries the key, and its text. */
  readonly keyHeader: readonly [name: string, value: string];
  /** Variables that the vendor's SDK would heed. */
  readonly variables: Readonly<Record<string, string>>;
  readonly refusedKey: Reply;
  /** What requests are made with. */
  readonly settings?: GenerationSettings;
  /** Whether its adapter is another's, where every fault is tried: here are some. */
  readonly sharesAdapter?: boolean;
}

export interface SyncVendor extends Vendor {
  readonly requestPath: string;
  readonly requestBody: object;
  /** What `conversation` is in the body of a request. */
  readonly conversation: object;
  answer(text: string): object;
  /** A text that the token limit cut short. */
  cutShort(text: string): object;
  /** What the vendor tells of tokens and ends, of answers and of refusals, and how it is read. */
  readonly told: readonly (readonly [what: string, answer: object, facts: AnswerFacts])[];
  /** Answers without a usable text, and the kind of failed row that each makes. */
  readonly unanswered: readonly (readonly [what: string, answer: object, kind: string])[];
  readonly refusals: readonly (readonly [what: string, reply: Reply, expected: object])[];
  readonly tokens?: { readonly path: string; readonly body: object; readonly answer: object };
}

export interface BatchVendor extends Vendor {
  readonly line: object;
  readonly batchId: string;
  /** Every word that the vendor has for the status of a batch, and how it is read. */
  readonly statuses: readonly (readonly [word: string, status: BatchStatus])[];
  /** The batch with this word as its status. */
  batchOf(word: string): object;
  /** The batch, in progress, as the provider describes it. */
  readonly runningBatch: object;
  /** The batch, cancelled. */
  readonly cancelledBatch: object;
  /** Where a cancel goes; undefined where there is none. */
  readonly cancelPath: string | undefined;
  /** What the provider tells of times, and how it is read. */
  readonly timed: readonly (readonly [what: string, batch: object, times: BatchTimes])[];
  /** Serves a completed batch with this text as its results. */
  serveResults(download: Reply, url: string): Script;
  answerLine(customId: string, text: string): string;
  /** What a web page in the place of results is told not to be. */
  readonly noResults?: string;
  /** Where results come in pages of JSON, and not as lines: a page with these, and none behind it. */
  pageOf?(results: readonly string[]): string;
  readonly refusals: readonly (readonly [what: string, reply: Reply, expected: object])[];
}

/** The answers that any HTTP server may give, and what they have to become. */
const faults: readonly (readonly [what: string, reply: Reply, expected: object])[] = [
  [
    '429 with seconds',
    refuse(429, { 'retry-after': '7' }),
    { scope: 'retry', status: 429, retryAfterMs: 7000 },
  ],
  [
    '429 with a fraction',
    refuse(429, { 'retry-after': '0.5' }),
    { scope: 'retry', status: 429, retryAfterMs: 500 },
  ],
  [
    '429 with milliseconds',
    refuse(429, { 'retry-after-ms': '1500', 'retry-after': '9' }),
    { scope: 'retry', status: 429, retryAfterMs: 1500 },
  ],
  [
    '429 with a date that is past',
    refuse(429, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }),
    { scope: 'retry', status: 429, retryAfterMs: 0 },
  ],
  [
    '429 with nonsense',
    refuse(429, { 'retry-after': 'soon' }),
    { scope: 'retry', status: 429, retryAfterMs: undefined },
  ],
  ['429 alone', refuse(429), { scope: 'retry', status: 429, retryAfterMs: undefined }],
  ['408', refuse(408), { scope: 'retry', status: 408 }],
  ['409', refuse(409), { scope: 'retry', status: 409 }],
  ['500', refuse(500), { scope: 'retry', status: 500, message: 'No luck.' }],
  ['529', refuse(529), { scope: 'retry', status: 529 }],
  [
    '502 in HTML',
    { status: 502, body: '<html><head><style>a{}</style></head>\n<body><h1>Bad Gateway</h1></body></html>' },
    { scope: 'retry', status: 502, code: 'http_502', message: 'HTTP 502 Bad Gateway' },
  ],
  [
    '503 without a body',
    { status: 503 },
    { scope: 'retry', status: 503, code: 'http_503', message: 'HTTP 503' },
  ],
  ['402', refuse(402), { scope: 'run', status: 402 }],
  ['a redirect of a POST or to nowhere', { status: 308 }, { scope: 'run', status: 308, code: 'http_308' }],
  [
    'a reset before the headers',
    { fault: 'reset' },
    { scope: 'retry', status: undefined, code: 'connection' },
  ],
  [
    'a reset in the body',
    { body: { padding: 'x'.repeat(1000) }, fault: 'cut' },
    { scope: 'retry', status: undefined, code: 'connection' },
  ],
  [
    'a body that is no JSON',
    { headers: { 'content-type': 'application/json' }, body: '{"cut' },
    {
      code: 'unreadable',
      status: undefined,
      message: expect.stringMatching(
        /^The provider's answer can't be read: it .* It is not JSON, and begins: {"cut$/,
      ),
    },
  ],
  ['a silent server', { fault: 'silence' }, { scope: 'retry', status: undefined, code: 'timeout' }],
  [
    'a body that stops',
    { body: { padding: 'x'.repeat(1000) }, fault: 'stall' },
    { scope: 'retry', status: undefined, code: 'timeout' },
  ],
];

/** Each kind of outcome, where the adapter was tried with all. */
function faultsOf({ sharesAdapter }: Vendor): typeof faults {
  return sharesAdapter ? faults.filter((_, index) => index % 6 === 0) : faults;
}

export function refuse(status: number, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: { type: 'error', error: { message: 'No luck.' } } };
}

/** Where the answer never comes, the test waits no longer than it has to. */
function patience(reply: Reply): number | undefined {
  return reply.fault === 'silence' || reply.fault === 'stall' ? 600 : undefined;
}

/** What a promise was rejected with. */
export async function failureOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  const outcome = await Promise.resolve(promise).then(
    () => ({ failed: false, error: undefined }),
    (error: unknown) => ({ failed: true, error }),
  );
  expect(outcome.failed).toBe(true);
  return outcome.error;
}

export async function collect(results: AsyncIterable<readonly RowResult[]>): Promise<RowResult[]> {
  const rows: RowResult[] = [];
  for await (const some of results) rows.push(...some);
  return rows;
}

/** A scripted server for the tests of one file. */
export function useServer(): () => ScriptedServer {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await startScriptedServer();
  });
  afterAll(() => server.close());
  return () => server;
}

/** A request file that is there until its test ends. */
export async function writeRequests(
  provider: BatchProvider,
  customIds: readonly string[],
): Promise<RequestFile> {
  const { before, between, after } = provider.framing;
  const lines = customIds.map((customId) =>
    provider.encode({ customId, model: 'model-1', content: plainContent(prompt) }),
  );
  const text = before + lines.join(between) + after;
  const path = join(tmpdir(), `loom-requests-${process.pid}-${Math.random().toString(36).slice(2)}.jsonl`);
  await writeFile(path, text);
  onTestFinished(() => rm(path, { force: true }));
  return { path, bytes: Buffer.byteLength(text), requests: customIds.length };
}

export function describeSyncProvider(vendor: SyncVendor): void {
  describe(`${vendor.entry.title}, live`, () => {
    const server = useServer();
    const { settings } = vendor;
    const request = {
      customId: 'row-0-1a2b3c4d',
      model: 'model-1',
      content: plainContent(prompt),
      settings,
    };
    const open = async (timeoutMs?: number): Promise<SyncProvider> =>
      vendor.entry.openSync(connect(vendor, server().url, timeoutMs));
    checkEveryCall(vendor, server, async (signal, timeoutMs) =>
      (await open(timeoutMs)).generate(request, signal),
    );

    it('sends the prompt and returns the text as it is', async () => {
      server().play(() => ({ body: vendor.answer('Line\u2028 separator\r\n\u0085 \t') }));
      const result = await (await open()).generate(request, never);
      expect(result).toMatchObject({
        customId: 'row-0-1a2b3c4d',
        outcome: 'succeeded',
        text: 'Line\u2028 separator\r\n\u0085 \t',
      });
      const [arrived] = server().arrived as [Arrived];
      expect([arrived.method, arrived.path]).toEqual(['POST', vendor.requestPath]);
      expect(JSON.parse(arrived.body)).toEqual(vendor.requestBody);
    });

    it('sends messages of several parts, each as the vendor has it', async () => {
      server().play(() => ({ body: vendor.answer('x') }));
      await (await open()).generate({ ...request, content: conversation }, never);
      expect(JSON.parse(server().arrived[0]?.body ?? '')).toMatchObject(vendor.conversation);
    });

    it('takes a text that the token limit cut short', async () => {
      server().play(() => ({ body: vendor.cutShort('half of') }));
      const result = await (await open()).generate(request, never);
      expect(result).toMatchObject({ customId: 'row-0-1a2b3c4d', outcome: 'succeeded', text: 'half of' });
    });

    it.each(vendor.told)('reads the tokens and the end of %s', async (_what, answer, facts) => {
      server().play(() => ({ body: answer }));
      const { usage, finishReason } = await (await open()).generate(request, never);
      expect({ usage, finishReason }).toEqual(facts);
    });

    it.each(vendor.unanswered)('makes a failed row of %s', async (_what, answer, kind) => {
      server().play(() => ({ body: answer }));
      const result = await (await open()).generate(request, never);
      expect(result).toMatchObject({ customId: 'row-0-1a2b3c4d', outcome: 'failed', error: { kind } });
      expect(result.outcome === 'failed' && result.error.message).toMatch(/\w/);
    });

    it.each(vendor.refusals)('classes %s', async (_what, reply, expected) => {
      server().play(() => reply);
      expect(await failureOf((await open()).generate(request, never))).toMatchObject(expected);
    });

    it('takes a success with nothing of an answer in it for unreadable', async () => {
      for (const body of [{}, [], { object: 'list' }, 'fine']) {
        server().play(() => ({ body }));
        const failure = await failureOf((await open()).generate(request, never));
        expect(failure).toMatchObject({ scope: 'row', code: 'unreadable', status: undefined });
      }
    });

    it("goes to the vendor's own address when no other is given, through the proxy of the environment", async () => {
      // The scripted server stands in for the proxy and refuses to open the tunnel.
      const environment = { ...process.env, ...vendor.variables, HTTPS_PROXY: server().url };
      const provider = await vendor.entry.openSync({ apiKey, timeoutMs: 20_000, environment });
      const failure = await failureOf(provider.generate(request, never));
      expect(failure).toMatchObject({ scope: 'retry', code: 'connection', status: undefined });
      expect(server().tunnels).toEqual([`${new URL(vendor.entry.addresses[0]).host}:443`]);
    });

    it('says whether it counts tokens as its entry does', async () => {
      expect('countTokens' in (await open())).toBe(vendor.entry.countsTokens);
    });

    const { tokens } = vendor;
    if (!tokens) return;
    it('counts tokens', async () => {
      const provider = await open();
      server().play(() => ({ body: tokens.answer }));
      expect(await provider.countTokens?.(request, never)).toBe(17);
      const [arrived] = server().arrived as [Arrived];
      expect([arrived.method, arrived.path, JSON.parse(arrived.body)]).toEqual([
        'POST',
        tokens.path,
        tokens.body,
      ]);
      server().play(() => ({ body: {} }));
      expect(await failureOf(provider.countTokens?.(request, never) ?? Promise.resolve())).toMatchObject({
        code: 'unreadable',
      });
    });
  });
}

export function describeBatchProvider(vendor: BatchVendor): void {
  describe(`${vendor.entry.title}, batches`, () => {
    const server = useServer();
    const open = (timeoutMs?: number) => openBatch(vendor, server().url, timeoutMs);
    const results = async (signal = never, timeoutMs?: number) =>
      (await open(timeoutMs)).results(vendor.batchId, signal);
    const { pageOf } = vendor;
    /** What holds these results, however the vendor sends them. In a page there is no line that could break off. */
    const holdResults = (lines: readonly string[], end = '\n') =>
      pageOf ? pageOf(lines.filter(isJson)) : lines.join(end);
    checkEveryCall(vendor, server, async (signal, timeoutMs) =>
      (await open(timeoutMs)).check(vendor.batchId, signal),
    );

    it('encodes a request as one line of its own, without sending anything', async () => {
      const provider = await open();
      server().play(() => ({}));
      const line = provider.encode({
        customId: 'row-0-1a2b3c4d',
        model: 'model-1',
        content: plainContent(`${prompt}\n\r\n`),
        settings: vendor.settings,
      });
      expect(line).not.toMatch(/[\r\n]/);
      expect(JSON.stringify(JSON.parse(line))).toBe(
        JSON.stringify(vendor.line).replace(JSON.stringify(prompt), JSON.stringify(`${prompt}\n\r\n`)),
      );
      expect(server().arrived).toEqual([]);
    });

    it.each(faultsOf(vendor))('classes %s at create', async (_what, reply, expected) => {
      const provider = await open(patience(reply));
      const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
      server().play(() => reply);
      const creation = provider.create({ file, fileId: 'files/f1' }, { model: 'model-1', tag: 't' }, never);
      expect(await failureOf(creation)).toMatchObject(expected);
      // Where an upload is looked through first, that is asked about.
      expect(server().arrived.filter(({ method }) => method === 'POST')).toHaveLength(1);
    });

    it('says that its request file is gone', async () => {
      const provider = await open();
      const file = { path: join(tmpdir(), 'loom-no-such-folder', 'requests.jsonl'), bytes: 1, requests: 1 };
      server().play(() => ({ body: { id: 'x', name: 'x' } }));
      const call = provider.upload
        ? provider.upload(file, never)
        : provider.create({ file, fileId: undefined }, { model: 'model-1', tag: 't' }, never);
      expect(await failureOf(call)).toMatchObject({
        name: 'ProviderError',
        scope: 'run',
        code: 'request_file',
      });
      expect(server().arrived).toEqual([]);
    });

    it('does not take a created batch without an id for created', async () => {
      const provider = await open();
      const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
      const upload = { id: 'files/f1', status: 'processed' };
      server().play(({ method }) => ({ body: method === 'GET' ? upload : { status: 'validating' } }));
      const creation = provider.create({ file, fileId: 'files/f1' }, { model: 'model-1', tag: 't' }, never);
      expect(await failureOf(creation)).toMatchObject({
        scope: 'run',
        code: 'unreadable',
        status: undefined,
      });
    });

    it.each(vendor.refusals)('classes %s at create', async (_what, reply, expected) => {
      const provider = await open();
      const file = await writeRequests(provider, ['row-0-1a2b3c4d']);
      server().play(() => reply);
      const creation = provider.create({ file, fileId: 'files/f1' }, { model: 'model-1', tag: 't' }, never);
      expect(await failureOf(creation)).toMatchObject(expected);
    });

    it('names the batch that the provider does not know', async () => {
      const provider = await open();
      server().play(() => ({
        status: 404,
        body: { error: { message: 'No such thing.', status: 'NOT_FOUND' } },
      }));
      for (const call of [
        () => provider.check(vendor.batchId, never),
        ...(provider.cancel ? [() => provider.cancel?.(vendor.batchId, never)] : []),
        () => collect(provider.results(vendor.batchId, never)),
      ]) {
        const failure = await failureOf(call());
        expect(failure).toMatchObject({ scope: 'run', code: 'not_found', status: 404 });
        expect((failure as Error).message).toContain(vendor.batchId);
      }
    });

    it('reads a batch that says nothing but its name as unknown', async () => {
      server().play(() => ({ body: { id: vendor.batchId, name: vendor.batchId } }));
      expect(await (await open()).check(vendor.batchId, never)).toMatchObject({
        status: 'unknown',
        rawStatus: '',
      });
    });

    it.each(vendor.statuses)('reads %s as %s, however it is written', async (word, status) => {
      const provider = await open();
      for (const rawStatus of [word, word.toUpperCase(), word.toLowerCase(), word.replaceAll('_', '-')]) {
        server().play(() => ({ body: vendor.batchOf(rawStatus) }));
        expect(await provider.check(vendor.batchId, never)).toMatchObject({ status, rawStatus });
      }
    });

    it.runIf(vendor.statuses.length > 0)(
      'takes a batch with a status that nobody has seen for one that is not over',
      async () => {
        const provider = await open();
        server().play(() => ({ body: vendor.batchOf('paused_for_review') }));
        const check = await provider.check(vendor.batchId, never);
        expect(check).toMatchObject({ status: 'unknown', rawStatus: 'paused_for_review' });
        expect(await failureOf(collect(provider.results(vendor.batchId, never)))).toMatchObject({
          code: 'not_over',
          message: `Batch ${vendor.batchId} is not over (paused_for_review): its results are not known yet.`,
        });
      },
    );

    it.each(vendor.timed)('reads the times of %s', async (_what, batch, times) => {
      server().play(() => ({ body: batch }));
      expect((await (await open()).check(vendor.batchId, never)).times).toEqual(times);
    });

    it('has a cancel only where there is such a call', async () => {
      expect((await open()).cancel !== undefined).toBe(vendor.cancelPath !== undefined);
    });

    it.runIf(vendor.cancelPath)('cancels a batch, and tells how it is then', async () => {
      const provider = await open();
      server().play(({ method }) => ({ body: method === 'POST' ? {} : vendor.runningBatch }));
      expect(await provider.cancel?.(vendor.batchId, never)).toMatchObject({ status: 'in_progress' });
      const [cancel, look] = server().arrived as [Arrived, Arrived];
      expect([cancel.method, cancel.path, look.method]).toEqual(['POST', vendor.cancelPath, 'GET']);
    });

    it.runIf(vendor.cancelPath).each([400, 409])(
      'takes %i at a cancel for no error where the batch is over',
      async (status) => {
        const provider = await open();
        server().play(({ method }) => (method === 'POST' ? refuse(status) : { body: vendor.cancelledBatch }));
        expect(await provider.cancel?.(vendor.batchId, never)).toMatchObject({ status: 'cancelled' });
      },
    );

    it.runIf(vendor.cancelPath).each([
      [400, 'run'],
      [409, 'retry'],
      [500, 'retry'],
    ])('throws %i at the cancel of a batch that goes on', async (status, scope) => {
      const provider = await open();
      server().play(({ method }) => (method === 'POST' ? refuse(status) : { body: vendor.runningBatch }));
      expect(await failureOf(provider.cancel?.(vendor.batchId, never))).toMatchObject({ scope, status });
    });

    it('gives no results of a batch that is under way', async () => {
      const provider = await open();
      server().play(() => ({ body: vendor.runningBatch }));
      expect(await failureOf(collect(provider.results(vendor.batchId, never)))).toMatchObject({
        scope: 'retry',
        code: 'not_over',
        message: `Batch ${vendor.batchId} is not over: its results are not known yet.`,
      });
      expect(server().arrived).toHaveLength(1);
    });

    it('reads every result, past blank lines, CR LF, broken lines and lines without an id', async () => {
      const text = 'a\u2028b\u2029c\u0085d \u{1F600}';
      const lines = [
        vendor.answerLine('row-1-aaaaaaaa', text),
        '',
        '{"broken": ',
        '[]',
        '{}',
        vendor.answerLine('somebody else', 'x'),
        '  ',
        vendor.answerLine('row-1-aaaaaaaa', 'a second answer'),
        vendor.answerLine('row-0-bbbbbbbb', 'last'),
      ];
      server().play(vendor.serveResults({ body: holdResults(lines, '\r\n') }, server().url));
      expect(await collect(await results())).toMatchObject([
        { customId: 'row-1-aaaaaaaa', outcome: 'succeeded', text },
        { customId: 'somebody else', outcome: 'succeeded', text: 'x' },
        { customId: 'row-1-aaaaaaaa', outcome: 'succeeded', text: 'a second answer' },
        { customId: 'row-0-bbbbbbbb', outcome: 'succeeded', text: 'last' },
      ]);
    });

    it('reads an answer of five megabytes', async () => {
      const text = 'ü'.repeat(2_500_000);
      const lines = [vendor.answerLine('row-0-bbbbbbbb', text), vendor.answerLine('row-1-aaaaaaaa', 'short')];
      const body = holdResults(lines);
      server().play(vendor.serveResults({ body }, server().url));
      const rows = await collect(await results());
      expect(rows.map((row) => row.customId)).toEqual(['row-0-bbbbbbbb', 'row-1-aaaaaaaa']);
      expect(rows[0]?.outcome === 'succeeded' && rows[0].text === text).toBe(true);
    });

    it('has no results where the provider has none', async () => {
      for (const body of pageOf ? [pageOf([]), '{}'] : ['', '\n \r\n\n']) {
        server().play(vendor.serveResults({ body }, server().url));
        expect(await collect(await results())).toEqual([]);
      }
    });

    it.each([
      ['is cut off', { fault: 'cut' }, 'connection'],
      ['stops', { fault: 'stall' }, 'timeout'],
      ['ends within a line', { short: 5 }, 'unreadable'],
    ] as const)(
      'throws when the download %s, and starts again at the next call',
      async (_what, damage, code) => {
        const line = (index: number) => vendor.answerLine(`row-${index}-cccccccc`, 'x'.repeat(2000));
        const body = holdResults(Array.from({ length: 100 }, (_, index) => line(index)));
        const damaged: Reply =
          'short' in damage ? { body: body.slice(0, -damage.short) } : { body, fault: damage.fault };
        server().play(vendor.serveResults(damaged, server().url));
        const failure = await failureOf(collect(await results(never, patience(damaged))));
        expect(failure).toMatchObject({ scope: 'retry', code, status: undefined });
        server().play(vendor.serveResults({ body }, server().url));
        expect(await collect(await results())).toHaveLength(100);
      },
    );

    it('throws when a web page comes in place of the results', async () => {
      server().play(
        vendor.serveResults({ body: '<html>\n<body>Please log in</body>\n</html>\n' }, server().url),
      );
      expect(await failureOf(collect(await results()))).toMatchObject({
        scope: 'retry',
        code: 'unreadable',
        message: `The provider's answer can't be read: ${vendor.noResults ?? 'it holds no JSON lines'}. It is a web page that begins: Please log in`,
      });
    });

    it.skipIf(pageOf)('throws the reason of an abort in the middle of a download', async () => {
      const body = Array.from({ length: 400 }, (_, index) =>
        vendor.answerLine(`row-${index}`, 'x'.repeat(500)),
      ).join('\n');
      server().play(vendor.serveResults({ body, fault: 'stall' }, server().url));
      const stop = new AbortController();
      const reason = new Error('enough');
      const reading = (async () => {
        for await (const _row of await results(stop.signal)) stop.abort(reason);
      })();
      expect(await failureOf(reading)).toBe(reason);
    });

    it.skipIf(pageOf)('lets go of a download that is not read to its end', async () => {
      const body = Array.from({ length: 400 }, (_, index) =>
        vendor.answerLine(`row-${index}`, 'x'.repeat(500)),
      ).join('\n');
      server().play(vendor.serveResults({ body, fault: 'stall' }, server().url));
      for await (const [row] of await results()) {
        expect(row?.customId).toBe('row-0');
        break;
      }
    });
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function connect(vendor: Pick<Vendor, 'path'>, url: string, timeoutMs = 20_000): Connection {
  return { apiKey, baseUrl: url + vendor.path, timeoutMs, environment: process.env };
}

export async function openBatch(
  vendor: Pick<Vendor, 'entry' | 'path'>,
  url: string,
  timeoutMs?: number,
): Promise<BatchProvider> {
  const { openBatch } = vendor.entry;
  if (!openBatch) throw new Error('no batches');
  return openBatch(connect(vendor, url, timeoutMs));
}

/** What holds for each call, shown with one of them. */
function checkEveryCall(
  vendor: Vendor,
  server: () => ScriptedServer,
  call: (signal: AbortSignal, timeoutMs?: number) => Promise<unknown>,
): void {
  const isLive = 'answer' in vendor;
  const working = isLive ? (vendor as SyncVendor).answer('x') : (vendor as BatchVendor).runningBatch;

  beforeEach(() => {
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) vi.spyOn(console, method);
  });
  afterEach(() => {
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
      expect(console[method]).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  it('sends the key in its header and nowhere else', async () => {
    server().play(() => ({ body: working }));
    await call(never);
    const [arrived] = server().arrived as [Arrived];
    const [name, value] = vendor.keyHeader;
    expect(arrived.headers[name]).toBe(value);
    expect(arrived.path + arrived.body).not.toContain(apiKey);
    const carriers = Object.entries(arrived.headers).filter(([, text]) => String(text).includes(apiKey));
    expect(carriers.map(([header]) => header)).toEqual([name]);
  });

  it('heeds none of the variables that are for its SDK', async () => {
    for (const [name, value] of Object.entries(vendor.variables)) vi.stubEnv(name, value);
    server().play(() => ({ body: working }));
    await call(never);
    const [arrived] = server().arrived as [Arrived];
    expect(arrived.headers[vendor.keyHeader[0]]).toBe(vendor.keyHeader[1]);
    expect(JSON.stringify(arrived)).not.toContain('stray');
    for (const [name, value] of Object.entries(vendor.variables)) expect(process.env[name]).toBe(value);
  });

  it.each(faultsOf(vendor))('classes %s and does not try again by itself', async (_what, reply, expected) => {
    server().play(() => reply);
    const failure = await failureOf(call(never, patience(reply)));
    const isLasting = patience(reply) !== undefined || (expected as { code?: string }).code === 'unreadable';
    const end = isLive && isLasting ? { scope: 'row' } : {};
    expect(failure).toMatchObject({ name: 'ProviderError', ...expected, ...end });
    expect(server().arrived).toHaveLength(1);
  });

  it('takes a date for the time to wait until then', async () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    server().play(() => refuse(503, { 'retry-after': inAMinute }));
    const { retryAfterMs } = (await failureOf(call(never))) as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('stops the run at a refused key, and never repeats the key', async () => {
    server().play(() => vendor.refusedKey);
    const failure = await failureOf(call(never));
    expect(failure).toMatchObject({ scope: 'run', code: 'invalid_api_key' });
    expect((failure as Error).message).toContain('[key]');
    expect((failure as Error).message).not.toContain('cdef');
    expect(`${JSON.stringify(failure)} ${(failure as Error).stack}`).not.toContain(apiKey);
  });

  it('makes one harmless line of a message', async () => {
    const message = `no \u001b[31mred\u001b[0m\n\r\u2028line \u202e${'long '.repeat(400)}`;
    server().play(() => ({ status: 500, body: { error: { message } } }));
    const failure = (await failureOf(call(never))) as Error;
    expect(failure.message).toMatch(/^no \[31mred \[0m line long long .*…$/);
    expect(failure.message.length).toBeLessThanOrEqual(500);
    const keys = ['sk-proj-0123abcdef', 'AIzaSy0123456789abcdefghij', 'Bearer 0123abcdef', '0123****cdef'];
    server().play(() => ({ status: 500, body: { error: { message: `${keys.join(' ')} end` } } }));
    expect(((await failureOf(call(never))) as Error).message).toBe('[key] [key] Bearer [key] [key] end');
  });

  it('throws the reason of an abort at once, before, during and in the middle of an answer', async () => {
    const reason = new Error('enough');
    expect(await failureOf(call(AbortSignal.abort(reason)))).toBe(reason);
    for (const fault of ['silence', 'stall'] as const) {
      server().play(() => ({ body: { padding: 'x'.repeat(1000) }, fault }));
      const stop = new AbortController();
      const arrival = server().nextArrival();
      const failure = failureOf(call(stop.signal));
      await arrival;
      stop.abort(reason);
      expect(await failure).toBe(reason);
    }
  });

  it('refuses a key that no header can carry, without repeating it', async () => {
    const opening = isLive ? vendor.entry.openSync : vendor.entry.openBatch;
    for (const badKey of ['', `${apiKey}\n`, 'schlüssel-0123456789']) {
      const failure = await failureOf(
        Promise.resolve(opening?.({ ...connect(vendor, server().url), apiKey: badKey })),
      );
      expect(failure).toMatchObject({ scope: 'run', code: 'invalid_api_key' });
      expect((failure as Error).message).not.toContain(badKey || '\n');
    }
  });
}
