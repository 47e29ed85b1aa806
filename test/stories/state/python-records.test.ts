/** Batches that the Python tool submitted, as its versions 0.1.0 and 0.7.0 record them, fetched by this program. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { hashKey, openaiOf } from '../worlds/cache-keys.ts';
import { type Response, refusal } from '../worlds/http-server.ts';
import { answerLine } from '../worlds/openai-double.ts';
import { useServedWorld } from '../worlds/use-world.ts';

let answer: (path: string) => Response;
const { world, server } = useServedWorld(({ path }) => answer(path));

beforeEach(async () => {
  answer = () => refusal(404, 'nothing is scripted');
  world.environment.OPENAI_BASE_URL = `${server.url}/v1`;
  await world.write('data.csv', 'id,text,n\n007,"Hello, world",1.0\n008,Second,\n');
  await world.write(
    'data.json',
    '[{"id":"a-1","prompt":"First"},{"id":2,"prompt":"Second"},{"prompt":"Third"}]',
  );
});

/** What both versions write, in their order, for data.csv. */
function csvRecord(): Record<string, unknown> {
  return {
    batch_id: 'batch_py1',
    provider: 'openai',
    model: 'gpt-4o-mini',
    original_file_path: join(world.folder, 'data.csv'),
    file_type: 'csv',
    prompt_column: 'text',
    id_map: { 'row-0-2c5fbe0a': '0', 'row-1-a3080a80': '1' },
    created_at: '2026-11-22T12:44:29.760874Z',
    status: 'validating',
    output_path: null,
    with_meta: false,
  };
}

function jsonRecord(): Record<string, unknown> {
  return {
    ...csvRecord(),
    original_file_path: join(world.folder, 'data.json'),
    file_type: 'json',
    prompt_column: null,
    id_map: { 'a-1': 'a-1', '2': '2', 'row-2': 'row-2' },
  };
}

/** What version 0.7.0 adds. */
function newerFields(): Record<string, unknown> {
  return {
    cached_responses: {},
    cache_dir: world.statePath('cache'),
    source: 'file',
    params: {
      ...{ temperature: 0.2, max_tokens: null, top_p: null, top_k: null, stop: null, seed: null },
      ...{ presence_penalty: null, frequency_penalty: null, system: null, json_mode: false, extra: {} },
    },
  };
}

/** Writes a record as pydantic does: indented, without a last line end. */
function store(record: Record<string, unknown>): Promise<void> {
  const id = String(record.batch_id).replaceAll('/', '_');
  return world.writeState(`batches/${record.provider}_${id}.json`, JSON.stringify(record, null, 2));
}

/** OpenAI with one completed batch of these results. */
function openAiBatch(...lines: string[]): (path: string) => Response {
  return (path) => {
    if (path === '/v1/batches/batch_py1')
      return {
        body: { id: 'batch_py1', status: 'completed', output_file_id: 'file-1', error_file_id: null },
      };
    if (path === '/v1/files/file-1/content') return { body: lines.map((line) => `${line}\n`).join('') };
    return refusal(404, `nothing at ${path}`);
  };
}

const both = openAiBatch(answerLine('row-0-2c5fbe0a', 'one'), answerLine('row-1-a3080a80', 'two'));
const output = 'data_results_openai_gpt-4o-mini.csv';

describe.each([
  ['0.1.0', () => ({}), []],
  ['0.7.0', newerFields, ['{"temperature":0.2}']],
] as const)('a record of version %s', (_, moreFields, settings) => {
  test('of a CSV at OpenAI, with custom ids of random digits', async () => {
    await store({ ...csvRecord(), ...moreFields() });
    answer = openAiBatch(answerLine('row-1-a3080a80', 'two'), answerLine('row-0-2c5fbe0a', 'one, "1"'));
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: `Fabric complete. id=batch_py1 -> ${join(world.folder, output)} (metadata removed)\n`,
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.read(output)).toBe(
      'id,text,n,llm_response\n007,"Hello, world",1.0,"one, ""1"""\n008,Second,,two\n',
    );
    expect(await world.listLeft()).toEqual([]);
    // Its settings are part of the key under which the answers are filed.
    const name = hashKey('openai', 'gpt-4o-mini', 'Hello, world', ...settings, `@${openaiOf(world)}`);
    expect(JSON.parse(await world.readState(`cache/${name}.json`)).response).toBe('one, "1"');
  });
});

