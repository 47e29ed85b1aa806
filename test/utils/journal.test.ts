/** A journal on a disk that runs full. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RowResult } from '../../src/models.ts';
import { type Journal, openJournal } from '../../src/utils/journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'loom-disk-'));
const path = join(folder, 'journal.jsonl');
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
  return { customId: `row-${row}-00000000`, outcome: 'succeeded', text: `${row}`.repeat(length) };
}

function open(): Promise<Journal> {
  return openJournal(path, (customId) => Number(customId.split('-')[1]));
}

test('keeps the answers of before, and those that come once there is room again, each one whole', async () => {
  const journal = await open();
  await journal.add(0, answer(0, 10));
  fillDisk(8192);
  await expect(journal.add(1, answer(1, 50_000))).rejects.toThrow(/disk is full/);
  await expect(journal.add(2, answer(2, 50_000))).rejects.toThrow(/disk is full/);
  rmSync(filler);
  await journal.add(3, answer(3, 10));
  expect([0, 1, 2, 3].map((row) => journal.get(row))).toEqual([
    answer(0, 10),
    answer(1, 50_000),
    answer(2, 50_000),
    answer(3, 10),
  ]);
  await journal.close();

  const next = await open();
  expect([0, 1, 2, 3].filter((row) => next.has(row))).toEqual([0, 1, 2, 3]);
  expect(next.get(3)).toEqual(answer(3, 10));
  await next.close();
});
