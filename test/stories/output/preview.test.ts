/** Prompts and requests that are shown, and not sent. */
import { beforeEach, expect, test } from 'vitest';
import { createSandboxWorld, providers } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n7,Hello\n8,\n9,"Two\nlines"\n10,More\n'));

const args = ['run', 'data.csv', '--prompt', 'Translate: {{text}}', '-m', 'm'];

test('the first prompts are shown as they would be sent, with the line of a batch', async () => {
  const ended = await world.loom(...args, '-p', 'openai', '--preview');
  expect(ended).toEqual({
    code: 0,
    stdout: `Preview: nothing was sent, and nothing was written.

Row 1 (id 7):
  Translate: Hello

Row 2 (id 8) has no prompt, and is skipped.

Row 3 (id 9):
  Translate: Two
  lines

The request of row 1:
  {
    "custom_id": "row-0-7d435b0b",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {
      "model": "m",
      "messages": [
        {
          "role": "user",
          "content": "Translate: Hello"
        }
      ]
    }
  }
`,
    stderr: '',
  });
  expect(await world.countCalls('openai')).toEqual({});
});

test('a call is shown with its address and headers, and never with the key', async () => {
  for (const provider of providers) {
    const ended = await world.loom(
      ...args,
      '-p',
      provider,
      '--sync',
      '--preview',
      '1',
      '--api-key',
      'sk-ant-api03-k',
    );
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain(`POST ${world.sandbox.baseUrls[provider]}`);
    expect(ended.stdout).toMatch(/^ {2}(authorization: Bearer |x-api-key: |x-goog-api-key: )\[key\]$/m);
    expect(ended.stdout + ended.stderr).not.toContain('sk-ant');
    expect(await world.countCalls(provider)).toEqual({});
  }
});

test('the JSON document has the same', async () => {
  const ended = await world.loom(...args, '-p', 'openai', '--preview', '1', '--output-format', 'json');
  expect(JSON.parse(ended.stdout)).toMatchObject({
    mode: 'preview',
    preview: {
      prompts: [{ row: 1, id: '7', prompt: 'Translate: Hello' }],
      request: { method: null, url: null, headers: null, body: { custom_id: 'row-0-7d435b0b' } },
    },
  });
});

test('of picked rows the first are shown, and a mistake in the order is told', async () => {
  const sampled = await world.loom(
    ...args,
    '-p',
    'openai',
    '--sample',
    '1',
    '--sample-seed',
    '3',
    '--preview',
  );
  expect(sampled.stdout.match(/^Row \d+/gm)).toHaveLength(1);
  const wrong = await world.loom(...args, '-p', 'anthropic', '--preview', '--seed', '1');
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('Anthropic has no setting for --seed'),
  ]);
});

test('a dry run shows the first prompt', async () => {
  const ended = await world.loom(...args, '-p', 'openai', '--dry-run');
  expect(ended.stdout).toContain('\n  The prompt of row 1: Translate: Hello\n');
});
