/** Loose entries: answers in a file each, `<sha256>.json`, as live calls leave them, older builds and the Python tool. */

import { randomBytes } from 'node:crypto';
import { type Dir, existsSync, opendirSync, readFileSync, renameSync, utimesSync } from 'node:fs';
import { join, sep } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { type Answer, type CacheEntry, cacheEntryShape } from '../core/models.ts';
import { likelyNames } from '../core/own-names.ts';
import { readShape } from '../core/shapes/shapes.ts';
import { describeDiskError, errorCode, removeQuietly } from '../storage/files.ts';
import { ensureCache } from '../storage/marks.ts';
import {
  makeCacheFolder,
  makeSharedFolder,
  type Sharing,
  sharingOf,
  writeSharedFile,
} from '../storage/sharing.ts';
import { cacheTemporaryFolder } from './cache-folders.ts';

export function loosePath(folder: string, key: Buffer): string {
  return `${folder}${sep}${key.toString('hex')}.json`;
}

/**
 * Makes and marks the folder of a cache, and the one for files on their way, and says how files in them are shared.
 * LoomError `state` where it is somebody else's; the error of the system where the disk refuses.
 */
export function prepareCacheFolder(folder: string): Sharing {
  ensureCache(folder);
  makeCacheFolder(folder);
  const sharing = sharingOf(folder);
  makeSharedFolder(cacheTemporaryFolder(folder), sharing);
  return sharing;
}

/** A new name for a file on its way. */
export function nameTemporary(folder: string): string {
  return join(cacheTemporaryFolder(folder), `${randomBytes(8).toString('hex')}.tmp`);
}

/** What can't be written, in words that say what to do. */
export function describeCacheTrouble(what: string, path: string, error: unknown): unknown {
  if (error instanceof LoomError) return error;
  return new LoomError('state', `can't write the ${what} ${path}: ${describeDiskError(error)}.`, {
    code: 'cache_write_failed',
    facts: { path },
    hint: 'Free the disk, or set cache to false.',
    cause: error,
  });
}

export interface LooseEntries {
  /** Whether look-ups go by a list of what was there, and whether that was nothing. */
  readonly isListed: boolean;
  readonly isEmpty: boolean;
  /** undefined: absent, damaged, or no entry. */
  read(key: Buffer): CacheEntry | undefined;
  /** `writtenAt` in milliseconds since 1970, where that was before now. LoomError `state` where the disk refuses. */
  write(key: Buffer, entry: object, writtenAt?: number): void;
}

/** So many look-ups are made one by one; who makes more has the folder listed. */
const firstLooks = 500;
/** With more files than this in a folder it is not: the list would take memory, and the time of many look-ups. */
const mostListed = 100_000;

/**
 * With `isSnapshot` for who looks up many at once: the folder is listed then after the first look-ups, and what comes
 * later is a miss. `onGone` is called when an entry of the list is found to be gone.
 */
export function openLooseEntries(
  folder: string,
  { isSnapshot, onGone }: { readonly isSnapshot: boolean; onGone?(): void },
): LooseEntries {
  // Runs are all hits or nearly all misses: as the last look-up went, so will the next.
  let expectsHit = true;
  let looks = 0;
  let listed: Set<number> | undefined;
  let sharing: Sharing | undefined;

  function mayBeThere(key: Buffer, path: string): boolean {
    looks += 1;
    if (isSnapshot && looks === firstLooks) {
      listed = listLooseKeys(folder);
    }
    if (listed) return listed.has(headOf(key));
    // Reading what is not there throws, which costs ten times as much as this look; the look costs a third of a hit.
    return expectsHit || existsSync(path);
  }

  function writeTemporary(path: string, text: string): void {
    sharing ??= prepareCacheFolder(folder);
    try {
      writeSharedFile(path, text, sharing);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      // The folder may be deleted by hand at any time.
      sharing = prepareCacheFolder(folder);
      writeSharedFile(path, text, sharing);
    }
  }

  return {
    get isListed() {
      return listed !== undefined;
    },
    get isEmpty() {
      return listed?.size === 0;
    },
    read(key) {
      const path = loosePath(folder, key);
      if (!mayBeThere(key, path)) {
        expectsHit = false;
        return undefined;
      }
      // Synchronous on purpose: a small local file is read in a third of the time that a trip through the thread pool takes.
      const entry = readLooseEntry(path);
      expectsHit = entry !== undefined;
      if (listed && !entry) onGone?.();
      return entry;
    },
    // Atomic but not flushed: an entry can be paid for again, and a flush costs more than writing it.
    write(key, entry, writtenAt) {
      const path = loosePath(folder, key);
      const temporary = nameTemporary(folder);
      try {
        writeTemporary(temporary, JSON.stringify(entry));
        if (writtenAt !== undefined) utimesSync(temporary, new Date(), new Date(writtenAt));
        renameSync(temporary, path);
        listed?.add(headOf(key));
      } catch (error) {
        removeQuietly(temporary);
        throw describeCacheTrouble('cache entry', path, error);
      }
    },
  };
}

/** undefined: absent, damaged, or no entry. */
export function readLooseEntry(path: string): CacheEntry | undefined {
  try {
    return readShape(cacheEntryShape, JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** What is written for an answer. */
export function describeLooseEntry(
  { provider, model, address, params }: Pick<CacheEntry, 'provider' | 'model' | 'address' | 'params'>,
  { text, usage, finishReason }: Answer,
  createdAt: number,
): CacheEntry {
  return {
    provider,
    model,
    response: text,
    input_tokens: usage?.inputTokens,
    output_tokens: usage?.outputTokens,
    finish_reason: finishReason,
    created_at: new Date(createdAt).toISOString(),
    address,
    params,
  };
}

export function decodeEntry({ response, input_tokens, output_tokens, finish_reason }: CacheEntry): Answer {
  const isCounted = input_tokens !== undefined && output_tokens !== undefined;
  const usage = isCounted ? { inputTokens: input_tokens, outputTokens: output_tokens } : undefined;
  return { text: response, usage, finishReason: finish_reason };
}

/** The first 52 bits of a key, which a number holds exactly; of other entries, one in 10^10 has the same. */
function headOf(key: Buffer): number {
  return key.readUIntBE(0, 6) * 16 + ((key[6] as number) >> 4);
}

const headDigits = 13;

/** The heads of the keys of all loose entries; undefined where there are too many, or the folder can't be read. */
function listLooseKeys(folder: string): Set<number> | undefined {
  const heads = new Set<number>();
  let listing: Dir | undefined;
  try {
    listing = opendirSync(folder, { bufferSize: 1_000 });
    for (let file = listing.readSync(); file; file = listing.readSync()) {
      if (!likelyNames.cacheEntry.test(file.name)) continue;
      heads.add(Number.parseInt(file.name.slice(0, headDigits), 16));
      if (heads.size > mostListed) return undefined;
    }
    return heads;
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? heads : undefined;
  } finally {
    listing?.closeSync();
  }
}
