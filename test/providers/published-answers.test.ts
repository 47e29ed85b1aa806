/**
 * Answers as the vendors publish them, or as servers that others wrote gave them, served over HTTP to the real adapters,
 * and what each is read as. They stand in `published/`, one file for each vendor and endpoint; `sources.json` says where
 * each is from, `servers.json` which server gave it. Long texts are shortened, and what names somebody is left out, both
 * with an ellipsis; where a source shows a part, it is that. Nothing is added.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../src/core/errors.ts';
import type { ProviderName } from '../../src/core/models.ts';
import { plainContent } from '../../src/core/request/content.ts';
import type { Connection } from '../../src/providers/connection.ts';
import type { BatchProvider, ProviderEntry } from '../../src/providers/provider.ts';
import { providerEntry } from '../../src/providers/registry.ts';
import { apiKey, collect, never, useServer } from './conformance.ts';
import type { Script } from './scripted-server.ts';

interface PublishedAnswer {
  readonly what: string;
  /** A name in `sources.json` or `servers.json`. */
  readonly source: string;
  readonly call: keyof typeof calls;
  /** What is looked for in a list. */
  readonly asks?: { readonly tag?: string; readonly fileId?: string; readonly requests?: number };
  readonly status?: number;
  readonly body?: object;
  /** In place of a body: what a file of results holds. */
  readonly lines?: readonly object[];
  readonly read: unknown;
}

interface Source {
  /** Whether the vendor published it, somebody who was given the answer, or a server gave it to a script of ours. */
  readonly kind: 'documentation' | 'specification' | 'sdk' | 'report' | 'recorded';
  readonly title: string;
  readonly address: string;
  /** The day on which it was read. */
  readonly read: string;
}

const folder = fileURLToPath(new URL('published/', import.meta.url));
const readJson = (name: string) => JSON.parse(readFileSync(folder + name, 'utf8'));
const sources: Readonly<Record<string, Source>> = {
  ...readJson('sources.json'),
  ...readJson('servers.json'),
};
const names = readdirSync(folder).filter((name) => !['sources.json', 'servers.json'].includes(name));
const files = names.map((name) => {
  const { provider, answers } = readJson(name) as {
    provider: ProviderName;
    answers: readonly PublishedAnswer[];
  };
  return { name: name.replace('.json', ''), provider, answers };
});

const batchId = 'batches/batch_1';
const request = { customId: 'row-1', model: 'model-1', content: plainContent('Hello') };
const requestFile = {
  path: `${folder}sources.json`,
  bytes: statSync(`${folder}sources.json`).size,
  requests: 1,
};

interface Provider {
  readonly live: () => ReturnType<ProviderEntry['openSync']>;
  readonly batch: () => Promise<BatchProvider>;
}

const calls = {
  generate: async ({ live }: Provider) => (await live()).generate(request, never),
  respond: async ({ live }: Provider) =>
    (await live()).generate({ ...request, settings: { api: 'responses' } }, never),
  countTokens: async ({ live }: Provider) => (await live()).countTokens?.(request, never),
  upload: async ({ batch }: Provider) => (await batch()).upload?.(requestFile, never),
  create: async ({ batch }: Provider) =>
    (await batch()).create({ file: requestFile, fileId: 'files/1' }, { model: 'model-1', tag: 't' }, never),
  check: async ({ batch }: Provider) => (await batch()).check(batchId, never),
  results: async ({ batch }: Provider) => collect((await batch()).results(batchId, never)),
  find: async ({ batch }: Provider, { tag = '', fileId }: NonNullable<PublishedAnswer['asks']>) =>
    (await batch()).find?.({ tag, fileId }, never),
  listCandidates: async ({ batch }: Provider, { requests = 0 }: NonNullable<PublishedAnswer['asks']>) =>
    (await (await batch()).listCandidates?.(new Date(0), requests, never))?.candidates,
};

/** A batch that is over, at whichever vendor, whose results are at an address of its own. */
const overBatch = (url: string) => ({
  id: batchId,
  status: 'completed',
  output_file_id: 'file-1',
  processing_status: 'ended',
  results_url: `${url}/lines`,
  metadata: { state: 'BATCH_STATE_SUCCEEDED', output: { responsesFile: 'files/lines' } },
});

/** Serves an answer wherever it is asked for; results to whoever asks for the results of a batch that is over. */
function serve({ status, body, lines }: PublishedAnswer, url: string): Script {
  const headers = { 'x-goog-upload-url': `${url}/upload`, 'x-goog-upload-status': 'final' };
  return ({ path }) => {
    if (!lines) return { ...(status && { status }), headers, body: body ?? {} };
    const isOfResults = /lines|content$/.test(path);
    return { body: isOfResults ? lines.map((line) => JSON.stringify(line)).join('\n') : overBatch(url) };
  };
}

/** As JSON has it: times as text, and nothing undefined. */
function asPlain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** An error's message may name the address, which is another in each run. */
async function readAs(call: Promise<unknown>, url: string): Promise<unknown> {
  try {
    return asPlain(await call);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const { scope, code, status, retryAfterMs, limit } = error;
    const message = error.message.replace(url, '<address>');
    return asPlain({ error: { scope, code, message, status, retryAfterMs, limit } });
  }
}

const server = useServer();

describe.each(files)('$name:', ({ provider, answers }) => {
  const entry = providerEntry(provider);
  it.each(answers.map((answer) => [answer.what, answer] as const))('reads %s', async (_what, answer) => {
    const { url } = server();
    const connection: Connection = { apiKey, baseUrl: url, timeoutMs: 20_000, environment: {} };
    const opened: Provider = {
      live: () => entry.openSync(connection),
      batch: async () => entry.openBatch?.(connection) ?? expect.fail(`${provider} has no batches`),
    };
    server().play(serve(answer, url));
    expect(await readAs(calls[answer.call](opened, answer.asks ?? {}), url)).toEqual(answer.read);
  });
});

it('knows where each answer is from, and when that was read', () => {
  const used = files.flatMap(({ answers }) => answers.map(({ source }) => source));
  expect([...new Set(used)].sort()).toEqual(Object.keys(sources).sort());
  for (const source of Object.values(sources)) {
    expect(source).toMatchObject({
      kind: expect.stringMatching(/^(documentation|specification|sdk|report|recorded)$/),
      title: expect.stringMatching(/\w/),
      address: expect.stringMatching(/^https:\/\/[\w.-]+\/\S+$/),
      read: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
  }
});
