/**
 * Puts small packs together, so that a look-up has to ask few of them: of packs of about one size never more than seven
 * stay. An answer is so written anew once for each eightfold growth, and a year of ten batches a day ends in some dozen
 * packs. Whatever is cut off or comes in between, every answer is in a pack that others see, and none that somebody
 * deleted comes back: what was put together is given up when one of its parts is gone at the end.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeQuietly, tryRemove } from '../../storage/files.ts';
import { packFolder } from '../cache-folders.ts';
import { PackFile } from './pack-file.ts';
import { mostSources } from './pack-format.ts';
import { mostRecords, PackWriter } from './pack-writer.ts';
import { listPacks } from './packs.ts';

/** So many packs of one size are put together. */
const fewest = 8;
/** From this size on, in bytes, packs stay as they are: copying would take long, and save little. */
const largest = 512 * 1024 * 1024;
const smallestTier = 64 * 1024;

/** `folder` is the cache's. What the disk refuses leaves everything as it is. */
export function gatherPacks(folder: string): void {
  try {
    while (hasMany(folder) && gatherOneTier(folder));
  } catch {
    // It is for speed alone, and the next pack leads here again.
  }
}

/** Whether there are so many packs that some may have to be put together. */
export function hasMany(folder: string): boolean {
  return listPacks(packFolder(folder)).length >= fewest;
}

function gatherOneTier(folder: string): boolean {
  const place = packFolder(folder);
  const packs = listPacks(place).flatMap((name) => PackFile.open(join(place, name)) ?? []);
  try {
    const tier = chooseTier(packs);
    return tier.length > 0 && gather(folder, tier);
  } finally {
    for (const pack of packs) pack.close();
  }
}

/** The packs to be put together, the oldest first: those of the smallest size of which there are enough. */
function chooseTier(packs: readonly PackFile[]): readonly PackFile[] {
  const tiers = new Map<number, PackFile[]>();
  for (const pack of packs) {
    if (pack.bytes >= largest) continue;
    const tier = tiers.get(tierOf(pack)) ?? [];
    tiers.set(tierOf(pack), [...tier, pack]);
  }
  const full = [...tiers].filter(([, tier]) => tier.length >= fewest).sort(([one], [other]) => one - other);
  return full.map(([, tier]) => takeFitting(tier)).find((tier) => tier.length > 1) ?? [];
}

/** 0 for the smallest, one more for each eightfold size. */
function tierOf({ bytes }: PackFile): number {
  return bytes < smallestTier ? 0 : 1 + Math.floor(Math.log2(bytes / smallestTier) / 3);
}

/** As many of them as one pack holds. */
function takeFitting(tier: readonly PackFile[]): PackFile[] {
  let [records, sources] = [0, 0];
  return tier.filter((pack) => {
    if (records + pack.count > mostRecords || sources + pack.sources.length > mostSources) return false;
    records += pack.count;
    sources += pack.sources.length;
    return true;
  });
}

/**
 * Puts packs together, the oldest first. Of several answers under one key the newest stays. False where the parts stay
 * as they are.
 */
export function gather(folder: string, parts: readonly PackFile[]): boolean {
  const areThere = () => parts.every(({ path }) => existsSync(path));
  const writer = new PackWriter(folder);
  try {
    for (const [place, part] of parts.entries())
      copyRecords(part, { older: parts.slice(0, place), newer: parts.slice(place + 1) }, writer);
  } catch (error) {
    writer.discard();
    throw error;
  }
  if (writer.count === 0) {
    writer.discard();
    return false;
  }
  const path = writer.finish({
    isWanted: areThere,
    writtenAt: Math.max(...parts.map(({ modifiedMs }) => modifiedMs)),
  });
  if (path === undefined) return false;
  if (!areThere()) {
    removeQuietly(path);
    return false;
  }
  return deleteParts(parts, path);
}

/** False where a part can't be deleted, as one that another system keeps open may be; it stays, and is asked too. */
function deleteParts([first, ...others]: readonly PackFile[], gathered: string): boolean {
  if (!first || !tryRemove(first.path)) {
    removeQuietly(gathered);
    return false;
  }
  return others.map(({ path }) => tryRemove(path)).every(Boolean);
}

interface OtherParts {
  readonly older: readonly PackFile[];
  readonly newer: readonly PackFile[];
}

function copyRecords(part: PackFile, { older, newer }: OtherParts, writer: PackWriter): void {
  for (const { entry } of part.records()) {
    const source = entry && part.sources[entry.source];
    if (!source) continue;
    const { key, createdAt } = entry;
    const isReplaced =
      newer.some((pack) => (pack.find(key)?.createdAt ?? Number.NEGATIVE_INFINITY) >= createdAt) ||
      older.some((pack) => (pack.find(key)?.createdAt ?? Number.NEGATIVE_INFINITY) > createdAt);
    if (!isReplaced) writer.add({ ...entry, source: writer.numberOf(source) });
  }
}
