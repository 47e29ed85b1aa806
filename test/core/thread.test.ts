/** A second thread: its tasks, what ends it, and what becomes of the tasks that are under way then. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LoomError } from '../../src/core/errors.ts';
import { Thread } from '../../src/core/thread.ts';
import { createPageThread } from '../../src/formats/parquet/page-thread.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-thread-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A thread that does this with each task. */
function writeScript(work: string): URL {
  const path = join(folder, 'thread.mjs');
  writeFileSync(
    path,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', (task) => {\n${work}\n});\n`,
  );
  return pathToFileURL(path);
}

function startThread(work: string, longestMs?: number): Thread<number, number> {
  return new Thread(writeScript(work), {
    ...(longestMs !== undefined && { longestMs: () => longestMs }),
    describeEnd: (reason) =>
      new LoomError('state', reason === 'late' ? 'it took too long' : `it failed: ${reason.message}`),
  });
}

const endless = 'for (;;);';

test('tasks come back as replies, each its own', async () => {
  const thread = startThread('parentPort.postMessage(task * 2);');
  expect(await Promise.all([thread.ask(1), thread.ask(2), thread.ask(3)])).toEqual([2, 4, 6]);
  await thread.close();
});

test('a task that never ends is ended when its time is over, and those behind it with it', async () => {
  const thread = startThread(endless, 20);
  const [first, second] = [thread.ask(1), thread.ask(2)];
  await expect(first).rejects.toThrow('it took too long');
  await expect(second).rejects.toThrow('it took too long');
});

test('a thread that fails rejects its tasks, and the next task starts another', async () => {
  const thread = startThread("if (task === 1) throw new Error('no'); parentPort.postMessage(task);", 60_000);
  await expect(thread.ask(1)).rejects.toThrow('it failed: no');
  expect(await thread.ask(2)).toBe(2);
  await thread.close();
});

test('a reply that comes while its thread is ended does not let the process go before that end', async () => {
  const thread = startThread('parentPort.postMessage(task);');
  expect(await thread.ask(1)).toBe(1);
  void thread.ask(2);
  // By then the reply is there, and nobody has looked at it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const letGo = vi.spyOn(Worker.prototype, 'unref');
  await thread.close();
  expect(letGo).not.toHaveBeenCalled();
  letGo.mockRestore();
});

test('a thread that is closed for a reason rejects its tasks with it, whatever it is doing', async () => {
  const thread = startThread(endless);
  const rejected = expect(thread.ask(1)).rejects.toThrow('stopped');
  await thread.close(new Error('stopped'));
  await rejected;
});

describe('pages of a Parquet file', () => {
  const task = { column: 0, starts: undefined, bytes: new Uint8Array() };

  test('that a decoder never comes to the end of are an error about the file', async () => {
    const thread = createPageThread('data.parquet', { script: writeScript(endless), longestMs: 20 });
    await expect(thread.ask(task)).rejects.toThrow(
      "data.parquet: this Parquet file can't be read: a page of it takes too long.",
    );
  });

  test('that bring a decoder down are an error about the file', async () => {
    const thread = createPageThread('data.parquet', { script: writeScript("throw new Error('no');") });
    await expect(thread.ask(task)).rejects.toThrow(
      "data.parquet: this Parquet file can't be read: it is damaged.",
    );
  });
});
