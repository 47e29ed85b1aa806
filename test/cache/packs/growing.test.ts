/** Growing packs: what a long live run is answered is found at once by others, and comes where it stays in the end. */
import fs, {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BackgroundCache, openBackgroundCache } from '../../../src/cache/background-cache.ts';
import { openCache, type ResponseCache } from '../../../src/cache/cache.ts';
import { measureCache } from '../../../src/cache/cache-entries.ts';
import { clearCache } from '../../../src/cache/clear-cache.ts';
import { GrowingPack } from '../../../src/cache/packs/growing-pack.ts';
import { keepAddedSince, listAbandoned, settleGrowing } from '../../../src/cache/packs/settle-growing.ts';
import type { Answer } from '../../../src/core/models.ts';

let folder: string;
const caches: BackgroundCache[] = [];
const readers: ResponseCache[] = [];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'loom-growing-')), 'cache');
});

afterEach(async () => {
  for (const cache of caches.splice(0)) await cache.close();
  for (const reader of readers.splice(0)) reader.close();
  rmSync(join(folder, '..'), { recursive: true });
});

const scan = { signal: new AbortController().signal };
const vendor = { name: 'https://api.openai.com/v1', isPlain: true };
const settings = { temperature: 0 };

function openLive(): BackgroundCache {
  const cache = openBackgroundCache(folder, 'openai', 'm', settings, vendor);
  cache.expectLive(1_001);
  caches.push(cache);
  return cache;
}

function open(model = 'm', isSnapshot = false): ResponseCache {
  const reader = openCache(folder, 'openai', model, settings, vendor, { isSnapshot });
  readers.push(reader);
  return reader;
}

const promptsOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, place) => `${name}, prompt ${place}`);
const answerTo = (prompt: string): Answer => ({ text: `Answer to "${prompt}"\n` });

async function store(cache: BackgroundCache, prompts: readonly string[]): Promise<readonly string[]> {
  await Promise.all(prompts.map((prompt) => cache.setAll([[prompt, answerTo(prompt)]])));
  return prompts;
}

function countFound(prompts: readonly string[], cache = open()): number {
  return prompts.filter((prompt) => {
    const found = cache.get(prompt);
    if (found) expect(found.text).toBe(answerTo(prompt).text);
    return found !== undefined;
  }).length;
}

type WriteDone = (error: Error | null, written: number) => void;

const packNames = () => (existsSync(join(folder, 'packs')) ? readdirSync(join(folder, 'packs')).sort() : []);
const growingPaths = () =>
  packNames()
    .filter((name) => name.endsWith('.growing'))
    .map((name) => join(folder, 'packs', name));
const growingPath = () => growingPaths()[0] as string;
const looseNames = () => readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.json$/.test(name));

