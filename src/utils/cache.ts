/** Answers on disk, one file each under `cache/`, found by provider, model and prompt. */
import { hash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { LoomError } from '../errors.ts';
import { type CacheEntry, cacheEntrySchema } from '../models.ts';
import { describeDiskError, errorCode, listJsonFiles } from './files.ts';

/** The name of an entry: sha256 of `<provider>|<model>|<prompt>` in hex. */
export function cacheKey(provider: string, model: string, prompt: string): string {
  return hash('sha256', `${provider}|${model}|${prompt}`);
}

/** The name under which the Python tool files the same entry: it joins with NUL bytes. */
function pythonCacheKey(provider: string, model: string, prompt: string): string {
  return hash('sha256', `${provider}\0${model}\0${prompt}`);
}

/** Entries on their way; apart, so that what a killed process left is found without reading a million names. */
export function cacheTemporaryFolder(folder: string): string {
  return join(folder, 'tmp');
}

export interface ResponseCache {
  /** The stored response, or undefined: absent, damaged, empty and mislabelled entries are all misses. */
  get(prompt: string): string | undefined;
  /** Stores a response; an empty one is not kept. LoomError `state` where the disk refuses. */
  set(prompt: string, response: string): void;
}

/** The cache for one provider and model. Its folder is made by the first `set`. */
export function openCache(folder: string, provider: string, model: string): ResponseCache {
  // Runs are all hits or nearly all misses: as the last look-up went, so will the next.
  let expectsHit = true;

  // Synchronous on purpose: a small local file is read in a third of the time that a trip through the thread pool takes.
  function readEntry(key: string): string | undefined {
    const path = `${folder}${sep}${key}.json`;
    // Reading what is not there throws, which costs ten times as much as this look; the look costs a third of a hit.
    if (!expectsHit && !existsSync(path)) return undefined;
    try {
      const entry = cacheEntrySchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
      if (!entry.success || entry.data.provider !== provider || entry.data.model !== model) return undefined;
      return entry.data.response;
    } catch {
      return undefined;
    }
  }

  return {
    get(prompt) {
      const response = readEntry(cacheKey(provider, model, prompt));
      expectsHit = response !== undefined;
      return response ?? readEntry(pythonCacheKey(provider, model, prompt));
    },
    set(prompt, response) {
      if (response === '') return;
      const entry: CacheEntry = { provider, model, response, created_at: new Date().toISOString() };
      writeEntry(folder, cacheKey(provider, model, prompt), entry);
    },
  };
}

// Atomic but not flushed: an entry can be paid for again, and a flush costs more than writing it.
function writeEntry(folder: string, key: string, entry: CacheEntry): void {
  const path = join(folder, `${key}.json`);
  const temporary = join(cacheTemporaryFolder(folder), `${randomBytes(8).toString('hex')}.tmp`);
  try {
    writeNewFile(temporary, JSON.stringify(entry));
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw new LoomError('state', `can't write the cache entry ${path}: ${describeDiskError(error)}.`, {
      hint: 'Free the disk, or run with --no-cache.',
      cause: error,
    });
  }
}

/** A disk that refuses to write may refuse this too: the first error is the one to tell. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** The folder may be deleted by hand at any time: it is made when it is missing. */
function writeNewFile(path: string, text: string): void {
  const options = { mode: 0o600, flag: 'wx' };
  try {
    writeFileSync(path, text, options);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, options);
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
