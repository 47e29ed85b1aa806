/** Inputs that came through stdin, in files named by what they hold. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { keepInput } from '../../src/state/inputs.ts';
import { type LoomHome, loomHome } from '../../src/storage/home.ts';
import { watchInput } from '../../src/storage/input-watch.ts';

let home: LoomHome;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'loom-inputs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  home = loomHome({ variables: { LOOM_HOME: join(folder, 'home') }, workingFolder: folder });
});

async function* stream(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('id,text\n');
  yield Buffer.from('1,Hello\n');
}

const keep = () => keepInput(home, stream(), '.csv', new AbortController().signal);

test('one that comes again is left as it lies, for whoever reads it', async () => {
  const first = await keep();
  const watch = await watchInput(first.path);
  const before = await stat(first.path);
  const second = await keep();
  expect(second.path).toBe(first.path);
  expect((await stat(first.path)).ino).toBe(before.ino);
  await watch.ensureUnchanged();
  await Promise.all([first.release(), second.release()]);
});

test('one that was altered on disk is put right when it comes again', async () => {
  const first = await keep();
  await writeFile(first.path, 'id,text\n1,Hallo\n');
  await keep();
  expect(await readFile(first.path, 'utf8')).toBe('id,text\n1,Hello\n');
});
