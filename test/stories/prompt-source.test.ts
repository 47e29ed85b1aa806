/** Where prompts come from: another field of JSON rows, or a template that is filled from several columns or fields. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { promptOf, usualAnswer } from './openai-double.ts';
import { createOpenAiWorld, type OpenAiWorld } from './openai-world.ts';

let world: OpenAiWorld;

beforeEach(async () => {
  world = await createOpenAiWorld();
  world.openai.override = ({ path, body }) => {
    if (!path.endsWith('/chat/completions')) return undefined;
    const content = usualAnswer(JSON.parse(body).messages[0].content);
    return { body: { choices: [{ message: { content }, finish_reason: 'stop' }] } };
  };
});

afterEach(() => world.remove());

/** The prompts that reached the provider, of live calls and batches. */
function sentPrompts(): string[] {
  const calls = world.openai.requests
    .filter(({ path }) => path.endsWith('/chat/completions'))
    .map(({ body }) => JSON.parse(body).messages[0].content as string);
  return [...calls, ...world.openai.batches.flatMap(({ lines }) => lines.map(promptOf))];
}

/** Runs and, where it is a batch, fetches; gives the output. */
async function answer(mode: string, name: string, ...flags: string[]): Promise<string> {
  const run = await world.run(`--${mode}`, '-f', name, '-o', `out-${name}`, ...flags);
  const ended = mode === 'sync' ? run : await world.loom('fetch');
  expect(ended).toMatchObject({ code: 0 });
  return world.read(`out-${name}`);
}

describe.each(['batch', 'sync'])('JSON rows with --col, --%s:', (mode) => {
  test('the field that it names is sent, and "prompt" is a field like any other', async () => {
    await world.write('rows.json', '[{"prompt": "not me", "text": "Hello"}, {"text": 12345678901234567890}]');
    expect(await answer(mode, 'rows.json', '--col', 'text')).toBe(
      [
        '[',
        '  {',
        '    "prompt": "not me",',
        '    "text": "Hello",',
        `    "llm_response": ${JSON.stringify(usualAnswer('Hello'))}`,
        '  },',
        '  {',
        '    "text": 12345678901234567890,',
        `    "llm_response": ${JSON.stringify(usualAnswer('12345678901234567890'))}`,
        '  }',
        ']',
      ].join('\n'),
    );
    expect(sentPrompts().sort()).toEqual(['12345678901234567890', 'Hello']);
  });

  test('an entry without that field is named, with the fields that it has; nothing is sent', async () => {
    await world.write('rows.json', '[{"text": "Hello"}, {"id": 7, "Text": "World"}]');
    const ended = await world.run(`--${mode}`, '-f', 'rows.json', '--col', 'text');
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(
      'rows.json: entry 1 has no "text"; it has the fields "id", "Text". Did you mean "Text"?\n',
    );
    expect(world.openai.requests).toEqual([]);
  });
});