describe('answers of a live run that may have many', () => {
  test('are in one file, and found there by others from the moment at which each is stored', async () => {
    const cache = openLive();
    const reader = open();
    const snapshot = open('m', true);
    for (const prompt of promptsOf('live', 30)) {
      expect(countFound([prompt], reader)).toBe(0);
      await store(cache, [prompt]);
      expect([countFound([prompt], reader), countFound([prompt], snapshot)]).toEqual([1, 1]);
    }
    expect(growingPaths()).toHaveLength(1);
    expect(looseNames()).toEqual([]);
    expect(statSync(growingPath()).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600);
  });

  test('are not looked up by the run itself, which has asked for them', async () => {
    const cache = openLive();
    const own = cache.openLookUps();
    readers.push(own);
    const prompts = await store(cache, promptsOf('live', 3));
    expect(countFound(prompts, own)).toBe(0);
    expect(countFound(await store(openLive(), promptsOf('other run', 3)), own)).toBe(3);
  });

  test('of another model, or with other settings, are not given out', async () => {
    const prompts = await store(openLive(), promptsOf('live', 3));
    expect(countFound(prompts, open('other'))).toBe(0);
    expect(countFound(prompts, openCache(folder, 'openai', 'm', undefined, vendor))).toBe(0);
  });

  test('become a pack above 1,000, with the time at which each came', async () => {
    const cache = openLive();
    const prompts = await store(cache, promptsOf('live', 1_001));
    const before = await measureCache(folder, scan);
    expect(before).toMatchObject({ entries: 1_001, files: 1, packs: 1, damaged: 0 });
    await cache.settleLive();
    expect(packNames()).toEqual([expect.stringMatching(/\.pack$/)]);
    expect(looseNames()).toEqual([]);
    expect(countFound(prompts)).toBe(1_001);
    const { oldest, newest } = before?.groups[0] ?? {};
    const after = await measureCache(folder, scan);
    expect(after).toMatchObject({ entries: 1_001, files: 1, packs: 1, damaged: 0 });
    expect(after?.groups).toMatchObject([{ provider: 'openai', model: 'm', entries: 1_001, oldest, newest }]);
  });

  test('become loose entries up to 1,000, as older versions read them', async () => {
    const cache = openLive();
    await store(cache, ['Hello']);
    await cache.settleLive();
    expect(packNames()).toEqual([]);
    const [name] = looseNames();
    expect(JSON.parse(readFileSync(join(folder, name as string), 'utf8'))).toEqual({
      ...{ provider: 'openai', model: 'm', response: answerTo('Hello').text, params: settings },
      ...{ created_at: expect.any(String), address: vendor.name },
    });
    expect(countFound(['Hello'])).toBe(1);
  });

  test.each([5, 1_001])('are found all the time, also where %i of them are moved', async (count) => {
    for (const isSnapshot of [false, true]) {
      const cache = openLive();
      const prompts = await store(cache, promptsOf(`snapshot ${isSnapshot}`, count));
      const reader = open('m', isSnapshot);
      expect(countFound(prompts.slice(0, 600), reader)).toBe(Math.min(count, 600));
      await cache.settleLive();
      expect(growingPaths()).toEqual([]);
      expect(countFound(prompts, reader)).toBe(count);
    }
  });
});

describe('a growing pack on a full disk', () => {
  test('is gone on with where the disk has stopped, and no other is begun', async () => {
    const cache = openLive();
    const write = fs.write;
    let room = 10;
    Object.assign(fs, {
      write(file: number, bytes: Buffer, from: number, length: number, place: null, done: WriteDone) {
        const taken = Math.min(room, length);
        room -= taken;
        if (taken > 0) write(file, bytes, from, taken, place, done);
        else done(Object.assign(new Error('full'), { code: 'ENOSPC' }), 0);
      },
    });
    syncBuiltinESMExports();
    const stored: string[] = [];
    for (const prompt of promptsOf('live', 40)) {
      await store(cache, [prompt]).then(
        () => stored.push(prompt),
        () => (room = 300),
      );
      expect(countFound(stored)).toBe(stored.length);
    }
    Object.assign(fs, { write });
    syncBuiltinESMExports();
    await store(cache, ['last']);
    expect(stored.length).toBeGreaterThan(10);
    expect(stored.length).toBeLessThan(40);
    // What was cut off is whole by now.
    expect([growingPaths().length, countFound(promptsOf('live', 40)), countFound(['last'])]).toEqual([
      1, 39, 1,
    ]);
  });
});

describe('a growing pack that is cut off', () => {
  test('at any byte has every answer that is whole before that', async () => {
    const prompts = await store(openLive(), promptsOf('live', 5));
    const bytes = readFileSync(growingPath());
    const ends = prompts.map((prompt) => {
      const text = Buffer.from(JSON.stringify([answerTo(prompt).text]));
      return bytes.indexOf(text) + text.length;
    });
    for (let length = bytes.length; length >= 0; length--) {
      truncateSync(growingPath(), length);
      expect(countFound(prompts)).toBe(ends.filter((end) => end <= length).length);
    }
  });

  test('is settled with what is whole in it', async () => {
    const prompts = await store(openLive(), promptsOf('live', 5));
    truncateSync(growingPath(), statSync(growingPath()).size - 1);
    settleGrowing(folder, growingPath());
    expect([packNames(), looseNames().length, countFound(prompts)]).toEqual([[], 4, 4]);
  });

  test('right behind its name holds nothing, is no damaged one, and goes', async () => {
    await store(openLive(), promptsOf('live', 1));
    truncateSync(growingPath(), 0);
    expect(await measureCache(folder, scan)).toMatchObject({ entries: 0, damaged: 0, files: 0 });
    settleGrowing(folder, growingPath());
    expect(packNames()).toEqual([]);
  });
});

