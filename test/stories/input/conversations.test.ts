/** `--messages`: a column of conversations, of which the last message of the user is what is asked. */
import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { batchProviders, createSandboxWorld, fetchUntilDone, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const png = Buffer.from('\x89PNG\r\n\x1a\nany bytes', 'latin1');
const talk = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'And this?' },
      { type: 'image_url', image_url: { url: 'a.png' } },
    ],
  },
];
const plain = [{ role: 'user', content: 'Just this' }];
const told = `[image/png, ${png.length} bytes, sha256 ${hash('sha256', png)}]`;

async function writeRows(...rows: readonly unknown[]): Promise<void> {
  await world.write('a.png', png);
  await world.write('data.jsonl', rows.map((chat) => `${JSON.stringify({ chat })}\n`).join(''));
}
const order = (...flags: string[]) => [
  ...['-f', 'data.jsonl', '--messages', 'chat', '-m', 'm', '-o', 'out.jsonl', ...flags],
];
const readAnswers = async () =>
  (await world.read('out.jsonl'))
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { llm_response: string | null }).llm_response);

const answers = [`Sandbox answer from m: And this?${told}`, 'Sandbox answer from m: Just this'];

test.each(providers)('%s is asked a whole conversation, live', async (provider) => {
  await writeRows(talk, plain);
  expect(await world.loom('run', '--sync', ...order('-p', provider))).toMatchObject({ code: 0 });
  expect(await readAnswers()).toEqual(answers);
});

test.each(batchProviders)('%s is asked it in a batch', async (provider) => {
  await writeRows(talk, plain);
  expect(await world.loom('run', ...order('-p', provider))).toMatchObject({ code: 0 });
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await readAnswers()).toEqual(answers);
  expect(await world.listLeft()).toEqual([]);
});

const bodyOf = async (...flags: string[]) => {
  const { stdout } = await world.loom('run', ...order(...flags, '--preview', '1', '--output-format', 'json'));
  const line = (JSON.parse(stdout) as { preview: { request: { body: unknown } } }).preview.request.body;
  return JSON.parse(typeof line === 'string' ? line : JSON.stringify(line)) as Record<string, unknown>;
};

test('its system text goes where the provider has a place for it, behind that of the run', async () => {
  await writeRows(talk);
  const system = 'Answer in French.\n\nBe brief.';
  expect(await bodyOf('-p', 'openai', '--system', 'Answer in French.')).toMatchObject({
    body: { messages: [{ role: 'system', content: system }, { role: 'user', content: 'Hello' }, {}, {}] },
  });
  expect(await bodyOf('-p', 'anthropic', '--system', 'Answer in French.')).toMatchObject({
    params: { system },
  });
});

test('stands as JSON in the cell of a table, and a conversation of one prompt is that prompt', async () => {
  const cell = JSON.stringify(plain).replaceAll('"', '""');
  await world.write('data.csv', `id,chat,text\n1,"${cell}",Just this\n`);
  const flags = ['-f', 'data.csv', '-p', 'openai', '-m', 'm', '--sync', '--force', '-o', 'out.csv'];
  await world.loom('run', '--messages', 'chat', ...flags);
  expect((await world.loom('run', '-c', 'text', ...flags)).stdout).toContain('1 cache hits');
});

describe('what is none', () => {
  const one = { role: 'user', content: 'Hello' };
  test.each<[what: string, chat: unknown, says: string]>([
    [
      'is a text',
      'Hello',
      'is no list of messages; nothing was sent. Write it as [{"role":"user","content":"Hello"}].',
    ],
    ['is empty', [], 'is no list of messages'],
    [
      'ends with an answer',
      [one, { role: 'assistant', content: 'Hi' }],
      'ends with no message of the user; nothing was sent. The last one is what is asked.',
    ],
    [
      'has another role',
      [{ role: 'tool', content: 'x' }, one],
      'has message 1 of no known role; nothing was sent. There are system, user and assistant.',
    ],
    [
      'has a late system text',
      [one, { role: 'system', content: 'x' }, one],
      'has a system text behind others, message 2; nothing was sent. Put it first.',
    ],
    [
      'has half a character',
      [{ role: 'user', content: 'a\ud83d' }],
      'holds half of a surrogate pair in message 1; nothing was sent. Complete the character or remove it.',
    ],
    [
      'has a part of another type',
      [{ role: 'user', content: [{ type: 'audio' }] }],
      "has a content of message 1 that can't be sent; nothing was sent. It is a text, or a list of parts of the types text and image_url.",
    ],
  ])('as it %s, is told with its row before anything is sent', async (_what, chat, says) => {
    await writeRows(plain, chat);
    const ended = await world.loom('run', '--sync', ...order('-p', 'openai'));
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`row 2: the conversation ${says}`);
    expect(await world.countCalls('openai')).toEqual({});
  });
});

test('a row without one is never sent', async () => {
  await writeRows(null, plain);
  await world.loom('run', '--sync', ...order('-p', 'openai'));
  expect(await readAnswers()).toEqual([null, 'Sandbox answer from m: Just this']);
});
