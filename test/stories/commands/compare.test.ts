/** `loom compare`: what it tells of outputs of the same rows, how it finds their rows and their answers, and its errors. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareDocumentSchema } from '../../../src/core/documents/documents.ts';
import { compareOutputs } from '../../../src/index.ts';
import { blocksOf, readPage } from '../../pages.ts';
import { atTerminalHere } from '../worlds/at-terminal.ts';
import { readText } from '../worlds/report-reader.ts';
import { createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const data = join(import.meta.dirname, '../../data');
const world = useWorld(createSandboxWorld);

const one = `id,text,label,llm_response,llm_provider,llm_model
a,Good,good,good,openai,gpt-4o-mini
b,Bad,bad,bad,openai,gpt-4o-mini
c,Fine,good,bad,openai,gpt-4o-mini
d,Awful,bad,,openai,gpt-4o-mini
e,Nice,good,good,openai,gpt-4o-mini
`;
const other = `id,text,label,llm_response,llm_provider,llm_model
a,Good,good,good,anthropic,claude-haiku-4-5
b,Bad,bad,good,anthropic,claude-haiku-4-5
c,Fine,good,good,anthropic,claude-haiku-4-5
d,Awful,bad,bad,anthropic,claude-haiku-4-5
e,Nice,good,good,anthropic,claude-haiku-4-5
`;
const unknown = 'How A and B were made is not known here, or changed since: there is no time and no cost.\n';

async function writeBoth(): Promise<void> {
  await world.write('one.csv', one);
  await world.write('other.csv', other);
}

async function readDocument(...args: string[]) {
  const { stdout, code } = await world.loom('compare', ...args, '--output-format', 'json');
  return { code, document: compareDocumentSchema.parse(JSON.parse(stdout)) };
}

/** A table of these columns, without those that stand between ours. */
function csv(names: string, ...rows: string[]): string {
  return `${[names, ...rows].join('\n')}\n`;
}

test('two models are told side by side, with what was expected', async () => {
  await writeBoth();
  expect(await world.loom('compare', 'one.csv', 'other.csv', '--expect', 'label')).toEqual({
    code: 0,
    stderr: unknown,
    stdout: `Compared 5 rows of 2 outputs, matched by the column id: 3 rows differ.

   model                       answers       output
A  openai gpt-4o-mini          llm_response  one.csv
B  anthropic claude-haiku-4-5  llm_response  other.csv

   answered  accuracy  macro F1
A      80 %      60 %     0.650
B     100 %      80 %     0.762

A and B agree in 50 % of 4 rows that both answered, kappa 0.000.
Rows without an answer are left out of the agreement, and count as wrong where an answer is expected.

label  expected  A  B
good          3  2  4
bad           2  2  1

What A answered, by what label says:
expected  good  bad  no answer
good         2    1          0
bad          0    1          1

What B answered, by what label says:
expected  good  bad
good         3    0
bad          1    1
`,
  });
});

test('the document has all figures, and its shape is that of the library', async () => {
  await writeBoth();
  const { code, document } = await readDocument('one.csv', 'other.csv', '--expect', 'label');
  expect(code).toBe(0);
  expect(document).toMatchObject({
    command: 'compare',
    page_path: null,
    rows: 5,
    rows_shown: null,
    matched_by: 'column',
    on: 'id',
    differing: 3,
    different_answers: 2,
    pairs: [{ outputs: [0, 1], rows: 4, equal: 2, agreement_percent: 50, kappa: 0 }],
    labels: [
      { label: 'good', rows: [2, 4], expected: 3 },
      { label: 'bad', rows: [2, 1], expected: 2 },
    ],
    outputs: [
      {
        output_path: join(world.folder, 'one.csv'),
        answer_column: 'llm_response',
        provider: 'openai',
        model: 'gpt-4o-mini',
        rows: 5,
        unmatched: 0,
        answered: 4,
        usage: null,
        seconds: null,
        expected: { rows: 5, correct: 3, unanswered: 1, accuracy: 0.6 },
      },
      { expected: { correct: 4, unanswered: 0, accuracy: 0.8, confusion: expect.anything() } },
    ],
  });
  expect(document.outputs[0]?.expected?.confusion).toEqual([
    { expected: 'good', answered: 'good', rows: 2 },
    { expected: 'good', answered: 'bad', rows: 1 },
    { expected: 'bad', answered: null, rows: 1 },
    { expected: 'bad', answered: 'bad', rows: 1 },
  ]);
});

