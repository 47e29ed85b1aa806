/** What the sandbox's tests share: a sandbox in a folder of its own, the vendors' real SDKs, and patience. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { onTestFinished } from 'vitest';
import { type Sandbox, type SandboxOptions, sandboxKey, startSandbox } from '../../src/sandbox/server.ts';

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** A sandbox that is closed after the test; batches take 50 ms unless said. */
export async function open(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const dir = options.dir ?? (await temporaryFolder());
  const sandbox = await startSandbox({ turnaroundMs: 50, ...options, dir });
  onTestFinished(() => sandbox.close());
  return sandbox;
}

export function openaiClient(sandbox: Sandbox, apiKey = sandboxKey): OpenAI {
  return new OpenAI({ apiKey, baseURL: sandbox.baseUrls.openai, maxRetries: 0 });
}

export function openrouterClient(sandbox: Sandbox, apiKey = sandboxKey): OpenAI {
  return new OpenAI({ apiKey, baseURL: sandbox.baseUrls.openrouter, maxRetries: 0 });
}

export function anthropicClient(sandbox: Sandbox, apiKey = sandboxKey): Anthropic {
  return new Anthropic({ apiKey, baseURL: sandbox.baseUrls.anthropic, maxRetries: 0 });
}

export function googleClient(sandbox: Sandbox, apiKey = sandboxKey): GoogleGenAI {
  return new GoogleGenAI({ apiKey, vertexai: false, httpOptions: { baseUrl: sandbox.baseUrls.google } });
}

