/**
 * What tools of others make of an output, as docs/guide/other-tools.md tells it: of those in its tables the ones that run
 * on Node alone. Where a new version of one fails a test here, the page wants a change too.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, version as duckDbVersion } from '@duckdb/node-api';
import Papa from 'papaparse';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import packageFile from '../../../package.json' with { type: 'json' };
import { createOpenAiWorld, type OpenAiWorld } from '../worlds/openai-world.ts';

/** What stands in each row, in columns with these names. */
const texts = {
  version: '12.5.1',
  zip: '007',
  most: 'Inf',
  share: '3/4',
  portion: '50%',
  note: 'NA',
  number: '12345678901234567890',
};
const rows = 25_000;
/** The only row that fails. DuckDB looks at the first 20,480 to learn what a column holds. */
const failed = 24_000;
const error = 'schema_mismatch: The answer is not JSON.';
/** From this row on there is a key that no row before has. */
const late = 24_501;

const fields = 'code, score: integer, ratio: number, sure: boolean, tags: string[]';
const answer = '{"code":"12.5.1","score":9007199254740993,"ratio":0.1,"sure":true,"tags":["3/4","50%"]}';

let world: OpenAiWorld;
let duckDb: DuckDBConnection;

beforeAll(async () => {
  world = await createOpenAiWorld();
  world.openai.answerTo = (prompt) => (prompt === 'late' ? 'no' : answer);
  duckDb = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
});

afterAll(async () => {
  duckDb.disconnectSync();
  await world.remove();
});

/** Runs what a file holds. The rows ask two things, so it makes two calls. */
async function answerFile(name: string, content: string, ...flags: string[]): Promise<string> {
  await world.write(`data.${name}`, content);
  return answerWritten(name, ...flags);
}

async function answerWritten(name: string, ...flags: string[]): Promise<string> {
  const order = `run data.${name} -o out.${name} -c text -p openai -m m --sync`;
  const ended = await world.loom(...order.split(' '), ...flags);
  if (ended.code !== 0 && ended.code !== 3) throw new Error(ended.stderr);
  return `'${join(world.folder, `out.${name}`)}'`;
}

const promptOf = (id: number) => (id === failed ? 'late' : 'usual');

function writeCsv(): Promise<string> {
  const header = `id,${Object.keys(texts).join()},text\n`;
  const lines = listIds().map((id) => `${id},${Object.values(texts).join()},${promptOf(id)}\n`);
  return answerFile('csv', header + lines.join(''), '--fields', fields, '--with-error');
}

function listObjects(more: (id: number) => object): object[] {
  return listIds().map((id) => ({ id, ...texts, text: promptOf(id), ...more(id) }));
}

function listIds(): number[] {
  return Array.from({ length: rows }, (_, index) => index + 1);
}

/** Rows of DuckDB, whole numbers of 64 bits as texts. */
async function query(sql: string): Promise<Record<string, unknown>[]> {
  return (await duckDb.runAndReadAll(sql)).getRowObjectsJson();
}

async function typesOf(source: string): Promise<Record<string, unknown>> {
  const columns = await query(`describe select * from ${source}`);
  return Object.fromEntries(columns.map(({ column_name: name, column_type: type }) => [name, type]));
}

/** A row of the table in the page. */
function tableRow(tool: string, seen: readonly string[]): string {
  return `| ${[tool, ...seen].join(' | ')} |\n`;
}

const page = () => readFile('docs/guide/other-tools.md', 'utf8');