test('runs are told with their tokens, their cost and their time', async () => {
  await world.write('data.csv', csv('text', 'Hello', 'World'));
  const flags = ['--fields', 'tone: good|bad', '-f', 'data.csv', '-c', 'text', '-p', 'openai', '--sync'];
  await world.loom('run', ...flags, '-m', 'gpt-4o-mini', '-o', 'mini.csv');
  await world.loom('run', ...flags, '-m', 'gpt-4o', '-o', 'large.csv', '--as', 'large');
  const { stdout, stderr } = await world.loom('compare', 'mini.csv', 'large.csv');
  expect(stderr).toBe('');
  expect(stdout).toContain('Compared 2 rows of 2 outputs, matched by their places: no row differs.');
  expect(stdout).toMatch(/^A {2}openai gpt-4o-mini {2}tone {5}mini\.csv$/m);
  expect(stdout).toMatch(/^ {3}answered {2}tokens in {2}tokens out +cost +time$/m);
  expect(stdout).toMatch(/^A +100 % +\d+ +\d+ +\$0\.0000\d+ +[\d.]+ (ms|s)$/m);
  const { document } = await readDocument('mini.csv', 'large.csv');
  expect(document.outputs[1]).toMatchObject({
    model: 'gpt-4o',
    usage: { input_tokens: expect.any(Number), cost_usd: expect.any(Number), would_cost: false },
    seconds: expect.any(Number),
  });
});

