import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashFile } from '../../src/storage/files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-hash-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([0, 1, 262_143, 262_144, 262_145, 1_000_003])(
  'a file of %i bytes is hashed whole',
  async (size) => {
    const path = join(folder, 'file');
    const bytes = Buffer.alloc(size, 'abcdefg');
    writeFileSync(path, bytes);
    expect(await hashFile(path)).toBe(createHash('sha256').update(bytes).digest('hex'));
  },
);

test('what is no file is the error of the system, and an abort its reason', async () => {
  await expect(hashFile(join(folder, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(hashFile(folder)).rejects.toMatchObject({ code: 'EISDIR' });
  const path = join(folder, 'file');
  writeFileSync(path, 'x');
  const reason = new Error('enough');
  await expect(hashFile(path, AbortSignal.abort(reason))).rejects.toBe(reason);
});
