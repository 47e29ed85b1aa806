/** A file that says "the output is in place" is known by its bytes. */
import { copyFile, mkdtemp, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isIdentifiedFile, WrittenBytes } from '../../src/storage/file-identity.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loom-identity-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const text = 'id,llm_response\n1,Hello\n';

/** Writes a file in two pieces, and gives what it is known by. */
async function writeKnown(path: string) {
  const written = new WrittenBytes();
  for (const [piece, flag] of [
    [text.slice(0, 7), 'w'],
    [text.slice(7), 'a'],
  ] as const) {
    await writeFile(path, piece, { flag });
    written.add(Buffer.from(piece));
  }
  return written.identify(path);
}

test.each<[string, (from: string, to: string) => Promise<unknown>, boolean]>([
  ['renamed', rename, true],
  ['copied, or restored from a backup', copyFile, true],
  [
    'cut',
    async (from, to) => {
      await rename(from, to);
      await truncate(to, 10);
    },
    false,
  ],
  ['edited in place to another text as long', (_, to) => writeFile(to, text.toUpperCase()), false],
  ['emptied', (_, to) => writeFile(to, ''), false],
  ['not there', async () => {}, false],
])('a file that is %s', async (_, move, isSame) => {
  const [from, to] = [join(folder, 'from.csv'), join(folder, 'to.csv')];
  await rm(to, { force: true });
  const known = await writeKnown(from);
  await move(from, to);
  expect(await isIdentifiedFile(to, known)).toBe(isSame);
});

describe('an identity of an older version', () => {
  test('is the inode alone, and still counts', async () => {
    const path = join(folder, 'older.csv');
    await writeFile(path, text);
    const { ino } = await stat(path);
    expect(await isIdentifiedFile(path, { inode: ino })).toBe(true);
    expect(await isIdentifiedFile(path, { inode: ino + 1 })).toBe(false);
  });
});

test('a file with the inode of one that was deleted is another', async () => {
  const path = join(folder, 'new.csv');
  const known = await writeKnown(path);
  await writeFile(path, 'id,llm_response\n2,World\n');
  expect((await stat(path)).ino).toBe(known.inode);
  expect(await isIdentifiedFile(path, known)).toBe(false);
});
