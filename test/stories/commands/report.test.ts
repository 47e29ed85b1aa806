/** `loom report`: what a page tells of an output, and what it can be told by. */
import { chmod, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { readFigures, readRows, readText } from '../worlds/report-reader.ts';
import { createSandboxWorld, fetchUntilDone } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const airports = join(import.meta.dirname, '../../data');
const live = ['-p', 'openai', '-m', 'gpt-4o-mini', '--sync'];
const batch = ['-p', 'openai', '-m', 'gpt-4o-mini'];
const reviews = 'id,text\na,Good morning\nb,[[sandbox:refuse]]\nc,  \n';
const output = 'reviews_results_openai_gpt-4o-mini.csv';
const page = 'reviews_results_openai_gpt-4o-mini_report.html';
const answer = 'Sandbox answer from gpt-4o-mini: Good morning';
const refusal = "refusal: I'm sorry, I can't assist with that request.";

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('reviews.csv', reviews));

const runLive = (...flags: string[]) =>
  world.loom('run', '-f', 'reviews.csv', '-c', 'text', ...live, ...flags);

const submitReviews = () => world.submit('-f', 'reviews.csv', '-c', 'text', '-m', 'gpt-4o-mini');

async function readHistory() {
  return Promise.all(
    (await world.listHistory()).map(async (name) => JSON.parse(await world.readState(name))),
  );
}

test('a live run is told whole: every row, why some failed, tokens, cost and times', async () => {
  await runLive();
  expect(await world.loom('report', output)).toEqual({
    code: 0,
    stdout: `Report written. ${join(world.folder, output)} -> ${join(world.folder, page)} (3 rows)\n`,
    stderr: '',
  });
  const html = await world.read(page);
  const texts = (id: string, Prompt: string | null, Answer: string | null, Reason: string | null) => ({
    texts: { id, Prompt, Answer, Reason },
  });
  expect(readRows(html)).toEqual([
    { number: 1, status: 'answered', ...texts('a', 'Good morning', answer, null) },
    { number: 2, status: 'failed', ...texts('b', '[[sandbox:refuse]]', null, refusal) },
    { number: 3, status: 'blank', ...texts('c', null, null, null) },
  ]);
  expect(readFigures(html)).toEqual({
    Rows: '3',
    Answered: '1',
    Failed: '1',
    'No prompt': '1',
    'From the cache': '0',
    Took: expect.stringMatching(/ (ms|s)$/),
    'Tokens in': expect.stringMatching(/^\d+$/),
    'Tokens out': expect.stringMatching(/^\d+$/),
    Cost: expect.stringMatching(/^\$0\.0000/),
  });
  const text = readText(html);
  expect(text).toContain('OpenAI gpt-4o-mini live 2');
  expect(text).toMatch(/Time of each call .* 2 calls: from .* half of them up to about/);
  expect(text).toMatch(/Length of the answers, in characters .* 1 answer: from 45 to 45/);
  expect(text).toMatch(
    /Why 1 row failed .* refusal 1 I&#39;m sorry, I can&#39;t assist with that request\. 2/,
  );
  expect(text).toContain(`Input ${join(world.folder, 'reviews.csv')} Prompt the column text`);
});

test('a fetched batch is found by its id after its record is gone, and before that must be fetched', async () => {
  const id = await submitReviews();
  expect(await world.loom('report', id)).toEqual({
    code: 1,
    stdout: '',
    stderr: `Error: ${id} has no output yet. Run loom fetch --id ${id} first.\n`,
  });
  await fetchUntilDone(world);
  expect(await world.listState()).not.toContain(`batches/openai_${id}.json`);
  expect(await world.loom('report', id, '-o', 'b.html')).toMatchObject({ code: 0, stderr: '' });
  const html = await world.read('b.html');
  expect(readRows(html).map(({ status }) => status)).toEqual(['answered', 'failed', 'blank']);
  expect(readFigures(html)).toMatchObject({ 'Until fetched': expect.any(String), Cost: expect.any(String) });
  const [{ job_id: jobId }] = await readHistory();
  expect(readText(html)).toContain(`Batch ${id} Job ${jobId}`);
  expect(readText(html)).toContain('OpenAI gpt-4o-mini batch');
  expect(await world.loom('report', jobId, '-o', 'j.html')).toMatchObject({ code: 0 });
});

test('a batch that is kept is found by its record too', async () => {
  const id = await submitReviews();
  await fetchUntilDone(world, '--keep');
  await rm(world.statePath('history'), { recursive: true });
  expect(await world.loom('report', id)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('not known'),
  });
  expect(readRows(await world.read(page))).toHaveLength(3);
});

