/** What people do wrong first is told at once, whole, and with what to do. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld();

describe('a command that lacks flags names them all, with an example', () => {
  const all =
    "Error: required options '-f, --file <path>', '-p, --provider <name>' and '-m, --model <id>' not specified.";

  test.each([
    ['reviews.csv', 'id,stars,review\n1,5,Good\n', '-f reviews.csv -c review'],
    ['a b.tsv', 'id\tIt\n1\tx\n', "-f 'a b.tsv' -c It"],
    ['rows.jsonl', '{"id":1,"question":"Why?"}\n', '-f rows.jsonl -c question'],
    ['rows.json', '[{"prompt":"Why?"}]', '-f rows.json'],
    ['.hidden.csv', 'text\nx\n', '-f prompts.json'],
    ['package.json', '{}', '-f prompts.json'],
    ['d.csv', 'Nr;Datum;Bewertung\n1;2;x\n', '-f d.csv -c Bewertung'],
    ['data_results_openai_m.csv', 'text\nx\n', '-f prompts.json'],
  ])('for the file %s', async (name, content, words) => {
    await world.write(name, content);
    const ended = await world.loom('run');
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: `${all} For example: loom run ${words} -p openai -m gpt-4o-mini --sandbox\n`,
    });
  });

  test('a table comes before a .json, which may be anything', async () => {
    await world.write('a.json', '{}');
    await world.write('b.csv', 'text\nx\n');
    expect((await world.loom('tokens')).stderr).toContain(': loom tokens -f b.csv -c text -p openai ');
  });

  test('with what was given, for the provider whose key is there, and it works', async () => {
    await world.write('data.csv', 'text\nHello\n');
    world.environment.ANTHROPIC_API_KEY = 'a-key';
    expect((await world.loom('run', '-f', 'data.csv', '--sync')).stderr).toBe(
      "Error: required options '-p, --provider <name>' and '-m, --model <id>' not specified. For example: loom run -f data.csv -c text -p anthropic -m claude-haiku-4-5 --sync\n",
    );
    delete world.environment.ANTHROPIC_API_KEY;
    const { stderr } = await world.loom('run', '--sync', '-m', 'm');
    const [, example = ''] = /For example: loom (.*)\n$/.exec(stderr) ?? [];
    expect((await world.loom(...example.split(' '))).code).toBe(0);
  });

  test('with a file that stands without its flag', async () => {
    await world.write('a.csv', 'text\nx\n');
    await world.write('b.csv', 'review\nx\n');
    expect((await world.loom('run', 'b.csv')).stderr).toContain(': loom run -f b.csv -c review -p openai ');
  });

  test.each([
    [
      ['completion'],
      "missing required argument 'shell'. It is one of bash, zsh, fish. See loom completion --help.",
    ],
    [
      ['models', '--json'],
      "unknown option '--json'. Did you mean --output-format json? See loom models --help for all.",
    ],
    [['report'], "missing required argument 'output'. See loom report --help."],
    [
      ['fetch', 'batch_1'],
      "too many arguments for 'fetch'. Expected 0 arguments but got 1. See loom fetch --help.",
    ],
  ])('%j is told where to look', async (args, message) => {
    expect(await world.loom(...args)).toEqual({ code: 2, stdout: '', stderr: `Error: ${message}\n` });
  });

  test('and one that takes no input is told what it lacks', async () => {
    expect((await world.loom('status')).stderr).toBe(
      "Error: required option '-i, --id <id>' not specified. loom list shows the ids.\n",
    );
  });
});

describe('an empty value is an error, as of a variable that is not set', () => {
  const run = ['run', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'm', '--sync'];

  test.each([
    [...run, '--base-url', ''],
    [...run, '--base-url='],
    [...run, '--api-key', ' '],
    ...['--model', '--col', '--output'].map((flag) => [...run, flag, '']),
    ['fetch', '--base-url', ''],
    ['fetch', '--id', ''],
    ['sandbox', '--faults', ''],
    ['cache', 'stats', '--cache-dir', ''],
  ])('of %s %s', async (...args) => {
    await world.write('data.csv', 'text\nHello\n');
    const { code, stderr } = await world.loom(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Error: option '[^']+' argument ' ?' is invalid\. It must not be empty\.\n$/);
  });

  test('also in a file of defaults', async () => {
    await world.write('data.csv', 'text\nHello\n');
    await world.write('loom.config.json', '{"col": ""}');
    const { code, stderr } = await world.loom(...run.filter((word) => !/^(-c|text)$/.test(word)));
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/loom\.config\.json: col is ""\. It must not be empty\.\n$/),
    ]);
  });

  test.each(['', '  '])('but a variable that is %j counts as none', async (empty) => {
    await world.write('data.csv', 'text\nHello\n');
    Object.assign(world.environment, { OPENAI_BASE_URL: empty, OPENAI_API_KEY: empty, LOOM_CONFIG: '' });
    expect(await world.loom(...run)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Error: no API key for OpenAI. Set OPENAI_API_KEY in the environment'),
    });
  });
});

test('the place of a fault in a file of defaults is found however long the file is', async () => {
  const lines = Array.from({ length: 9_000 }, (_, index) => `  "field${index}": "some text"`);
  lines[8_000] = '  "field8000": "some text" oops';
  await world.write('loom.config.json', `{\n${lines.join(',\n')}\n}`);
  expect((await world.loom('list')).stderr).toMatch(
    /loom\.config\.json is not JSON: something is wrong on line 8002, at column 28\. Mend it, or pass --no-config\.\n$/,
  );
});

test('completion proposes nothing that steers a terminal', async () => {
  const columns = ['text', 'a\u001b[2Jb', 'b\u202ec', 'c\u0007d', 'd\u009be', 'été'];
  await world.write('data.csv', `${columns.join(',')}\n`);
  const { stdout } = await world.loom('__complete', 'bash', 'run', '-f', 'data.csv', '--col', '');
  expect(stdout).toBe('words\ntext\t\nété\t\n');
  await mkdir(join(world.home, '.loom', 'batches'), { recursive: true });
  const record = {
    batch_id: 'batch_1',
    provider: 'openai',
    model: 'm\u001b]0;title\u0007',
    original_file_path: '/data.csv',
    file_type: 'csv',
    created_at: '2026-11-22T12:00:00Z',
    status: 'completed',
    id_map: {},
  };
  await world.writeState('batches/openai_batch_1.json', JSON.stringify(record));
  const ids = await world.loom('__complete', 'bash', 'fetch', '--id', '');
  expect(ids.stdout).toBe('words\nbatch_1\topenai m ]0;title completed\n');
});

test('a delimiter that does not part the cells', async () => {
  await world.write('a.csv', 'id;text\n1;one\n');
  const order = 'run a.csv -c text -p openai -m m --sync --sandbox --delimiter comma';
  const { stderr } = await world.loom(...order.split(' '));
  expect(stderr).toContain(
    'a.csv: no column "text"; it has the column "id;text". If a semicolon stands between its cells, name it with --delimiter.\n',
  );
});
