/** A real file, 3,376 airports, through every provider and mode: what went in comes out, with one cell more. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  batchProviders,
  createSandboxWorld,
  fetchUntilDone,
  providers,
  type SandboxWorld,
  submittedId,
} from '../worlds/sandbox-world.ts';

const csv = await readFile(join(import.meta.dirname, '../../data/airports.csv'));
const [header, ...lines] = csv.toString('utf8').trimEnd().split('\n') as [string, ...string[]];
const cells = parse(csv, { from_line: 2 }) as string[][];
const model = 'airport-model-1';

function answerTo(name: string): string {
  return `Sandbox answer from ${model}: ${name}`;
}

function quoteIfNeeded(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** The output of the first rows. */
function expectedRows(count: number): string {
  const rows = lines.slice(0, count);
  const outputs = rows.map(
    (line, index) => `${line},${quoteIfNeeded(answerTo(cells[index]?.[1] as string))}\n`,
  );
  return `${header},llm_response\n${outputs.join('')}`;
}

const expectedCsv = expectedRows(lines.length);

/** The same airports as JSON, with the coordinates as the numbers that they are in the CSV, digit by digit. */
function airportsAsJson(count = cells.length): { input: string; expected: string } {
  const entries = cells
    .slice(0, count)
    .map(([iata, name, , , , latitude, longitude]) => [
      `"id": ${JSON.stringify(iata)}`,
      `"prompt": ${JSON.stringify(name)}`,
      `"latitude": ${latitude}`,
      `"longitude": ${longitude}`,
    ]);
  const inputs = entries.map((members) => `{${members.join(',').replaceAll('": ', '":')}}`);
  const outputs = entries.map((members, index) => {
    const answer = `"llm_response": ${JSON.stringify(answerTo(cells[index]?.[1] as string))}`;
    return `  {\n${[...members, answer].map((member) => `    ${member}`).join(',\n')}\n  }`;
  });
  return { input: `[${inputs.join(',')}]`, expected: `[\n${outputs.join(',\n')}\n]` };
}

/** Compares whole files, but shows only the first line that differs. */
function expectSameText(actual: string, expected: string): void {
  if (actual === expected) return;
  const actualLines = actual.split('\n');
  const expectedLines = expected.split('\n');
  const index = expectedLines.findIndex((line, at) => line !== actualLines[at]);
  expect({ line: index + 1, text: actualLines[index] }).toEqual({
    line: index + 1,
    text: expectedLines[index],
  });
  expect(actualLines.length).toBe(expectedLines.length);
  throw new Error('The files differ.');
}

let world: SandboxWorld;

beforeEach(async () => {
  world = await createSandboxWorld();
});

afterEach(() => world.remove());

test('the file is the one that these tests are about', () => {
  expect(lines).toHaveLength(3376);
  expect(lines[0]).toBe('00M,Thigpen,Bay Springs,MS,USA,31.95376472,-89.23450472');
});

describe.each(batchProviders)('a batch at %s', (provider) => {
  test('submitted by one process and fetched by another gives every line byte for byte with its answer', async () => {
    const input = await world.write('airports.csv', csv);
    const run = await world.loom('run', '-f', 'airports.csv', '-c', 'name', '-p', provider, '-m', model);
    const id = submittedId(run);
    expect(run).toEqual({
      code: 0,
      stdout: `Batch submitted. id=${id} provider=${provider}\nMetadata saved to ~/.loom/batches/. Run loom fetch --id ${id} later.\n`,
      stderr: 'Spinning the threads... submitting batch.\n',
    });
    const output = join(world.folder, `airports_results_${provider}_airport-model-1.csv`);
    expect(await fetchUntilDone(world)).toEqual({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${output} (metadata removed)\n`,
      stderr: expect.stringMatching(/^3,376 rows: 3,376 answered\nTokens: 14,281 in, 44,239 out; /),
    });
    expectSameText(await readFile(output, 'utf8'), expectedCsv);
    expect(await readFile(input)).toEqual(csv);
    expect(await world.countCalls(provider)).toMatchObject({ createBatch: 1 });
    expect((await world.listState()).filter((name) => !name.startsWith('cache/'))).toEqual([]);
  });
});

/** The whole file once: what is another at each provider shows in a tenth of the calls. */
const liveRuns = providers.map((provider) => ({
  provider,
  rows: provider === 'openai' ? lines.length : 337,
}));

test.each(liveRuns)(
  'a live run of $rows rows at $provider gives every line byte for byte with its answer',
  async ({ provider, rows }) => {
    await world.write('airports.csv', `${[header, ...lines.slice(0, rows)].join('\n')}\n`);
    const args = ['-f', 'airports.csv', '-c', 'name', '-p', provider, '-m', model, '--sync', '-w', '32'];
    const output = join(world.folder, `airports_results_${provider}_airport-model-1.csv`);
    const run = await world.loom('run', ...args, '--no-cache');
    expect(run.stdout).toBe(`Done. wrote ${output} (${rows} prompts, 0 cache hits, 0 errors)\n`);
    expect(run.stderr.split('\n')[0]).toBe(
      `Weaving live... provider=${provider} model=${model} workers=32 cache=off`,
    );
    expect(run.code).toBe(0);
    expectSameText(await readFile(output, 'utf8'), expectedRows(rows));
    expect(await world.countCalls(provider)).toEqual({ generate: rows });
  },
);

test('a gzipped CSV gives the same output as the plain one, uncompressed', async () => {
  await world.write('airports.csv.gz', gzipSync(csv));
  await world.loom('run', '-f', 'airports.csv.gz', '-c', 'name', '-p', 'openai', '-m', model);
  expect((await fetchUntilDone(world)).code).toBe(0);
  expectSameText(await world.read('airports_results_openai_airport-model-1.csv'), expectedCsv);
});

test('CR LF line ends and a byte order mark come out as they went in', async () => {
  const bom = '\uFEFF';
  await world.write('airports.CSV', bom + csv.toString().replaceAll('\n', '\r\n'));
  await world.loom('run', '-f', 'airports.CSV', '-c', 'name', '-p', 'anthropic', '-m', model);
  expect((await fetchUntilDone(world)).code).toBe(0);
  const output = await world.read('airports_results_anthropic_airport-model-1.csv');
  expectSameText(output, bom + expectedCsv.replaceAll('\n', '\r\n'));
});

test.each(['airports.json', 'airports.json.gz'])(
  'as %s, ids and coordinates keep every digit',
  async (name) => {
    const { input, expected } = airportsAsJson();
    await world.write(name, name.endsWith('.gz') ? gzipSync(input) : input);
    await world.loom('run', '-f', name, '-p', 'google', '-m', model);
    expect((await fetchUntilDone(world)).code).toBe(0);
    expectSameText(await world.read('airports_results_google_airport-model-1.json'), expected);
  },
);

test('as JSON, a live run writes what a batch writes', async () => {
  const { input, expected } = airportsAsJson(337);
  await world.write('airports.json', input);
  const run = await world.loom(
    'run',
    '-f',
    'airports.json',
    '-p',
    'openrouter',
    '-m',
    model,
    '--sync',
    '-w',
    '32',
    '--no-cache',
  );
  expect(run.code).toBe(0);
  expectSameText(await world.read('airports_results_openrouter_airport-model-1.json'), expected);
});
