/** Answers on disk, one file each under `cache/`, found by provider, model and prompt. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LoomError } from '../errors.ts';
import { type CacheEntry, cacheEntrySchema } from '../models.ts';
import { describeDiskError, ensurePrivateFolder, listJsonFiles } from './files.ts';

/** The name of an entry: sha256 of `<provider>|<model>|<prompt>` in hex. */
export function cacheKey(provider: string, model: string, prompt: string): string {
  return createHash('sha256').update(`${provider}|${model}|${prompt}`).digest('hex');
}

/** The name under which the Python tool files the same entry: it joins with NUL bytes. */
function pythonCacheKey(provider: string, model: string, prompt: string): string {
  return createHash('sha256').update(`${provider}\0${model}\0${prompt}`).digest('hex');
}

export interface ResponseCache {
  /** The stored response, or undefined: absent, damaged, empty and mislabelled entries are all misses. */
  get(prompt: string): string | undefined;
  /** Stores a response; an empty one is not kept. LoomError `state` where the disk refuses. */
  set(prompt: string, response: string): Promise<void>;
}

/** The cache for one provider and model. Its folder is made by the first `set`. */
export function openCache(folder: string, provider: string, model: string): ResponseCache {
  let folderReady: Promise<void> | undefined;
  return {
    get(prompt) {
      return (
        readEntry(folder, cacheKey(provider, model, prompt), provider, model) ??
        readEntry(folder, pythonCacheKey(provider, model, prompt), provider, model)
      );
    },
    async set(prompt, response) {
      if (response === '') return;
      folderReady ??= ensurePrivateFolder(folder);
      await folderReady;
      const entry: CacheEntry = { provider, model, response, created_at: new Date().toISOString() };
      await writeEntry(join(folder, `${cacheKey(provider, model, prompt)}.json`), entry);
    },
  };
}

// Synchronous on purpose: a small local file is read in a third of the time that a trip through the thread pool takes.
function readEntry(folder: string, key: string, provider: string, model: string): string | undefined {
  try {
    const entry = cacheEntrySchema.safeParse(JSON.parse(readFileSync(join(folder, `${key}.json`), 'utf8')));
    if (!entry.success || entry.data.provider !== provider || entry.data.model !== model) return undefined;
    return entry.data.response;
  } catch {
    return undefined;
  }
}

// Atomic but not flushed: an entry can be paid for again, and a flush costs more than writing it.
async function writeEntry(path: string, entry: CacheEntry): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, JSON.stringify(entry), { mode: 0o600, flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new LoomError('state', `can't write the cache entry ${path}: ${describeDiskError(error)}.`, {
      hint: 'Free the disk, or run with --no-cache.',
      cause: error,
    });
  }
}

/** How many responses are stored; undefined when there is no cache folder. */
export async function countCacheEntries(folder: string): Promise<number | undefined> {
  return (await listJsonFiles(folder))?.length;
}

/** Deletes every stored response and returns how many files went; other files in the folder stay. */
export async function clearCache(folder: string): Promise<number> {
  const names = (await listJsonFiles(folder)) ?? [];
  for (const name of names) {
    await rm(join(folder, name), { force: true }).catch((error: unknown) => {
      throw new LoomError('state', `can't delete ${join(folder, name)}: ${describeDiskError(error)}.`, {
        cause: error,
      });
    });
  }
  return names.length;
}
