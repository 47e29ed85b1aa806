/** The cache as a whole, however many answers it has: what is in it, in loose entries and in packs. */

import { type Dir, opendirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type CacheEntry, cacheEntryShape } from '../core/models.ts';
import { likelyNames } from '../core/own-names.ts';
import { readShape } from '../core/shapes/shapes.ts';
import { diskFailure, errorCode } from '../storage/files.ts';
import { packFolder } from './cache-folders.ts';
import { GrowingPack } from './packs/growing-pack.ts';
import { type AnswerPack, isPackLike, PackFile } from './packs/pack-file.ts';
import { listGrowingPacks, listPacks } from './packs/packs.ts';

/** What answers of one model come to. */
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
  /** Answers: files that are named like an entry, and all that is in packs. */
  readonly entries: number;
  readonly bytes: number;
  /** Those of them that can't be read, and are answered anew; a pack that can't be read at all counts as one. */
  readonly damaged: number;
  /** The files that they are in, and how many of these are packs. */
  readonly files: number;
  readonly packs: number;
  /** Those with most entries first. */
  readonly groups: readonly CacheGroup[];
}

export interface CacheScan {
  readonly signal: AbortSignal;
  /** How many entries were looked at so far; called now and then. */
  onProgress?(entries: number): void;
}

/** undefined when there is no cache folder. LoomError `state` where it can't be read. */
export async function measureCache(folder: string, scan: CacheScan): Promise<CacheStatistics | undefined> {
  const groups = new Map<string, CacheGroup>();
  const total = { entries: 0, bytes: 0, damaged: 0, files: 0, packs: 0 };
  const count = createCounter(scan);
  const isThere = await visitLoose(folder, count, (path) => {
    const stored = readStored(path);
    if (!stored) return;
    total.files += 1;
    total.entries += 1;
    total.bytes += stored.bytes;
    if (stored.entry) addToGroup(groups, stored.entry, stored);
    else total.damaged += 1;
  });
  if (!isThere) return undefined;
  await visitPacks(folder, async (path, pack) => {
    total.files += 1;
    total.packs += 1;
    total.bytes += pack?.bytes ?? statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    total.entries += pack?.count ?? 1;
    if (!pack) total.damaged += 1;
    for (const { entry, bytes } of pack?.records() ?? []) {
      const source = entry && pack?.sources[entry.source];
      if (source) addToGroup(groups, source, { bytes, createdAt: entry.createdAt });
      else total.damaged += 1;
      await count();
    }
  });
  const byEntries = [...groups.values()].sort((a, b) => b.entries - a.entries);
  return { ...total, groups: byEntries };
}

const blockEntries = 1_000;

/** To be called for each entry: now and then what it gives is to be awaited, which lets Ctrl+C through. */
export type Counter = () => Promise<void> | undefined;

export function createCounter({ signal, onProgress }: CacheScan): Counter {
  let visited = 0;
  return () => {
    if (++visited % blockEntries !== 0) return undefined;
    onProgress?.(visited);
    return setImmediate().then(() => signal.throwIfAborted());
  };
}

/**
 * Calls `visit` for every file that is named like an entry: somebody may have chosen a folder that holds files of their
 * own. Names come as they are read, so that a million of them take no memory. False when there is no folder.
 */
export async function visitLoose(
  folder: string,
  count: Counter,
  visit: (path: string) => void,
): Promise<boolean> {
  const listing = openFolder(folder);
  if (!listing) return false;
  try {
    // Synchronous on purpose, like all work with many small files.
    for (let file = listing.readSync(); file; file = listing.readSync()) {
      if (!file.isFile() || !likelyNames.cacheEntry.test(file.name)) continue;
      visit(join(folder, file.name));
      await count();
    }
    return true;
  } finally {
    listing.closeSync();
  }
}

/** Calls `visit` for every pack, those that grow first; with the path alone for one that is damaged as a whole. */
export async function visitPacks(
  folder: string,
  visit: (path: string, pack: AnswerPack | undefined) => Promise<void>,
): Promise<void> {
  const packs = packFolder(folder);
  for (const name of listGrowingPacks(packs)) {
    const pack = GrowingPack.open(join(packs, name));
    try {
      if (pack?.source) await visit(pack.path, pack);
      // One that was just begun is no damaged one.
      else if (pack?.isBegun) await visit(pack.path, undefined);
    } finally {
      pack?.close();
    }
  }
  for (const name of listPacks(packs)) {
    const path = join(packs, name);
    const pack = PackFile.open(path);
    try {
      if (pack || isPackLike(path)) await visit(path, pack);
    } finally {
      pack?.close();
    }
  }
}

function openFolder(folder: string): Dir | undefined {
  try {
    return opendirSync(folder, { bufferSize: blockEntries });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw diskFailure('state', `read the folder ${folder}`, error);
  }
}

export interface StoredEntry {
  readonly bytes: number;
  /** undefined for a damaged one. */
  readonly entry: CacheEntry | undefined;
  /** Milliseconds since 1970; when it was written, where it does not say itself. */
  readonly createdAt: number;
}

/** undefined when it is gone. */
export function readStored(path: string): StoredEntry | undefined {
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
    return readShape(cacheEntryShape, JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

function addToGroup(
  groups: Map<string, CacheGroup>,
  { provider, model }: Pick<CacheEntry, 'provider' | 'model'>,
  { bytes, createdAt }: Pick<StoredEntry, 'bytes' | 'createdAt'>,
): void {
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