describe('a CSV with values that look like something else, and an error in a late row', () => {
  let output: string;

  beforeAll(async () => {
    output = await writeCsv();
  });

  const asWritten = {
    ...{ ...texts, text: 'usual', llm_response: answer },
    ...{ code: '12.5.1', score: '9007199254740993', ratio: '0.1', sure: 'true', tags: '["3/4","50%"]' },
  };
  const failedRow = { id: String(failed), ...texts, text: 'late' };

  test('is guessed at by DuckDB', async () => {
    expect(await typesOf(output)).toEqual({
      id: 'BIGINT',
      version: 'DATE',
      zip: 'VARCHAR',
      most: 'TIMESTAMP WITH TIME ZONE',
      share: 'VARCHAR',
      portion: 'VARCHAR',
      note: 'VARCHAR',
      number: 'DOUBLE',
      text: 'VARCHAR',
      llm_response: 'VARCHAR',
      code: 'DATE',
      score: 'BIGINT',
      ratio: 'DOUBLE',
      sure: 'BOOLEAN',
      tags: 'VARCHAR',
      llm_error: 'VARCHAR',
    });
    const [first = {}] = await query(`select columns(*)::varchar from ${output} where id = 1`);
    const seen = Object.keys(texts).map((name) => first[name]);
    expect(seen).toEqual(['2012-05-01', '007', 'infinity', '3/4', '50%', 'NA', '1.2345678901234567e+19']);
    expect(await query(`select id, llm_error from ${output} where llm_error is not null`)).toEqual([
      { id: String(failed), llm_error: error },
    ]);
    expect(await page()).toContain(
      tableRow(`DuckDB ${duckDbVersion().slice(1)}`, [
        ...['**date** 2012-05-01', 'kept', '**time** infinity', 'kept', 'kept', 'kept'],
        ...['**1.2345678901234567e+19**', 'kept'],
      ]),
    );
  });

  test('is kept by DuckDB with all_varchar, and a column of it with types', async () => {
    const kept = await query(
      `select * from read_csv(${output}, all_varchar = true) where id in ('1', '${failed}')`,
    );
    const empty = { llm_response: null, code: null, score: null, ratio: null, sure: null, tags: null };
    expect(kept).toEqual([
      { id: '1', ...asWritten, llm_error: null },
      { ...failedRow, ...empty, llm_error: error },
    ]);
    const typed = `read_csv(${output}, types = {'version': 'VARCHAR', 'number': 'VARCHAR'})`;
    expect(await query(`select version, number, most::varchar as most from ${typed} limit 1`)).toEqual([
      { version: '12.5.1', number: '12345678901234567890', most: 'infinity' },
    ]);
  });

  test('is kept by Papa Parse, but for 007 where it guesses', async () => {
    const text = await world.read('out.csv');
    const plain = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true });
    expect(plain.errors).toEqual([]);
    expect(plain.data.length).toBe(rows);
    expect(plain.data[0]).toEqual({ id: '1', ...asWritten, llm_error: '' });
    const empty = { llm_response: '', code: '', score: '', ratio: '', sure: '', tags: '' };
    expect(plain.data[failed - 1]).toEqual({ ...failedRow, ...empty, llm_error: error });

    const start = text.slice(0, text.indexOf('\n2,'));
    const guessed = Papa.parse(start, { header: true, skipEmptyLines: true, dynamicTyping: true });
    expect(guessed.data).toEqual([{ ...asWritten, id: 1, zip: 7, ratio: 0.1, sure: true, llm_error: null }]);
    expect(await page()).toContain(
      tableRow(`Papa Parse ${packageFile.devDependencies.papaparse}, \`dynamicTyping\``, [
        ...['kept', '**7**', 'kept', 'kept', 'kept', 'kept', 'kept', 'kept'],
      ]),
    );
  });

  test('has a row more for Papa Parse, unless it skips empty lines', async () => {
    const { data, errors } = Papa.parse('id,llm_response\n1,yes\n', { header: true, delimiter: ',' });
    expect([data.at(-1), errors.map(({ code }) => code)]).toEqual([{ id: '' }, ['TooFewFields']]);
  });
});

describe('JSON with an error in a late row', () => {
  let output: string;

  beforeAll(async () => {
    const content = JSON.stringify(listObjects(() => ({})));
    output = await answerFile('json', content, '--fields', fields, '--with-error');
  });

  test('keeps its texts in DuckDB, where the error is JSON in quotes', async () => {
    const types = await typesOf(output);
    expect([types.version, types.score, types.tags, types.llm_error]).toEqual([
      'VARCHAR',
      'BIGINT',
      'VARCHAR[]',
      'JSON',
    ]);
    const seen = await query(`select * from ${output} where id in (1, ${failed})`);
    const values = {
      code: '12.5.1',
      score: '9007199254740993',
      ratio: 0.1,
      sure: true,
      tags: ['3/4', '50%'],
    };
    const empty = { llm_response: null, code: null, score: null, ratio: null, sure: null, tags: null };
    expect(seen).toEqual([
      { id: '1', ...texts, text: 'usual', llm_response: answer, ...values, llm_error: null },
      { id: String(failed), ...texts, text: 'late', ...empty, llm_error: `"${error}"` },
    ]);
  });

  test('has the error as it is where DuckDB looks at all rows', async () => {
    const whole = `read_json(${output}, sample_size = -1)`;
    expect(await query(`select llm_error from ${whole} where id = ${failed}`)).toEqual([
      { llm_error: error },
    ]);
  });
});

