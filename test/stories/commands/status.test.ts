/** `loom status`: all that is known of one job, here and at its provider; nothing is changed. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { statusDocumentSchema } from '../../../src/index.ts';
import { refusal } from '../worlds/http-server.ts';
import { lastBatch, output, useOpenAiWorld } from '../worlds/openai-world.ts';
import { batchProviders, createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const { world } = useOpenAiWorld();

/** What stands behind each name, in the block of this number. */
function readBlock(stdout: string, block: number): Record<string, string> {
  const lines = (stdout.split('\n\n')[block] ?? '').trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/ {2,}/) as [string, string]));
}

test('tells all there is of a batch, with what the provider says, and changes nothing', async () => {
  const id = await world.submitAs('finalizing', '--temperature', '0.5');
  lastBatch(world.openai).counts = { total: 2, completed: 1, failed: 1 };
  const before = await Promise.all((await world.listState()).map((name) => world.readState(name)));
  world.takeRequests();
  const ended = await world.loom('status', '--id', id);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(readBlock(ended.stdout, 0)).toEqual({
    id,
    job: expect.stringMatching(/^job_/),
    provider: 'openai',
    model: 'm',
    created: expect.stringMatching(/^\d{4}-.*Z \(\d+ s ago\)$/),
    rows: '2',
    settings: '{"temperature":0.5}',
    input: `${join(world.folder, 'data.csv')} (unchanged)`,
    output: `${join(world.folder, output)} (not there yet)`,
  });
  expect(readBlock(ended.stdout, 1)).toEqual({
    batch: id,
    status: 'in_progress, at the provider finalizing',
    requests: '2',
    progress: '2/2, 1 failed',
    created: expect.stringMatching(/Z \(\d+ s ago\)$/),
  });
  expect(world.takeRequests()).toEqual([`GET /v1/batches/${id}`]);
  const after = await Promise.all((await world.listState()).map((name) => world.readState(name)));
  expect(after).toEqual(before);
});

test.each([
  ['changed', 'changed since it was submitted'],
  ['gone', 'gone'],
])('sees that the input is %s, and that the output is there', async (state, words) => {
  const id = await world.submitAs('in_progress');
  const path = await world.write('data.csv', 'id,text\n1,Other\n2,World\n');
  if (state === 'gone') await rm(path);
  await world.write(output, 'old');
  const block = readBlock((await world.loom('status', '-i', id, '--offline')).stdout, 0);
  expect(block.input).toBe(`${path} (${words})`);
  expect(block.output).toBe(`${join(world.folder, output)} (is there)`);
});

test('tells why a batch failed, and exits with 0', async () => {
  const id = await world.submit();
  Object.assign(lastBatch(world.openai), {
    status: 'failed',
    errors: [{ code: 'model_not_found', message: 'No such model.' }],
  });
  const ended = await world.loom('status', '--id', id);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(readBlock(ended.stdout, 1)).toMatchObject({
    status: 'failed, at the provider failed',
    error: 'model_not_found: No such model.',
  });
});

test('what a record or a provider says breaks no line, and steers no terminal', async () => {
  const id = await world.submit();
  const name = `batches/openai_${id}.json`;
  const record = JSON.parse(await world.readState(name));
  const changed = { ...record, model: 'm\x1b[31m', last_error: 'boom\x1b]0;title\x07\nstatus  completed' };
  await world.writeState(name, JSON.stringify(changed, null, 2));
  const shown = await world.loom('status', '--id', id, '--offline');
  expect(readBlock(shown.stdout, 1)).toMatchObject({ status: 'validating, as last seen' });
  expect(shown.stdout).toContain('\nerror         boom ]0;title status  completed\n');
  const told = await world.loom('status', '--id', id, '--offline', '--output-format', 'json');
  for (const text of [shown.stdout, told.stderr]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  }
});

