/** Packs: many answers in one file, found by key, whatever else happens to the folder and the file. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeys } from '../../../src/cache/answer-keys.ts';
import { openCache, type ResponseCache } from '../../../src/cache/cache.ts';
import { measureCache } from '../../../src/cache/cache-entries.ts';
import { clearCache } from '../../../src/cache/clear-cache.ts';
import { gather, gatherPacks } from '../../../src/cache/packs/gather-packs.ts';
import { PackFile } from '../../../src/cache/packs/pack-file.ts';
import { decodeAnswer } from '../../../src/cache/packs/pack-format.ts';
import type { Answer } from '../../../src/core/models.ts';

let folder: string;
const opened: ResponseCache[] = [];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'loom-packs-')), 'cache');
});

afterEach(() => {
  for (const cache of opened.splice(0)) cache.close();
  rmSync(join(folder, '..'), { recursive: true });
});

const scan = { signal: new AbortController().signal };
const vendor = { name: 'https://api.openai.com/v1', isPlain: true };

function open(
  model = 'm',
  { server = vendor, ...lookUps }: { server?: typeof vendor; isSnapshot?: boolean } = {},
) {
  const cache = openCache(folder, 'openai', model, undefined, server, lookUps);
  opened.push(cache);
  return cache;
}

const promptsOf = (batch: string, count: number) =>
  Array.from({ length: count }, (_, place) => `${batch}, prompt ${place}`);
const answerTo = (prompt: string): Answer => ({ text: `Answer to "${prompt}"\n` });

/** Stores the answers of a batch, and gives its prompts. */
async function packBatch(batch: string, count: number, cache = open()): Promise<string[]> {
  const prompts = promptsOf(batch, count);
  for (const prompt of prompts) cache.add(prompt, answerTo(prompt));
  await cache.seal();
  return prompts;
}

/** Of 40 answers each. */
async function packBatches(count: number): Promise<string[]> {
  const prompts: string[] = [];
  for (let batch = 0; batch < count; batch++) prompts.push(...(await packBatch(`batch ${batch}`, 40)));
  return prompts;
}

const listFiles = (place = '') => readdirSync(join(folder, place)).sort();
const packNames = () => (existsSync(join(folder, 'packs')) ? listFiles('packs') : []);
const packPaths = () => packNames().map((name) => join(folder, 'packs', name));
const looseNames = () => listFiles().filter((name) => /^[0-9a-f]{64}\.json$/.test(name));

/** How many of these have their answer. An answer that is not theirs fails the test. */
function countFound(prompts: readonly string[], cache = open()): number {
  return prompts.filter((prompt) => {
    const found = cache.get(prompt);
    if (found) expect(found.text).toBe(answerTo(prompt).text);
    return found !== undefined;
  }).length;
}

