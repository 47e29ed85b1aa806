/** `--output-format json`: one document on stdout, of the shape that the library's schemas tell. */
import { beforeEach, expect, test } from 'vitest';
import * as z from 'zod/mini';
import * as library from '../../../src/index.ts';
import { readPage } from '../../pages.ts';
import type { Ended } from '../../program.ts';
import { createSandboxWorld, orderOf } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(() => world.write('data.csv', 'id,text\n1,Hello\n2,World\n3,\n'));

const json = ['--output-format', 'json'];

/** The document on stdout, which must hold nothing else, and no field that the schema does not know. */
function parseDocument<Document>({ stdout }: Ended, schema: { parse(value: unknown): Document }): Document {
  const value: unknown = JSON.parse(stdout);
  expect(schema.parse(value)).toEqual(value);
  return value as Document;
}

test('list without batches is an empty list', async () => {
  const ended = await world.loom('list', ...json);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(parseDocument(ended, library.listDocumentSchema)).toEqual({
    command: 'list',
    exit_code: 0,
    error: null,
    batches: [],
    damaged: [],
  });
});

test('cache clear tells what it removed, and without a terminal why not', async () => {
  await world.writeState(`cache/${'0'.repeat(64)}.json`, '{"provider":');
  const refused = await world.loom('cache', 'clear', ...json);
  expect(refused.code).toBe(1);
  const folder = world.statePath('cache');
  expect(parseDocument(refused, library.cacheClearDocumentSchema)).toEqual({
    command: 'cache clear',
    exit_code: 1,
    error: {
      kind: 'state',
      code: null,
      message: `1 cached responses in ${folder} were not deleted: there is no terminal to ask on.`,
      hint: 'Pass --yes to delete them.',
    },
    folder,
    entries: 1,
    files: 1,
    removed: 0,
    removed_entries: 0,
  });
  const cleared = await world.loom('cache', 'clear', '--yes', ...json);
  expect(cleared).toMatchObject({ code: 0, stderr: 'Cache cleared. Removed 1 files.\n' });
  expect(parseDocument(cleared, library.cacheClearDocumentSchema)).toMatchObject({ removed: 1 });
});

test('a mistake in the flags is a document too, with exit 2', async () => {
  const ended = await world.loom('list', '--nonsense', ...json);
  expect(ended).toMatchObject({
    code: 2,
    stderr: "Error: unknown option '--nonsense'. See loom list --help for all.\n",
  });
  expect(parseDocument(ended, library.errorDocumentSchema)).toEqual({
    command: null,
    exit_code: 2,
    error: {
      kind: 'usage',
      code: null,
      message: "unknown option '--nonsense'.",
      hint: 'See loom list --help for all.',
    },
  });
});

const openai = ['-f', 'data.csv', '-c', 'text', '-p', 'openai', '-m', 'gpt-4o-mini'];

/** A batch as the document has it at first. */
const submitted = {
  batch_id: expect.stringMatching(/^batch_/),
  job_id: expect.stringMatching(/^job_/),
  part: 1,
  parts: 1,
  provider: 'openai',
  model: 'gpt-4o-mini',
  status: 'validating',
  created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  output_path: expect.stringMatching(/data_results_openai_gpt-4o-mini\.csv$/),
  counts: null,
  missing: null,
  stuck: false,
  last_error: null,
};

test('run --sync tells the output, its rows and what they cost', async () => {
  const ended = await world.loom('run', ...openai, '--sync', ...json);
  expect(ended.code).toBe(0);
  expect(parseDocument(ended, library.runDocumentSchema)).toEqual({
    command: 'run',
    exit_code: 0,
    error: null,
    mode: 'sync',
    provider: 'openai',
    model: 'gpt-4o-mini',
    kind: 'answered',
    id: null,
    batches: [],
    output: {
      id: null,
      provider: 'openai',
      model: 'gpt-4o-mini',
      output_path: `${world.folder}/data_results_openai_gpt-4o-mini.csv`,
      rows: 3,
      answered: 2,
      cut_off: 0,
      failed: 0,
      blank: 1,
      made_again: 0,
      misfits_asked_again: 0,
      misfits_mended: 0,
      cached: 0,
      failures: [],
      usage: {
        input_tokens: expect.any(Number),
        output_tokens: expect.any(Number),
        cost_usd: expect.any(Number),
        would_cost: false,
      },
    },
    errors: [],
    estimate: null,
    preview: null,
    whole: null,
  });
});

/** The document of the fetch that is no longer told that a batch is pending. */
async function fetchToTheEnd() {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const document = parseDocument(await world.loom('fetch', ...json), library.fetchDocumentSchema);
    if (!document.batches.some(({ status }) => status === 'validating' || status === 'in_progress'))
      return document;
  }
  throw new Error('The batch does not end.');
}

