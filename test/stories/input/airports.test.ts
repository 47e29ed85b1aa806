/** A real file, 3,376 airports, through every provider and mode: what went in comes out, with one cell more. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import {
  batchProviders,
  createSandboxWorld,
  fetchUntilDone,
  type ProviderName,
  providers,
  submittedId,
} from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

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

/** The whole file once: what is another in each format and mode, and at each provider, shows in some of the rows. */
const whole = lines.length;
const some = 100;
const rowsAt = (provider: ProviderName) => (provider === 'openai' ? whole : some);
const csvOf = (rows: number) => `${[header, ...lines.slice(0, rows)].join('\n')}\n`;

/** The same airports as JSON, with the coordinates as the numbers that they are in the CSV, digit by digit. */
function airportsAsJson(count: number): { input: string; expected: string } {
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

const world = useWorld(createSandboxWorld);

test('the file is the one that these tests are about', () => {
  expect(lines).toHaveLength(3376);
  expect(lines[0]).toBe('00M,Thigpen,Bay Springs,MS,USA,31.95376472,-89.23450472');
});

test.each(batchProviders)(
  'a batch at %s, submitted by one command and fetched by another, gives every line byte for byte with its answer',
  async (provider) => {
    const rows = rowsAt(provider);
    const input = await world.write('airports.csv', csvOf(rows));
    const run = await world.loom('run', '-f', 'airports.csv', '-c', 'name', '-p', provider, '-m', model);
    const id = submittedId(run);
    expect(run).toEqual({
      code: 0,
      stdout: `Batch submitted. id=${id} provider=${provider}\nMetadata saved to ~/.loom/batches/. Run loom fetch --id ${id} later.\n`,
      stderr: 'Spinning the threads... submitting batch.\n',
    });
    const output = `airports_results_${provider}_airport-model-1.csv`;
    const told =
      rows === whole
        ? '3,376 rows: 3,376 answered\nTokens: 14,281 in, 44,239 out; '
        : '100 rows: 100 answered\n';
    expect(await fetchUntilDone(world)).toEqual({
      code: 0,
      stdout: `Fabric complete. id=${id} -> ${join(world.folder, output)} (metadata removed)\n`,
      stderr: expect.stringMatching(new RegExp(`^${told}`)),
    });
    expectSameText(await world.read(output), expectedRows(rows));
    expect(await readFile(input, 'utf8')).toBe(csvOf(rows));
    expect(await world.countCalls(provider)).toMatchObject({ createBatch: 1 });
    expect(await world.listLeft()).toEqual([]);
  },
);

test.each(providers)('a live run at %s gives every line byte for byte with its answer', async (provider) => {
  const rows = some;
  await world.write('airports.csv', csvOf(rows));
  const args = ['-f', 'airports.csv', '-c', 'name', '-p', provider, '-m', model, '--sync', '-w', '32'];
  const output = `airports_results_${provider}_airport-model-1.csv`;
  expect(await world.loom('run', ...args, '--no-cache')).toEqual({
    code: 0,
    stdout: `Done. wrote ${join(world.folder, output)} (${rows} prompts, 0 cache hits, 0 errors)\n`,
    stderr: expect.stringMatching(
      `^Weaving live\\.\\.\\. provider=${provider} model=${model} workers=32 cache=off\n`,
    ),
  });
  expectSameText(await world.read(output), expectedRows(rows));
  expect(await world.countCalls(provider)).toEqual({ generate: rows });
});

test('CR LF line ends and a byte order mark, gzipped, come out as they went in, uncompressed', async () => {
  const bom = '\uFEFF';
  const withCrLf = (text: string) => bom + text.replaceAll('\n', '\r\n');
  await world.write('airports.CSV.gz', gzipSync(withCrLf(csvOf(some))));
  await world.loom('run', '-f', 'airports.CSV.gz', '-c', 'name', '-p', 'anthropic', '-m', model);
  expect((await fetchUntilDone(world)).code).toBe(0);
  const output = await world.read('airports_results_anthropic_airport-model-1.csv');
  expectSameText(output, withCrLf(expectedRows(some)));
});

test('as gzipped JSON, ids and coordinates keep every digit', async () => {
  const { input, expected } = airportsAsJson(some);
  await world.write('airports.json.gz', gzipSync(input));
  await world.loom('run', '-f', 'airports.json.gz', '-p', 'google', '-m', model);
  expect((await fetchUntilDone(world)).code).toBe(0);
  expectSameText(await world.read('airports_results_google_airport-model-1.json'), expected);
});

test('as JSON, a live run writes what a batch writes', async () => {
  const { input, expected } = airportsAsJson(some);
  await world.write('airports.json', input);
  const args = ['-f', 'airports.json', '-p', 'openrouter', '-m', model, '--sync', '-w', '32', '--no-cache'];
  expect((await world.loom('run', ...args)).code).toBe(0);
  expectSameText(await world.read('airports_results_openrouter_airport-model-1.json'), expected);
});
