/**
 * Over means accounted for: a batch that its provider calls completed is over when its results account for every row
 * that was sent. What came is never lost, what is missing is asked for again, and after a day the rest is written.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { fetchDocumentSchema } from '../../../src/index.ts';
import { batchProviders, orderOf, type ProviderName, submittedId } from '../worlds/sandbox-world.ts';
import { createTamperedWorld, type TamperedWorld } from '../worlds/tampering.ts';

const rows = 6;
const data = `id,text\n${Array.from({ length: rows }, (_, index) => `${index},Question ${index}\n`).join('')}`;

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');
const join = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
const stranger = (line: string) => line.replace(/row-\d+-[0-9a-f]{8}/, 'row-77-01234567');

/** How a download can be short, and how many rows are missing then. */
const shortages: readonly (readonly [string, (text: string) => string, number])[] = [
  ['ends at a line', (text) => join(linesOf(text).slice(0, 4)), 2],
  ['breaks off in a line', (text) => text.slice(0, -20), 1],
  ['is empty', () => '', 6],
  ['is a page of HTML', () => '<html>\n<h1>502 Bad Gateway</h1>\n</html>\n', 6],
  [
    'has a page of HTML in its middle',
    (text) =>
      join(linesOf(text).flatMap((line, index) => (index === 2 || index === 3 ? ['<html>'] : [line]))),
    2,
  ],
  [
    'has ids of others',
    (text) => join(linesOf(text).map((line, index) => (index < 3 ? stranger(line) : line))),
    3,
  ],
  [
    'has the first rows twice, in place of the last',
    (text) => join([...linesOf(text).slice(0, 3), ...linesOf(text).slice(0, 3)]),
    3,
  ],
];

let world: TamperedWorld;
let id: string;
let output: string;

/** A batch that its provider calls completed. What is no matter of an adapter is tried at OpenAI alone. */
async function submitAt(provider: ProviderName = 'openai'): Promise<void> {
  world = await createTamperedWorld(provider, { turnaroundMs: 0 });
  await world.write('data.csv', data);
  id = submittedId(await world.loom('run', ...orderOf(provider)));
  output = `data_results_${provider}_m.csv`;
}

afterEach(() => world.remove());

/** For each row of the output whether it has an answer. */
async function readAnswers(): Promise<boolean[]> {
  const lines = (await world.read(output)).trimEnd().split('\n').slice(1);
  return lines.map((line) => !line.endsWith(','));
}

const listRecords = async () => [...(await world.listState('batches')), ...(await world.listState('jobs'))];
const firstFour = (text: string) => join(linesOf(text).slice(0, 4));
const allAnswered = expect.stringMatching(/^6 rows: 6 answered\n/);
const deletionsAt = (provider: ProviderName) => (provider === 'anthropic' ? 0 : 1);

test.each([
  ...shortages.map((shortage) => ['openai', ...shortage] as const),
  ...batchProviders.slice(1).map((provider, place) => [provider, ...(shortages[place + 1] ?? [])] as const),
])('%s: a download that %s: all is kept and told, and the next fetch asks again', async (...shortage) => {
  const [provider, , cut, missing = 0] = shortage;
  await submitAt(provider);
  world.onResults = cut as (text: string) => string;
  const told = await world.loom('fetch');
  expect(told).toMatchObject({
    code: 1,
    stdout: `Checking the loom... id=${id} status=completed\n  Some of its results are missing; what came is kept, and a later fetch asks again.\n`,
  });
  expect(told.stderr).toMatch(
    new RegExp(
      `Error: batch ${id}: the results are short: of 6 rows that were sent ${missing} have none yet \\(${rows - missing} answered, 0 refused\\); what came is kept\\.[^\\n]* The next loom fetch asks for them again\\. From \\d{4}-[^\\n]*Z on it writes the output without them; loom fetch --id ${id} --partial does so at once\\.\\n$`,
    ),
  );
  expect(await listRecords()).toHaveLength(2);
  expect(world.deletions).toEqual([]);
  expect(await world.listFolder()).toEqual(['data.csv']);
  world.onResults = (text) => text;
  expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: allAnswered });
  expect(await readAnswers()).toEqual(Array(rows).fill(true));
  expect(world.creations).toHaveLength(1);
  expect(await listRecords()).toEqual([]);
  expect(world.deletions).toHaveLength(deletionsAt(provider));
});