describe('the answers of a batch', () => {
  test('are one file, and each is found in it', async () => {
    const prompts = await packBatch('batch', 3_000);
    expect(packNames()).toEqual([expect.stringMatching(/^answers_\d{17}_[0-9a-f]{16}\.pack$/)]);
    expect(looseNames()).toEqual([]);
    expect(listFiles('tmp')).toEqual([]);
    expect(countFound(prompts)).toBe(3_000);
    expect(countFound(promptsOf('another', 1_000))).toBe(0);
  });

  test('are found by who looks up many', async () => {
    const prompts = await packBatch('batch', 3_000);
    expect(countFound(prompts, open('m', { isSnapshot: true }))).toBe(3_000);
  });

  test('stay loose entries where they are few', async () => {
    const prompts = await packBatch('batch', 32);
    expect(looseNames()).toHaveLength(32);
    expect(packNames()).toEqual([]);
    expect(countFound(prompts)).toBe(32);
    await packBatch('larger', 33);
    expect(packNames()).toHaveLength(1);
  });

  test('keep their tokens, the reason of their end, and every character', async () => {
    const cache = open();
    const answer = {
      text: 'Grüße \u{1f9f5} "and"\n\u2028 \ud800 a lone half',
      usage: { inputTokens: 12, outputTokens: 34 },
      finishReason: 'length',
    };
    cache.add('whole', answer);
    for (const prompt of promptsOf('batch', 100)) cache.add(prompt, answerTo(prompt));
    await cache.seal();
    expect(packNames()).toHaveLength(1);
    expect(open().get('whole')).toEqual(answer);
  });

  test('are not written once more when the same batch is fetched again', async () => {
    await packBatch('batch', 100);
    await packBatch('batch', 100);
    expect(packNames()).toHaveLength(1);
  });

  test('replace older ones', async () => {
    const prompts = await packBatch('batch', 100);
    const cache = open();
    for (const prompt of prompts) cache.add(prompt, { text: 'Newer' });
    await cache.seal();
    expect(prompts.map((prompt) => open().get(prompt)?.text)).toEqual(prompts.map(() => 'Newer'));
  });

  test('take at most 1.3 times the answers and 64 bytes each', async () => {
    for (const [batch, text] of [
      ['short', 'yes'],
      ['long', 'An answer of some length, as a model writes it. '.repeat(10)],
    ] as const) {
      const cache = open();
      for (const prompt of promptsOf(batch, 2_000)) cache.add(prompt, { text });
      await cache.seal();
      const bytes = readFileSync(packPaths().at(-1) as string).length;
      expect(bytes / 2_000 / (text.length + 64)).toBeLessThanOrEqual(1.3);
    }
  });
});

describe('whose answers they are', () => {
  test.each([
    ['another model', () => open('other')],
    ['another server', () => open('m', { server: { name: 'http://127.0.0.1:9', isPlain: false } })],
    ['another server whose names are plain', () => open('m', { server: { name: 'eu', isPlain: true } })],
    ['nobody in particular', () => openCache(folder, 'openai', 'm')],
    ['other settings', () => openCache(folder, 'openai', 'm', { seed: 1 }, vendor)],
  ])('%s has none of them', async (_, openOther) => {
    const prompts = await packBatch('batch', 100);
    const other = openOther();
    expect(countFound(prompts, other)).toBe(0);
    other.close();
  });

  test('what only looks like the same by its key is a miss', async () => {
    const settings = openCache(folder, 'openai', 'm', { seed: 1 }, vendor);
    for (const prompt of promptsOf('batch', 100)) settings.add(prompt, answerTo(prompt));
    await settings.seal();
    settings.close();
    // Without settings a prompt that ends like them has the very same key.
    expect(open().get('batch, prompt 0|{"seed":1}')).toBeUndefined();
  });
});

