import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openDiskStore } from '../../src/storage/disk-store.ts';
import { describeStore } from './store.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'loom-store-'));
  folders.push(folder);
  return folder;
}

describeStore({ name: 'a folder on a disk', open: () => openDiskStore(join(makeFolder(), 'state')) });

test('throws where it can’t be told what a file holds', async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'a'));
  const store = await openDiskStore(folder);
  await expect(store.read('a')).rejects.toThrow('EISDIR');
});
