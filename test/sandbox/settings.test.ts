/** How the sandbox takes the settings of a request: what a vendor refuses, and what an answer makes of the rest. */
import { expect, test } from 'vitest';
import { anthropicClient, googleClient, open, openaiClient, openrouterClient, thrown } from './rehearsal.ts';

const prompt = 'What is a loom, in JSON?';
const messages = [{ role: 'user', content: prompt }];
const answer = `Sandbox answer from m: ${prompt}`;
const json = JSON.stringify({ answer });
const schema = { type: 'object', properties: { a: { type: 'integer', minimum: 4 } }, required: ['a'] };
const asked = { type: 'json_schema', schema };
const chatFormat = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } };
const flags = {
  type: 'OBJECT',
  properties: { a: { type: 'ARRAY', items: { type: 'BOOLEAN' } } },
  required: ['a'],
};
const responseMimeType = 'application/json';
type Settings = Record<string, unknown>;

/** The text of an answer and the reason for its end. */
const asks = {
  async openai(more: Settings) {
    const { completions } = openaiClient(await open()).chat;
    const { choices } = await completions.create({ model: 'm', messages, ...more } as never);
    return [choices[0]?.message.content, choices[0]?.finish_reason];
  },
  async openrouter(more: Settings) {
    const { completions } = openrouterClient(await open()).chat;
    const { choices } = await completions.create({ model: 'm', messages, ...more } as never);
    return [choices[0]?.message.content, choices[0]?.finish_reason];
  },
  async anthropic({ version = '2026-10-21', ...more }: Settings) {
    const body = { model: 'm', max_tokens: 100, messages, ...more };
    const headers = { 'anthropic-version': version as string };
    const message = await anthropicClient(await open()).messages.create(body as never, { headers });
    const [block] = message.content;
    return [block?.type === 'text' && block.text, message.stop_sequence ?? message.stop_reason];
  },
  async google(generationConfig: Settings) {
    const config = { httpOptions: { extraBody: { generationConfig } } };
    const { models } = googleClient(await open());
    const { candidates } = await models.generateContent({ model: 'm', contents: prompt, config });
    return [candidates?.[0]?.content?.parts?.[0]?.text, candidates?.[0]?.finishReason];
  },
};

const chat: [Settings, string, string][] = [
  [{ max_completion_tokens: 2 }, 'Sandbox ', 'length'],
  [{ max_tokens: 2 }, 'Sandbox ', 'length'],
  [{ stop: [' is', ' from'] }, 'Sandbox answer', 'stop'],
  [{ stop: ' from' }, 'Sandbox answer', 'stop'],
  [{ response_format: { type: 'json_object' } }, json, 'stop'],
  [chatFormat, '{"a":4}', 'stop'],
];

test.each<[keyof typeof asks, Settings, string, string]>([
  ...chat.map((row): ['openai', ...typeof row] => ['openai', ...row]),
  ...chat.map((row): ['openrouter', ...typeof row] => ['openrouter', ...row]),
  ['anthropic', { max_tokens: 2 }, 'Sandbox ', 'max_tokens'],
  ['anthropic', { stop_sequences: ['?', ' from'] }, 'Sandbox answer', ' from'],
  ['anthropic', { output_config: { format: asked } }, '{"a":4}', 'end_turn'],
  ['anthropic', { temperature: 1, top_p: 1, top_k: 1, version: '2023-06-01' }, answer, 'end_turn'],
  ['google', { maxOutputTokens: 2 }, 'Sandbox ', 'MAX_TOKENS'],
  ['google', { stopSequences: [' from'] }, 'Sandbox answer', 'STOP'],
  ['google', { responseMimeType }, json, 'STOP'],
  ['google', { responseMimeType, responseSchema: flags }, '{"a":[true]}', 'STOP'],
  ['google', { responseMimeType, responseJsonSchema: schema }, '{"a":4}', 'STOP'],
])('%s: %j are kept to', async (vendor, settings, text, end) => {
  expect(await asks[vendor](settings)).toEqual([text, end]);
});

const plain = [{ role: 'user', content: 'x' }];
test.each<[keyof typeof asks, Settings, string]>([
  ['openai', { top_k: 4 }, 'Unrecognized request argument supplied: top_k'],
  ['openai', { model: 'gpt-5', temperature: 0.2 }, "'temperature' does not support 0.2 with this model."],
  ['openai', { messages: plain, response_format: { type: 'json_object' } }, "must contain the word 'json'"],
  ['anthropic', { temperature: 1 }, 'temperature: Extra inputs are not permitted'],
  ['anthropic', { seed: 1 }, 'seed: Extra inputs are not permitted'],
  ['anthropic', { stop_sequences: [' '] }, 'each stop sequence must contain non-whitespace'],
  ['google', { topk: 1 }, `Unknown name \\"topk\\" at 'generation_config': Cannot find field.`],
  [
    'google',
    { responseSchema: { type: 'STRING' } },
    'only allowed when response_mime_type is application/json',
  ],
])('%s refuses %j', async (vendor, settings, reason) => {
  const message = expect.stringContaining(reason);
  expect(await thrown(asks[vendor](settings))).toMatchObject({ status: 400, message });
});