describe('JSONL with a key that only late rows have', () => {
  let output: string;

  beforeAll(async () => {
    const objects = listObjects((id) => (id < late ? {} : { later: 'there' }));
    const lines = objects.map((object) => `${JSON.stringify(object)}\n`).join('');
    output = await answerFile('jsonl', lines, '--fields', fields, '--with-error');
  });

  test('is an error in DuckDB, which names the key', async () => {
    await expect(query(`select * from ${output}`)).rejects.toThrow('has unknown key "later"');
    expect(await page()).toContain(
      tableRow(`DuckDB ${duckDbVersion().slice(1)}`, ['kept', '**in quotes**, as JSON', 'an error']),
    );
  });

  test('is read by DuckDB where it looks at all rows', async () => {
    const whole = `read_json(${output}, sample_size = -1)`;
    const wanted = [1, failed, late].join();
    expect(await query(`select id, llm_error, later, zip from ${whole} where id in (${wanted})`)).toEqual([
      { id: '1', llm_error: null, later: null, zip: '007' },
      { id: String(failed), llm_error: error, later: null, zip: '007' },
      { id: String(late), llm_error: null, later: 'there', zip: '007' },
    ]);
    expect(await query(`select count(*) as rows, count(later) as later from ${whole}`)).toEqual([
      { rows: String(rows), later: String(rows - late + 1) },
    ]);
  });
});

test('JSONL with a key twice in an object is an error in DuckDB, unless it ignores errors', async () => {
  const twice = '{"id":1,"text":"usual","note":"first","note":"second"}\n';
  const output = await answerFile('jsonl', `${twice}{"id":2,"text":"usual","note":"only"}\n`, '--force');
  expect((await world.read('out.jsonl')).startsWith(twice.slice(0, -2))).toBe(true);
  await expect(query(`select * from ${output}`)).rejects.toThrow('has duplicate key "note"');
  const notes = await query(`select note from read_json(${output}, ignore_errors = true)`);
  expect(notes).toEqual([{ note: 'first' }, { note: 'only' }]);
  const [first = ''] = (await world.read('out.jsonl')).split('\n');
  expect(JSON.parse(first).note).toBe('second');
});

test('Parquet has its types in DuckDB, those of the input and those of the fields', async () => {
  const data = join(world.folder, 'data.parquet');
  const columns = Object.entries(texts).map(([name, text]) => `'${text}' as ${name}`);
  const input = [
    `select 1 as id, ${columns.join()}, date '2012-05-01' as day, [1, 2] as list, 'usual' as text`,
    `select 2, ${columns.join()}, null, null, 'late'`,
  ].join(' union all ');
  await query(`copy (${input}) to '${data}' (format parquet)`);
  const output = await answerWritten('parquet', '--fields', fields, '--with-error');
  const kinds = Object.keys(texts).map((name) => [name, 'VARCHAR']);
  expect(await typesOf(output)).toEqual({
    id: 'INTEGER',
    ...Object.fromEntries(kinds),
    ...{ day: 'DATE', list: 'INTEGER[]', text: 'VARCHAR', llm_response: 'VARCHAR' },
    ...{ code: 'VARCHAR', score: 'BIGINT', ratio: 'DOUBLE', sure: 'BOOLEAN', tags: 'VARCHAR' },
    llm_error: 'VARCHAR',
  });
  const values = { code: '12.5.1', score: '9007199254740993', ratio: 0.1, sure: true, tags: '["3/4","50%"]' };
  const empty = { llm_response: null, code: null, score: null, ratio: null, sure: null, tags: null };
  expect(await query(`select * from ${output} order by id`)).toEqual([
    {
      ...{ id: 1, ...texts, day: '2012-05-01', list: [1, 2], text: 'usual', llm_response: answer },
      ...{ ...values, llm_error: null },
    },
    { id: 2, ...texts, day: null, list: null, text: 'late', ...empty, llm_error: error },
  ]);
  expect(await query(`select json_extract_string(tags, '$[1]') as tag from ${output} where id = 1`)).toEqual([
    { tag: '50%' },
  ]);
});

describe('answers with delimiters, quotes and line ends', () => {
  const awkward = ' one, two; "three"\tfour | five\r\nsix\n=seven\\n ';

  it.each([
    ['csv', ','],
    ['csv', ';'],
    ['csv', '|'],
    ['tsv', '\t'],
  ])('are read from a .%s with %j as they were given', async (name, delimiter) => {
    world.openai.answerTo = () => awkward;
    const lines = [`id${delimiter}text`, `1${delimiter}${delimiter}`.slice(0, -1), `2${delimiter}awkward`];
    const output = await answerFile(name, `${lines.join('\n')}\n`, '--force', '--no-cache');
    const seen = [
      { id: '1', text: null, llm_response: null },
      { id: '2', text: 'awkward', llm_response: awkward },
    ];
    expect(await query(`select * from read_csv(${output}, all_varchar = true)`)).toEqual(seen);
    const parsed = Papa.parse(await world.read(`out.${name}`), { header: true, skipEmptyLines: true });
    expect(parsed.data).toEqual(
      seen.map((row) => ({ ...row, text: row.text ?? '', llm_response: row.llm_response ?? '' })),
    );
  });
});