test('rows that are all from the cache cost nothing', async () => {
  await runLive();
  await world.loom('run', '-f', 'reviews.csv', '-c', 'text', ...batch, '--limit', '1', '-o', 'one.csv');
  await world.loom('report', 'one.csv');
  expect(readFigures(await world.read('one_report.html'))).toMatchObject({
    'From the cache': '1',
    Cost: 'nothing',
  });
});

test('the rows of a sample have their numbers in the input, and their own reasons', async () => {
  const rows = Array.from({ length: 40 }, (_, index) =>
    index % 2 ? '[[sandbox:refuse]]' : `Hello ${index}`,
  );
  await world.write('many.csv', `text\n${rows.join('\n')}\n`);
  const flags = ['--no-cache', '--sample', '12', '-o', 's.csv'];
  await world.loom('run', '-f', 'many.csv', '-c', 'text', ...live, ...flags);
  await world.loom('report', 's.csv');
  const shown = readRows(await world.read('s_report.html'));
  expect(shown).toHaveLength(12);
  for (const { number, status, texts } of shown) {
    expect(texts.Prompt).toBe(rows[number - 1]);
    expect([status, texts.Reason]).toEqual(number % 2 === 0 ? ['failed', refusal] : ['answered', null]);
  }
});

describe('an output of which this machine knows nothing', () => {
  beforeEach(async () => {
    await runLive('--with-meta', '--with-usage');
    await rm(world.statePath('history'), { recursive: true });
  });

  const note =
    'How this output was made is not known here, or it has changed since: the report has no times and no cost.\n';

  test('is told from its columns, and its prompts from the one that is named', async () => {
    expect(await world.loom('report', output, '-c', 'text')).toMatchObject({ code: 0, stderr: note });
    const html = await world.read(page);
    expect(readRows(html)[0]).toEqual({
      number: 1,
      status: 'answered',
      texts: {
        id: 'a',
        Prompt: 'Good morning',
        Answer: answer,
        Reason: null,
        llm_provider: 'openai',
        llm_model: 'gpt-4o-mini',
        llm_input_tokens: expect.any(String),
        llm_output_tokens: expect.any(String),
        llm_finish_reason: 'stop',
      },
    });
    expect(readFigures(html)).toMatchObject({ Failed: '1', 'Tokens in': expect.stringMatching(/^\d+$/) });
    expect(readFigures(html)).not.toHaveProperty('Cost');
    expect(readText(html)).toContain('openai gpt-4o-mini');
    expect(readText(html)).toContain('This machine does not know how this output was made');
  });

  test('has a template filled', async () => {
    await world.loom('report', output, '--prompt', 'Say {{text}} to {{ id }}');
    expect(readRows(await world.read(page))[0]?.texts.Prompt).toBe('Say Good morning to a');
  });

  test('shows all its columns when nobody says which hold the prompts', async () => {
    await world.loom('report', output);
    const [row] = readRows(await world.read(page));
    expect(row?.texts).toMatchObject({ id: 'a', text: 'Good morning', Prompt: null, Answer: answer });
  });

  test('names its columns when there is none of that name', async () => {
    expect(await world.loom('report', output, '-c', 'txt')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no column "txt"; it has "id", "text", .* Did you mean "text"\?\n$/),
    });
  });

  test('keeps the reasons of other rows out', async () => {
    await world.write(
      `${output}.errors.jsonl`,
      '{"row":0,"id":"0","kind":"x","message":"Not of this row."}\n',
    );
    expect(await world.loom('report', output, '-c', 'text')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('belongs to other rows; it is left out.'),
    });
    const rows = readRows(await world.read(page));
    expect(rows.map(({ status, texts }) => [status, texts.Reason])).toEqual([
      ['answered', null],
      ['unanswered', null],
      ['blank', null],
    ]);
  });
});

test('an output that has changed since is told from what it is now', async () => {
  await runLive();
  await writeFile(join(world.folder, output), `id,text,llm_response\na,Good morning,Another\n`);
  await rm(join(world.folder, `${output}.errors.jsonl`));
  expect(await world.loom('report', output)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('not known'),
  });
  expect(readFigures(await world.read(page))).toEqual({ Rows: '1', Answered: '1', Failed: '0' });
});

