/** What comes with a success and can't be read may be paid for: it is told, and not asked for again and again. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createWorld } from '../../program.ts';
import { frame, startRawServer } from '../../providers/raw-server.ts';
import { say } from '../worlds/http-server.ts';
import { batchProviders, providers } from '../worlds/sandbox-world.ts';
import { eachTest, useWorld, variablesOf } from '../worlds/use-world.ts';

const server = eachTest(startRawServer, (one) => one.close());
const world = useWorld(() => createWorld(variablesOf(server.url)));

const page = '<!doctype html><title>Hotel</title><body>Please sign in to go on.</body>';
const said = 'It is a web page that begins: Hotel Please sign in to go on';
const writeRows = (count: number) =>
  world.write('data.csv', `text\n${Array.from({ length: count }, (_, row) => `prompt ${row}\n`).join('')}`);
const run = (provider: string, ...flags: string[]) => world.run('-p', provider, ...flags);

test.each(providers)('%s, live: a captive portal costs no more than the first calls', async (provider) => {
  await writeRows(40);
  server.play(() => frame(page, { 'content-type': 'text/html' }));
  const ended = await run(provider, '--sync', '--workers', '4');
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toContain('None of the first 8 answers can be read, and each may have been paid for.');
  expect(ended.stderr).toContain(said);
  expect(server.calls).toBeGreaterThanOrEqual(8);
  expect(server.calls).toBeLessThanOrEqual(8 + 3);
  expect(existsSync(`${world.folder}/data_results_${provider}_m.csv`)).toBe(false);
});

test('a row is asked once, and says what came', async () => {
  await writeRows(2);
  server.play(() => frame('Welcome!'));
  expect(await run('openai', '--sync')).toMatchObject({ code: 1 });
  expect(server.calls).toBe(2);
  const reasons = readFileSync(`${world.folder}/data_results_openai_m.csv.errors.jsonl`, 'utf8');
  expect(
    reasons
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { row: 1, kind: 'unreadable', message: expect.stringMatching(/It is not JSON, and begins: Welcome!$/) },
    { row: 2, kind: 'unreadable' },
  ]);
});

const answer = JSON.stringify(say('Hello').body);

test.each([
  [1, '1 call broke off after it was sent and was made again; the provider may bill both.\n'],
  [2, '2 calls broke off after they were sent and were made again; the provider may bill both.\n'],
])('of calls that broke off, %i are told as perhaps paid twice', async (rows, told) => {
  await writeRows(rows);
  server.play(() => (server.calls <= rows ? frame(answer, { 'content-length': '5000' }) : frame(answer)));
  const ended = await run('openai', '--sync', '--output-format', 'json');
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain(told);
  expect(JSON.parse(ended.stdout).output).toMatchObject({ answered: rows, made_again: rows });
  expect(server.calls).toBe(2 * rows);
});

test.each(batchProviders)(
  '%s, in a batch: a captive portal gets one upload, and no creation is repeated',
  async (provider) => {
    await writeRows(2);
    const asked: string[] = [];
    server.play((line) => {
      asked.push(line.split(' ')[0] ?? '');
      return frame(page, { 'content-type': 'text/html' });
    });
    const ended = await run(provider);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toContain(said);
    expect(asked.filter((method) => method === 'POST')).toHaveLength(1);
  },
);