describe('a record of version 0.1.0', () => {
  test('of a JSON file, with the ids of its entries as custom ids', async () => {
    await store({ ...jsonRecord(), with_meta: true });
    answer = openAiBatch(
      answerLine('row-2', 'three'),
      answerLine('2', 'two'),
      answerLine('a-1', 'one'),
      answerLine('nobody', 'lost'),
    );
    const fetched = await world.loom('fetch');
    expect(fetched).toMatchObject({
      code: 0,
      stderr:
        '3 rows: 3 answered\nWarning: batch batch_py1: 1 result has an id that was not sent; it is ignored.\n',
    });
    const meta = { llm_provider: 'openai', llm_model: 'gpt-4o-mini' };
    expect(JSON.parse(await world.read('data_results_openai_gpt-4o-mini.json'))).toEqual([
      { id: 'a-1', prompt: 'First', llm_response: 'one', ...meta },
      { id: 2, prompt: 'Second', llm_response: 'two', ...meta },
      { prompt: 'Third', llm_response: 'three', ...meta },
    ]);
  });

  test('that is pending keeps every field that we do not know', async () => {
    const record = csvRecord();
    await store(record);
    answer = () => ({ body: { id: 'batch_py1', object: 'batch', status: 'in_progress' } });
    expect((await world.loom('fetch')).stdout).toContain('id=batch_py1 status=in_progress\n');
    expect(JSON.parse(await world.readState('batches/openai_batch_py1.json'))).toMatchObject({
      ...record,
      status: 'in_progress',
    });
    const listed = await world.loom('list');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(
      /^batch_py1 +openai +gpt-4o-mini +in_progress +2026-11-22T12:44:29\S* +data\.csv$/m,
    );
  });

  test('that is kept says that it is completed, keeps its fields, and is not asked for again', async () => {
    const record = csvRecord();
    await store(record);
    answer = both;
    expect((await world.loom('fetch', '--keep')).code).toBe(0);
    expect(JSON.parse(await world.readState('batches/openai_batch_py1.json'))).toMatchObject({
      ...record,
      status: 'completed',
      output_path: join(world.folder, output),
    });
    server.requests.length = 0;
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    expect(server.requests).toEqual([]);
  });

  test('with a relative output is written from the current folder', async () => {
    await mkdir(join(world.folder, 'out'));
    await store({ ...csvRecord(), output_path: join('out', 'answers.csv') });
    answer = both;
    expect((await world.loom('fetch')).stdout).toContain(`-> ${join(world.folder, 'out', 'answers.csv')} (`);
    expect(await world.read(join('out', 'answers.csv'))).toContain(',two\n');
  });

  test('with a relative input is read from the current folder', async () => {
    await store({ ...csvRecord(), original_file_path: 'data.csv' });
    answer = both;
    expect((await world.loom('fetch')).code).toBe(0);
    expect(await world.listFolder()).toContain(output);
  });

  test('whose input has changed is merged all the same: its custom ids prove nothing', async () => {
    await store(csvRecord());
    await world.write('data.csv', 'id,text,n\n007,Good morning,1.0\n008,Second,\n');
    answer = both;
    expect((await world.loom('fetch')).code).toBe(0);
    expect(await world.read(output)).toContain('007,Good morning,1.0,one\n');
  });

  test('with a missing result is kept and asked again, and --partial gives an empty cell and exit 3', async () => {
    await store(csvRecord());
    answer = openAiBatch(answerLine('row-1-a3080a80', 'two'));
    const told = await world.loom('fetch');
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('of 2 rows that were sent 1 have none yet (1 answered, 0 refused)');
    expect((await world.loom('list', '--status', 'pending')).stdout).toContain(' completed ');
    expect((await world.loom('fetch', '--partial')).code).toBe(3);
    expect(await world.read(output)).toBe(
      'id,text,n,llm_response\n007,"Hello, world",1.0,\n008,Second,,two\n',
    );
  });
});

test('answers that 0.7.0 took from its cache at submission, and never sent, come out too', async () => {
  const cached = { 'row-0-2c5fbe0a': 'from the cache' };
  await store({ ...csvRecord(), ...newerFields(), cached_responses: cached });
  answer = openAiBatch(answerLine('row-1-a3080a80', 'two'));
  const fetched = await world.loom('fetch');
  expect(await world.read(output)).toBe(
    'id,text,n,llm_response\n007,"Hello, world",1.0,from the cache\n008,Second,,two\n',
  );
  expect(fetched).toMatchObject({ code: 0, stderr: '2 rows: 2 answered\n' });
});

test.each([
  ['of numbers', { 'row-0-2c5fbe0a': 0, 'row-1-a3080a80': 1 }],
  ['a list', ['0', '1']],
])('a record whose id_map is %s is named and left alone', async (_, idMap) => {
  await store({ ...csvRecord(), id_map: idMap });
  answer = both;
  const fetched = await world.loom('fetch');
  expect(fetched).toMatchObject({ code: 1, stdout: '' });
  expect(fetched.stderr).toContain(world.statePath('batches/openai_batch_py1.json'));
  expect(await world.listFolder()).toEqual(['data.csv', 'data.json']);
});

test('a record of a provider or a file type that we do not have is named and left alone, and the others go on', async () => {
  await store({ ...csvRecord(), ...newerFields(), provider: 'cohere', batch_id: 'batch_mis' });
  await store({ ...csvRecord(), ...newerFields(), file_type: 'xlsx', batch_id: 'batch_xlsx' });
  await store(csvRecord());
  answer = both;
  const fetched = await world.loom('fetch');
  expect(fetched.code).toBe(1);
  expect(fetched.stdout).toMatch(/^Fabric complete\. id=batch_py1 -> /);
  expect(fetched.stderr).toContain('Error: batch batch_mis: there is no provider "cohere".');
  expect(fetched.stderr).toContain('openai_batch_xlsx.json');
  expect(await world.listState()).toEqual(
    expect.arrayContaining([
      join('batches', 'cohere_batch_mis.json'),
      join('batches', 'openai_batch_xlsx.json'),
    ]),
  );
});

test('records of both programs are listed together, newest first, whatever form their times have', async () => {
  await store({ ...csvRecord(), batch_id: 'b_old', created_at: '2025-01-01T00:00:00Z' });
  await store({ ...csvRecord(), batch_id: 'b_new', created_at: '2026-03-01T00:00:00.5+02:00' });
  await store({ ...csvRecord(), batch_id: 'b_mid', created_at: '2026-02-28T21:00:00.123456Z' });
  const lines = (await world.loom('list')).stdout.trimEnd().split('\n').slice(1);
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['b_new', 'b_mid', 'b_old']);
});