describe('every format', () => {
  test.each([
    ['a.json', '[{"id":7,"prompt":"Hello"},{"prompt":"[[sandbox:refuse]]"}]', []],
    ['a.jsonl', '{"id":7,"prompt":"Hello"}\n{"prompt":"[[sandbox:refuse]]"}\n', []],
    ['a.tsv', 'id\tprompt\n7\tHello\n\t[[sandbox:refuse]]\n', ['-c', 'prompt']],
    ['a.csv.gz', gzipSync('id,prompt\n7,Hello\n,[[sandbox:refuse]]\n'), ['-c', 'prompt', '-o', 'out.csv.gz']],
  ] as const)('%s', async (name, content, flags) => {
    await world.write(name, content);
    await world.loom('run', '-f', name, ...flags, ...live);
    const [written = ''] = (await world.listFolder()).filter((file) => /^(a_results|out).*\w$/.test(file));
    expect(await world.loom('report', written, '-o', 'r.html')).toMatchObject({ code: 0 });
    expect(
      readRows(await world.read('r.html')).map(({ status, texts }) => [status, texts.id, texts.Prompt]),
    ).toEqual([
      ['answered', '7', 'Hello'],
      ['failed', null, '[[sandbox:refuse]]'],
    ]);
  });

  test('Parquet', async () => {
    await world.write('a.parquet', await readFile(join(airports, 'airports-pyarrow.parquet')));
    await world.loom('run', '-f', 'a.parquet', '-c', 'name', ...live);
    expect(await world.loom('report', 'a_results_openai_gpt-4o-mini.parquet', '-o', 'r.html')).toMatchObject({
      code: 0,
    });
    const rows = readRows(await world.read('r.html'));
    expect(rows).toHaveLength(60);
    expect(rows.filter(({ status }) => status === 'blank')).toHaveLength(3);
    for (const { texts } of rows.filter(({ status }) => status === 'answered'))
      expect(texts.Answer).toBe(`Sandbox answer from gpt-4o-mini: ${texts.Prompt}`);
  });

  test('under a name that says nothing, and packed later', async () => {
    await runLive('-o', 'answers.txt');
    expect(await world.loom('report', 'answers.txt', '-o', 'r.html')).toMatchObject({ code: 0 });
    await world.write('answers.csv.gz', gzipSync(await world.read('answers.txt')));
    expect(await world.loom('report', 'answers.csv.gz', '-c', 'text')).toMatchObject({ code: 0 });
    expect(readRows(await world.read('answers_report.html'))[0]?.texts.Answer).toBe(answer);
  });
});

describe('of a large output', () => {
  beforeEach(async () => {
    const rows = Array.from({ length: 1000 }, (_, index) =>
      index % 100 === 3 ? `${index},Ask ${index},,busy: Try later` : `${index},Ask ${index},Answer ${index},`,
    );
    await world.write('large.csv', `id,prompt,llm_response,llm_error\n${rows.join('\n')}\n`);
  });

  test('as many rows are shown as are asked for, evenly, with those that failed, and it says so', async () => {
    const ended = await world.loom('report', 'large.csv', '--rows', '50');
    const told = 'of the 1,000 rows, evenly from all over the output, all 10 that failed among them';
    expect(ended.stderr).toContain(
      `The page shows 50 ${told}; its figures are of all. --rows sets how many.\n`,
    );
    expect(ended.stdout).toContain('(50 of 1000 rows)\n');
    const html = await world.read('large_report.html');
    const rows = readRows(html);
    expect(rows).toHaveLength(50);
    expect(rows.filter(({ status }) => status === 'failed')).toHaveLength(10);
    const places = rows
      .filter(({ status }) => status === 'answered')
      .map(({ number }) => Math.floor((number - 1) / 250));
    expect([0, 1, 2, 3].map((quarter) => places.filter((place) => place === quarter).length)).toEqual([
      9, 11, 9, 11,
    ]);
    expect(readFigures(html)).toMatchObject({ Rows: '1,000', Answered: '990', Failed: '10' });
    expect(readText(html)).toContain('This page holds 50 of the 1,000 rows');
  });

  test('rows that failed take no more than half of the room', async () => {
    await world.loom('report', 'large.csv', '--rows', '8');
    const rows = readRows(await world.read('large_report.html'));
    expect(rows.map(({ status }) => status).sort()).toEqual([
      ...Array(4).fill('answered'),
      ...Array(4).fill('failed'),
    ]);
    expect(readText(await world.read('large_report.html'))).toContain('4 of the 10 that failed among them');
  });
});