test('downloads add up: a later one that is shorter loses nothing', async () => {
  await submitAt();
  for (const [from, to] of [
    [0, 3],
    [0, 1],
    [4, 6],
  ]) {
    world.onResults = (text) => join(linesOf(text).slice(from, to));
    expect((await world.loom('fetch')).code).toBe(1);
  }
  world.onResults = (text) => join(linesOf(text).slice(3, 4));
  expect(await world.loom('fetch')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('\n6 rows: 6 answered\n'),
  });
});

test('--partial writes what there is at once, and names no batch', async () => {
  await submitAt();
  world.onResults = firstFour;
  await world.loom('fetch');
  const ended = await world.loom('fetch', '--partial');
  expect(ended.code).toBe(3);
  expect(ended.stderr).toContain('Warning: 2 of 6 rows have no response: 2 × no_result.\n');
  expect((await readAnswers()).filter(Boolean)).toHaveLength(4);
  expect(await listRecords()).toEqual([]);
});

test.each(batchProviders)(
  '%s: a day after its end it is written with what there is, and blocks nothing any more',
  async (provider) => {
    await submitAt(provider);
    world.onResults = firstFour;
    const dayAgo = Date.now() - 25 * 3_600_000;
    world.onBatch = (text) =>
      text
        .replace(/("completed_at": ?)\d+/, `$1${Math.floor(dayAgo / 1000)}`)
        .replace(/("(?:ended_at|endTime)": ?)"[^"]*"/g, `$1"${new Date(dayAgo).toISOString()}"`);
    const ended = await world.loom('fetch');
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('Warning: 2 of 6 rows have no response: 2 × no_result.\n');
    expect(await listRecords()).toEqual([]);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
  },
);

test('where the provider tells no end, the day begins when it was first seen completed', async () => {
  await submitAt();
  world.onResults = firstFour;
  world.onBatch = (text) => text.replace(/"completed_at":/g, '"other":');
  expect((await world.loom('fetch')).code).toBe(1);
  const path = world.statePath((await listRecords()).find((name) => name.startsWith('batches/')) ?? '');
  const record = await readFile(path, 'utf8');
  const endedAt = /"ended_at": "([^"]+)"/.exec(record)?.[1] ?? '';
  expect(Date.now() - Date.parse(endedAt)).toBeLessThan(60_000);
  expect((await world.loom('fetch')).code).toBe(1);
  expect(await readFile(path, 'utf8')).toContain(endedAt);
  await writeFile(path, record.replace(endedAt, new Date(Date.now() - 25 * 3_600_000).toISOString()));
  expect((await world.loom('fetch')).code).toBe(3);
});

test('list, status and the documents say how many are missing; it is completed, and pending', async () => {
  await submitAt();
  world.onResults = firstFour;
  const document = JSON.parse((await world.loom('fetch', '--output-format', 'json')).stdout);
  expect(fetchDocumentSchema.parse(document)).toEqual(document);
  expect(document).toMatchObject({
    exit_code: 1,
    batches: [{ batch_id: id, status: 'completed', missing: 2 }],
    errors: [{ id, kind: 'provider', message: expect.stringContaining('2 have none yet') }],
  });
  expect((await world.loom('list', '--status', 'pending')).stdout).toContain(` completed `);
  expect((await world.loom('status', '--id', id, '--offline')).stdout).toMatch(/^missing +2 results$/m);
  expect((await world.loom('fetch', '--wait', '--interval', '1', '--timeout', '2')).stderr).toContain(
    'the results are short',
  );
});

test.each([...batchProviders.map((provider) => [provider, 404] as const), ['openai', 410] as const])(
  '%s: results that are gone in the words of the provider (%i): it has expired, which is told once',
  async (provider, status) => {
    await submitAt(provider);
    const error = { code: status, type: 'not_found_error', status: 'NOT_FOUND', message: 'No such file.' };
    world.onResults = () => ({ status, text: JSON.stringify({ type: 'error', error }) });
    const told = await world.loom('fetch');
    expect(told).toMatchObject({
      code: 1,
      stdout: `Checking the loom... id=${id} status=expired\n  The provider still has the batch, but no longer its results.\n`,
    });
    expect(told.stderr).toMatch(new RegExp(`^Warning: batch ${id}: results_gone: [^\\n]*No such file\\.\\n`));
    expect(world.deletions).toHaveLength(deletionsAt(provider));
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: '' });
    expect((await world.loom('list')).stdout).toMatch(/ expired /);
    const again = await world.loom('run', ...orderOf(provider));
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Batch submitted.') });
    world.onResults = (text) => text;
    expect((await world.loom('fetch', '--id', id)).stderr).toEqual(allAnswered);
  },
);

