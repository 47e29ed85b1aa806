/** Columns that a shell is proposed, of the files that stand on the line. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { createWorld } from '../../program.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createWorld);

beforeEach(async () => {
  await world.write('data.csv', 'id,my col,text\n1,x,Hello\n');
  await world.write('one.csv', 'id,text,tone,llm_error\n1,a,good,\n');
  await world.write('two.jsonl', '{"id":1,"text":"a","mood":"good"}\n');
});

async function proposed(...words: string[]): Promise<string[]> {
  const ended = await world.loom('__complete', 'bash', ...words);
  expect([ended.code, ended.stderr]).toEqual([0, '']);
  const [kind, ...lines] = ended.stdout.trimEnd().split('\n');
  return kind === 'words' ? lines.map((line) => line.replace(/\t.*/, '')) : [kind ?? ''];
}

test.each([
  ['an input that is the first word', ['run', 'data.csv', '-c', ''], ['id', 'my col', 'text']],
  ['an input ahead of other flags', ['tokens', 'data.csv', '-p', 'openai', '--col', 'm'], ['my col']],
  [
    'an input, for its ids',
    ['run', '-f', 'data.csv', '--row-id='],
    ['--row-id=id', '--row-id=my col', '--row-id=text'],
  ],
  ['an output that is reported', ['report', 'one.csv', '--answer', 't'], ['text', 'tone']],
  ['an output, for its prompts', ['report', 'two.jsonl', '-c', ''], ['id', 'text', 'mood']],
  [
    'all outputs that are compared, for what they share',
    ['compare', 'one.csv', 'two.jsonl', '--on', ''],
    ['id', 'text'],
  ],
  ['the same, for what is expected', ['compare', 'one.csv', 'two.jsonl', '--expect', 't'], ['text']],
  [
    'each output that is compared, for its answers',
    ['compare', 'one.csv', 'two.jsonl', '--answer', ''],
    ['id', 'text', 'tone', 'llm_error', 'mood'],
  ],
  [
    'those outputs that are there',
    ['compare', 'one.csv', 'batch_1', '--on', ''],
    ['id', 'text', 'tone', 'llm_error'],
  ],
  ['no file', ['compare', '--on', ''], []],
] as const)('are those of %s', async (_, words, columns) => {
  expect(await proposed(...words)).toEqual(columns);
});

test('are told apart by the delimiter, and read in the encoding, that the line says', async () => {
  await world.write('names.csv', Buffer.from('last, first;gr\xf6\xdfe\nDoe, Jane;1\n', 'latin1'));
  const flags = ['--delimiter', ';', '--encoding', 'windows-1252'];
  expect(await proposed('run', 'names.csv', ...flags, '-c', '')).toEqual(['last, first', 'größe']);
});

test('are those of a Parquet file that hold text', async () => {
  await copyFile('test/data/airports-duckdb.parquet', join(world.folder, 'data.parquet'));
  expect(await proposed('run', 'data.parquet', '-c', 'na')).toEqual(['name']);
});