test('an answer that came in the place of one in a growing pack is the one that is found, before and after that is settled', async () => {
  const cache = openLive();
  const [first = '', other = ''] = await store(cache, promptsOf('live', 2));
  await setTimeout(2);
  await cache.replace([first, { text: 'mended' }]);
  const find = () => [open().get(first)?.text, open().get(other)?.text];
  expect(find()).toEqual(['mended', answerTo(other).text]);
  await cache.settleLive();
  expect([packNames(), ...find()]).toEqual([[], 'mended', answerTo(other).text]);
});

describe('a growing pack of a killed run', () => {
  test('is settled by the next run that ends, ten minutes after its last answer', async () => {
    const prompts = await store(openLive(), promptsOf('live', 5));
    await openLive().close();
    expect(growingPaths()).toHaveLength(1);
    const before = new Date(Date.now() - 11 * 60_000);
    utimesSync(growingPath(), before, before);
    await openLive().close();
    expect([packNames(), looseNames().length, countFound(prompts)]).toEqual([[], 5, 5]);
  });

  test('whose run lives all the same loses nothing: the run begins another', async () => {
    const cache = openLive();
    const prompts = [...(await store(cache, promptsOf('first', 5)))];
    settleGrowing(folder, growingPath());
    prompts.push(...(await store(cache, promptsOf('second', 5))));
    expect([growingPaths().length, looseNames().length, countFound(prompts)]).toEqual([1, 5, 10]);
    await cache.settleLive();
    expect([growingPaths().length, looseNames().length, countFound(prompts)]).toEqual([0, 10, 10]);
  });

  test('keeps what its run has added while it was settled', async () => {
    const cache = openLive();
    const prompts = [...(await store(cache, promptsOf('first', 5)))];
    const seen = GrowingPack.open(growingPath());
    prompts.push(...(await store(cache, promptsOf('second', 2))));
    rmSync(growingPath());
    if (seen) keepAddedSince(folder, seen, 5);
    seen?.close();
    expect(countFound(prompts)).toBe(2);
  });

  test('keeps the first that its run has added while it was deleted as an empty one', async () => {
    const prompts = await store(openLive(), promptsOf('first', 2));
    const path = growingPath();
    const bytes = readFileSync(path);
    truncateSync(path, 0);
    const remove = fs.rmSync;
    fs.rmSync = (file, options) => {
      if (file === path) writeFileSync(path, bytes);
      remove(file, options);
    };
    syncBuiltinESMExports();
    settleGrowing(folder, path);
    fs.rmSync = remove;
    syncBuiltinESMExports();
    expect([packNames(), countFound(prompts)]).toEqual([[], 2]);
  });

  test('that somebody deletes while it is settled does not come back', async () => {
    for (const count of [5, 1_001]) {
      const prompts = await store(openLive(), promptsOf(`live ${count}`, count));
      const path = growingPath();
      const records = GrowingPack.prototype.records;
      GrowingPack.prototype.records = function* (...args) {
        yield* records.apply(this, args);
        rmSync(path);
      };
      settleGrowing(folder, path);
      GrowingPack.prototype.records = records;
      expect([packNames(), looseNames(), countFound(prompts)]).toEqual([[], [], 0]);
    }
  });

  test('is settled by one process at a time: what another has settled is not taken for cleared', async () => {
    for (const count of [5, 1_001]) {
      const prompts = await store(openLive(), promptsOf(`live ${count}`, count));
      const path = growingPath();
      const records = GrowingPack.prototype.records;
      GrowingPack.prototype.records = function* (...args) {
        yield* records.apply(this, args);
        GrowingPack.prototype.records = records;
        settleGrowing(folder, path);
      };
      settleGrowing(folder, path);
      expect([growingPaths(), countFound(prompts)]).toEqual([[], count]);
      expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    }
  });

  test('that can not be deleted is not copied again and again', async () => {
    const prompts = await store(openLive(), promptsOf('live', 1_001));
    const unlinkable = growingPath();
    const remove = fs.rmSync;
    fs.rmSync = (path, options) => {
      if (path === unlinkable) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
      remove(path, options);
    };
    syncBuiltinESMExports();
    settleGrowing(folder, unlinkable);
    fs.rmSync = remove;
    syncBuiltinESMExports();
    expect([packNames(), countFound(prompts)]).toEqual([[basename(unlinkable)], 1_001]);
  });

  test('that can not be looked at ends no run', async () => {
    const cache = openLive();
    await store(cache, promptsOf('live', 1));
    const loop = join(folder, 'packs', `answers_${'1'.repeat(17)}_${'a'.repeat(16)}.growing`);
    symlinkSync(loop, loop);
    await cache.close();
    expect(listAbandoned(folder)).toEqual([]);
  });

  test('is told apart from one that is written to', async () => {
    await store(openLive(), promptsOf('live', 1));
    expect(listAbandoned(folder)).toEqual([]);
    const before = new Date(Date.now() - 11 * 60_000);
    utimesSync(growingPath(), before, before);
    expect(listAbandoned(folder)).toEqual([growingPath()]);
  });
});

