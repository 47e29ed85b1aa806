/** Fields of answers in columns of their own, and the names of the columns that are added. */
import { beforeEach, describe, expect, it, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,World [[sandbox:misfit]]\n'));

const model = ['-p', 'openai', '-m', 'm'];
const args = ['data.csv', '-c', 'text', ...model, '-o', 'out.csv', '--force'];
const fields = ['--fields', 'tone: good|bad, score: integer, tags: string[], note?'];
const spread =
  'id,text,llm_response,tone,score,tags,note\n' +
  '1,Hello,"{""tone"":""good"",""score"":1,""tags"":[""Sandbox answer from m: Hello""],""note"":""Sandbox answer from m: Hello""}",good,1,"[""Sandbox answer from m: Hello""]",Sandbox answer from m: Hello\n' +
  '2,World [[sandbox:misfit]],,,,,\n';

test('each field has a column in a live run, in one from the cache, and in one that was a batch', async () => {
  expect((await world.loom('run', ...args, ...fields, '--sync')).code).toBe(3);
  expect(await world.read('out.csv')).toBe(spread);
  const again = await world.loom('run', ...args, ...fields, '--sync');
  expect(again.stdout).toContain('(2 prompts, 2 cache hits, 1 errors)');
  expect(await world.read('out.csv')).toBe(spread);
  await world.write('out.csv', '');
  submittedId(await world.loom('run', ...args, ...fields, '--no-cache'));
  expect((await fetchUntilDone(world, '--force')).code).toBe(3);
  expect(await world.read('out.csv')).toBe(spread);
});

test('what is in the cache is spread into other columns without a call', async () => {
  await world.loom('run', ...args, ...fields, '--sync');
  const calls = await world.countCalls('openai');
  const names = ['--no-response', '--prefix', 'x_', '--as', 'label', '--with-meta', '--with-error'];
  await world.loom('run', ...args, ...fields, '--sync', ...names);
  expect(await world.read('out.csv')).toBe(
    'id,text,x_tone,x_score,x_tags,x_note,label_provider,label_model,label_error\n' +
      '1,Hello,good,1,"[""Sandbox answer from m: Hello""]",Sandbox answer from m: Hello,openai,m,\n' +
      '2,World [[sandbox:misfit]],,,,,openai,m,schema_mismatch: The answer is not JSON.\n',
  );
  expect(await world.countCalls('openai')).toEqual(calls);
});

test('the properties of a schema have columns with --columns, also where it is given as it stands', async () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
  await world.write('schema.json', JSON.stringify(schema));
  for (const given of ['schema.json', '@schema.json', JSON.stringify(schema)]) {
    const ended = await world.loom('run', ...args, '--sync', '--columns', '--no-response', '--schema', given);
    expect(ended.code).toBe(3);
    expect(await world.read('out.csv')).toBe(
      'id,text,a\n1,Hello,Sandbox answer from m: Hello\n2,World [[sandbox:misfit]],\n',
    );
  }
});

test('fields may stand in a file, a line each', async () => {
  await world.write('fields.txt', 'tone: good|bad - of the text, as a whole\nscore: integer\n');
  await world.loom('run', ...args, '--sync', '--no-response', '--fields', '@fields.txt');
  expect(await world.read('out.csv')).toBe(
    'id,text,tone,score\n1,Hello,good,1\n2,World [[sandbox:misfit]],,\n',
  );
});

test('JSON has the values as they are', async () => {
  await world.write('data.json', '[{"prompt":"Hello"},{"prompt":"[[sandbox:misfit]]"}]');
  const order = ['data.json', ...model, '--sync', '--no-response', '-o', 'out.json'];
  await world.loom('run', ...order, '--fields', 'ok: boolean, score: integer, tags: string[]');
  expect(JSON.parse(await world.read('out.json'))).toEqual([
    { prompt: 'Hello', ok: true, score: 1, tags: ['Sandbox answer from m: Hello'] },
    { prompt: '[[sandbox:misfit]]', ok: null, score: null, tags: null },
  ]);
  expect(await world.read('out.json')).toContain('"tags": [\n      "Sandbox answer from m: Hello"\n    ]\n');
});

describe('columns that the input has', () => {
  it.each([
    ['data.csv', 'id,text,llm_response\n1,Hello,old\n', 'data.csv: there is a column "llm_response" already'],
    ['data.tsv', 'text\tllm_response\nHello\told\n', 'data.tsv: there is a column "llm_response" already'],
    [
      'data.jsonl',
      '{"text":"a"}\n{"text":"b","llm_response":1}\n',
      'data.jsonl: line 2 has "llm_response" already',
    ],
    ['data.json', '[{"text":"a","llm_response":null}]', 'data.json: entry 1 has "llm_response" already'],
  ])(
    'of %s are an error before anything is sent, and are replaced when that is asked for',
    async (name, text, what) => {
      await world.write(name, text);
      const order = ['run', name, '-c', 'text', ...model, '-o', `out.${name}`];
      for (const mode of [['--sync'], []]) {
        const refused = await world.loom(...order, ...mode);
        expect([refused.code, refused.stderr]).toEqual([
          1,
          expect.stringContaining(
            `${what}, where the output's own would go. Name the answer otherwise with --as, begin the names of fields with a --prefix, or pass --replace-columns to overwrite it.\n`,
          ),
        ]);
      }
      expect(await world.countCalls('openai')).toEqual({});
      expect((await world.loom(...order, '--sync', '--as', 'answer')).code).toBe(0);
      expect((await world.loom(...order, '--sync', '--replace-columns', '--force')).code).toBe(0);
      expect(await world.read(`out.${name}`)).not.toContain('old');
    },
  );

  test('may be those of fields', async () => {
    const refused = await world.loom('run', ...args, '--sync', '--fields', 'text');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('a column "text" already')]);
  });
});

describe('what can be no columns', () => {
  it.each([
    [
      ['--fields', 'a: int'],
      '--fields can\'t be read: the field "a" has the type "int", which there is not. Did you mean integer?',
    ],
    [
      ['--columns'],
      '--columns needs fields of answers. Name them with --fields, or pass --columns with a --schema.',
    ],
    [['--prefix', 'x'], '--prefix needs fields of answers.'],
    [['--no-response'], '--no-response needs fields of answers.'],
    [
      ['--fields', 'a', '--as', 'a'],
      'two columns of the output would be called "a". Name the answer otherwise with --as, or begin the names of fields with a --prefix.',
    ],
    [
      ['--fields', 'a', '--schema', '{}'],
      "option '--fields <spec>' cannot be used with option '--schema <path>'",
    ],
    [
      ['--columns', '--schema', '{"type":"object"}'],
      '--columns: the schema has no properties at its top level to make columns of.',
    ],
    [['--schema', '{"type":'], 'the text of --schema is not JSON: '],
  ])('%j is told', async (flags, told) => {
    const ended = await world.loom('run', ...args, '--sync', ...flags);
    expect([ended.code === 0, ended.stderr]).toEqual([false, expect.stringContaining(`Error: ${told}`)]);
    expect(await world.countCalls('openai')).toEqual({});
  });
});
