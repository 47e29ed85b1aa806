/** A journal on a disk that runs full. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { RowResult } from '../../src/core/models.ts';
import { type AskedRow, openJournal, readKeptLines } from '../../src/state/journal.ts';
import { openDiskStore } from '../../src/storage/disk-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'loom-disk-'));
const store = openDiskStore(folder);
const filler = join(folder, 'filler');

/** A disk of half a megabyte; only root may have one. */
function mountDisk(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function unmountDisk(): void {
  execFileSync('umount', [folder]);
}

const mayMount = mountDisk();
if (mayMount) unmountDisk();

afterAll(() => rmSync(folder, { recursive: true }));

beforeEach((context) => {
  if (!mayMount) context.skip();
  mountDisk();
});

afterEach(() => {
  if (mayMount) unmountDisk();
});

function fillDisk(freeBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(filler, Buffer.alloc(bavail * bsize - freeBytes));
}

function answer(row: number, length: number): RowResult {
  return { customId: askedRow(row).customId, outcome: 'succeeded', text: `${row}`.repeat(length) };
}

function askedRow(row: number): AskedRow {
  return { slot: row, customId: `row-${row}-00000000`, digest: Buffer.alloc(32, row) };
}

test('keeps the answers of before, and those that come once there is room again, each one whole', async () => {
  const journal = await openJournal(store, 'journal.jsonl', []);
  const add = (row: number, length: number) => journal.add(askedRow(row), answer(row, length));
  await add(0, 10);
  fillDisk(8192);
  await expect(add(1, 50_000)).rejects.toThrow(/disk is full/);
  await expect(add(2, 50_000)).rejects.toThrow(/disk is full/);
  rmSync(filler);
  await add(3, 10);
  expect([0, 1, 2, 3].map((row) => journal.get(askedRow(row)))).toEqual([
    answer(0, 10),
    answer(1, 50_000),
    answer(2, 50_000),
    answer(3, 10),
  ]);
  await journal.close();

  const next = await openJournal(store, 'next.jsonl', ['journal.jsonl']);
  const kept = [];
  for await (const { customId, ...place } of readKeptLines(store, ['journal.jsonl'])) {
    const row = askedRow(Number(customId.split('-')[1]));
    next.adopt(row, place);
    kept.push(next.get(row));
  }
  expect(kept).toEqual([answer(0, 10), answer(1, 50_000), answer(2, 50_000), answer(3, 10)]);
  await next.close();
});
