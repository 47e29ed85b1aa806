/** Completion: what each shell is proposed when the last word is at the cursor. */
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,my col,text,"a,b"\n1,x,Hello,c\n'));

/** What a shell is told when the last of these words is at the cursor. */
async function proposals(...words: string[]): Promise<string[]> {
  const ended = await world.loom('__complete', 'bash', ...words);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  return ended.stdout.trimEnd().split('\n');
}

/** Without descriptions. */
async function proposedValues(...words: string[]): Promise<string[]> {
  return (await proposals(...words)).slice(1).map((line) => line.replace(/\t.*/, ''));
}

describe('are proposed:', () => {
  test('commands, with what they do', async () => {
    expect(await proposals('fe')).toEqual([
      'words',
      'fetch\tCheck pending batches, and write the output of each that is complete.',
    ]);
    expect(await proposedValues('cache', 'cl')).toEqual(['clear']);
    expect(await proposedValues('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('flags, with what they do, but those that are there already', async () => {
    expect(await proposals('run', '--wo')).toEqual(['words', '--workers\tConcurrent calls (with --sync).']);
    expect(await proposedValues('run', '-w', '4', '--wo')).toEqual([]);
    expect(await proposedValues('run', '--stop', 'END', '--sto')).toEqual(['--stop']);
  });

  test('providers, formats and other choices, also behind =', async () => {
    expect(await proposedValues('run', '-p', 'op')).toEqual(['openai', 'openrouter']);
    expect(await proposedValues('run', '--format=t')).toEqual(['--format=tsv']);
    expect(await proposedValues('list', '--output-format', '')).toEqual(['text', 'json']);
  });

  test('batches and jobs with their state, newest first, and the models that they had', async () => {
    const submit = async (model: string, ...flags: string[]) => await world.submit('-m', model, ...flags);
    const older = await submit('older');
    const newer = await submit('newer');
    expect(await proposals('fetch', '--id', '')).toEqual([
      'words',
      `${newer}\topenai newer validating`,
      `${older}\topenai older validating`,
    ]);
    expect(await proposedValues('run', '-p', 'openai', '-m', '')).toEqual(['newer', 'older']);
    expect(await proposedValues('run', '-p', 'google', '-m', '')).toEqual([]);
    expect(await proposedValues('fetch', '--sandbox', '--id', '')).toEqual([]);
    expect(await world.countCalls('openai')).toEqual({ uploadFile: 2, createBatch: 2 });
  });

  test.each<[string, string | Buffer, string[]]>([
    ['a.csv', 'id,my col\n1,2\n', ['id', 'my col']],
    ['a.csv.gz', gzipSync('id,my col\n1,2\n'), ['id', 'my col']],
    ['a.tsv', 'id\t"my ""col"""\n', ['id', 'my "col"']],
    ['a.json', '[{"id": 1, "other": {"a": 2}}, {"more": 1}]', ['id', 'other']],
    ['a.jsonl', '{"id": 1, "other": 2}\n{"more": 1}\n', ['id', 'other']],
    ['a.jsonl.gz', gzipSync('{"id": 1, "other": 2}'), ['id', 'other']],
    ['a.csv', '', []],
    ['a.json', 'no json', []],
  ])('the columns of %s', async (name, content, columns) => {
    await world.write(name, content);
    expect(await proposedValues('run', '--file', name, '--col', '')).toEqual(columns);
  });

  test('no columns without a file, and nothing for what is unknown', async () => {
    expect(await proposedValues('run', '-c', '')).toEqual([]);
    expect(await proposedValues('run', '-f', 'gone.csv', '-c', '')).toEqual([]);
    expect(await proposedValues('run', '--nonsense', 'x', '--system', '')).toEqual([]);
  });

  test('files of the right kind', async () => {
    expect(await proposals('run', '-f', '')).toEqual([
      'files json json.gz jsonl jsonl.gz ndjson ndjson.gz csv csv.gz tsv tsv.gz parquet',
    ]);
    expect(await proposals('tokens', 'da')).toEqual(await proposals('run', '-f', 'da'));
    expect(await proposals('run', 'data.csv', 'da')).toEqual(['words']);
    expect(await proposals('run', '--schema', '')).toEqual(['files json']);
    expect(await proposals('report', '')).toEqual(['files']);
    expect(await proposals('compare', 'one.csv', '')).toEqual(['files']);
    expect(await proposals('run', '--cache-dir', '')).toEqual(['folders']);
  });

  test('a damaged file of defaults changes nothing', async () => {
    await world.write('loom.config.json', '{');
    expect(await proposedValues('fet')).toEqual(['fetch']);
  });
});
