/**
 * Brings the answers of a growing pack where they stay: into a pack, or where they are few into loose entries, which older
 * versions can read. The growing pack goes only when they are there, and what somebody has cleared meanwhile does not come
 * back. One process at a time does so with one: another would take a pack that is settled for one that is cleared. One
 * whose writer lives may be taken too: it begins another one then.
 */
import { closeSync, existsSync, openSync, type Stats, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { removeQuietly, tryRemove } from '../../storage/files.ts';
import { cacheTemporaryFolder, packFolder } from '../cache-folders.ts';
import {
  describeLooseEntry,
  loosePath,
  openLooseEntries,
  prepareCacheFolder,
  readLooseEntry,
} from '../loose-entries.ts';
import { GrowingPack, type GrowingSource } from './growing-pack.ts';
import { decodeAnswer } from './pack-format.ts';
import { PackWriter } from './pack-writer.ts';
import { listGrowingPacks } from './packs.ts';

/** Up to so many answers of a live run are loose entries in the end. */
export const mostLoose = 1_000;

/** A growing pack to which nothing came for so long is taken for one of a process that is dead. */
const abandonedMs = 10 * 60_000;

/** Those in a cache to which nothing comes any more. */
export function listAbandoned(folder: string): string[] {
  const packs = packFolder(folder);
  return listGrowingPacks(packs).flatMap((name) => {
    const path = join(packs, name);
    const modifiedMs = look(path)?.mtimeMs;
    return modifiedMs !== undefined && Date.now() - modifiedMs > abandonedMs ? [path] : [];
  });
}

/** undefined for what is gone, or can't be looked at. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** `folder` is the cache's. What the disk refuses leaves everything as it is: the answers are found where they are. */
export function settleGrowing(folder: string, path: string): void {
  const claim = claimPack(folder, path);
  if (claim === undefined) return;
  const pack = GrowingPack.open(path);
  try {
    // One that holds something else is not ours to delete, and a damaged one is for who clears the cache.
    if (pack?.source) settle(folder, pack, pack.source);
    else if (pack?.isEmpty && tryRemove(path)) keepAddedSince(folder, pack, 0);
  } catch {
  } finally {
    pack?.close();
    removeQuietly(claim);
  }
}

/**
 * Makes a file that says that we settle this pack, and gives its path; undefined where another process does. What a killed
 * one left of this is swept like all files on their way.
 */
function claimPack(folder: string, path: string): string | undefined {
  const [random] = /[0-9a-f]{16}(?=\.growing$)/.exec(basename(path)) ?? [];
  const claim = join(cacheTemporaryFolder(folder), `${random}.tmp`);
  try {
    prepareCacheFolder(folder);
    closeSync(openSync(claim, 'wx', 0o600));
    return claim;
  } catch {
    return undefined;
  }
}

function settle(folder: string, pack: GrowingPack, source: GrowingSource): void {
  const settled = pack.count;
  const isMoved = settled > mostLoose ? moveToPacks(folder, pack, source) : moveLoose(folder, pack, source);
  if (isMoved) keepAddedSince(folder, pack, settled);
}

/** Keeps what a writer has added to a growing pack from this number on, before it could see that it has gone. */
export function keepAddedSince(folder: string, pack: GrowingPack, first: number): void {
  pack.refresh();
  if (pack.source && pack.count > first) copyLoose(folder, pack, pack.source, first);
}

/** False where it has gone meanwhile, or can't be deleted: nothing of it is in another pack then. */
function moveToPacks(folder: string, pack: GrowingPack, source: GrowingSource): boolean {
  const made: string[] = [];
  let writer: PackWriter | undefined;

  function finish(): boolean {
    const path = writer?.finish({ isWanted: () => existsSync(pack.path), writtenAt: pack.modifiedMs });
    writer = undefined;
    if (path !== undefined) made.push(path);
    return existsSync(pack.path);
  }

  try {
    for (const { entry } of pack.records()) {
      if (!entry) continue;
      if (writer?.isFull && !finish()) break;
      writer ??= new PackWriter(folder);
      writer.add({ ...entry, source: writer.numberOf(source) });
    }
    if (finish() && tryRemove(pack.path)) return true;
  } catch (error) {
    writer?.discard();
    for (const path of made) removeQuietly(path);
    throw error;
  }
  for (const path of made) removeQuietly(path);
  return false;
}

/** False where it has gone meanwhile, and nothing of it is copied then, or can't be deleted. */
function moveLoose(folder: string, pack: GrowingPack, source: GrowingSource): boolean {
  const copied = copyLoose(folder, pack, source, 0);
  if (existsSync(pack.path)) return tryRemove(pack.path);
  for (const key of copied) removeQuietly(loosePath(folder, key));
  return false;
}

/** From the record of this number on; gives their keys. What has come meanwhile in the place of one stays. */
function copyLoose(folder: string, pack: GrowingPack, source: GrowingSource, first: number): Buffer[] {
  const loose = openLooseEntries(folder, { isSnapshot: false });
  const keys: Buffer[] = [];
  for (const { entry } of pack.records(first)) {
    if (!entry) continue;
    const { wholeKey, body, createdAt } = entry;
    if (isThereSince(loosePath(folder, wholeKey), createdAt)) continue;
    loose.write(wholeKey, describeLooseEntry(source, decodeAnswer(body), createdAt), createdAt);
    keys.push(wholeKey);
  }
  return keys;
}

/** Whether there is a loose entry that is not older. */
function isThereSince(path: string, createdAt: number): boolean {
  const entry = existsSync(path) ? readLooseEntry(path) : undefined;
  return entry !== undefined && Date.parse(entry.created_at) >= createdAt;
}
