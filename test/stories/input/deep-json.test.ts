/** JSON that is nested deeper than it could be written again is refused before anything is sent, or kept as text. */
import { expect, test } from 'vitest';
import { isDeepText, isDeepValue, mostLevels } from '../../../src/core/nesting.ts';
import { useOpenAiWorld } from '../worlds/openai-world.ts';

const { world } = useOpenAiWorld();

/** A list in a list, so many levels in all. */
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const hint = 'Leave the inner levels out, or put them in as text.';

test.each([
  ['json', (value: string) => `[{"prompt": "a"}, {"prompt": "b", "more": ${value}}]`, 'entry 2'],
  ['jsonl', (value: string) => `{"prompt": "a"}\n{"prompt": "b", "more": ${value}}\n`, 'line 2'],
  ['json', (value: string) => `[{"prompt": "a"}, {"more": ${value}, "more": 1, "prompt": "b"}]`, 'entry 2'],
  ['jsonl', (value: string) => `{"prompt": "a"}\n{"prompt": ${value}}\n`, 'line 2'],
])('a .%s entry that is too deep is named, and nothing is sent', async (extension, write, place) => {
  const name = `data.${extension}`;
  const path = await world.write(name, write(nested(mostLevels)));
  for (const flags of [['--sync'], []]) {
    const { code, stderr } = await world.run('-f', name, ...flags);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe(
      `Error: ${path}: ${place} is nested more than ${mostLevels} levels deep. ${hint}`,
    );
  }
  expect(world.openai.requests).toEqual([]);
  await world.write(name, write(nested(mostLevels - 1)));
  expect((await world.run('-f', name, '--sync')).code).toBe(0);
});

test('a schema, a parameter and a file of defaults that are too deep are named, and nothing is sent', async () => {
  await world.write('schema.json', `{"type": "object", "default": ${nested(mostLevels)}}`);
  for (const [flags, what] of [
    [['--schema', 'schema.json'], '--schema'],
    [['--param', `stop=${nested(mostLevels)}`], '--param'],
  ] as const) {
    const { code, stderr } = await world.run('--sync', ...flags);
    expect(code).toBe(2);
    expect(stderr).toContain(`the value of ${what} is nested more than ${mostLevels} levels deep.`);
  }
  await world.write('loom.config.json', `{"run": ${nested(mostLevels + 1)}}`);
  expect((await world.run('--sync')).stderr).toContain(
    `loom.config.json is nested more than ${mostLevels} levels deep.`,
  );
  expect(world.openai.requests).toEqual([]);
});

test('an answer that is JSON of any depth is kept as it is, and fits no schema', async () => {
  const deep = nested(mostLevels + 1);
  world.openai.answerTo = () => deep;
  await world.write('data.json', '[{"prompt": "a"}]');
  expect((await world.run('-f', 'data.json', '--sync')).code).toBe(0);
  expect(JSON.parse(await world.read('data_results_openai_m.json'))).toEqual([
    { prompt: 'a', llm_response: deep },
  ]);
  await world.write(
    'schema.json',
    '{"$ref": "#/$defs/list", "$defs": {"list": {"items": {"$ref": "#/$defs/list"}}}}',
  );
  const { stderr } = await world.run('-f', 'data.json', '--sync', '--schema', 'schema.json', '--force');
  expect(stderr).toContain(`The answer is nested more than ${mostLevels} levels deep.`);
});

test('levels are counted outside of strings, in text that need not be JSON', () => {
  expect(isDeepText(nested(mostLevels))).toBe(false);
  expect(isDeepText(nested(mostLevels + 1))).toBe(true);
  expect(isDeepText('['.repeat(mostLevels + 1))).toBe(true);
  expect(isDeepText('{"a":['.repeat(mostLevels / 2 + 1))).toBe(true);
  expect(isDeepText(JSON.stringify(`\\"${'['.repeat(2 * mostLevels)}`))).toBe(false);
  expect(isDeepText('[1], {"a": 2},'.repeat(2 * mostLevels))).toBe(false);
  expect(isDeepText(`"${'['.repeat(2 * mostLevels)}`)).toBe(false);
  expect(isDeepValue(JSON.parse(nested(mostLevels)))).toBe(false);
  expect(isDeepValue(JSON.parse(nested(mostLevels + 1)))).toBe(true);
});