test('a batch goes through run, list and fetch in documents, and sentences go to stderr', async () => {
  const run = await world.loom('run', ...openai, ...json);
  expect(run.code).toBe(0);
  expect(run.stderr).toContain('Batch submitted. id=batch_');
  const { id, batches } = parseDocument(run, library.runDocumentSchema);
  expect(batches).toEqual([{ ...submitted, input_path: `${world.folder}/data.csv` }]);
  expect(batches[0]?.batch_id).toBe(id);

  const listed = await world.loom('list', ...json);
  expect(listed.stderr).toBe('');
  expect(parseDocument(listed, library.listDocumentSchema).batches).toEqual(batches);

  expect(await fetchToTheEnd()).toMatchObject({
    command: 'fetch',
    exit_code: 0,
    error: null,
    batches: [{ batch_id: id, status: 'completed', counts: { total: 2, succeeded: 2, failed: 0 } }],
    outputs: [{ id, rows: 3, answered: 2, failed: 0, blank: 1, cached: 0 }],
    errors: [],
    damaged: [],
  });
});

test('an output in the way and a batch without a record are errors in the document', async () => {
  const lost = await world.loom('fetch', '--id', 'batch_none', ...json);
  expect(lost.code).toBe(1);
  expect(parseDocument(lost, library.fetchDocumentSchema)).toMatchObject({
    exit_code: 1,
    error: { kind: 'state', message: 'no stored batch found for id=batch_none.' },
    batches: [],
  });
  await world.loom('run', ...openai, '-q');
  await world.write('data_results_openai_gpt-4o-mini.csv', 'mine');
  const { exit_code, errors } = await fetchToTheEnd();
  expect({ exit_code, errors }).toEqual({
    exit_code: 1,
    errors: [
      {
        id: expect.stringMatching(/^batch_/),
        kind: 'output',
        code: 'output_exists',
        message: `output file ${world.folder}/data_results_openai_gpt-4o-mini.csv already exists.`,
        hint: 'Pass --force to overwrite it, or move it.',
      },
    ],
  });
});

test('rows without a response are grouped, and the exit code is the usual one', async () => {
  await world.write('data.csv', 'text\nHello\n[[sandbox:refuse]]\n');
  const ended = await world.loom('run', ...openai, '--sync', ...json);
  const { exit_code, output } = parseDocument(ended, library.runDocumentSchema);
  expect({ code: ended.code, exit_code, failures: output?.failures }).toEqual({
    code: 3,
    exit_code: 3,
    failures: [
      {
        kind: 'refusal',
        message: "I'm sorry, I can't assist with that request.",
        count: 1,
        row_ids: ['1'],
        rows: [2],
      },
    ],
  });
});

test('a dry run tells its estimate', async () => {
  const ended = await world.loom('run', ...openai, '--dry-run', ...json);
  expect(parseDocument(ended, library.runDocumentSchema)).toMatchObject({
    mode: 'dry_run',
    output: null,
    estimate: { rows: 3, blank: 1, cached: 0, kept: 0, equal: 0, too_large: 0, requests: 2, batches: 1 },
  });
});

test('tokens tells a count and an estimate', async () => {
  const count = await world.loom('tokens', ...orderOf('anthropic', ...json));
  expect(parseDocument(count, library.tokensDocumentSchema)).toMatchObject({
    exit_code: 0,
    rows: 3,
    blank: 1,
    input_tokens: expect.any(Number),
    failed: 0,
    estimated_with: null,
    live_cost_usd: null,
  });
  const estimate = await world.loom('tokens', ...openai, '--estimate', ...json);
  expect(parseDocument(estimate, library.tokensDocumentSchema)).toMatchObject({
    estimated_with: 'o200k_base',
    live_cost_usd: expect.any(Number),
    batch_cost_usd: expect.any(Number),
  });
  const refused = await world.loom('tokens', ...openai, ...json);
  expect(parseDocument(refused, library.tokensDocumentSchema)).toMatchObject({
    exit_code: 2,
    error: { kind: 'unavailable' },
    input_tokens: null,
  });
});

test('the reference names every field of every document', () => {
  const page = readPage('docs/reference/json-documents.md');
  const schemas = Object.entries(library).filter(([name]) => name.endsWith('DocumentSchema'));
  const fields = schemas.flatMap(([, schema]) => listFields(z.toJSONSchema(schema as z.ZodMiniType)));
  expect(fields.length).toBeGreaterThan(50);
  expect([...new Set(fields)].filter((field) => !page.includes(`\`${field}\``))).toEqual([]);
});

/** The names of all properties, at every depth. */
function listFields(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'properties' in schema ? Object.keys(schema.properties as object) : [];
  return [...own, ...Object.values(schema).flatMap(listFields)];
}

test('stdout is for the document or for the output, not for both', async () => {
  const ended = await world.loom('run', ...openai, '--sync', '--output', '-', ...json);
  expect(ended.code).toBe(2);
  expect(parseDocument(ended, library.runDocumentSchema).error).toEqual({
    kind: 'usage',
    code: null,
    message: '--output-format json and the output both want stdout.',
    hint: 'Pass a path to --output.',
  });
});