test.each(['google', 'openai', 'anthropic'] as const)(
  '%s: a 403 says so at Google alone, and there in the words that it has for a missing file',
  async (provider) => {
    await submitAt(provider);
    const say = (message: string) => {
      const error = { code: 403, type: 'permission_error', status: 'PERMISSION_DENIED', message };
      world.onResults = () => ({ status: 403, text: JSON.stringify({ type: 'error', error }) });
    };
    say('The caller does not have permission.');
    expect((await world.loom('fetch')).stdout).not.toContain('status=expired');
    say('You do not have permission to access the File batch-1 or it may not exist.');
    const told = await world.loom('fetch');
    expect(told.code).toBe(1);
    expect(told.stdout.includes('status=expired')).toBe(provider === 'google');
    expect((await world.loom('fetch')).code).toBe(provider === 'google' ? 0 : 1);
  },
);

test('a batch at Anthropic that says itself that they are gone needs no more than a refusal of them', async () => {
  await submitAt('anthropic');
  world.onBatch = (text) => text.replace(/"archived_at": ?null/, '"archived_at":"2026-11-01T00:00:00Z"');
  world.onResults = () => ({ status: 400, text: '{"message":"Results are not available."}' });
  expect((await world.loom('fetch')).stdout).toContain('status=expired');
});

const page = '<html>404 Not Found</html>';
test.each([
  ['openai', 'a page of a gateway', page],
  ['google', 'a page of a gateway', page],
  ['anthropic', 'a gateway that has no such route', '{"message":"no Route matched with those values"}'],
] as const)(
  '%s: a 404 of %s is no word of the provider: the batch stays pending',
  async (provider, _, text) => {
    await submitAt(provider);
    world.onResults = () => ({ status: 404, text });
    expect(await world.loom('fetch')).toMatchObject({ code: 1 });
    expect(await world.loom('fetch')).toMatchObject({ code: 1 });
    world.onResults = (text) => text;
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stderr: allAnswered });
  },
);

test('an answer about another batch says nothing of this one, whose results are not taken for its own', async () => {
  await submitAt();
  await world.write('other.csv', data.replaceAll('Question', 'Riddle'));
  const other = submittedId(await world.run('-f', 'other.csv', '-c', 'text'));
  let told = '';
  world.onBatch = (text) => {
    told = text;
    return text;
  };
  await world.loom('status', '--id', other);
  world.onBatch = () => told;
  expect(await world.loom('fetch', '--id', id)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`id=${id} status=unknown`),
    stderr: expect.stringContaining(`The answer is about another batch, ${other}.`),
  });
  expect(world.deletions).toEqual([]);
  world.onBatch = (text) => text;
  expect((await world.loom('fetch')).code).toBe(0);
  expect(await readAnswers()).toEqual(Array(rows).fill(true));
});

test('of a completed batch that failed after all, what came is kept, and not paid for again', async () => {
  await submitAt();
  world.onResults = firstFour;
  await world.loom('fetch');
  world.onBatch = (text) => text.replace(/("status": ?)"completed"/, '$1"failed"');
  expect((await world.loom('fetch')).stderr).toContain('  4 answers are kept.');
  expect(await world.run()).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Rows with their answer in the cache: 4;'),
  });
});

test('what came before its results were gone is kept', async () => {
  await submitAt();
  world.onResults = firstFour;
  await world.loom('fetch');
  world.onResults = () => ({ status: 404, text: '{"error":{"message":"Gone."}}' });
  expect((await world.loom('fetch')).stderr).toContain('  4 answers are kept.');
  expect((await world.loom('fetch', '--id', id, '--partial')).code).toBe(3);
  expect((await readAnswers()).filter(Boolean)).toHaveLength(4);
});