describe('a cache with a growing pack', () => {
  test('is cleared while the run goes on, which keeps what it is answered from then on', async () => {
    const cache = openLive();
    const old = await store(cache, promptsOf('old', 5));
    await setTimeout(5);
    expect(await clearCache(folder, {}, scan)).toEqual({ files: 1, entries: 5 });
    const prompts = await store(cache, promptsOf('new', 5));
    expect([countFound(old), countFound(prompts)]).toEqual([0, 5]);
  });

  test('is cleared of what is old, and the rest stays', async () => {
    const cache = openLive();
    const old = await store(cache, promptsOf('old', 5));
    await setTimeout(5);
    const createdBefore = new Date();
    const prompts = await store(cache, promptsOf('new', 5));
    expect(await clearCache(folder, { createdBefore }, scan)).toEqual({ files: 0, entries: 5 });
    const later = await store(cache, promptsOf('later', 5));
    expect([countFound(old), countFound(prompts), countFound(later)]).toEqual([0, 5, 5]);
  });

  test('is cleared of what is old also where the run ends meanwhile', async () => {
    const old = await store(openLive(), promptsOf('old', 1_001));
    const path = growingPath();
    const earlier = open();
    for (const prompt of promptsOf('loose', 1_000)) earlier.set(prompt, answerTo(prompt));
    await setTimeout(5);
    let hasEnded = false;
    function endRun() {
      if (hasEnded) return;
      hasEnded = true;
      const begun = Date.now();
      while (Date.now() < begun + 2);
      utimesSync(path, new Date(), new Date(begun + 1));
      settleGrowing(folder, path);
    }
    await clearCache(folder, {}, { ...scan, onProgress: endRun });
    expect([hasEnded, packNames(), countFound(old)]).toEqual([true, [], 0]);
  });

  test('is left as it is by a clear of something else', async () => {
    const prompts = await store(openLive(), promptsOf('live', 5));
    expect(await clearCache(folder, { model: 'other' }, scan)).toEqual({ files: 0, entries: 0 });
    expect([growingPaths().length, countFound(prompts)]).toEqual([1, 5]);
  });

  test('whose start is damaged is counted as damaged, and cleared', async () => {
    await store(openLive(), promptsOf('live', 5));
    const bytes = readFileSync(growingPath());
    bytes[60] = (bytes[60] as number) ^ 1;
    writeFileSync(growingPath(), bytes);
    expect(await measureCache(folder, scan)).toMatchObject({ entries: 1, damaged: 1, files: 1 });
    await setTimeout(5);
    expect(await clearCache(folder, {}, scan)).toEqual({ files: 1, entries: 1 });
    expect(packNames()).toEqual([]);
  });

  test('leaves what somebody else has put under such a name', async () => {
    await store(openLive(), promptsOf('live', 5));
    writeFileSync(growingPath(), 'of somebody else');
    settleGrowing(folder, growingPath());
    await setTimeout(5);
    expect(await clearCache(folder, {}, scan)).toEqual({ files: 0, entries: 0 });
    expect(readFileSync(growingPath(), 'utf8')).toBe('of somebody else');
  });
});
