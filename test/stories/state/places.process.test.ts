/** The guide’s line on the place of the cache, in a shell. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { readPage } from '../../pages.ts';
import { createSandboxWorld } from '../worlds/sandbox-world.ts';
import { useWorld } from '../worlds/use-world.ts';

const world = useWorld(createSandboxWorld);

beforeEach(async () => {
  await world.write('data.csv', 'id,text\n1,Hello\n');
});

/** Names of the files below a folder of the world's current one, without the mark. */
async function listFiles(folder: string): Promise<string[]> {
  const files = await readdir(join(world.folder, folder), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const names = files.filter((file) => file.isFile()).map((file) => file.name);
  return names.filter((name) => name !== 'loom-cache.json');
}

const entryName = /^[0-9a-f]{64}\.json$/;

/** That a folder is the cache, with one entry. */
async function expectCache(folder: string): Promise<void> {
  expect(await listFiles(folder)).toEqual([expect.stringMatching(entryName)]);
}

test.skipIf(process.platform === 'win32')('the guide’s line with --cache-dir runs', async () => {
  const line = /^loom run .*--cache-dir .*$/m.exec(readPage('docs/guide/caching.md'))?.[0] ?? '';
  expect(line).not.toBe('');
  await world.write('reviews.csv', 'id,text\n1,Hello\n');
  expect(await world.shellHere(line)).toMatchObject({ code: 0 });
  await expectCache('answers');
});
