/**
 * Tables in which quotes are text. Nothing there could hold a tab or a line end together, so that none is written: each
 * row stays a line, and each value in its column, whatever was answered and whatever columns are called.
 */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { useOpenAiWorld } from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

const order = ['-c', 'text', '-p', 'openai', '-m', 'm', '--sync', '--quoting', 'none'];
const awkward = 'one\ttwo\r\nthree\nfour\rfive "six", \\seven';
const asOneCell = 'one\\ttwo\\r\\nthree\\nfour\\rfive "six", \\seven';

test.each([
  ['tsv', []],
  ['csv', ['--delimiter', 'tab']],
])('answers, fields and reasons stay in their cells of a .%s', async (extension, flags) => {
  openai.answerTo = (prompt) =>
    prompt === 'bad' ? 'a\tb\nc' : JSON.stringify({ note: awkward, tags: [awkward] });
  await world.write(`data.${extension}`, 'id\ttext\n1\t5" pipe\n2\tbad\n3\t\n');
  const fields = ['--fields', 'note, tags: string[]', '--no-response', '--with-error', '--with-meta'];
  const ended = await world.loom(
    'run',
    `data.${extension}`,
    '-o',
    `out.${extension}`,
    ...order,
    ...flags,
    ...fields,
  );
  expect(ended.code).toBe(3);
  const tags = JSON.stringify([awkward]);
  expect(await world.read(`out.${extension}`)).toBe(
    'id\ttext\tnote\ttags\tllm_provider\tllm_model\tllm_error\n' +
      `1\t5" pipe\t${asOneCell}\t${tags}\topenai\tm\t\n` +
      '2\tbad\t\t\topenai\tm\tschema_mismatch: The answer is not JSON.\n' +
      '3\t\t\t\topenai\tm\t\n',
  );
});

test('are read by others that take quotes as text', async () => {
  openai.answerTo = () => awkward;
  await world.write('data.tsv', 'id\ttext\n1\t5" pipe\n2\t"b\n');
  expect((await world.loom('run', 'data.tsv', '-o', 'out.tsv', ...order)).code).toBe(0);
  const rows = [
    { id: '1', text: '5" pipe', llm_response: asOneCell },
    { id: '2', text: '"b', llm_response: asOneCell },
  ];
  const duckDb = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const source = `read_csv('${join(world.folder, 'out.tsv')}', all_varchar = true, delim = '\\t', quote = '', escape = '')`;
  expect((await duckDb.runAndReadAll(`select * from ${source}`)).getRowObjectsJson()).toEqual(rows);
  duckDb.disconnectSync();
  // It has no way to be told that quotes are text, but to quote by a character that is never there.
  const parsed = Papa.parse(await world.read('out.tsv'), {
    ...{ header: true, skipEmptyLines: true, delimiter: '\t', quoteChar: '\0' },
  });
  expect(parsed.data).toEqual(rows);
});

test('the name of a column of ours stays in its cell too', async () => {
  await world.write('data.tsv', 'id\ttext\n1\t5" pipe\n');
  await world.loom('run', 'data.tsv', '-o', 'out.tsv', ...order, '--as', 'a\tb\nc');
  expect((await world.read('out.tsv')).split('\n')[0]).toBe('id\ttext\ta\\tb\\nc');
});