test('at a terminal of 80 columns no figure is cut, however long names and labels are', async () => {
  const label = 'a-label-that-is-longer-than-there-is-room-for-in-a-table';
  const rows = (answer: string) => ['x', 'y', 'z'].map((id) => `${id},${label},${answer}`);
  const names = ['gpt-4o-mini', 'claude-haiku-4-5'].map(
    (model) => `reviews_of_hotels_results_${model}-20261001.csv`,
  );
  await world.write(names[0] as string, csv('id,label,llm_response', ...rows(label)));
  await world.write(names[1] as string, csv('id,label,llm_response', ...rows(`${label}-2`)));
  const { text } = await atTerminalHere(world, ['compare', ...names, '--expect', 'label', '-q']);
  const lines = text.split('\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines).toContain('A     100 %     100 %     1.000');
  expect(lines).toContain('B     100 %       0 %     0.000');
  expect(text).toMatch(/^a-label-that-is-longer-than-\S* +3 +3 +0$/m);
});

test('an output is found by the id of its batch, and a rehearsal says what it would have cost', async () => {
  await world.write('data.csv', csv('id,text', '1,Hello', '2,World'));
  const asked = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o-mini'];
  const id = submittedId(await world.loom('run', ...asked, '-o', 'batch.csv'));
  await fetchUntilDone(world);
  await world.loom('run', ...asked, '-m', 'gpt-4o', '--sync', '--sandbox', '-o', 'rehearsal.csv');
  const { stdout, stderr, code } = await world.loom('compare', id, 'rehearsal.csv');
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toMatch(/^A {2}openai gpt-4o-mini {2}llm_response {2}batch\.csv$/m);
  expect(stdout).toMatch(/^B +100 % +\d+ +\d+ +would be \$0\.\d+ /m);
  expect(stdout).toContain('Compared 2 rows of 2 outputs, matched by the column id: 2 rows differ.');
});

describe('rows are matched', () => {
  test('by ids in any order, and those that not every output has are left out and told', async () => {
    await world.write('one.csv', csv('id,q,llm_response', '1,x,yes', '2,x,no', '3,x,yes', '4,x,no'));
    await world.write('other.csv', csv('id,q,llm_response', '4,y,no', '2,y,yes', '1,y,yes', '9,y,no'));
    const { stdout } = await world.loom('compare', 'one.csv', 'other.csv');
    expect(stdout).toContain('Compared 3 rows of 2 outputs, matched by the column id: 1 row differs.\n');
    expect(stdout).toContain('Left out, as not every output has them: rows 1 of A, 1 of B.\n');
    expect(stdout).toContain('A and B agree in 66.7 % of 3 rows that both answered, kappa 0.400.\n');
  });

  test('by the column that is named, also where an id is there', async () => {
    await world.write('one.csv', csv('id,key,llm_response', '1,a,yes', '2,b,no'));
    await world.write('other.csv', csv('id,key,llm_response', '1,b,no', '2,a,yes'));
    const { stdout } = await world.loom('compare', 'one.csv', 'other.csv', '--on', 'key');
    expect(stdout).toContain('matched by the column key: no row differs.');
  });

  test('by their places where an id repeats, or there is none, if the columns of the input are equal', async () => {
    await world.write('one.csv', csv('id,q,llm_response', '1,x,yes', '1,y,no'));
    await world.write('other.csv', csv('id,q,llm_response', '1,x,no', '1,y,no'));
    const { stdout } = await world.loom('compare', 'one.csv', 'other.csv');
    expect(stdout).toContain('Compared 2 rows of 2 outputs, matched by their places: 1 row differs.');
  });

  test('of a CSV, a JSONL and a JSON file as of one format', async () => {
    const rows = [
      { id: 1, text: 'Hello', llm_response: 'yes' },
      { id: 2, text: 'World', llm_response: 'no' },
    ];
    await world.write('one.csv', csv('id,text,llm_response', '1,Hello,yes', '2,World,yes'));
    await world.write('other.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    await world.write('third.json', JSON.stringify(rows));
    const { stdout, code } = await world.loom('compare', 'one.csv', 'other.jsonl', 'third.json');
    expect(code).toBe(0);
    expect(stdout).toContain('Compared 2 rows of 3 outputs, matched by the column id: 1 row differs.');
    expect(stdout).toContain('B and C agree in 100 % of 2 rows that both answered, kappa 1.000.');
  });

  test('of a Parquet file beside a CSV file', async () => {
    const answered = ['-c', 'name', '-p', 'openai', '-m', 'gpt-4o-mini', '--sync'];
    for (const [name, source] of [
      ['one.csv', 'airports.csv'],
      ['other.parquet', 'airports-pyarrow.parquet'],
    ] as const) {
      await world.write(name, await readFile(join(data, source)));
      const limit = name === 'one.csv' ? ['--limit', '60'] : [];
      await world.loom('run', '-f', name, ...answered, ...limit, '-o', `answered-${name}`);
    }
    const outputs = ['answered-one.csv', 'answered-other.parquet'];
    const { stdout } = await world.loom('compare', ...outputs, '--on', 'iata');
    // Three names of airports are missing in the Parquet file, and were not asked about.
    expect(stdout).toContain('Compared 60 rows of 2 outputs, matched by the column iata: 3 rows differ.');
    expect(stdout).toContain('A and B agree in 100 % of 57 rows that both answered.');
  });

  test.each([
    [
      'another row at a place',
      ['q,llm_response', 'x,yes', 'y,no'],
      ['q,llm_response', 'x,yes', 'z,no'],
      'row 2 of other.csv differs from that of one.csv in the column "q"',
    ],
    [
      'fewer rows',
      ['q,llm_response', 'x,yes', 'y,no'],
      ['q,llm_response', 'x,yes'],
      'other.csv has another number of rows than one.csv: 1, not 2',
    ],
    [
      'no column in common',
      ['q,llm_response', 'x,yes'],
      ['r,llm_response', 'x,yes'],
      'the outputs have no column of an input in common',
    ],
    [
      'no id in common',
      ['id,llm_response', '1,yes'],
      ['id,llm_response', '2,yes'],
      'no value of the column id is in each of one.csv, other.csv',
    ],
    [
      'an id that repeats and other rows',
      ['id,q,llm_response', '1,x,yes', '1,y,no'],
      ['id,q,llm_response', '1,x,yes', '1,z,no'],
      'id "1" is in rows 1 and 2 of one.csv, and row 2 of other.csv differs from that of one.csv in the column "q"',
    ],
  ])('not with %s, which is told with what to do', async (_, first, second, problem) => {
    await world.write('one.csv', csv(...(first as [string, ...string[]])));
    await world.write('other.csv', csv(...(second as [string, ...string[]])));
    const { stderr, code, stdout } = await world.loom('compare', 'one.csv', 'other.csv');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.replaceAll(`${world.folder}/`, '')).toBe(
      `Error: the rows can't be matched: ${problem}. Name a column that every output has, with another value in each row, with --on.\n`,
    );
  });

  test.each([
    ['repeats', '1,a\n1,b', 'id "1" is in rows 1 and 2 of other.csv'],
    ['is empty', '1,a\n,b', 'row 2 of other.csv has nothing in the column "id"'],
  ])('not by a named column whose value %s in a later output', async (_, rows, problem) => {
    await world.write('one.csv', csv('id,llm_response', '1,a', '2,b'));
    await world.write('other.csv', csv('id,llm_response', rows));
    const { stderr, code } = await world.loom('compare', 'one.csv', 'other.csv', '--on', 'id');
    expect(code).toBe(1);
    expect(stderr.replaceAll(`${world.folder}/`, '')).toContain(`the rows can't be matched: ${problem}.`);
  });
});

describe('the answers are', () => {
  const written = (answer: string, ...rows: string[]) => csv(`id,q,${answer}`, ...rows);

  test('the columns that are named: one for all, or one for each', async () => {
    await world.write('one.csv', written('gpt,note', '1,x,yes,n', '2,x,no,n'));
    await world.write('other.csv', written('claude,note', '1,x,yes,n', '2,x,yes,n'));
    const each = await world.loom('compare', 'one.csv', 'other.csv', '--answer', 'gpt', '--answer', 'claude');
    expect(each.stdout).toContain('A and B agree in 50 % of 2 rows');
    const all = await world.loom('compare', 'one.csv', 'other.csv', '--answer', 'note');
    expect(all.stdout).toContain('A and B agree in 100 % of 2 rows');
    expect(await world.loom('compare', 'one.csv', 'other.csv', '--answer', 'gpt')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('other.csv: no column "gpt"; it has "id", "q", "claude", "note".'),
    });
  });

  test('the only field of an answer, also where nobody knows of the run', async () => {
    const answer = '"{""tone"": ""good""}"';
    await world.write('one.csv', written('llm_response,tone', `1,x,${answer},good`, '2,x,,'));
    await world.write('other.csv', written('llm_response,tone', `1,x,"{""tone"":""good""}",good`, '2,x,,'));
    const { stdout } = await world.loom('compare', 'one.csv', 'other.csv');
    expect(stdout).toMatch(/^A {2}- +tone +one\.csv$/m);
    expect(stdout).toContain('no row differs');
  });

  test('not a column that somebody added behind the answers', async () => {
    await world.write('one.csv', written('llm_response,note', '1,x,yes,a'));
    await world.write('other.csv', written('llm_response,note', '1,x,no,a'));
    expect((await world.loom('compare', 'one.csv', 'other.csv')).stdout).toContain('1 row differs');
  });

  test('asked for where an answer has several fields', async () => {
    const answer = '"{""tone"":""good"",""topic"":""food""}"';
    await world.write('one.csv', written('llm_response,tone,topic', `1,x,${answer},good,food`));
    await world.write('other.csv', written('llm_response,tone,topic', `1,x,${answer},good,food`));
    const { code, stderr } = await world.loom('compare', 'one.csv', 'other.csv');
    expect(code).toBe(1);
    expect(stderr).toContain(
      'the answers that are compared could be in each of "llm_response", "tone", "topic". Name one with --answer.',
    );
    const named = await world.loom('compare', 'one.csv', 'other.csv', '--answer', 'topic');
    expect(named.stdout).toContain('no row differs');
  });
});

