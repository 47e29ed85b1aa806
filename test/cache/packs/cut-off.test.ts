/** Packs whose making is cut off: at each step of the disk, as by a kill, and by a disk that is full from there on. */
import fs, { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/cache/answer-keys.ts';
import { openCache } from '../../../src/cache/cache.ts';
import { clearCache } from '../../../src/cache/clear-cache.ts';
import { gather, gatherPacks } from '../../../src/cache/packs/gather-packs.ts';
import { encodeGrown, encodeStart } from '../../../src/cache/packs/growing-pack.ts';
import { PackFile } from '../../../src/cache/packs/pack-file.ts';
import { settleGrowing } from '../../../src/cache/packs/settle-growing.ts';
import { growingPackName } from '../../../src/core/own-names.ts';

const folders: string[] = [];

/** Uses of a number after it was closed: by then it may be the number of another file. */
const strays: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  expect(strays.splice(0)).toEqual([]);
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'loom-cut-off-'));
  folders.push(folder);
  return join(folder, 'cache');
}

/** What changes a disk. `openSync` counts where it makes a file. */
const changes = [
  ...(['openSync', 'writeSync', 'writeFileSync', 'fsyncSync', 'fsync', 'renameSync', 'unlinkSync'] as const),
  ...(['rmSync', 'mkdirSync', 'utimesSync'] as const),
];

/** Does the work until a step, which and all behind it fail; half of what is written then is on the disk. Gives whether it got there. */
async function cutOff(step: number, work: () => unknown): Promise<boolean> {
  const original = Object.fromEntries([...changes, 'closeSync' as const].map((name) => [name, fs[name]]));
  const closed = new Set<unknown>();
  let steps = 0;
  fs.closeSync = (file) => {
    if (closed.has(file)) strays.push('closed twice');
    closed.add(file);
    (original.closeSync as typeof fs.closeSync)(file);
  };
  for (const name of changes) {
    const perform = original[name] as (...args: unknown[]) => unknown;
    const open = (...args: unknown[]) => {
      const file = perform(...args);
      closed.delete(file);
      return file;
    };
    const replacement = (...args: unknown[]) => {
      const [file, bytes] = args;
      if (name === 'openSync' && typeof args[1] !== 'string') return open(...args);
      if (name === 'writeSync' && closed.has(file)) strays.push('written when closed');
      steps += 1;
      if (steps < step) return name === 'openSync' ? open(...args) : perform(...args);
      if (steps === step && name === 'writeSync' && Buffer.isBuffer(bytes))
        perform(file, bytes, 0, Math.floor(bytes.length / 2));
      throw Object.assign(new Error('ENOSPC: cut off'), { code: 'ENOSPC', syscall: name });
    };
    Object.assign(fs, { [name]: replacement });
  }
  syncBuiltinESMExports();
  try {
    await work();
  } catch {
    // What is left on the disk counts.
  } finally {
    Object.assign(fs, original);
    syncBuiltinESMExports();
  }
  return steps >= step;
}

const vendor = { name: 'https://api.openai.com/v1', isPlain: true };
const scan = { signal: new AbortController().signal };
const promptsOf = (batch: string, count = 40) =>
  Array.from({ length: count }, (_, place) => `${batch}, prompt ${place}`);
const answerTo = (prompt: string) => `Answer to ${prompt}`;

async function packBatch(folder: string, batch: string, model = 'm'): Promise<void> {
  const cache = openCache(folder, 'openai', model, undefined, vendor);
  try {
    for (const prompt of promptsOf(batch)) cache.add(prompt, { text: answerTo(prompt) });
    await cache.seal();
  } finally {
    cache.close();
  }
}

const secondMs = 1_000;

/** A growing pack, as a live run leaves it that is killed, each answer a second older than the one before; gives its path. */
function leaveGrowing(folder: string, batch: string, count: number): string {
  const source = { provider: 'openai', model: 'm', address: vendor.name };
  const keyOf = createKeys({ ...source, settings: undefined }, vendor);
  const path = join(folder, 'packs', growingPackName(new Date(), 'a'.repeat(16)));
  const records = promptsOf(batch, count).map((prompt, place) =>
    encodeGrown(keyOf(prompt), { text: answerTo(prompt) }, Date.now() - place * secondMs),
  );
  mkdirSync(join(folder, 'packs'), { recursive: true });
  writeFileSync(path, Buffer.concat([encodeStart(source), ...records]));
  return path;
}

