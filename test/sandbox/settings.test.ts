/** How the sandbox takes the settings of a request: what a vendor refuses, and what an answer makes of the rest. */
import { expect, test } from 'vitest';
import { anthropicClient, googleClient, open, openaiClient, openrouterClient, thrown } from './rehearsal.ts';

const messages = [{ role: 'user', content: 'What is a loom, in JSON?' }];
const answer = 'Sandbox answer from m: What is a loom, in JSON?';
const schema = { type: 'object', properties: { a: { type: 'integer', minimum: 4 } }, required: ['a'] };
const closed = {
  type: 'object',
  properties: { a: { type: 'integer' } },
  required: ['a'],
  additionalProperties: false,
};
const format = (more: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'x', ...more } },
});

/** The text and the reason for its end. */
async function chat(vendor: 'openai' | 'openrouter', more: object) {
  const sandbox = await open();
  const client = vendor === 'openai' ? openaiClient(sandbox) : openrouterClient(sandbox);
  const { choices } = await client.chat.completions.create({ model: 'm', messages, ...more } as never);
  return [choices[0]?.message.content, choices[0]?.finish_reason];
}

async function message(more: object, version = '2026-10-21') {
  const client = anthropicClient(await open());
  const body = { model: 'm', max_tokens: 100, messages, ...more };
  const headers = { 'anthropic-version': version };
  const { content, stop_reason, stop_sequence } = await client.messages.create(body as never, { headers });
  return [content[0]?.type === 'text' && content[0].text, stop_reason, stop_sequence];
}

async function content(generationConfig: object) {
  const client = googleClient(await open());
  const config = { httpOptions: { extraBody: { generationConfig } } };
  const { candidates } = await client.models.generateContent({
    model: 'm',
    contents: 'What is a loom, in JSON?',
    config,
  });
  return [candidates?.[0]?.content?.parts?.[0]?.text, candidates?.[0]?.finishReason];
}

test.each(['openai', 'openrouter'] as const)(
  '%s: an answer ends at its limit or its stop text, and is JSON on demand',
  async (vendor) => {
    expect(await chat(vendor, { max_completion_tokens: 2 })).toEqual(['Sandbox ', 'length']);
    expect(await chat(vendor, { max_tokens: 2 })).toEqual(['Sandbox ', 'length']);
    expect(await chat(vendor, { stop: [' is', ' from'] })).toEqual(['Sandbox answer', 'stop']);
    expect(await chat(vendor, { stop: ' from' })).toEqual(['Sandbox answer', 'stop']);
    expect(await chat(vendor, { response_format: { type: 'json_object' } })).toEqual([
      JSON.stringify({ answer }),
      'stop',
    ]);
    expect(await chat(vendor, format({ schema }))).toEqual(['{"a":4}', 'stop']);
  },
);

test('anthropic: an answer ends at its limit or its stop text, and fits its schema', async () => {
  expect(await message({ max_tokens: 2 })).toEqual(['Sandbox ', 'max_tokens', null]);
  expect(await message({ stop_sequences: ['?', ' from'] })).toEqual([
    'Sandbox answer',
    'stop_sequence',
    ' from',
  ]);
  expect(await message({ output_config: { format: { type: 'json_schema', schema: closed } } })).toEqual([
    ...['{"a":1}', 'end_turn', null],
  ]);
  expect(await message({ temperature: 1, top_p: 1, top_k: 1 }, '2023-06-01')).toEqual([
    answer,
    'end_turn',
    null,
  ]);
});

test('google: an answer ends at its limit or its stop text, and is JSON on demand', async () => {
  expect(await content({ maxOutputTokens: 2 })).toEqual(['Sandbox ', 'MAX_TOKENS']);
  expect(await content({ stopSequences: [' from'] })).toEqual(['Sandbox answer', 'STOP']);
  const responseMimeType = 'application/json';
  expect(await content({ responseMimeType })).toEqual([JSON.stringify({ answer }), 'STOP']);
  const responseSchema = {
    type: 'OBJECT',
    properties: { a: { type: 'ARRAY', items: { type: 'BOOLEAN' } } },
    required: ['a'],
  };
  expect(await content({ responseMimeType, responseSchema })).toEqual(['{"a":[true]}', 'STOP']);
  expect(await content({ responseMimeType, responseJsonSchema: schema })).toEqual(['{"a":4}', 'STOP']);
});

test.each<[object, string]>([
  [{ top_k: 4 }, 'Unrecognized request argument supplied: top_k'],
  [{ model: 'gpt-5-mini', temperature: 0.2 }, "'temperature' does not support 0.2 with this model."],
  [
    { messages: [{ role: 'user', content: 'x' }], response_format: { type: 'json_object' } },
    "must contain the word 'json'",
  ],
])('openai refuses %j', async (more, reason) => {
  expect(await thrown(chat('openai', more))).toMatchObject({
    status: 400,
    message: expect.stringContaining(reason),
  });
});

test.each<[object, string | undefined, string]>([
  [{ temperature: 1 }, undefined, 'temperature: Extra inputs are not permitted'],
  [{ seed: 1 }, undefined, 'seed: Extra inputs are not permitted'],
  [{ stop_sequences: [' '] }, undefined, 'stop_sequences: each stop sequence must contain non-whitespace'],
])('anthropic refuses %j by version %s', async (more, version, reason) => {
  expect(await thrown(message(more, version))).toMatchObject({
    status: 400,
    message: expect.stringContaining(reason),
  });
});

test.each<[object, string]>([
  [{ topk: 1 }, `Unknown name \\"topk\\" at 'generation_config': Cannot find field.`],
  [{ responseSchema: { type: 'STRING' } }, 'only allowed when response_mime_type is application/json'],
])('google refuses %j', async (config, reason) => {
  expect(await thrown(content(config))).toMatchObject({
    status: 400,
    message: expect.stringContaining(reason),
  });
});
