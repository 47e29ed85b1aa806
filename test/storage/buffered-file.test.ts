import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBufferedFile } from '../../src/storage/buffered-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-buffered-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('texts and bytes come out in their order, whatever their length and however often the disk is waited for', async () => {
  const path = join(folder, 'file');
  const file = await openBufferedFile(path);
  const written: Buffer[] = [];
  const shared = Buffer.alloc(1_000);
  for (let round = 0; round < 3_000; round += 1) {
    const text = round % 500 === 0 ? 'é🎈'.repeat(100_000) : `${round} é\n`;
    file.write(text);
    shared.fill(round);
    file.write(shared);
    written.push(Buffer.from(text), Buffer.from(shared));
    if (round % 7 === 0) await file.drain();
  }
  await file.close();
  expect(readFileSync(path).equals(Buffer.concat(written))).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('nothing written is an empty file', async () => {
  const path = join(folder, 'file');
  await (await openBufferedFile(path)).close();
  expect(readFileSync(path)).toHaveLength(0);
});
