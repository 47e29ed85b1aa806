import { expect, test } from 'vitest';
import { open, openrouterClient, thrown } from './rehearsal.ts';

const model = 'vendor/model';
const ask = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });

test('a live call is answered with the prompt, the model and what it cost', async () => {
  const client = openrouterClient(await open());
  const answer = await client.chat.completions.create(ask('What is a loom?'));
  expect(answer).toMatchObject({
    model,
    provider: 'Sandbox',
    choices: [
      { message: { content: 'Sandbox answer from vendor/model: What is a loom?' }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 4, completion_tokens: 13, total_tokens: 17, cost: 0.000017 },
  });
});

test.each([
  ['a refused key', 'bad-key', ask('x'), 401, 'User not found.'],
  ['a missing key', ' ', ask('x'), 401, 'No auth credentials found'],
  [
    'an unknown model',
    'key',
    { ...ask('x'), model: 'no-such-model' },
    400,
    'no-such-model is not a valid model ID',
  ],
  ['a moderated prompt', 'key', ask('[[sandbox:blocked]]'), 403, /requires moderation/],
  ['a prompt that asks for 402', 'key', ask('[[sandbox:error 402]]'), 402, /error 402/],
])('%s is refused with a code that is a number', async (_what, key, body, status, message) => {
  const client = openrouterClient(await open(), key);
  const error = await thrown(client.chat.completions.create(body));
  expect(error).toMatchObject({ status, code: status });
  expect((error.error as { message: string }).message).toMatch(message);
});

test('an error can come as HTTP 200, in place of the answer or within its choice', async () => {
  const client = openrouterClient(await open());
  const body = await client.chat.completions.create(ask('[[sandbox:body-error 502]]'));
  expect(body).toMatchObject({ error: { code: 502 } });
  expect(body.choices).toBe(undefined);
  const choice = await client.chat.completions.create(ask('[[sandbox:choice-error 502]]'));
  expect(choice.choices[0]).toMatchObject({ finish_reason: 'error', error: { code: 502 } });
});

test('there are no batches, no files and no token counts', async () => {
  const client = openrouterClient(await open());
  expect((await thrown(client.batches.list())).status).toBe(404);
  expect((await thrown(client.files.list())).status).toBe(404);
  expect((await thrown(client.responses.inputTokens.count({ model, input: 'x' }))).status).toBe(404);
});