describe('the page is written', () => {
  beforeEach(() => runLive());

  test('never over another one without --force', async () => {
    const path = await world.write(page, 'mine');
    expect(await world.loom('report', output)).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: output file ${path} already exists. Pass --force to overwrite it, or --output to write elsewhere.\n`,
    });
    expect(await world.read(page)).toBe('mine');
    expect(await world.loom('report', output, '--force')).toMatchObject({ code: 0 });
    expect(await world.read(page)).toMatch(/^<!doctype html>/);
  });

  test('never over an output, even with --force', async () => {
    const before = await world.read(output);
    expect(await world.loom('report', output, '-o', output, '--force')).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: --output ${output} can't be the name of a page. Give it a name that ends in .html.\n`,
    });
    expect(await world.read(output)).toBe(before);
  });

  test('whole or not at all', async () => {
    await world.write('broken.csv', 'prompt,llm_response\nHello,Hi\nHello,"Hi\n');
    expect(await world.loom('report', 'broken.csv')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('line 3 opens a quote that is never closed'),
    });
    expect((await world.listFolder()).filter((name) => name.includes('broken'))).toEqual(['broken.csv']);
  });

  test('and told as JSON', async () => {
    const { stdout, stderr, code } = await world.loom('report', output, '--output-format', 'json');
    expect({ code, stderr: stderr.split('\n')[0], document: JSON.parse(stdout) }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^Report written\. /),
      document: {
        command: 'report',
        exit_code: 0,
        error: null,
        report_path: join(world.folder, page),
        output_path: join(world.folder, output),
        rows: 3,
        rows_shown: 3,
      },
    });
  });
});

test.each([
  [
    'nothing.csv',
    /^Error: there is no file .*nothing\.csv, and no output of a batch of that name is known\. Give/,
  ],
  [
    'reviews.csv',
    /^Error: .*reviews\.csv: nothing tells which column holds the answers; it has .*, and no "llm_response"\. Name it with --answer/,
  ],
])('what is no output is refused: %s', async (target, words) => {
  expect(await world.loom('report', target)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(words),
  });
});

describe('the history that a run leaves', () => {
  test('is one small file that only its owner can read, with no prompt or answer in it', async () => {
    await runLive();
    await runLive('--force');
    const [name = '', ...others] = await world.listHistory();
    expect([name, others]).toEqual([expect.stringMatching(/^history\/[0-9a-f]{32}\.json$/), []]);
    const { mode, size } = await stat(world.statePath(name));
    expect(mode & 0o777).toBe(0o600);
    expect(size).toBeLessThan(2_000);
    expect(await world.readState(name)).not.toContain('Good morning');
  });

  test('is not written for stdout', async () => {
    await runLive('-o', '-');
    expect(await readHistory()).toEqual([]);
  });

  test('is nothing that a run can fail by', async () => {
    await world.writeState('history', 'a file in its place');
    expect(await runLive()).toMatchObject({ code: 3, stdout: expect.stringContaining('Done. wrote ') });
    expect(await world.read(output)).toContain(answer);
  });

  test('is swept when its output is gone for a month', async () => {
    await runLive('-o', 'old.csv');
    await runLive('-o', 'kept.csv');
    await rm(join(world.folder, 'old.csv'));
    const monthAgo = new Date(Date.now() - 31 * 24 * 60 * 60_000);
    for (const name of await readdir(world.statePath('history')))
      await utimes(join(world.statePath('history'), name), monthAgo, monthAgo);
    await runLive('--force');
    const outputs = (await readHistory()).map(({ output_path }) => output_path).sort();
    expect(outputs).toEqual([join(world.folder, 'kept.csv'), join(world.folder, output)]);
  });

  test('is passed over where it is damaged', async () => {
    await runLive();
    for (const name of await readdir(world.statePath('history'))) {
      await chmod(join(world.statePath('history'), name), 0o600);
      await writeFile(join(world.statePath('history'), name), '{"version":1,');
    }
    expect(await world.loom('report', output, '-c', 'text')).toMatchObject({ code: 0 });
  });
});

test('a rehearsal is found without a flag', async () => {
  await world.loom('run', '-f', 'reviews.csv', '-c', 'text', ...live, '--sandbox');
  const ofRehearsal = (path: string) => path.replace('gpt-4o-mini', 'gpt-4o-mini_sandbox');
  expect(await world.loom('report', ofRehearsal(output))).toMatchObject({ code: 0, stderr: '' });
  const text = readText(await world.read(ofRehearsal(page)));
  expect(text).toContain('live, a rehearsal in the sandbox');
  expect(text).toContain('Would cost');
});
