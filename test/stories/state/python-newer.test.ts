/** Records that the Python tool 0.7.0 wrote, fetched by this program, and records of this program as that tool needs them. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Response } from '../worlds/http-server.ts';
import { batchProviders, createSandboxWorld, fetchUntilDone, submittedId } from '../worlds/sandbox-world.ts';
import { useServedWorld, useWorld } from '../worlds/use-world.ts';

interface PythonRecord {
  readonly batch_id: string;
  readonly provider: (typeof batchProviders)[number];
  readonly file_type: 'csv' | 'json' | 'parquet';
  readonly with_meta: boolean;
  readonly id_map: Readonly<Record<string, string>>;
  readonly cached_responses: Readonly<Record<string, string>>;
  readonly cache_dir: string;
  readonly source: 'file' | 'memory';
  readonly params: Readonly<Record<string, unknown>>;
}

const folder = resolve(import.meta.dirname, '../../data/python-0.7.0');
const fixtures = readdirSync(folder).map((name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  return { name, text, record: JSON.parse(text) as PythonRecord };
});

/** What 0.7.0 writes for a setting that is not set. */
const isSet = (value: unknown) => value !== null && value !== false && JSON.stringify(value) !== '{}';

const inputs = {
  'data.csv': 'id,text,n\n007,"Hello, world",1.0\n008,Second,\n009,Third one,3\n',
  'data.json': '[{"id":"a-1","prompt":"First"},{"id":2,"prompt":"Second"},{"prompt":"Third"}]',
  // The row numbers that pandas keeps in it, and that are in the record, are 1, 2 and 4.
  'data.parquet': readFileSync(join(folder, '../pandas-index.parquet')),
};

describe('a record that 0.7.0 wrote', () => {
  let answer: (path: string) => Response;
  const { world, server } = useServedWorld(({ path }) => answer(path));

  beforeEach(async () => {
    for (const name of ['OPENAI_BASE_URL', 'DASHSCOPE_BASE_URL'])
      world.environment[name] = `${server.url}/v1`;
    for (const [name, content] of Object.entries(inputs)) await world.write(name, content);
  });

  const words = ({ provider, source, file_type, cached_responses, cache_dir }: PythonRecord) =>
    [
      `at ${provider}, of ${source === 'memory' ? 'its library' : file_type.toUpperCase()}`,
      ...(Object.keys(cached_responses).length > 0 ? ['with a cached answer'] : []),
      ...(cache_dir.startsWith('/') ? [] : ['with a cache of its own']),
    ].join(', ');

  test.each(fixtures.map((fixture) => [words(fixture.record), fixture] as const))(
    '%s is fetched whole',
    async (_, { name, text, record }) => {
      const home = join(world.home, '.loom');
      const moved = text.replaceAll('/home/ada/reviews', world.folder).replaceAll('/home/ada/.loom', home);
      await world.writeState(`batches/${name}`, moved);
      const memory = [
        { id: 'prompt-0', prompt: 'First' },
        { id: 'prompt-1', prompt: 'Second' },
      ];
      await world.writeState(`inputs/${name}`, JSON.stringify(memory));
      answer = serveBatch(record, server.url);
      const rows = Object.keys(record.id_map).length;
      expect(await world.loom('fetch')).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`Fabric complete. id=${record.batch_id} -> `),
        stderr: `${rows} rows: ${rows} answered\n`,
      });
      // JavaScript would put the id "2" first.
      const ids = record.id_map['a-1'] ? ['a-1', '2', 'row-2'] : Object.keys(record.id_map);
      expect(await readOutput(name, record)).toEqual(
        ids.map((customId) => record.cached_responses[customId] ?? `answer to ${customId}`),
      );
      // What was downloaded is filed where the submission had its cache, and the record is gone.
      const cache = resolve(world.folder, JSON.parse(moved).cache_dir);
      const entries = (await readdir(cache)).filter((entry) => /^[0-9a-f]{64}\.json$/.test(entry));
      expect(entries).toHaveLength(rows - Object.keys(record.cached_responses).length);
      const settings = Object.entries(record.params).filter(([, value]) => isSet(value));
      for (const entry of entries) {
        const { params = {} } = JSON.parse(await readFile(join(cache, entry), 'utf8'));
        expect(params).toEqual(Object.fromEntries(settings));
      }
      expect(await world.listState()).not.toContain(join('batches', name));
    },
  );

  /** The responses in the order of the rows. */
  async function readOutput(name: string, record: PythonRecord): Promise<unknown[]> {
    const { model } = record as unknown as { model: string };
    const suffix = `_results_${record.provider}_${model}`;
    if (record.source === 'memory') {
      const output = await world.readState(`inputs/${basename(name, '.json')}${suffix}.json`);
      return JSON.parse(output).map((entry: Record<string, unknown>) => entry.llm_response);
    }
    const outputName = `data${suffix}.${record.file_type}`;
    const output = await world.read(outputName);
    if (record.file_type === 'csv') {
      const lines = inputs['data.csv'].trimEnd().split('\n').slice(1);
      return output
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line, index) => line.slice((lines[index] as string).length + 1));
    }
    const entries: Record<string, unknown>[] =
      record.file_type === 'parquet'
        ? await parquetReadObjects({ file: new Uint8Array(await world.readBytes(outputName)).buffer })
        : JSON.parse(output);
    for (const entry of entries) expect('llm_provider' in entry).toBe(record.with_meta);
    return entries.map((entry) => entry.llm_response);
  }
});