/** Asks again and again until the answer is the one that was waited for. */
export async function until<Value>(
  ask: () => Promise<Value>,
  isReached: (value: Value) => boolean,
): Promise<Value> {
  const end = Date.now() + 30_000;
  for (;;) {
    const value = await ask();
    if (isReached(value)) return value;
    if (Date.now() > end) throw new Error(`Waited in vain; the last answer was ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What an SDK threw. */
export async function thrown(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Record<string, unknown>;
  }
  throw new Error('Nothing was thrown.');
}

/** The values of a JSONL text. */
// biome-ignore lint/suspicious/noExplicitAny: each vendor has lines of its own
export function parseLines(text: string): any[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** A line of an OpenAI request file. */
export function openaiLine(customId: string, content: unknown, model = 'gpt-4o-mini'): string {
  const body = { model, messages: [{ role: 'user', content }] };
  return JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body });
}

/** Uploads lines to OpenAI and creates a batch of them. */
export async function openaiBatch(client: OpenAI, lines: readonly string[], more: object = {}) {
  const file = new File([lines.map((line) => `${line}\n`).join('')], 'requests.jsonl');
  const { id } = await client.files.create({ file, purpose: 'batch' });
  const order = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
  return client.batches.create({ ...order, ...more });
}

/** Waits for an OpenAI batch to end. */
export async function openaiEnd(client: OpenAI, id: string) {
  const ends = ['completed', 'failed', 'expired', 'cancelled', 'retired'];
  return until(
    () => client.batches.retrieve(id),
    (batch) => ends.includes(batch.status),
  );
}

/** The values of a file of results; none where there is no file. */
export async function openaiResults(client: OpenAI, fileId: string | null | undefined) {
  return fileId ? parseLines(await (await client.files.content(fileId)).text()) : [];
}

/** A request of an Anthropic batch. */
export function anthropicRequest(customId: string, content: string, model = 'claude-sonnet-5-5') {
  return {
    custom_id: customId,
    params: { model, max_tokens: 100, messages: [{ role: 'user' as const, content }] },
  };
}

/** A line of a Google request file. */
export function googleLine(key: string, text: string): string {
  return JSON.stringify({ key, request: { contents: [{ role: 'user', parts: [{ text }] }] } });
}

/** Uploads lines to Google and creates a batch of them. */
export async function googleBatch(client: GoogleGenAI, lines: readonly string[], displayName = 'job-1') {
  const text = lines.map((line) => `${line}\n`).join('');
  const config = { mimeType: 'application/jsonl' };
  const { name: fileName = '' } = await client.files.upload({ file: new Blob([text]), config });
  return client.batches.create({ model: 'm', src: { fileName }, config: { displayName } });
}

// biome-ignore-start lint/suspicious/noExplicitAny: each vendor has forms of its own
/** What came of a row: the vendor's answer, or what is there in its place. */
interface RowResult {
  readonly id: string;
  readonly answer?: any;
  readonly error?: any;
}

/** What is asked of the batches of any vendor, by its own SDK. */
export interface BatchDriver {
  /** Gives the id of the new batch. */
  create(rows: Readonly<Record<string, string>>): Promise<string>;
  /** Its word for where the batch stands. */
  word(id: string): Promise<string>;
  cancel(id: string): Promise<unknown>;
  /** Every id in the list, asked for in pages of two. */
  list(): Promise<string[]>;
  /** How many rows were answered, and how many failed. */
  counts(id: string): Promise<[answered: number, failed: number]>;
  /** The result files as they are. */
  text(id: string): Promise<string>;
  readResult(line: object): RowResult;
}

async function idsOf(pages: AsyncIterable<{ id?: string; name?: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id, name } of pages) ids.push(id ?? (name as string));
  return ids;
}

export const batchDrivers: Readonly<Record<string, (sandbox: Sandbox) => BatchDriver>> = {
  openai(sandbox) {
    const client = openaiClient(sandbox);
    const { batches } = client;
    return {
      create: async (rows) =>
        (
          await openaiBatch(
            client,
            Object.entries(rows).map(([id, text]) => openaiLine(id, text, 'm')),
          )
        ).id,
      word: async (id) => (await batches.retrieve(id)).status,
      cancel: (id) => batches.cancel(id),
      list: () => idsOf(batches.list({ limit: 2 })),
      async counts(id) {
        const { completed, failed } = (await batches.retrieve(id)).request_counts ?? {};
        return [Number(completed), Number(failed)];
      },
      async text(id) {
        const { output_file_id, error_file_id } = await batches.retrieve(id);
        const texts = [output_file_id, error_file_id]
          .filter(Boolean)
          .map(async (fileId) => (await client.files.content(String(fileId))).text());
        return (await Promise.all(texts)).join('');
      },
      readResult({ custom_id: id, response, error }: any) {
        return response?.status_code === 200
          ? { id, answer: response.body }
          : { id, error: error ?? response.body.error };
      },
    };
  },
  anthropic(sandbox) {
    const { batches } = anthropicClient(sandbox).messages;
    return {
      create: async (rows) =>
        (
          await batches.create({
            requests: Object.entries(rows).map(([id, text]) => anthropicRequest(id, text, 'm')),
          })
        ).id,
      word: async (id) => (await batches.retrieve(id)).processing_status,
      cancel: (id) => batches.cancel(id),
      list: () => idsOf(batches.list({ limit: 2 })),
      async counts(id) {
        const { succeeded, errored } = (await batches.retrieve(id)).request_counts;
        return [succeeded, errored];
      },
      text: async (id) => {
        const headers = { 'x-api-key': 'key', 'anthropic-version': '2026-10-21' };
        return (await fetch((await batches.retrieve(id)).results_url as string, { headers })).text();
      },
      readResult({ custom_id: id, result }: any) {
        return result.type === 'succeeded'
          ? { id, answer: result.message }
          : { id, error: result.error?.error ?? result };
      },
    };
  },
  google(sandbox) {
    const client = googleClient(sandbox);
    const { batches } = client;
    const headers = { 'x-goog-api-key': 'key' };
    const raw = async (path: string) => fetch(`${sandbox.baseUrls.google}/v1beta/${path}`, { headers });
    return {
      create: async (rows) =>
        (
          await googleBatch(
            client,
            Object.entries(rows).map(([id, text]) => googleLine(id, text)),
          )
        ).name as string,
      word: async (name) => (await batches.get({ name })).state as string,
      cancel: (name) => batches.cancel({ name }),
      list: async () => idsOf(await batches.list({ config: { pageSize: 2 } })),
      async counts(name) {
        const { metadata } = (await (await raw(name)).json()) as any;
        const { successfulRequestCount = 0, failedRequestCount = 0 } = metadata.batchStats;
        return [Number(successfulRequestCount), Number(failedRequestCount)];
      },
      async text(name) {
        const { dest } = await batches.get({ name });
        return dest?.fileName ? (await raw(`${dest.fileName}:download?alt=media`)).text() : '';
      },
      readResult: ({ key: id, response, error }: any) =>
        response ? { id, answer: response } : { id, error },
    };
  },
};
// biome-ignore-end lint/suspicious/noExplicitAny: to here

/** The results of a batch that is over. */
export async function resultsOf(driver: BatchDriver, id: string): Promise<RowResult[]> {
  return parseLines(await driver.text(id)).map(driver.readResult);
}
