/** `--few-shot`: examples that go ahead of every prompt, as turns of a conversation. */
import { expect, test } from 'vitest';
import { batchProviders, createSandboxWorld, fetchUntilDone, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const data = 'id,text\n1,Good\n2,Bad\n';
const answered =
  'id,text,llm_response\n1,Good,Sandbox answer from m: Good\n2,Bad,Sandbox answer from m: Bad\n';
const order = (...flags: string[]) => ['-f', 'data.csv', '-c', 'text', '-m', 'm', '-o', 'out.csv', ...flags];
const pairs = [
  { prompt: 'Lovely', response: 'positive' },
  { prompt: 'Awful', response: 'negative' },
];
const turns = [
  { role: 'user', content: 'Lovely' },
  { role: 'assistant', content: 'positive' },
  { role: 'user', content: 'Awful' },
  { role: 'assistant', content: 'negative' },
];

async function previewMessages(file: string): Promise<unknown> {
  const flags = ['-p', 'openai', '--few-shot', file, '--preview', '1', '--output-format', 'json'];
  const { stdout } = await world.loom('run', ...order(...flags));
  type Shown = { preview: { request: { body: { body: { messages: unknown } } } } };
  return (JSON.parse(stdout) as Shown).preview.request.body.body.messages;
}

test.each([
  ['shots.jsonl', pairs.map((pair) => JSON.stringify(pair)).join('\n')],
  ['shots.json', JSON.stringify(pairs)],
  ['shots.csv', 'prompt,response\nLovely,positive\nAwful,negative\n'],
  ['shots.tsv', 'prompt\tresponse\nLovely\tpositive\nAwful\tnegative\n'],
])('reads them from %s', async (name, content) => {
  await world.write('data.csv', data);
  await world.write(name, content);
  expect(await previewMessages(name)).toEqual([...turns, { role: 'user', content: 'Good' }]);
});

test.each(providers)('%s is asked with them, live, and otherwise is asked anew', async (provider) => {
  await world.write('data.csv', data);
  await world.write('shots.jsonl', pairs.map((pair) => JSON.stringify(pair)).join('\n'));
  const run = (...flags: string[]) =>
    world.loom('run', '--sync', ...order('-p', provider, '--force', ...flags));
  await run();
  expect((await run('--few-shot', 'shots.jsonl')).stdout).toContain('0 cache hits');
  expect((await run('--few-shot', 'shots.jsonl')).stdout).toContain('2 cache hits');
  expect(await world.read('out.csv')).toBe(answered);
});

test.each(batchProviders)('%s is asked with them in a batch, whose file may go', async (provider) => {
  await world.write('data.csv', data);
  const file = await world.write('shots.jsonl', pairs.map((pair) => JSON.stringify(pair)).join('\n'));
  await world.loom('run', ...order('-p', provider, '--few-shot', file));
  await world.write('shots.jsonl', '');
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read('out.csv')).toBe(answered);
});

test.each([
  ['is empty', '', 'holds no example. Write a prompt and a response for each into it.'],
  [
    'lacks a response',
    '{"prompt":"a","answer":"b"}',
    'has no prompt and response in example 1; it has "prompt", "answer". Both are texts with something in them.',
  ],
  ['is no JSON', '{', "can't be read: "],
])('a file that %s is told before anything is sent', async (_what, content, says) => {
  await world.write('data.csv', data);
  await world.write('shots.jsonl', content);
  const ended = await world.loom('run', '--sync', ...order('-p', 'openai', '--few-shot', 'shots.jsonl'));
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(says);
  expect(await world.countCalls('openai')).toEqual({});
});
