/** The cache beside the calls under way: a few entries by the thread that asks, many by a second one. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BackgroundCache, openBackgroundCache } from '../../src/cache/background-cache.ts';
import { openCache } from '../../src/cache/cache.ts';
import type { Answer } from '../../src/core/models.ts';

let folder: string;
let cache: BackgroundCache;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'loom-cache-')), 'cache');
  cache = openBackgroundCache(folder, 'openai', 'm');
});

afterEach(async () => {
  await cache.close();
  rmSync(join(folder, '..'), { recursive: true });
});

describe.each([1, 300])('of %i entries at once,', (count) => {
  const prompts = Array.from({ length: count }, (_, place) => `Prompt ${place}`);
  const answers = prompts.map((prompt) => `Answer to ${prompt}`);
  const entries = prompts.map((prompt, place): [string, Answer] => [
    prompt,
    { text: answers[place] as string },
  ]);

  test('each is stored when the write is over, and found under its prompt', async () => {
    await cache.setAll(entries);
    const stored = openCache(folder, 'openai', 'm');
    expect(prompts.map((prompt) => stored.get(prompt)?.text)).toEqual(answers);
    const found = await cache.getAll([...prompts, 'Another'].map((prompt) => [prompt]));
    expect(found.map((answer) => answer?.text)).toEqual([...answers, undefined]);
  });

  test('one that the disk refuses is told, with what to do, and the others are stored', async () => {
    const refused: [string, Answer] = ['Refused', { text: 'An answer' }];
    await cache.setAll([refused]);
    const path = join(folder, readdirSync(folder).find((name) => /^[0-9a-f]{64}\.json$/.test(name)) ?? '');
    rmSync(path);
    mkdirSync(join(path, 'in-the-way'), { recursive: true });
    await expect(cache.setAll([refused, ...entries])).rejects.toMatchObject({
      kind: 'state',
      message: expect.stringContaining(`can't write the cache entry ${path}: `),
      code: 'cache_write_failed',
      hint: 'Free the disk, or set cache to false.',
    });
    const found = await cache.getAll(prompts.map((prompt) => [prompt]));
    expect(found.map((answer) => answer?.text)).toEqual(answers);
  });
});
