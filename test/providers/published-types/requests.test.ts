/**
 * What is sent to a vendor, against what it publishes of its requests: every body, live and in batches, with each setting
 * by itself and with all of them, is an object of the type that its SDK has for it, or of its protobuf message. A field
 * that is not there, or has another type, is a mistake of ours.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { GenerationSettings, SettingName } from '../../../src/core/models.ts';
import { plainContent } from '../../../src/core/request/content.ts';
import type { WireRequest } from '../../../src/providers/connection.ts';
import type { ProviderEntry } from '../../../src/providers/provider.ts';
import { providerEntry } from '../../../src/providers/registry.ts';
import { never } from '../conformance.ts';

const project = resolve(import.meta.dirname, '../../..');

const values: Required<Omit<GenerationSettings, 'extra' | 'api' | 'few_shot'>> = {
  system: 'Be brief.',
  temperature: 0.5,
  max_tokens: 10,
  top_p: 0.9,
  top_k: 5,
  stop: ['END'],
  seed: 7,
  presence_penalty: 0.5,
  frequency_penalty: 0.5,
  effort: 'low',
  json_mode: true,
  schema: {
    type: 'object',
    properties: {
      mood: { type: 'string', enum: ['good', 'bad'] },
      stars: { type: ['integer', 'null'] },
      tags: { type: 'array', items: { type: 'string' } },
    },
    required: ['mood'],
    additionalProperties: false,
  },
};

/** Nothing, each setting that the vendor has, and all at once: a schema and a JSON mode exclude each other. */
function settingsOf({ settings }: ProviderEntry, api?: 'responses'): GenerationSettings[] {
  const { places } = api ? (settings.responses ?? settings) : settings;
  const names = Object.keys(places) as (keyof typeof values)[];
  const pick = (some: readonly SettingName[]) => ({
    ...Object.fromEntries(Object.entries(values).filter(([name]) => some.includes(name as SettingName))),
    ...(api && { api }),
  });
  const without = (name: string) => names.filter((other) => other !== name);
  return [
    pick([]),
    ...names.map((name) => pick([name])),
    pick(without('schema')),
    pick(without('json_mode')),
  ];
}

interface Sent {
  /** Of a live call. */
  readonly live: object;
  /** A line of a request file, or an element of it. */
  readonly batch: Readonly<Record<string, object>> | undefined;
}

async function sendAll(name: string, api?: 'responses'): Promise<Sent[]> {
  const entry = providerEntry(name);
  const seen: WireRequest[] = [];
  const connection = { apiKey: 'k', timeoutMs: 20_000, environment: {} };
  const sync = await entry.openSync({ ...connection, preview: (request) => seen.push(request) });
  const batch = await entry.openBatch?.(connection);
  const sent: Sent[] = [];
  for (const settings of settingsOf(entry, api)) {
    const request = {
      customId: 'row-0-2c5fbe0a',
      model: 'model-1',
      content: plainContent('Hello'),
      settings,
    };
    await sync.generate(request, never).catch(() => {});
    sent.push({
      live: JSON.parse(seen.at(-1)?.body ?? ''),
      batch: batch && JSON.parse(batch.encode(request)),
    });
  }
  expect(seen).toHaveLength(sent.length);
  return sent;
}