function countFound(folder: string, batch: string, model = 'm', count = 40): number {
  const cache = openCache(folder, 'openai', model, undefined, vendor);
  const found = promptsOf(batch, count).filter((prompt) => {
    const answer = cache.get(prompt);
    if (answer) expect(answer.text).toBe(answerTo(prompt));
    return answer !== undefined;
  });
  cache.close();
  return found.length;
}

/** Whatever is called like a pack that is done is a whole one. */
function expectWholePacks(folder: string): void {
  const packs = join(folder, 'packs');
  for (const name of existsSync(packs) ? readdirSync(packs) : []) {
    if (name.endsWith('.growing')) continue;
    const pack = PackFile.open(join(packs, name));
    expect([...(pack?.records() ?? [])].filter(({ entry }) => entry)).toHaveLength(pack?.count ?? -1);
    pack?.close();
  }
}

interface Making {
  /** What is there before. */
  prepare(folder: string): (() => unknown) | Promise<() => unknown>;
  check(folder: string, isDone: boolean): void;
}

const makings: Readonly<Record<string, Making>> = {
  'the pack of a batch': {
    prepare: async (folder) => {
      await packBatch(folder, 'before');
      return () => packBatch(folder, 'batch');
    },
    check(folder, isDone) {
      expect(countFound(folder, 'before')).toBe(40);
      expect(isDone ? [40] : [0, 40]).toContain(countFound(folder, 'batch'));
    },
  },
  'the pack of a live run': {
    prepare: (folder) => {
      const path = leaveGrowing(folder, 'live', 1_001);
      return () => settleGrowing(folder, path);
    },
    check(folder, isDone) {
      expect(countFound(folder, 'live', 'm', 1_001)).toBe(1_001);
      if (isDone)
        expect(readdirSync(join(folder, 'packs')).filter((name) => !/\.pack$/.test(name))).toEqual([]);
    },
  },
  'the loose entries of a live run with few answers': {
    prepare: (folder) => {
      const path = leaveGrowing(folder, 'live', 3);
      return () => settleGrowing(folder, path);
    },
    check(folder, isDone) {
      expect(countFound(folder, 'live', 'm', 3)).toBe(3);
      if (isDone) expect(readdirSync(join(folder, 'packs'))).toEqual([]);
    },
  },
  'a growing pack from which some answers are cleared': {
    prepare: (folder) => {
      leaveGrowing(folder, 'live', 40);
      const createdBefore = new Date(Date.now() - 20 * secondMs + secondMs / 2);
      return () => clearCache(folder, { createdBefore }, scan);
    },
    check(folder, isDone) {
      expect(countFound(folder, 'live', 'm', 20)).toBe(20);
      if (isDone) expect(countFound(folder, 'live')).toBe(20);
    },
  },
  'a pack of small ones': {
    prepare: async (folder) => {
      for (let batch = 0; batch < 8; batch++) await packBatch(folder, `batch ${batch}`);
      return () => gatherPacks(folder);
    },
    check(folder, isDone) {
      for (let batch = 0; batch < 8; batch++) expect(countFound(folder, `batch ${batch}`)).toBe(40);
      // Where some parts are deleted already, too few are left to go on.
      if (isDone) expect(readdirSync(join(folder, 'packs')).length).toBeLessThan(8);
    },
  },
  'a pack from which some answers are cleared': {
    prepare: async (folder) => {
      await packBatch(folder, 'kept');
      await packBatch(folder, 'secret', 'secret');
      const packs = join(folder, 'packs');
      const parts = readdirSync(packs).flatMap((name) => PackFile.open(join(packs, name)) ?? []);
      gather(folder, parts);
      for (const part of parts) part.close();
      return () => clearCache(folder, { model: 'secret' }, scan);
    },
    check(folder, isDone) {
      expect(countFound(folder, 'kept')).toBe(40);
      if (isDone) expect(countFound(folder, 'secret', 'secret')).toBe(0);
    },
  },
};

describe.each(Object.entries(makings))('%s', (_, { prepare, check }) => {
  test('leaves every answer where it was or in a whole pack, wherever it is cut off, and is made by the next try', async () => {
    for (let step = 1; ; step++) {
      const folder = makeFolder();
      const make = await prepare(folder);
      const isReached = await cutOff(step, make);
      expectWholePacks(folder);
      check(folder, !isReached);
      if (!isReached) {
        expect(step).toBeGreaterThan(5);
        return;
      }
      // As the sweep of a later run does.
      rmSync(join(folder, 'tmp'), { recursive: true, force: true });
      await make();
      expectWholePacks(folder);
      check(folder, true);
    }
  });
});