describe('a pack that is damaged', () => {
  test('never gives a wrong answer, whichever byte is another', async () => {
    const prompts = await packBatch('batch', 33);
    const [path = ''] = packPaths();
    const whole = readFileSync(path);
    const asked = prompts.map((prompt) => ({ key: keyOf(prompt), text: answerTo(prompt).text }));
    const bodies = new Set(asked.map(({ text }) => JSON.stringify([text])));
    const wrong: number[] = [];
    let found = 0;
    for (let place = 0; place < whole.length; place += byteStep(place, whole.length)) {
      const damaged = Buffer.from(whole);
      damaged[place] = (damaged[place] as number) ^ (1 << (place % 8));
      writeFileSync(path, damaged);
      const pack = PackFile.open(path);
      for (const { key, text } of asked) {
        const entry = pack?.find(key);
        if (entry) expect(decodeAnswer(entry.body).text).toBe(text);
        if (entry) found += 1;
      }
      for (const { entry } of pack?.records() ?? [])
        if (entry) expect(bodies).toContain(entry.body.toString());
      pack?.close();
    }
    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(0);
  });

  test('is deleted by a clear that leaves nothing of it that can be read', async () => {
    await packBatch('of another', 40, open('another'));
    await packBatch('batch', 40);
    gather(
      folder,
      packPaths().map((path) => PackFile.open(path) as PackFile),
    );
    const [path = ''] = packPaths();
    const bytes = readFileSync(path);
    for (const prompt of promptsOf('batch', 40)) bytes[bytes.indexOf(prompt)] = 0;
    writeFileSync(path, bytes);
    // A clear leaves alone what is written after it began, and that may be the same millisecond.
    utimesSync(path, 1, 1);
    await clearCache(folder, { model: 'another' }, scan);
    expect(packNames()).toEqual([]);
  });

  test('loses what was hit, and not the rest', async () => {
    const prompts = await packBatch('batch', 1_000);
    const [path = ''] = packPaths();
    const bytes = readFileSync(path);
    const place = bytes.indexOf('batch, prompt 500');
    bytes.fill(0, place - 200, place + 200);
    writeFileSync(path, bytes);
    expect(countFound(prompts)).toBeGreaterThan(990);
    expect(countFound(prompts)).toBeLessThan(1_000);
  });

  test.each([0, 1, 15, 16, 500, 0.5, 0.99])('is a miss where it ends at %s', async (end) => {
    const prompts = await packBatch('batch', 100);
    const [path = ''] = packPaths();
    const size = readFileSync(path).length;
    truncateSync(path, end < 1 ? Math.floor(size * end) : end);
    expect(countFound(prompts)).toBe(0);
    expect(await measureCache(folder, scan)).toMatchObject({ entries: 1, damaged: 1, packs: 1 });
    expect(await clearCache(folder, {}, scan)).toEqual({ files: 1, entries: 1 });
    expect(packNames()).toEqual([]);
  });

  test('is a miss where it has grown', async () => {
    const prompts = await packBatch('batch', 100);
    appendFileSync(packPaths()[0] as string, 'more');
    expect(countFound(prompts)).toBe(0);
  });

  test('gives the newest of several answers under one key, also when only the others were put together', async () => {
    const old = open();
    const prompts = await packBatch('batch', 40, old);
    const [first = ''] = packPaths();
    // A pack of another size, which stays by itself.
    const large = open();
    for (const prompt of [...prompts, ...promptsOf('large', 3_000)])
      large.add(prompt, { text: `Newer: ${prompt}` });
    await large.seal();
    for (let batch = 0; batch < 7; batch++) await packBatch(`small ${batch}`, 40);
    expect(existsSync(first)).toBe(true);
    gatherPacks(folder);
    expect(packNames()).toHaveLength(2);
    expect(prompts.map((prompt) => open().get(prompt)?.text)).toEqual(
      prompts.map((prompt) => `Newer: ${prompt}`),
    );
  });

  test('does not stop those beside it from being put together', async () => {
    const prompts = await packBatches(8);
    truncateSync(packPaths()[3] as string, 100);
    await packBatch('one more', 40);
    gatherPacks(folder);
    expect(packNames()).toHaveLength(2);
    expect(countFound(prompts)).toBe(280);
  });
});

describe('what others do meanwhile', () => {
  test('a pack that appears is found, and one that goes takes its answers with it', async () => {
    const reader = open();
    const prompts = promptsOf('batch', 100);
    expect(countFound(prompts, reader)).toBe(0);
    await packBatch('batch', 100);
    expect(countFound(prompts, reader)).toBe(100);
    for (const path of packPaths()) rmSync(path);
    expect(countFound(prompts, reader)).toBe(0);
  });

  test('packs that are put together are found all the time', async () => {
    const prompts = await packBatches(8);
    const reader = open();
    expect(countFound(prompts, reader)).toBe(320);
    gatherPacks(folder);
    expect(packNames()).toHaveLength(1);
    expect(countFound(prompts, reader)).toBe(320);
  });

  test.skipIf(process.platform === 'win32')(
    'a folder of packs that is not there any more holds nothing',
    async () => {
      const prompts = await packBatch('batch', 100);
      const reader = open();
      expect(countFound(prompts, reader)).toBe(100);
      renameSync(join(folder, 'packs'), join(folder, 'elsewhere'));
      expect(countFound(prompts, reader)).toBe(0);
      await packBatch('batch', 100);
      expect(countFound(prompts, reader)).toBe(100);
    },
  );

  test('files of others among the packs are left alone', async () => {
    const prompts = await packBatch('batch', 100);
    const names = ['notes.pack', `answers_20260101000000000_${'a0'.repeat(8)}.pack`, 'answers_1.pack.tmp'];
    for (const name of names) writeFileSync(join(folder, 'packs', name), 'of somebody else');
    mkdirSync(join(folder, 'packs', `answers_20260101000000000_${'b0'.repeat(8)}.pack`));
    expect(countFound(prompts)).toBe(100);
    expect(await measureCache(folder, scan)).toMatchObject({ entries: 100, packs: 1 });
    expect(await clearCache(folder, {}, scan)).toEqual({ files: 1, entries: 100 });
    expect(packNames()).toHaveLength(4);
  });
});