test('free text is compared as equal or not, and said to be free text', async () => {
  const rows = (word: string) =>
    Array.from({ length: 30 }, (_, row) => `${row},x,${row < 10 ? '' : word} ${row}`);
  await world.write('one.csv', csv('id,q,llm_response', ...rows('one')));
  await world.write('other.csv', csv('id,q,llm_response', ...rows('other')));
  const { stdout } = await world.loom('compare', 'one.csv', 'other.csv');
  expect(stdout).toContain('A and B agree in 33.3 % of 30 rows that both answered.\n');
  expect(stdout).toContain(
    'The answers are free text, 50 different ones: equal texts are counted, and there is no kappa.',
  );
  expect(stdout).not.toContain('label');
});

test('labels that differ in letter case alone, and rows that expect otherwise, are pointed out', async () => {
  await world.write('one.csv', csv('id,label,llm_response', '1,yes,Yes', '2,no,no'));
  await world.write('other.csv', csv('id,label,llm_response', '1,no,yes', '2,,no'));
  const { stderr, stdout } = await world.loom('compare', 'one.csv', 'other.csv', '--expect', 'label');
  expect(stderr).toContain('Some labels differ in their letter case alone, and count as different: ');
  expect(stderr).toContain('2 rows have another label in another output; that of the first counts.\n');
  expect(stdout).toMatch(/^A +100 % +50 %/m);
});