/** What the compiler says of objects that are to have these types: one line for each mistake. */
async function compile(imports: string, objects: readonly (readonly [type: string, value: unknown])[]) {
  const folder = await mkdtemp(join(tmpdir(), 'loom-requests-'));
  try {
    await symlink(join(project, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const lines = objects.map(
      ([type, value], index) => `export const sent${index}: ${type} = ${JSON.stringify(value)};`,
    );
    await writeFile(join(folder, 'sent.mts'), `${imports}\n${lines.join('\n')}\n`);
    const options = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, skipLibCheck: true };
    const config = { compilerOptions: { ...options, types: [] }, files: ['sent.mts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(project, 'node_modules/typescript/bin/tsc');
    return await promisify(execFile)(process.execPath, [compiler, '-p', '.'], { cwd: folder }).then(
      () => [],
      ({ stdout }: { stdout: string }) => stdout.trimEnd().split('\n'),
    );
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

const openAiTypes = `import type { ChatCompletionCreateParamsNonStreaming as Chat } from 'openai/resources/chat/completions';
interface Line { custom_id: string; method: 'POST'; url: '/v1/chat/completions'; body: Chat }
type ChatWithTopK = Chat & { top_k?: number; reasoning?: { effort?: 'minimal' | 'low' | 'medium' | 'high' } };
interface LineWithTopK extends Omit<Line, 'body'> { body: ChatWithTopK }
interface Request { custom_id: string; body: Omit<ChatWithTopK, 'model'> }`;

test('OpenAI, in the types of its SDK', async () => {
  const sent = await sendAll('openai');
  const objects = sent.flatMap(({ live, batch }) => [['Chat', live] as const, ['Line', batch] as const]);
  expect(await compile(openAiTypes, objects)).toEqual([]);
});

const responsesTypes = `import type { ResponseCreateParamsNonStreaming } from 'openai/resources/responses/responses';
interface Line { custom_id: string; method: 'POST'; url: '/v1/responses'; body: ResponseCreateParamsNonStreaming }`;

test('the Responses API of OpenAI, in the types of its SDK', async () => {
  const sent = await sendAll('openai', 'responses');
  const objects = sent.flatMap(({ live, batch }) => [
    ['ResponseCreateParamsNonStreaming', live] as const,
    ['Line', batch] as const,
  ]);
  expect(objects).toHaveLength(20);
  expect(await compile(responsesTypes, objects)).toEqual([]);
});

/** These publish that they take what OpenAI takes, and beside it this. */
test.each([
  // And OpenRouter its own word for how much a model thinks.
  ['openrouter', 'Request'],
  ['alibaba', 'LineWithTopK'],
])('%s, in the same with its own top_k', async (name, line) => {
  const sent = await sendAll(name);
  const objects = sent.flatMap(({ live, batch }) => [
    ['ChatWithTopK', live] as const,
    [line, batch] as const,
  ]);
  expect(await compile(openAiTypes, objects)).toEqual([]);
});

/** Types from 1.12.0 on leave out how words are chosen, which its newest models refuse and the others take. */
const anthropicTypes = `import type { MessageCreateParamsNonStreaming } from '@anthropic-ai/sdk/resources/messages';
interface Message extends MessageCreateParamsNonStreaming { temperature?: number; top_p?: number; top_k?: number }
interface Batch { requests: { custom_id: string; params: Message }[] }`;

test('Anthropic, in the types of its SDK', async () => {
  const sent = await sendAll('anthropic');
  const objects = [
    ...sent.map(({ live }) => ['Message', live] as const),
    ['Batch', { requests: sent.map(({ batch }) => batch) }] as const,
  ];
  expect(await compile(anthropicTypes, objects)).toEqual([]);
});

test('a field that is not there, and a value of another type, are seen', async () => {
  const body = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
  const mistakes = await compile(openAiTypes, [
    ['Chat', { ...body, top_k: 5 }],
    ['Chat', { ...body, stop: 5 }],
    ['Chat', { ...body, response_format: { type: 'json' } }],
    ['Chat', body],
  ]);
  expect(mistakes.map((line) => /^sent\.mts\((\d+),/.exec(line)?.[1]).filter(Boolean)).toEqual([
    '6',
    '7',
    '8',
  ]);
});

interface Field {
  readonly type: string;
  readonly list?: boolean;
  readonly values?: readonly string[];
}
type Messages = Readonly<Record<string, Readonly<Record<string, Field>>>>;

/** Where a value is not of a message, with its path. */
function findMisfits(messages: Messages, message: string, value: object, path = message): string[] {
  return Object.entries(value).flatMap(([name, part]) => {
    const field = messages[message]?.[name];
    if (!field) return [`${path} has no ${name}`];
    if (field.list && !Array.isArray(part)) return [`${path}.${name} is no list`];
    const parts: readonly unknown[] = field.list ? (part as unknown[]) : [part];
    return parts.flatMap((one) => findMisfitsOf(messages, field, one, `${path}.${name}`));
  });
}

function findMisfitsOf(
  messages: Messages,
  { type, values = [] }: Field,
  one: unknown,
  path: string,
): string[] {
  // What these hold is any JSON.
  if (['google.protobuf.Value', 'google.protobuf.Struct', 'map'].includes(type)) return [];
  const isMessage = type in messages;
  const kind = isMessage ? 'object' : type;
  const isOf = type === 'enum' ? values.includes(one as string) : typeof one === kind;
  if (!isOf) return [`${path} is ${JSON.stringify(one)}, not of ${type}`];
  return isMessage ? findMisfits(messages, type, one as object, path) : [];
}

test("Google, in the messages of its protocol's description", async () => {
  const text = await readFile(join(import.meta.dirname, 'google-messages.json'), 'utf8');
  const { messages: described } = JSON.parse(text) as { messages: Messages };
  // The description is older than the levels, which the types of its SDK have.
  const thinkingLevel = { type: 'enum', values: ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH'] };
  const messages = { ...described, ThinkingConfig: { ...described.ThinkingConfig, thinkingLevel } };
  const check = (value: object) => findMisfits(messages, 'GenerateContentRequest', value);
  const sent = await sendAll('google');
  for (const { live, batch } of sent) {
    expect([live, check(live)]).toEqual([live, []]);
    expect(Object.keys(batch ?? {})).toEqual(['key', 'request']);
    expect([batch, check(batch?.request ?? {})]).toEqual([batch, []]);
  }
  expect(check({ contents: [{ parts: [{ txt: 'x' }] }], generationConfig: { topK: 'x' } })).toEqual([
    'GenerateContentRequest.contents.parts has no txt',
    'GenerateContentRequest.generationConfig.topK is "x", not of number',
  ]);
});

test('Mistral, in the fields of its SDK', async () => {
  const text = await readFile(join(import.meta.dirname, 'mistral-messages.json'), 'utf8');
  const { messages } = JSON.parse(text) as { messages: Messages };
  const check = (value: object) => findMisfits(messages, 'ChatCompletionRequest', value);
  for (const { live, batch } of await sendAll('mistral')) {
    expect([live, check(live)]).toEqual([live, []]);
    expect(Object.keys(batch ?? {})).toEqual(['custom_id', 'body']);
    // A job says the model once for all.
    expect([batch, 'model' in (batch?.body ?? {}), check(batch?.body ?? {})]).toEqual([batch, false, []]);
  }
  expect(check({ seed: 7, stop: 'x' })).toEqual([
    'ChatCompletionRequest has no seed',
    'ChatCompletionRequest.stop is no list',
  ]);
});