/** A completed batch of a record, as its provider has it; what was cached was never sent. */
function serveBatch(record: PythonRecord, url: string): (path: string) => Response {
  const { batch_id: id, provider } = record;
  const sent = Object.keys(record.id_map).filter((customId) => !(customId in record.cached_responses));
  const lines = (line: (customId: string, text: string) => object) =>
    sent.map((customId) => `${JSON.stringify(line(customId, `answer to ${customId}`))}\n`).join('');
  const none: Response = { status: 404, body: { error: { message: 'nothing here' } } };
  if (provider === 'anthropic') {
    const results = lines((custom_id, text) => ({
      custom_id,
      result: { type: 'succeeded', message: { content: [{ type: 'text', text }], stop_reason: 'end_turn' } },
    }));
    const batch = {
      ...{ id, type: 'message_batch', processing_status: 'ended' },
      request_counts: { processing: 0, succeeded: sent.length, errored: 0, canceled: 0, expired: 0 },
      results_url: `${url}/results`,
    };
    return (path) => ({ body: path === '/results' ? results : batch });
  }
  if (provider === 'google') {
    const inlinedResponses = sent.map((custom_id) => ({
      metadata: { custom_id },
      response: { candidates: [{ content: { parts: [{ text: `answer to ${custom_id}` }] } }] },
    }));
    const output = { inlinedResponses: { inlinedResponses } };
    const metadata = { state: 'BATCH_STATE_SUCCEEDED', output };
    return (path) =>
      path === `/v1beta/${id}` ? { body: { name: id, done: true, metadata, response: output } } : none;
  }
  const results = lines((custom_id, content) => ({
    custom_id,
    response: { status_code: 200, body: { choices: [{ message: { content }, finish_reason: 'stop' }] } },
  }));
  return (path) => {
    if (path === `/v1/batches/${id}`) return { body: { id, status: 'completed', output_file_id: 'file-1' } };
    return path === '/v1/files/file-1/content' ? { body: results } : none;
  };
}

