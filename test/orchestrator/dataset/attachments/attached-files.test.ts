/** Files that rows name: told by their bytes when they are looked through, and proved by them when they are sent. */
import { hash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { StoredPart } from '../../../../src/core/parts.ts';
import { AttachedFiles } from '../../../../src/orchestrator/dataset/attachments/attached-files.ts';

const png = Buffer.from('\x89PNG\r\n\x1a\none', 'latin1');
const other = Buffer.from('\x89PNG\r\n\x1a\ntwo', 'latin1');

let folder: string;
let input: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loom-attached-'));
  input = join(folder, 'data.csv');
  path = join(folder, 'a.png');
  await writeFile(path, png);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

const describe = async (files: AttachedFiles) => (await files.describe('a.png', 1)) as StoredPart;

test('a file is known by its digest, and read from the folder of the input', async () => {
  const files = new AttachedFiles(input);
  const part = await describe(files);
  const file = { sha256: hash('sha256', png), bytes: png.length, place: path };
  expect(part).toEqual({ type: 'image', mediaType: 'image/png', file });
  expect(await files.read(part.file)).toEqual(png);
});

test('what has changed since it was looked through is not sent', async () => {
  const { file } = await describe(new AttachedFiles(input));
  await writeFile(path, other);
  // One that has nothing at hand.
  await expect(new AttachedFiles(input).read(file)).rejects.toThrow(
    `the attachment ${path} has changed since it was looked at: its content is another by now.`,
  );
  await rm(path);
  await expect(new AttachedFiles(input).read(file)).rejects.toThrow('no such file');
});

test('one that is gone is what it was, for who knows what was sent', async () => {
  const before = new AttachedFiles(input);
  const sent = await describe(before);
  await rm(path);
  const later = new AttachedFiles(input);
  await expect(describe(later)).rejects.toThrow('row 1: the attachment "a.png" is not there.');
  for (const damaged of ['', '{', '[]', '{"/a.png":{}}']) later.know(damaged);
  await expect(describe(later)).rejects.toThrow('is not there');
  later.know(before.write() ?? '');
  expect(await describe(later)).toEqual(sent);
});

test('one that is there and is another counts as it is', async () => {
  const before = new AttachedFiles(input);
  await describe(before);
  await writeFile(path, Buffer.concat([other, other]));
  const later = new AttachedFiles(input);
  later.know(before.write() ?? '');
  expect((await describe(later)).file.bytes).toBe(other.length * 2);
});
