/** Clears the cache, as a whole or in part. A pack of which only some answers go is written anew without them. */
import { existsSync, readFileSync, statSync, unlinkSync } from 'node:fs';
import { isJsonObject } from '../core/models.ts';
import { diskFailure, errorCode } from '../storage/files.ts';
import {
  type CacheScan,
  type Counter,
  createCounter,
  readStored,
  type StoredEntry,
  visitLoose,
  visitPacks,
} from './cache-entries.ts';
import { GrowingPack } from './packs/growing-pack.ts';
import type { AnswerPack, PackRecord } from './packs/pack-file.ts';
import { PackWriter } from './packs/pack-writer.ts';
import { keepAddedSince } from './packs/settle-growing.ts';

/** Answers for which all of this holds; an empty one is for all. A damaged entry is of no provider and no model. */
export interface CacheFilter {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly createdBefore?: Date | undefined;
}

/** The same, but for what was answered after this moment. */
interface ClearFilter extends CacheFilter {
  /** Milliseconds since 1970. */
  readonly storedUntil?: number | undefined;
}

/** How many answers there are, how many of them a filter is for, and in how many files they are. */
export interface CacheCount {
  readonly entries: number;
  readonly matching: number;
  readonly files: number;
}

/** What went: files as a whole, and the answers that were in them and in others. */
export interface CacheLoss {
  readonly files: number;
  readonly entries: number;
}

/** undefined when there is no cache folder. */
export async function countCacheEntries(
  folder: string,
  filter: CacheFilter,
  scan: CacheScan,
): Promise<CacheCount | undefined> {
  const total = { entries: 0, matching: 0, files: 0 };
  const count = createCounter(scan);
  const isThere = await visitLoose(folder, count, (path) => {
    total.files += 1;
    total.entries += 1;
    if (isLooseMatch(path, filter)) total.matching += 1;
  });
  if (!isThere) return undefined;
  await visitPacks(folder, async (path, pack) => {
    total.files += 1;
    total.entries += pack?.count ?? 1;
    total.matching += await countMatches(path, pack, filter, count);
  });
  return total;
}

const mostPasses = 3;

/** Deletes the answers that a filter is for; other files in the folder stay, and what holds something else than an answer. */
export async function clearCache(folder: string, filter: CacheFilter, scan: CacheScan): Promise<CacheLoss> {
  const total = { files: 0, entries: 0 };
  const startedAt = Date.now();
  const count = createCounter(scan);
  for (let pass = 1; pass <= mostPasses; pass++) {
    const before = total.entries;
    await visitLoose(folder, count, (path) => {
      // What a run beside this one has answered since is not what was asked about.
      if (isWrittenAfter(path, startedAt) || !isLooseMatch(path, filter) || isSomethingElse(path)) return;
      deleteFile(path);
      total.files += 1;
      total.entries += 1;
    });
    await visitPacks(folder, async (path, pack) => {
      const growing = pack instanceof GrowingPack ? pack : undefined;
      // A live run's answers from before come into a pack when it ends.
      const mayHaveNew = growing !== undefined || isWrittenAfter(path, startedAt);
      const meant: ClearFilter = mayHaveNew ? { ...filter, storedUntil: startedAt } : filter;
      const matching = await countMatches(path, pack, meant, count);
      if (matching === 0 && !isForAll(meant)) return;
      const isWhole = !pack || matching === pack.count;
      const seen = growing?.count;
      if (isWhole) deleteFile(path);
      else await writeWithout(folder, pack, meant, count);
      if (growing && seen !== undefined) keepAddedSince(folder, growing, seen);
      if (isWhole) total.files += 1;
      total.entries += matching;
    });
    // Some systems pass over files when others are deleted while a folder is listed, and packs may be put together.
    if (total.entries === before) break;
  }
  return total;
}

function isWrittenAfter(path: string, time: number): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  // A disk of another machine may have a clock that is ahead.
  return file !== undefined && isBetween(time, file.mtimeMs);
}

const isBetween = (time: number, moment: number) => moment > time && moment <= Date.now();

function isForAll({ provider, model, createdBefore, storedUntil }: ClearFilter): boolean {
  return [provider, model, createdBefore, storedUntil].every((part) => part === undefined);
}

function isLooseMatch(path: string, filter: CacheFilter): boolean {
  if (isForAll(filter)) return true;
  const stored = readStored(path);
  return stored !== undefined && isMatch(stored.entry, stored.createdAt, filter);
}

function isMatch(
  entry: Pick<NonNullable<StoredEntry['entry']>, 'provider' | 'model'> | undefined,
  createdAt: number,
  { provider, model, createdBefore, storedUntil }: ClearFilter,
): boolean {
  if (provider !== undefined && entry?.provider !== provider) return false;
  if (model !== undefined && entry?.model !== model) return false;
  if (storedUntil !== undefined && isBetween(storedUntil, createdAt)) return false;
  return createdBefore === undefined || createdAt < createdBefore.getTime();
}

/** How many answers of a pack a filter is for; a pack that is damaged as a whole is one. */
async function countMatches(
  path: string,
  pack: AnswerPack | undefined,
  filter: ClearFilter,
  count: Counter,
): Promise<number> {
  if (isForAll(filter)) return pack?.count ?? 1;
  const modifiedMs = pack?.modifiedMs ?? statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  if (!pack) return modifiedMs !== undefined && isMatch(undefined, modifiedMs, filter) ? 1 : 0;
  let matching = 0;
  for (const record of pack.records()) {
    if (isRecordMatch(pack, record, filter)) matching += 1;
    await count();
  }
  return matching;
}

function isRecordMatch(pack: AnswerPack, { entry }: PackRecord, filter: ClearFilter): boolean {
  return isMatch(entry && pack.sources[entry.source], entry?.createdAt ?? pack.modifiedMs, filter);
}

/** In place of the pack when this resolves; what can't be read in it is not in the new one. */
async function writeWithout(
  folder: string,
  pack: AnswerPack,
  filter: ClearFilter,
  count: Counter,
): Promise<void> {
  const writer = new PackWriter(folder);
  try {
    for (const record of pack.records()) {
      const { entry } = record;
      const source = entry && pack.sources[entry.source];
      if (source && !isRecordMatch(pack, record, filter))
        writer.add({ ...entry, source: writer.numberOf(source) });
      await count();
    }
  } catch (error) {
    writer.discard();
    throw error;
  }
  if (writer.count === 0) writer.discard();
  else writer.finish({ isWanted: () => existsSync(pack.path), writtenAt: pack.modifiedMs });
  deleteFile(pack.path);
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
function deleteFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw diskFailure('state', `delete ${path}`, error);
  }
}
