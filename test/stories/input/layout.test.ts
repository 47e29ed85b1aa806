/** Delimiters, quotes, short rows and encodings as people have them: live, as batches, from stdin, and in reports. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const answerTo = (prompt: string) => `Sandbox answer from m: ${prompt}`;
const model = ['-p', 'openai', '-m', 'm'];
const wide = (text: string) => Buffer.from(text, 'utf16le');

const world = useWorld(createSandboxWorld);

type Case = [name: string, file: string, content: string | Buffer, flags: string[], output: string];

const cases: Case[] = [
  [
    'semicolons, as Excel in Europe writes them',
    'a.csv',
    '\ufeffid;text;price\r\n1;one, two;1,5\r\n2;"b; c";2\r\n',
    [],
    `\ufeffid;text;price;llm_response\r\n1;one, two;1,5;${answerTo('one, two')}\r\n2;"b; c";2;"${answerTo('b; c')}"\r\n`,
  ],
  [
    'a first line that says the delimiter',
    'a.csv',
    'sep=|\nid|text\n1|one, two\n',
    [],
    `sep=|\nid|text|llm_response\n1|one, two|${answerTo('one, two')}\n`,
  ],
  [
    'a delimiter that is said',
    'a.csv',
    'id:text\n1:one\n',
    ['--delimiter', ':'],
    `id:text:llm_response\n1:one:"${answerTo('one')}"\n`,
  ],
  [
    'tabs by name',
    'a.csv',
    'id\ttext\n1\tone\n',
    ['--delimiter', 'tab'],
    `id\ttext\tllm_response\n1\tone\t${answerTo('one')}\n`,
  ],
  [
    'quotes that are text',
    'a.tsv',
    'id\ttext\n1\t5" pipe\n2\t"b\n',
    ['--quoting', 'none'],
    `id\ttext\tllm_response\n1\t5" pipe\t${answerTo('5" pipe')}\n2\t"b\t${answerTo('"b')}\n`,
  ],
  [
    'rows that lack cells',
    'a.csv',
    'id;text;tag\n1;one\n2;b;x\n',
    ['--pad-rows'],
    `id;text;tag;llm_response\n1;one;;${answerTo('one')}\n2;b;x;${answerTo('b')}\n`,
  ],
  [
    'Windows-1252',
    'a.csv',
    Buffer.from('id;text\n1;na\xefve \x80\n', 'latin1'),
    ['--encoding', 'cp1252'],
    `\ufeffid;text;llm_response\n1;naïve €;${answerTo('naïve €')}\n`,
  ],
  [
    'UTF-16 by its byte order mark',
    'a.csv',
    wide('\ufeffid\ttext\r\n1\tnaïve €\r\n'),
    [],
    `\ufeffid\ttext\tllm_response\r\n1\tnaïve €\t${answerTo('naïve €')}\r\n`,
  ],
  [
    'JSONL in UTF-16',
    'a.jsonl',
    wide('\ufeff{"text": "naïve"}\n'),
    [],
    `\ufeff{"text": "naïve", "llm_response": "${answerTo('naïve')}"}\n`,
  ],
];

function answeredRows(output: string): number {
  return output.split(/Sandbox answer/).length - 1;
}

describe.each(cases)('%s', (_name, file, content, flags, output) => {
  const args = ['run', file, '-c', 'text', ...model, ...flags];
  const outputName = file.replace('.', '_results_openai_m.');

  test('is read and kept by a live run, and by one that has its answers from the cache', async () => {
    await world.write(file, content);
    expect(await world.loom(...args, '--sync')).toMatchObject({ code: 0 });
    expect(await world.read(outputName)).toBe(output);
    await world.write(outputName, '');
    const again = await world.loom(...args, '--sync', '--force');
    expect(again.stdout).toMatch(/, 0 errors\)/);
    expect(await world.read(outputName)).toBe(output);
  });

  test('is read and kept by a batch and its fetch, and known to a report', async () => {
    await world.write(file, content);
    submittedId(await world.loom(...args));
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    expect(await world.read(outputName)).toBe(output);
    const rows = answeredRows(output);
    const reported = await world.loom('report', outputName);
    expect(reported.stdout).toContain(`(${rows} ${rows === 1 ? 'row' : 'rows'})\n`);
  });
});

test('the encoding that the output does not have is told once', async () => {
  await world.write('data.csv', wide('\ufefftext\né\n'));
  const path = join(world.folder, 'data.csv');
  const note = `${path} is in utf-16le; what is written of it is in UTF-8, with a byte order mark.\n`;
  const ended = await world.run('--sync');
  expect(ended.stderr.split(note)).toHaveLength(2);
  const submitted = await world.run('--no-cache');
  expect(submitted.stderr.split(note)).toHaveLength(2);
});

test('an output of another name is written with the delimiter of the input', async () => {
  await world.write('data.csv', 'id;text\n1;a\n');
  await world.run('--sync', '-o', 'out.csv');
  expect(await world.read('out.csv')).toBe(`id;text;llm_response\n1;a;${answerTo('a')}\n`);
  expect(await world.loom('report', 'out.csv')).toMatchObject({ code: 0 });
});

test('stdin may have semicolons, and in them what is said', async () => {
  const args = ['run', '-f', '-', '--format', 'csv', '-c', 'text', ...model, '--sync'];
  const piped = await world.pipe('id;text;x\n1;a\n', ...args, '--pad-rows');
  expect(piped).toMatchObject({ code: 0, stdout: `id;text;x;llm_response\n1;a;;${answerTo('a')}\n` });
});

test('an output is read again as an input', async () => {
  await world.write('data.csv', 'sep=;\nid;text\n1;a\n');
  await world.run('--sync', '-o', 'one.csv');
  const again = await world.loom(
    'run',
    'one.csv',
    '-c',
    'text',
    ...model,
    '--sync',
    '-o',
    'two.csv',
    '--as',
    'b',
  );
  expect(again).toMatchObject({ code: 0 });
  expect(await world.read('two.csv')).toBe(
    `sep=;\nid;text;llm_response;b\n1;a;${answerTo('a')};${answerTo('a')}\n`,
  );
});

test('tokens are counted of what is found, and of what is said', async () => {
  await world.write('a.csv', 'id;text;x\n1;Hello\n');
  const counted = await world.loom('tokens', 'a.csv', '-c', 'text', ...model, '--estimate', '--pad-rows');
  expect(counted.stdout).toContain('across 1 prompts');
});

describe('what is said of the text of a file', () => {
  test.each([
    [
      'a.json',
      '[{"text":"a"}]',
      ['--delimiter', ';'],
      '--delimiter says nothing of JSON, and <path> is a JSON file. Leave it out.',
    ],
    [
      'a.jsonl',
      '{"text":"a"}',
      ['--pad-rows'],
      '--pad-rows says nothing of JSONL, and <path> is a JSONL file. Leave it out.',
    ],
    [
      'a.tsv',
      'id\ttext\n1\ta\n',
      ['--delimiter', ';'],
      '--delimiter says nothing of TSV, and <path> is a TSV file. Its cells have tabs between them; a file with others is called .csv.',
    ],
    [
      'a.csv',
      'id;text\n1;a\n',
      ['--delimiter', 'x'],
      '--delimiter: "x" can\'t stand between cells. Give one character, such as , or ; or |, or the word tab.',
    ],
    [
      'a.csv',
      'id;text\n1;a\n',
      ['--quoting', 'none'],
      '--quoting none needs tabs between the cells, and here it is a semicolon. An answer that holds one has no place in such a file: give the cells quotes, or tabs between them.',
    ],
    [
      'a.csv',
      'text\na\n',
      ['--encoding', 'latin-15'],
      '--encoding: there is no encoding "latin-15". There are windows-1252, utf-16le, utf-16be, iso-8859-15, windows-1250, windows-1251, macintosh, shift_jis, gb18030, big5, euc-kr, and all others of encoding.spec.whatwg.org.',
    ],
  ])("%s %j %j is refused where it can't be", async (file, content, flags, message) => {
    await world.write(file, content);
    const path = join(world.folder, file);
    expect(await world.loom('run', file, '-c', 'text', ...model, ...flags)).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: ${message.replace('<path>', path)}\n`,
    });
  });

  test('Parquet has none of it', async () => {
    const parquet = await readFile(join(import.meta.dirname, '../../data/airports-polars.parquet'));
    await world.write('a.parquet', parquet);
    const ended = await world.loom('run', 'a.parquet', '-c', 'name', ...model, '--encoding', 'utf-8');
    expect(ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--encoding says nothing of Parquet, '),
    });
  });

  test('bytes that are not UTF-8 are told with the flag that reads them', async () => {
    await world.write('data.csv', Buffer.from('text\nna\xefve\n', 'latin1'));
    expect((await world.run('--sync')).stderr).toContain(
      `Error: ${join(world.folder, 'data.csv')}: byte 0xEF on line 2 is not UTF-8. Save the file as UTF-8, or say its encoding, such as --encoding windows-1252.\n`,
    );
  });

  test('a row that lacks cells is told with the flag that takes it', async () => {
    await world.write('data.csv', 'id,text,x\n1,a\n');
    expect((await world.run('--sync')).stderr).toContain(
      `Error: ${join(world.folder, 'data.csv')}: line 2 has 2 cells, but the header has 3. Quote each cell that holds a comma, and leave no cell out; pass --pad-rows for rows that lack empty cells at their end.\n`,
    );
  });
});

describe('the job of a batch', () => {
  async function readJob(): Promise<{ path: string; job: Record<string, unknown> }> {
    const folder = join(world.home, '.loom', 'jobs');
    const [name = ''] = await readdir(folder);
    const path = join(folder, name);
    return { path, job: JSON.parse(await readFile(path, 'utf8')) };
  }

  test('notes what was found, and nothing of a plain file', async () => {
    await world.write('data.csv', 'sep=;\nid;text\n1;a\n');
    await world.run('--pad-rows', '--no-cache');
    expect((await readJob()).job.layout).toEqual({ delimiter: ';', sep_line: true, pad_rows: true });
    await world.loom('forget', '--yes', '--id', (await readJob()).job.job_id as string);
    await world.write('data.csv', 'id,text\n1,a;b\n');
    await world.run('--no-cache');
    expect((await readJob()).job).not.toHaveProperty('layout');
  });

  test('of an older build has commas, whatever would be found now', async () => {
    await world.write('data.csv', 'a;text\nb;c\n');
    submittedId(await world.run('--delimiter', ',', '--no-cache', '-c', 'a;text'));
    const { path, job } = await readJob();
    expect(job).not.toHaveProperty('layout');
    await writeFile(path, JSON.stringify(job));
    expect(await fetchUntilDone(world)).toMatchObject({ code: 0 });
    expect(await world.read('data_results_openai_m.csv')).toBe(
      `a;text,llm_response\nb;c,${answerTo('b;c')}\n`,
    );
  });

  test('is not the same as one that reads the file in another way', async () => {
    await world.write('data.csv', 'id,text,x\n1,a,b\n');
    const first = submittedId(await world.run('--no-cache'));
    expect(submittedId(await world.run('--no-cache', '--pad-rows'))).not.toBe(first);
    expect((await world.run('--no-cache')).stdout).toContain(`is pending already as ${first}.`);
  });
});
