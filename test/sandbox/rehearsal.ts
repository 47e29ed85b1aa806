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
export async function openaiBatch(
  client: OpenAI,
  lines: readonly string[],
  metadata: Record<string, string> = {},
) {
  const file = new File([lines.map((line) => `${line}\n`).join('')], 'requests.jsonl');
  const { id } = await client.files.create({ file, purpose: 'batch' });
  return client.batches.create({
    input_file_id: id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata,
  });
}

/** Waits for an OpenAI batch to end. */
export async function openaiEnd(client: OpenAI, id: string) {
  const ends = ['completed', 'failed', 'expired', 'cancelled'];
  return until(
    () => client.batches.retrieve(id),
    (batch) => ends.includes(batch.status),
  );
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
