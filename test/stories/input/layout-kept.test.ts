/** What was settled of an input's text is known wherever the input or its output is read later. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import * as loom from '../../../src/index.ts';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

const answerTo = (prompt: string) => `Sandbox answer from m: ${prompt}`;
const output = 'data_results_openai_m.csv';
const content = Buffer.from('sep=;\nid;text;x\n1;na\xefve\n2;b;y\n', 'latin1');
const flags = ['--pad-rows', '--encoding', 'windows-1252', '--no-cache'];
const answered = `\ufeffsep=;\nid;text;x;llm_response\n1;naïve;;${answerTo('naïve')}\n2;b;y;${answerTo('b')}\n`;

beforeEach(() => world.write('data.csv', content));

const stateOf = (kind: string) => join(world.home, '.loom', kind);

test('by the record of a batch whose job is gone', async () => {
  submittedId(await world.run(...flags));
  await rm(stateOf('jobs'), { recursive: true });
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe(answered);
});

test('by the job of a batch whose record and id map are gone', async () => {
  submittedId(await world.run(...flags));
  await rm(stateOf('batches'), { recursive: true });
  await rm(stateOf('requests'), { recursive: true, force: true });
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe(answered);
});

test('by a fetch of an input that was moved', async () => {
  const id = submittedId(await world.run(...flags));
  await rename(join(world.folder, 'data.csv'), join(world.folder, 'moved.csv'));
  expect(await fetchUntilDone(world, '--id', id, '--file', 'moved.csv')).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe(answered);
});

test('by a batch that was adopted', async () => {
  const id = submittedId(await world.run(...flags));
  await world.loom('forget', '--yes', '--id', id);
  const model = ['-p', 'openai', '-m', 'm', '-c', 'text'];
  expect(await world.loom('adopt', 'data.csv', '--id', id, ...model, ...flags)).toMatchObject({ code: 0 });
  expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe(answered);
});

test('by the history, for a report of an output with quotes that are text', async () => {
  await world.write('data.tsv', 'id\ttext\n1\t5" pipe\n2\t"b\n');
  const args = ['data.tsv', '-c', 'text', '-p', 'openai', '-m', 'm', '--quoting', 'none', '--sync'];
  await world.loom('run', ...args, '-o', 'out.tsv');
  const reported = await world.loom('report', 'out.tsv');
  expect(reported).toMatchObject({ code: 0, stdout: expect.stringContaining('(2 rows)\n') });
});

test('an input that changed in its delimiter is told as one that changed', async () => {
  submittedId(await world.run(...flags));
  await world.write('data.csv', 'sep=,\nid,text,x\n1,naive\n2,b,y\n');
  const ended = await fetchUntilDone(world);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain(join(world.folder, 'data.csv'));
  expect(await world.listFolder()).toEqual(['data.csv']);
  await world.write('data.csv', content);
  expect(await world.loom('fetch')).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe(answered);
});

test('a file of defaults may say it', async () => {
  const defaults = { delimiter: ':', run: { padRows: true, encoding: 'windows-1252' } };
  await world.write('loom.config.json', JSON.stringify(defaults));
  await world.write('data.csv', Buffer.from('id:text:x\n1:na\xefve\n', 'latin1'));
  expect(await world.run('--sync', '--no-cache')).toMatchObject({ code: 0 });
  expect(await world.read(output)).toBe(`\ufeffid:text:x:llm_response\n1:naïve::"${answerTo('naïve')}"\n`);
});

test('the library takes the same, and tells of the encoding by onRemark', async () => {
  const remarks: string[] = [];
  const done = await loom.runSync({
    ...{ file: join(world.folder, 'data.csv'), provider: 'openai', model: 'm', col: 'text' },
    ...{ delimiter: 'semicolon', padRows: true, encoding: 'latin1' },
    environment: world.environment,
    onRemark: (remark) => remarks.push(remark),
  });
  expect(done?.answered).toBe(2);
  expect(await world.read(output)).toBe(answered);
  expect(remarks.filter((remark) => remark.includes('windows-1252'))).toEqual([
    `${join(world.folder, 'data.csv')} is in windows-1252; what is written of it is in UTF-8, with a byte order mark.`,
  ]);
  const refused = loom.runSync({
    ...{ file: join(world.folder, 'data.csv'), provider: 'openai', model: 'm', col: 'text' },
    quoting: 'all' as 'none',
  });
  await expect(refused).rejects.toMatchObject({ kind: 'usage', message: 'quoting can\'t be "all".' });
});

test('columns, delimiters and encodings are proposed at the prompt of a shell', async () => {
  const propose = async (...words: string[]) => {
    const { stdout } = await world.loom('__complete', 'bash', ...words);
    return stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/\t.*/, ''));
  };
  await world.write('a.csv', Buffer.from('\ufeffid;my text\n1;a\n', 'utf16le'));
  expect(await propose('run', '-f', 'a.csv', '-c', '')).toEqual(['id', 'my text']);
  expect(await propose('run', '--delimiter', '')).toEqual(['comma', 'semicolon', 'tab', 'bar']);
  expect(await propose('run', '--encoding', 'win')).toEqual(['windows-1252', 'windows-1250', 'windows-1251']);
  expect(await propose('run', '--quoting', '')).toEqual(['csv', 'none']);
});