describe('where the provider can not be asked', () => {
  test.each([
    ['a refused key', 401, 'Incorrect key.', { code: 'invalid_api_key' }],
    ['a batch that is not there', 404, 'No such batch.', {}],
  ])('%s: shows what was seen last, says why, and exits with 1', async (_what, status, message, fields) => {
    const id = await world.submitAs('in_progress');
    world.openai.override = () => refusal(status, message, fields);
    const ended = await world.loom('status', '--id', id);
    expect(ended.code).toBe(1);
    expect(readBlock(ended.stdout, 1)).toMatchObject({ batch: id, status: 'validating, as last seen' });
    expect(ended.stderr).toMatch(/^Error: OpenAI: .*\n$/);
    expect(ended.stderr).toContain(message);
  });

  test('no key: the same; and --offline asks nobody', async () => {
    const id = await world.submitAs('in_progress');
    // A server on this machine needs none.
    delete world.environment.OPENAI_BASE_URL;
    delete world.environment.OPENAI_API_KEY;
    const ended = await world.loom('status', '--id', id);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain(id);
    expect(ended.stderr).toMatch(/^Error: no API key for OpenAI\./);
    const offline = await world.loom('status', '--id', id, '--offline');
    expect(offline).toEqual({ code: 0, stdout: ended.stdout, stderr: '' });
  });

  test.each([
    [['--id', 'batch_nowhere'], 1, 'no stored batch found for id=batch_nowhere. See loom list'],
    [[], 2, "required option '-i, --id <id>' not specified"],
  ])('%j', async (flags, code, message) => {
    const ended = await world.loom('status', ...flags);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

test('a job of several parts has a block for each, also for those that wait', async () => {
  const jobId = await world.submitParts(1);
  const { stdout } = await world.loom('status', '--id', jobId);
  expect(readBlock(stdout, 1)).toMatchObject({ part: '1 of 2', batch: 'batch_001', requests: '1' });
  expect(readBlock(stdout, 2)).toEqual({
    part: '2 of 2',
    batch: '-',
    status: 'queued',
    requests: '1',
    progress: '-',
    error: 'http_429: Queue full.',
  });
});

test('a part whose record is gone has its batch, and is unknown; list shows it too', async () => {
  await world.run('--batch-size', '1');
  await rm(world.statePath('batches/openai_batch_002.json'));
  const { stdout } = await world.loom('status', '--id', 'batch_001', '--offline');
  expect(readBlock(stdout, 2)).toEqual({
    part: '2 of 2',
    batch: 'batch_002',
    status: 'unknown, as last seen',
    requests: '1',
    progress: '-',
    error: 'Its record is gone or damaged; loom fetch makes a new one where it is gone.',
  });
  expect((await world.loom('list')).stdout).toMatch(/^batch_002 +openai +m +unknown .* 2\/2$/m);
});

test('a record of the Python tool tells what it holds', async () => {
  const record = {
    batch_id: 'batch_py',
    provider: 'openai',
    model: 'm',
    original_file_path: 'data.csv',
    file_type: 'csv',
    prompt_column: 'text',
    id_map: { 'row-0-12345678': '0' },
    created_at: '2026-01-02T03:04:05.123456+00:00',
    status: 'in_progress',
    output_path: null,
    with_meta: false,
  };
  await world.write('data.csv', 'text\nHello\n');
  await world.writeState('batches/openai_batch_py.json', JSON.stringify(record));
  const ended = await world.loom('status', '--id', 'batch_py', '--offline', '--output-format', 'json');
  const document = JSON.parse(ended.stdout);
  expect(statusDocumentSchema.parse(document)).toEqual(document);
  expect(document.job).toMatchObject({
    id: 'batch_py',
    job_id: null,
    state: null,
    rows: null,
    input: { path: join(world.folder, 'data.csv'), state: 'unchecked' },
    output: { path: join(world.folder, output), exists: false },
    batches: [{ status: 'in_progress', stuck: true, requests: null, provider_status: null, times: null }],
  });
});

describe('as JSON', () => {
  const world = useWorld(() => createSandboxWorld({ turnaroundMs: 60_000 }));

  test.each(batchProviders)('the times of a batch at %s are told', async (provider) => {
    await world.write('data.csv', 'id,text\n1,Hello\n');
    const id = await world.submit('-p', provider);
    const ended = await world.loom('status', '--id', id, '--output-format', 'json');
    expect(ended.code).toBe(0);
    const document = JSON.parse(ended.stdout);
    expect(statusDocumentSchema.parse(document)).toEqual(document);
    const [batch] = document.job.batches;
    expect(batch.provider_status).toMatch(/^(validating|in_progress|BATCH_STATE_\w+)$/);
    expect(batch.times.created).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(batch.times.ended).toBe(null);
    if (provider !== 'google') expect(Date.parse(batch.times.expires)).toBeGreaterThan(Date.now());
    const results = batch.times.results_end;
    const month = 29 * 24 * 3_600_000;
    expect(results && Date.parse(results) - Date.parse(batch.times.created)).toBe(
      provider === 'anthropic' ? month : null,
    );
    expect((await world.loom('status', '--id', id)).stdout).toMatch(
      provider === 'anthropic' ? /^results end {3}\S+Z \(in 28 d( \d+ h)?\)$/m : /^(?!.*results end)/,
    );
  });
});
