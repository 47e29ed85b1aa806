/** What goes over the wire: the requests of a live run. */
import { expect, test } from 'vitest';
import type { ProviderName } from '../worlds/sandbox-world.ts';
import { useServedWorld } from '../worlds/use-world.ts';

const { world, server } = useServedWorld(() => ({
  body: {
    choices: [{ index: 0, message: { role: 'assistant', content: 'fine' }, finish_reason: 'stop' }],
    ...{ type: 'message', role: 'assistant', stop_reason: 'end_turn' },
    content: ['fi', 'ne'].map((text) => ({ type: 'text', text })),
    candidates: [{ content: { parts: [{ text: 'fi' }, { text: 'ne' }] }, finishReason: 'STOP' }],
  },
}));

const prompt = 'Hëllo "you"';
const chat = { model: 'some-model', messages: [{ role: 'user', content: prompt }] };

test.each<[ProviderName, string, object]>([
  ['openai', '/chat/completions', chat],
  ['openrouter', '/chat/completions', chat],
  ['alibaba', '/chat/completions', chat],
  ['anthropic', '/v1/messages', { ...chat, max_tokens: 4096 }],
  [
    'google',
    '/v1beta/models/some-model:generateContent',
    { contents: [{ role: 'user', parts: [{ text: prompt }] }], generationConfig: {} },
  ],
])('a call of %s is one user message to %s, and nothing more', async (provider, path, body) => {
  await world.write('data.csv', 'id,text\n1,"Hëllo ""you"""\n');
  expect((await world.run('-p', provider, '-m', 'some-model', '--sync')).code).toBe(0);
  expect(server.requests).toHaveLength(1);
  const request = server.requests[0];
  expect(request).toMatchObject({ method: 'POST', path });
  expect(JSON.parse(request?.body ?? '')).toEqual(body);
  expect(await world.read(`data_results_${provider}_some-model.csv`)).toBe(
    'id,text,llm_response\n1,"Hëllo ""you""",fine\n',
  );
});
