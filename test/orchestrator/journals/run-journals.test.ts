/** What tries of one live run leave to each other, and that none can spoil what another wrote. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestContent, plainContent } from '../../../src/core/request/content.ts';
import { createCustomId } from '../../../src/orchestrator/dataset/custom-ids.ts';
import { openRunJournals } from '../../../src/orchestrator/journals/run-journals.ts';
import { listKeptJournals } from '../../../src/orchestrator/journals/run-names.ts';
import type { AskedRow } from '../../../src/state/journal.ts';
import { loomHome } from '../../../src/storage/home.ts';

const runName = `sync_${'a'.repeat(24)}`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-journals-'));
  mkdirSync(join(folder, 'results'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const home = () => loomHome({ variables: { LOOM_HOME: folder }, workingFolder: folder });

async function open(name = runName) {
  return openRunJournals(home(), name, await listKeptJournals(home(), name));
}

function row(slot: number, prompt: string): AskedRow {
  const digest = digestContent(plainContent(prompt));
  return { slot, digest, customId: createCustomId(slot, digest) };
}

function answer(slot: number, prompt: string, text = `Answer to ${prompt}`) {
  return { customId: row(slot, prompt).customId, outcome: 'succeeded', text } as const;
}

test('a try that was paused writes on into its own file, while another reads and writes in its place', async () => {
  const paused = await open();
  await paused.journal.add(row(0, 'a'), answer(0, 'a'));
  const second = await open();
  expect(second.kept).toBe(1);
  expect(second.adopt(row(0, 'a'))).toBe(true);
  await second.journal.add(row(1, 'b'), answer(1, 'b'));
  // What was under way when the first was paused comes in now.
  await paused.journal.add(row(1, 'b'), answer(1, 'b', 'A late answer, of another length'));
  await paused.journal.add(row(2, 'c'), answer(2, 'c'));
  await second.journal.add(row(3, 'd'), answer(3, 'd'));
  const found = (['a', 'b', 'c', 'd'] as const).map((prompt, slot) => second.journal.get(row(slot, prompt)));
  expect(found).toEqual([answer(0, 'a'), answer(1, 'b'), undefined, answer(3, 'd')]);
  await paused.close();
  await second.close();

  const third = await open();
  expect(['a', 'b', 'b', 'c', 'd'].map((prompt, slot) => third.adopt(row(slot, prompt)))).toEqual(
    Array(5).fill(true),
  );
  expect(third.adopt(row(5, 'a'))).toBe(false);
  await third.close();
});

test('an answer is given to no other prompt, whatever row asks', async () => {
  const first = await open();
  await first.journal.add(row(0, 'a'), answer(0, 'a'));
  expect(first.journal.get(row(0, 'b'))).toBeUndefined();
  // A custom id has 32 bits of the digest; the journal has all of them.
  const twin = { ...row(0, 'b'), customId: row(0, 'a').customId };
  expect(first.journal.get(twin)).toBeUndefined();
  await first.close();

  const second = await open();
  expect(second.adopt(twin)).toBe(false);
  expect(second.adopt(row(7, 'a'))).toBe(true);
  expect(second.journal.get(row(7, 'a'))).toEqual(answer(0, 'a'));
  await second.close();
});

test('equal prompts get an answer each, as often as they were answered', async () => {
  const first = await open();
  for (const slot of [0, 1, 2]) await first.journal.add(row(slot, 'a'), answer(slot, 'a', `${slot}`));
  await first.close();
  const second = await open();
  expect([5, 6, 7, 8].map((slot) => second.adopt(row(slot, 'a')))).toEqual([true, true, true, false]);
  expect([5, 6, 7].map((slot) => second.journal.get(row(slot, 'a')))).toMatchObject([
    { text: '0' },
    { text: '1' },
    { text: '2' },
  ]);
  await second.close();
});

test('a row that was asked twice has one answer for the next try, the later, also among equal prompts', async () => {
  const first = await open();
  await first.journal.add(row(0, 'a'), answer(0, 'a', 'misfit'));
  await first.journal.add(row(1, 'a'), answer(1, 'a', 'of row 1'));
  await first.journal.add(row(0, 'a'), answer(0, 'a', 'mended'));
  await first.journal.add(row(2, 'b'), answer(2, 'b', 'misfit'));
  await first.close();

  const second = await open();
  expect(second.kept).toBe(3);
  expect([0, 1, 2, 3].map((slot) => second.adopt(row(slot, slot === 2 ? 'b' : 'a')))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(second.journal.get(row(0, 'a'))).toEqual(answer(0, 'a', 'mended'));
  expect(second.journal.get(row(1, 'a'))).toEqual(answer(1, 'a', 'of row 1'));
  await second.journal.add(row(2, 'b'), answer(2, 'b', 'mended by the second try'));
  await second.close();

  const third = await open();
  expect([third.kept, third.adopt(row(2, 'b')), third.adopt(row(3, 'b'))]).toEqual([3, true, false]);
  expect(third.journal.get(row(2, 'b'))).toEqual(answer(2, 'b', 'mended by the second try'));
  await third.close();
});

test('journals of older builds are read: their answers are given to the row that the custom id names', async () => {
  const line = JSON.stringify({ custom_id: row(1, 'b').customId, outcome: 'succeeded', text: 'old' });
  writeFileSync(join(folder, 'results', `${runName}.jsonl`), `${line}\n{"custom_id":"row-2-`);
  const next = await open();
  expect([next.kept, next.adopt(row(2, 'b')), next.adopt(row(1, 'x')), next.adopt(row(1, 'b'))]).toEqual([
    1,
    false,
    false,
    true,
  ]);
  expect(next.journal.get(row(1, 'b'))).toMatchObject({ text: 'old' });
  expect(next.journal.get(row(1, 'x'))).toBeUndefined();
  await next.close();
});

test('a journal with the cache on is left to the next run only once the cache has refused an answer', async () => {
  const name = `live_${'b'.repeat(24)}`;
  const first = await open(name);
  await first.journal.add(row(0, 'a'), answer(0, 'a'));
  await first.close();
  expect(readdirSync(join(folder, 'results'))).toEqual([]);

  const second = await open(name);
  await second.journal.add(row(0, 'a'), answer(0, 'a'));
  await second.keep();
  await second.journal.add(row(1, 'b'), answer(1, 'b'));
  await second.close();
  expect(readdirSync(join(folder, 'results'))).toEqual([
    expect.stringMatching(new RegExp(`^${name}_uncached\\.[0-9a-f]{12}\\.jsonl$`)),
  ]);
  const third = await open(name);
  expect([third.kept, third.adopt(row(9, 'b'))]).toEqual([2, true]);
  await third.close();
});

test('a journal without an answer is not left', async () => {
  const first = await open();
  await first.close();
  expect(readdirSync(join(folder, 'results'))).toEqual([]);
});

test('files that are no journals of the run are not read, and lines that are no results are passed over', async () => {
  const line = `${JSON.stringify({ custom_id: row(0, 'a').customId, outcome: 'succeeded', text: 'x' })}\n`;
  for (const name of [
    `${runName}.backup.jsonl`,
    `${runName}b.jsonl`,
    `my_${runName}.jsonl`,
    `${runName}.jsonl.gz`,
  ])
    writeFileSync(join(folder, 'results', name), line);
  const bad = [
    '[]',
    'null',
    '{"custom_id":7,"outcome":"succeeded"}',
    '{"custom_id":"x","prompt_sha256":"zz","outcome":"succeeded"}',
  ];
  writeFileSync(join(folder, 'results', `${runName}.0123456789ab.jsonl`), `${bad.join('\n')}\n\n`);
  const next = await open();
  expect(next.kept).toBe(0);
  await next.close();
  expect(readFileSync(join(folder, 'results', `${runName}.backup.jsonl`), 'utf8')).toBe(line);
});