describe('a record of ours', () => {
  const world = useWorld(createSandboxWorld);

  beforeEach(async () => {
    for (const [name, content] of Object.entries(inputs)) await world.write(name, content);
  });

  const submit = async (...flags: string[]) =>
    submittedId(await world.loom('run', '-f', 'data.csv', '-c', 'text', '-m', 'm', ...flags));

  const recordName = (provider: string, id: string) => `batches/${provider}_${id.replaceAll('/', '_')}.json`;

  test.each(batchProviders)(
    'of a CSV at %s has what 0.7.0 needs, in the form that it takes',
    async (provider) => {
      const id = await submit('-p', provider, '--no-cache', '-o', 'answers.csv');
      const record = JSON.parse(await world.readState(recordName(provider, id)));
      expect(record).toMatchObject({
        batch_id: id,
        provider,
        model: 'm',
        original_file_path: join(world.folder, 'data.csv'),
        file_type: 'csv',
        prompt_column: 'text',
        status: 'validating',
        output_path: join(world.folder, 'answers.csv'),
        with_meta: false,
      });
      expect(new Date(record.created_at).toISOString()).toBe(record.created_at);
      expect(Object.values(record.id_map)).toEqual(['0', '1', '2']);
      for (const customId of Object.keys(record.id_map)) expect(customId).toMatch(/^row-\d+-[0-9a-f]{8}$/);
      // It refuses a record with a field of its own in another form; those that it does not know it passes over.
      for (const field of ['cached_responses', 'source']) expect(record).not.toHaveProperty(field);
      expect(record.cache_dir ?? '').toBe('');
    },
  );

  /** What 0.7.0 does when it asks how a batch is: its own fields, written anew. */
  async function rewrite(provider: string, id: string): Promise<void> {
    const name = recordName(provider, id);
    const record = JSON.parse(await world.readState(name));
    const known = Object.keys(fixtures[0]?.record as object).filter((field) => field in record);
    const kept = Object.fromEntries(known.map((field) => [field, record[field]]));
    const added = { cached_responses: {}, cache_dir: record.cache_dir ?? null, source: 'file' };
    await world.writeState(name, JSON.stringify({ ...kept, status: 'in_progress', ...added }, null, 2));
  }

  test('that 0.7.0 wrote anew is still known as the job that it is', async () => {
    await mkdir(join(world.folder, 'answers'));
    await world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,Hello\n');
    const id = await submit('-p', 'openai', '--cache-dir', 'answers', '--with-error');
    await rewrite('openai', id);
    expect((await world.loom('list')).stdout).toContain(id);
    expect((await fetchUntilDone(world)).stderr).toBe(
      '3 rows: 3 answered\nTokens: 4 in, 14 out; cost unknown: no price is known for m of OpenAI.\n',
    );
    const text = (prompt: string) => `Sandbox answer from m: ${prompt}`;
    // Equal prompts are one request, and each of their rows has the answer.
    expect(await world.read('data_results_openai_m.csv')).toBe(
      `id,text,llm_response,llm_error\n1,Hello,${text('Hello')},\n2,World,${text('World')},\n3,Hello,${text('Hello')},\n`,
    );
    expect((await world.listFolder()).includes('answers')).toBe(true);
    expect((await world.listState()).filter((name) => !name.startsWith('locks/'))).toEqual([]);
  });

  test('of one of several parts that 0.7.0 wrote anew stays a part', async () => {
    const ended = await world.run('--batch-size', '2', '--no-cache');
    const ids = [...ended.stdout.matchAll(/^Batch submitted\. id=(\S+)/gm)].map(
      (match) => match[1] as string,
    );
    expect(ids).toHaveLength(2);
    await rewrite('openai', ids[0] as string);
    const fetched = await fetchUntilDone(world);
    expect(fetched).toMatchObject({
      code: 0,
      stderr: '3 rows: 3 answered\nTokens: 8 in, 25 out; cost unknown: no price is known for m of OpenAI.\n',
    });
    expect(await world.read('data_results_openai_m.csv')).toContain('009,Third one,3,Sandbox answer');
    expect((await world.listState()).filter((name) => !name.startsWith('locks/'))).toEqual([]);
  });
});