describe('many packs', () => {
  test('are put together, so that few of each size stay', async () => {
    const prompts: string[] = [];
    for (let batch = 0; batch < 70; batch++) {
      prompts.push(...(await packBatch(`batch ${batch}`, 40)));
      gatherPacks(folder);
      expect(packNames().length).toBeLessThanOrEqual(14);
    }
    expect(countFound(prompts)).toBe(2_800);
  });

  test('the newest of several answers stays', async () => {
    const prompts = await packBatch('batch', 40);
    for (let round = 0; round < 7; round++) {
      const cache = open();
      for (const prompt of prompts) cache.add(prompt, { text: `Answer ${round}` });
      await cache.seal();
    }
    expect(packNames()).toHaveLength(8);
    gatherPacks(folder);
    expect(packNames()).toHaveLength(1);
    expect(prompts.map((prompt) => open().get(prompt)?.text)).toEqual(prompts.map(() => 'Answer 6'));
  });

  test('those that somebody deletes while they are put together do not come back', async () => {
    const prompts = await packBatches(8);
    const parts = packPaths().flatMap((path) => PackFile.open(path) ?? []);
    rmSync(packPaths()[2] as string);
    expect(gather(folder, parts)).toBe(false);
    for (const part of parts) part.close();
    expect(packNames()).toHaveLength(7);
    expect(listFiles('tmp')).toEqual([]);
    expect(countFound(prompts)).toBe(280);
  });
});

describe('a cache with packs is cleared', () => {
  test('of one model: the others stay, and what was asked about is gone from the disk', async () => {
    await packBatch('secret', 40, open('other'));
    await packBatch('kept', 40);
    const parts = packPaths().flatMap((path) => PackFile.open(path) ?? []);
    expect(gather(folder, parts)).toBe(true);
    for (const part of parts) part.close();
    await packBatch('batch', 40);
    await setTimeout(5);
    expect(await clearCache(folder, { model: 'other' }, scan)).toEqual({ files: 0, entries: 40 });
    expect(packNames()).toHaveLength(2);
    expect(countFound([...promptsOf('kept', 40), ...promptsOf('batch', 40)])).toBe(80);
    expect(packPaths().filter((path) => readFileSync(path).includes('secret'))).toEqual([]);
    expect(await clearCache(folder, { model: 'm' }, scan)).toEqual({ files: 2, entries: 80 });
    expect(packNames()).toEqual([]);
  });

  test('of what is old', async () => {
    await packBatch('batch', 40);
    await setTimeout(5);
    const createdBefore = new Date();
    expect(await clearCache(folder, { createdBefore: new Date(0) }, scan)).toEqual({ files: 0, entries: 0 });
    expect(await clearCache(folder, { createdBefore }, scan)).toEqual({ files: 1, entries: 40 });
  });
});

/** Every byte of the ends, where all depends on few, and every fifth between them. */
function byteStep(place: number, length: number): number {
  return place < 200 || place > length - 400 ? 1 : 5;
}

/** The key under which `open()` files the answer to a prompt. */
function keyOf(prompt: string): Buffer {
  return createKeys({ provider: 'openai', model: 'm', settings: undefined }, vendor)(prompt);
}