test('a column of expectations that is nowhere, and a page that is none, are refused', async () => {
  await writeBoth();
  expect(await world.loom('compare', 'one.csv', 'other.csv', '--expect', 'lable')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'one.csv: no column "lable"; it has "id", "text", "label", "llm_response"',
    ),
  });
  expect(await world.loom('compare', 'one.csv', 'other.csv', '-o', 'one.csv', '--force')).toMatchObject({
    code: 2,
    stderr: "Error: --output one.csv can't be the name of a page. Give it a name that ends in .html.\n",
  });
  expect(await world.loom('compare', 'one.csv')).toMatchObject({
    code: 2,
    stderr: 'Error: there is nothing to compare with. Name two outputs or more.\n',
  });
  expect(await world.read('one.csv')).toBe(one);
});

test('the page on comparing models shows what is printed', async () => {
  const shown = blocksOf(readPage('docs/tasks/compare-models.md'), 'text')[0] ?? '';
  const labels = ['bad', 'good', 'mixed', 'good', 'mixed', 'bad'];
  for (const [name, answers] of [
    ['mini.csv', ['bad', 'good', 'mixed', 'good', 'good', 'bad']],
    ['haiku.csv', ['bad', 'good', 'mixed', 'bad', 'mixed', 'bad']],
  ] as const) {
    const rows = labels.map((label, row) => `${row},${label},${answers[row]}`);
    await world.write(name, csv('id,label,llm_response', ...rows));
  }
  const { stdout } = await world.loom('compare', 'mini.csv', 'haiku.csv', '--expect', 'label');
  expect(stdout.slice(stdout.indexOf('A and B agree'))).toBe(shown);
});

test('a page has the figures of all rows, and is not overwritten unasked', async () => {
  await writeBoth();
  const args = ['compare', 'one.csv', 'other.csv', '--expect', 'label', '-o', 'page.html'];
  const { stdout, code } = await world.loom(...args);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Page written\. \S+page\.html \(5 rows\)\n$/);
  const text = readText(await world.read('page.html'));
  expect(text).toContain('A and B agree in 50 % of 4 rows that both answered, kappa 0.000.');
  expect(text).toContain('What A answered expected good bad no answer good 2 1 0 bad 0 1 1');
  expect(await world.loom(...args)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('already exists'),
  });
  expect(await world.loom(...args, '--force')).toMatchObject({ code: 0 });
});

test('the library gives the figures as they are, and draws the page that it is told to', async () => {
  await writeBoth();
  const compared = await compareOutputs({
    ...{ workingFolder: world.folder, home: join(world.folder, 'home'), environment: {} },
    targets: ['one.csv', 'other.csv'],
    expect: 'label',
    rows: 4,
    page: 'rows.html',
    async *drawPage({ choice }, rows) {
      yield `${choice.rows} of them, ${choice.differing} differ\n`;
      for await (const { index, differs, answers, expected } of rows)
        yield `${[index, differs, ...answers, expected].join(' ')}\n`;
    },
  });
  expect(compared?.figures).toMatchObject({ rows: 5, differing: 3, pairs: [{ equal: 2 }] });
  expect(await world.read('rows.html')).toBe(
    '4 of them, 3 differ\n1 true bad good bad\n2 true bad good good\n3 true  bad bad\n4 false good good good\n',
  );
});
