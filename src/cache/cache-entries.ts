/** The cache as a whole, however many entries it has: what is in it, and what of it may go. */
import { type Dir, opendirSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { LoomError } from '../core/errors.ts';
import { type CacheEntry, cacheEntrySchema, isJsonObject } from '../core/models.ts';
import { likelyNames } from '../core/own-names.ts';
import { describeDiskError, errorCode } from '../storage/files.ts';

/** What entries of one model come to. */
export interface CacheGroup {
  readonly provider: string;
  readonly model: string;
  entries: number;
  bytes: number;
  /** Milliseconds since 1970. */
  oldest: number;
  newest: number;
}

export interface CacheStatistics {
  /** All files that are named like an entry. */
  readonly entries: number;
  readonly bytes: number;
  /** Those of them that can't be read, and are answered anew. */
  readonly damaged: number;
  /** Those with most entries first. */
  readonly groups: readonly CacheGroup[];
}

/** Entries for which all of this holds; an empty one is for all. A damaged entry is of no provider and no model. */
export interface CacheFilter {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly createdBefore?: Date | undefined;
}

/** How many entries there are, and how many of them a filter is for. */
export interface CacheCount {
  readonly entries: number;
  readonly matching: number;
}

export interface CacheScan {
  readonly signal: AbortSignal;
  /** How many entries were looked at so far; called now and then. */
  onProgress?(entries: number): void;
}

/** undefined when there is no cache folder. LoomError `state` where it can't be read. */
export async function measureCache(folder: string, scan: CacheScan): Promise<CacheStatistics | undefined> {
  const groups = new Map<string, CacheGroup>();
  let [entries, bytes, damaged] = [0, 0, 0];
  const isThere = await visitEntries(folder, scan, (path) => {
    const stored = readEntry(path);
    if (!stored) return;
    entries += 1;
    bytes += stored.bytes;
    if (stored.entry) addToGroup(groups, stored.entry, stored);
    else damaged += 1;
  });
  if (!isThere) return undefined;
  const byEntries = [...groups.values()].sort((a, b) => b.entries - a.entries);
  return { entries, bytes, damaged, groups: byEntries };
}

/** undefined when there is no cache folder. */
export async function countCacheEntries(
  folder: string,
  filter: CacheFilter,
  scan: CacheScan,
): Promise<CacheCount | undefined> {
  let [entries, matching] = [0, 0];
  const isThere = await visitEntries(folder, scan, (path) => {
    entries += 1;
    if (isMatch(path, filter)) matching += 1;
  });
  return isThere ? { entries, matching } : undefined;
}

/** Deletes the entries that a filter is for; other files in the folder stay, and what holds something else than an answer. */
export async function clearCache(folder: string, filter: CacheFilter, scan: CacheScan): Promise<CacheCount> {
  let removed = 0;
  let entries = 0;
  const startedAt = Date.now();
  for (let pass = 1; ; pass++) {
    let removedNow = 0;
    await visitEntries(folder, scan, (path) => {
      if (pass === 1) entries += 1;
      // What a run beside this one has answered since is not what was asked about.
      if (isWrittenAfter(path, startedAt) || !isMatch(path, filter) || isSomethingElse(path)) return;
      deleteEntry(path);
      removedNow += 1;
    });
    removed += removedNow;
    // Some systems pass over files when others are deleted while a folder is listed.
    if (removedNow === 0 || pass === mostPasses) return { entries, matching: removed };
  }
}

const mostPasses = 3;

function isWrittenAfter(path: string, time: number): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  // A disk of another machine may have a clock that is ahead.
  return file !== undefined && file.mtimeMs > time && file.mtimeMs <= Date.now();
}

const blockEntries = 1_000;

/**
 * Calls `visit` for every file that is named like an entry: somebody may have chosen a folder that holds files of their
 * own. Names come as they are read, so that a million of them take no memory. False when there is no folder.
 */
async function visitEntries(
  folder: string,
  { signal, onProgress }: CacheScan,
  visit: (path: string) => void,
): Promise<boolean> {
  const listing = openFolder(folder);
  if (!listing) return false;
  try {
    let visited = 0;
    // Synchronous on purpose, like all work with many small files; each block lets Ctrl+C through.
    for (let file = listing.readSync(); file; file = listing.readSync()) {
      if (!file.isFile() || !likelyNames.cacheEntry.test(file.name)) continue;
      visit(join(folder, file.name));
      if (++visited % blockEntries !== 0) continue;
      onProgress?.(visited);
      await setImmediate();
      signal.throwIfAborted();
    }
    return true;
  } finally {
    listing.closeSync();
  }
}

function openFolder(folder: string): Dir | undefined {
  try {
    return opendirSync(folder, { bufferSize: blockEntries });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new LoomError('state', `can't read the folder ${folder}: ${describeDiskError(error)}.`, {
      cause: error,
    });
  }
}

interface StoredEntry {
  readonly bytes: number;
  /** undefined for a damaged one. */
  readonly entry: CacheEntry | undefined;
  /** Milliseconds since 1970; when it was written, where it does not say itself. */
  readonly createdAt: number;
}

/** undefined when it is gone. */
function readEntry(path: string): StoredEntry | undefined {
  try {
    const bytes = readFileSync(path);
    const entry = parseEntry(bytes);
    const createdAt = Date.parse(entry?.created_at ?? '');
    return {
      bytes: bytes.length,
      entry,
      createdAt: Number.isNaN(createdAt) ? statSync(path).mtimeMs : createdAt,
    };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    return { bytes: 0, entry: undefined, createdAt: Date.now() };
  }
}

function parseEntry(bytes: Buffer): CacheEntry | undefined {
  try {
    return cacheEntrySchema.safeParse(JSON.parse(bytes.toString())).data;
  } catch {
    return undefined;
  }
}

function isMatch(path: string, { provider, model, createdBefore }: CacheFilter): boolean {
  if (provider === undefined && model === undefined && createdBefore === undefined) return true;
  const stored = readEntry(path);
  if (!stored) return false;
  if (provider !== undefined && stored.entry?.provider !== provider) return false;
  if (model !== undefined && stored.entry?.model !== model) return false;
  return createdBefore === undefined || stored.createdAt < createdBefore.getTime();
}

/** Whether a file that is called like an entry is whole JSON without an answer in it: a damaged entry is cut short. */
function isSomethingElse(path: string): boolean {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8'));
    return !isJsonObject(value) || !Object.hasOwn(value, 'response');
  } catch {
    return false;
  }
}

/** One that is gone already is no error. */
function deleteEntry(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw new LoomError('state', `can't delete ${path}: ${describeDiskError(error)}.`, { cause: error });
  }
}

function addToGroup(groups: Map<string, CacheGroup>, entry: CacheEntry, stored: StoredEntry): void {
  const { provider, model } = entry;
  const { bytes, createdAt } = stored;
  const name = JSON.stringify([provider, model]);
  const group = groups.get(name);
  if (!group) {
    groups.set(name, { provider, model, entries: 1, bytes, oldest: createdAt, newest: createdAt });
    return;
  }
  group.entries += 1;
  group.bytes += bytes;
  group.oldest = Math.min(group.oldest, createdAt);
  group.newest = Math.max(group.newest, createdAt);
}
