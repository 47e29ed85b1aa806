/** Answers that were paid for are read as what they are, and none is lost: in code fences, cut off, or refused. */
import { beforeEach, describe, expect, test } from 'vitest';
import { runArgs } from '../../program.ts';
import { say } from '../worlds/http-server.ts';
import { output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { useServedWorld } from '../worlds/use-world.ts';

const schema =
  '{"type":"object","properties":{"price":{"type":"number","multipleOf":0.01}},"required":["price"]}';
const fenced = 'Sure:\n```json\n{"price": 4.35}\n```';
const wrong = 'I can\u2019t tell, "sorry".';
const answers: Record<string, string> = { Hello: fenced, World: wrong };
const mismatch = '"kind":"schema_mismatch","message":"The answer is not JSON."';
/** The text of `wrong` as JSON has it. */
const text = `"text":${JSON.stringify(wrong)}`;

describe.each(['live', 'batch'] as const)('answers of a %s run', (mode) => {
  const { world } = useOpenAiWorld();
  let calls = 0;

  beforeEach(async () => {
    calls = 0;
    await world.write('schema.json', schema);
    world.openai.answerTo = (prompt) => {
      calls += 1;
      return answers[prompt] as string;
    };
  });

  async function answer(...flags: string[]) {
    const sync = mode === 'live' ? ['--sync'] : [];
    const ended = await world.run('--schema', 'schema.json', '--force', ...sync, ...flags);
    return mode === 'live' || !ended.stdout.includes('submitted') ? ended : world.loom('fetch', '--force');
  }

  test('hold the JSON alone; what does not fit is beside its reason, and neither is paid for again', async () => {
    for (let time = 0; time < 2; time += 1) {
      const ended = await answer();
      expect([ended.code, ended.stderr]).toEqual([
        3,
        expect.stringContaining(
          '  schema_mismatch (rows 2): The answer is not JSON.\nAnswers that do not fit are kept, and asked for again only with --no-cache.\n',
        ),
      ]);
      expect(await world.read(output)).toBe('id,text,llm_response\n1,Hello,"{""price"": 4.35}"\n2,World,\n');
      expect(await world.read(`${output}.errors.jsonl`)).toBe(
        `{"row":2,"line":3,${mismatch},"id":"2",${text}}\n`,
      );
      expect(calls).toBe(2);
    }
    const cached = await world.listState('cache');
    const kept = await Promise.all(
      cached.map(async (name) => JSON.parse(await world.readState(name)).response),
    );
    expect(kept.sort()).toEqual([wrong, fenced]);
    await answer('--no-cache');
    expect(calls).toBe(4);
  });

  test.each([
    [
      'rows.json',
      '[{"id":"a","prompt":"World"},{"prompt":"Hello"}]',
      `{"row":1,${mismatch},"id":"a",${text}}\n`,
    ],
    ['rows.jsonl', '{"prompt":"World"}\n{"prompt":"Hello"}\n', `{"row":1,"line":1,${mismatch},${text}}\n`],
    ['rows.tsv', 'prompt\nWorld\nHello\n', `{"row":1,"line":2,${mismatch},${text}}\n`],
  ])('that do not fit stand beside the reasons of %s', async (name, content, reasons) => {
    await world.write(name, content);
    const column = name.endsWith('tsv') ? ['-c', 'prompt'] : [];
    const [args, out] = [['-f', name, ...column], `${name.replace('.', '_results_openai_m.')}`];
    expect((await answer(...args)).code).toBe(3);
    expect(await world.read(`${out}.errors.jsonl`)).toBe(reasons);
    expect(await world.read(out)).toContain(name.endsWith('tsv') ? '""price""' : '"{\\"price\\": 4.35}"');
  });
});

describe('a live answer that was cut off', () => {
  const { world } = useServedWorld(({ body }) =>
    /Long/.test(body) ? say('{"price": 4', 'length') : say('{"price": 1}'),
  );
  const args = runArgs('--sync', '--force');

  beforeEach(async () => {
    await world.write('data.csv', 'id,text\n1,Long\n2,Short\n3,Longer\n');
    await world.write('schema.json', schema);
  });

  test('is counted in the account, also where it comes from the cache', async () => {
    for (const hits of [0, 3]) {
      const { code, stdout, stderr } = await world.loom(...args);
      expect([code, stdout]).toEqual([
        0,
        expect.stringContaining(`(3 prompts, ${hits} cache hits, 0 errors)`),
      ]);
      expect(stderr).toContain(
        '3 rows: 3 answered, 2 of them cut off at the token limit\nPass a larger --max-tokens to have them whole; every row is asked again then.\n',
      );
    }
    const { output } = JSON.parse((await world.loom(...args, '--output-format', 'json')).stdout);
    expect(output).toMatchObject({ answered: 3, cut_off: 2, failed: 0 });
  });

  test('fails for that reason where JSON was asked for', async () => {
    const { code, stderr } = await world.loom(...args, '--schema', 'schema.json');
    expect(code).toBe(3);
    expect(stderr).toContain(
      '2 of 3 rows have no response: 2 × max_tokens.\n  max_tokens (rows 1, 3): The answer was cut off at the token limit.\n',
    );
    const reasons = await world.read(`${output}.errors.jsonl`);
    expect(reasons).toContain('"text":"{\\"price\\": 4"');
  });
});

describe('at OpenAI', () => {
  const { world, openai } = useOpenAiWorld();

  test('an answer of a batch that was cut off is counted in the account, and the same from the cache', async () => {
    openai.onCreate = (batch) => {
      batch.output = batch.output?.replaceAll('"finish_reason":"stop"', '"finish_reason":"length"');
    };
    await world.submit();
    expect((await world.loom('fetch')).stderr).toContain(
      '2 rows: 2 answered, 2 of them cut off at the token limit\n',
    );
    const again = await world.run('--force', '--output-format', 'json');
    expect(JSON.parse(again.stdout).output).toMatchObject({ answered: 2, cut_off: 2, cached: 2 });
    expect(again.stderr).toContain('2 of them cut off at the token limit');
  });

  test('the part of an answer that a filter held back is not lost', async () => {
    openai.override = () => say('Once upon', 'content_filter');
    await world.run('--sync');
    expect(await world.read(`${output}.errors.jsonl`)).toContain(
      '"kind":"content_filter","message":"The answer was held back by a content filter.","id":"1","text":"Once upon"}',
    );
  });
});
