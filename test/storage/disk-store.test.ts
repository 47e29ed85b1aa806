import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openDiskStore } from '../../src/storage/disk-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { cutOff, describeStore } from './store.ts';

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
describeStore({ name: 'a store in memory', open: createMemoryStore });

test('clears what was left of files that it is told of, and is old enough; nothing else', async () => {
  const folder = makeFolder();
  const store = openDiskStore(folder);
  for (const name of ['ours', 'theirs']) await cutOff(store, name);
  await store.clear(/^ours$/, 3_600_000);
  expect(readdirSync(folder)).toHaveLength(2);
  await store.clear(/^ours$/, -1);
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^\.theirs\.[0-9a-f]{12}\.tmp$/)]);
});

test('throws where it can’t be told what a file holds', async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'a'));
  const store = openDiskStore(folder);
  await expect(store.read('a')).rejects.toThrow('it is a folder');
});
