/**
 * The marks of homes and caches: a small file in each says that the folder is ours, which version made it, and to people
 * what it is for. A folder that has none is taken over when it holds files that only this program, an older build of it
 * or the Python tool can have written; any other that is not empty is refused before anything is written or sent, and
 * nothing is ever deleted in it. A mark that can't be understood counts as none.
 */

import { randomBytes } from 'node:crypto';
import { closeSync, type Dir, type Dirent, opendirSync, readSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { cacheEntryShape, isJsonObject } from '../core/models.ts';
import { readJson } from '../core/nesting.ts';
import { likelyNames, listOwnPaths, ownNames } from '../core/own-names.ts';
import { readShape } from '../core/shapes/shapes.ts';
import { listSome } from '../core/words.ts';
import { diskFailure, isGone, makePrivateFolder, removeQuietly } from './files.ts';
import type { LoomHome } from './home.ts';
import { openPlainFile, readPlainText } from './plain-file.ts';
import { makeCacheFolder, sharingOf, writeSharedFile } from './sharing.ts';

export const homeMark = 'loom-home.json';
export const cacheMark = 'loom-cache.json';
/** The version of the layout that this program writes, and the newest that it works in. */
export const markVersion = 1;

const about = {
  [homeMark]:
    'The state of loom-batch: batches that are under way, answers on their way into outputs, and the cache. Whoever deletes it forgets batches that are paid for.',
  [cacheMark]:
    'Answers that loom-batch has paid for. Whoever deletes them pays again for what is asked again.',
} as const;

type Mark = keyof typeof about;

/**
 * marked: ours. unmarked: ours, of an older build or of the Python tool. free: there is no such folder, or no file in
 * it. foreign: somebody else's.
 */
type Standing = 'marked' | 'unmarked' | 'free' | 'foreign';

/** LoomError `state` for a home that is somebody else's folder, or of a newer build. Makes and changes nothing. */
export function checkHome(home: LoomHome): void {
  standingOfHome(home);
}

/** Makes a home where there is none, and marks one that has no mark. LoomError `state` as above, or where the disk refuses. */
export function ensureHome(home: LoomHome): void {
  if (standingOfHome(home) !== 'marked') mark(home.base, homeMark, () => makePrivateFolder(home.base));
}

/** Whether files in this home may be swept; one of an older build is marked then. */
export function ownsHome(home: LoomHome): boolean {
  try {
    const standing = standingOfHome(home);
    if (standing === 'unmarked') mark(home.base, homeMark, () => {});
    return standing === 'marked' || standing === 'unmarked';
  } catch {
    return false;
  }
}

/** LoomError `state` for a cache folder that is somebody else's, or of a newer build. Makes and changes nothing. */
export function checkCache(folder: string): void {
  standingOfCache(folder);
}

/** Makes a cache where there is none, and marks one that has no mark. LoomError `state` as above, or where the disk refuses. */
export function ensureCache(folder: string): void {
  if (standingOfCache(folder) !== 'marked') mark(folder, cacheMark, () => makeCacheFolder(folder));
}

/** Whether files in this cache may be swept. */
export function ownsCache(folder: string): boolean {
  try {
    return ['marked', 'unmarked'].includes(standingOfCache(folder));
  } catch {
    return false;
  }
}

function standingOfHome({ base, isNamed }: LoomHome): Standing {
  const standing = standingOf(base, [[base, homeMark]], recognisesHome);
  if (standing !== 'foreign') return standing;
  // The usual folder bears our name.
  if (!isNamed) return 'unmarked';
  throw new LoomError(
    'state',
    `the folder ${base} that LOOM_HOME names is not a home of loom, and is not empty: it holds ${nameContent(base)}.`,
    { hint: `Name an empty folder, or one that is not there yet, such as ${join(base, '.loom')}.` },
  );
}

function standingOfCache(folder: string): Standing {
  const standing = standingOf(folder, coveringMarks(folder), recognisesCache);
  if (standing !== 'foreign') return standing;
  const proposed = join(folder, 'loom-cache');
  throw new LoomError(
    'state',
    `the cache folder ${folder} is not a cache of loom, and is not empty: it holds ${nameContent(folder)}.`,
    {
      code: 'cache_foreign',
      facts: { folder, proposed },
      hint: `Give cacheDir or LOOM_CACHE_DIR an empty folder, or one that is not there yet, such as ${proposed}.`,
    },
  );
}

/** The cache of a home has the mark of the home, and that of rehearsals the mark of the one that it is in. */
function coveringMarks(folder: string): [folder: string, name: Mark][] {
  const parent = dirname(folder);
  const marks: [string, Mark][] = [[folder, cacheMark]];
  if (basename(folder) === 'sandbox') marks.push([parent, cacheMark]);
  if (basename(folder) !== 'cache') return marks;
  marks.push([parent, homeMark]);
  if (basename(parent) === 'sandbox') marks.push([dirname(parent), homeMark]);
  return marks;
}

function standingOf(
  folder: string,
  marks: readonly [folder: string, name: Mark][],
  recognises: (folder: string) => boolean,
): Standing {
  for (const [place, name] of marks) {
    const version = readMark(join(place, name));
    if (version === undefined) continue;
    if (version <= markVersion) return 'marked';
    throw new LoomError(
      'state',
      `the folder ${place} was made by a newer version of loom (format ${version}).`,
      {
        hint: 'Update loom-batch, or name another folder.',
      },
    );
  }
  if (recognises(folder)) return 'unmarked';
  return holdsFile(folder, deepestLook) ? 'foreign' : 'free';
}

/** The version in a mark; undefined where there is none, or nothing that could be one. */
function readMark(path: string): number | undefined {
  let text: string;
  try {
    text = readPlainText(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw diskFailure('state', `read ${path}`, error, {
      hint: 'It says whose the folder is: make it readable, or name another folder.',
    });
  }
  const mark = readJson(text);
  const version = isJsonObject(mark) ? mark.version : undefined;
  return typeof version === 'number' && Number.isSafeInteger(version) && version > 0 ? version : undefined;
}

/** In place whole or not at all: processes may mark one folder at once, each with the same. */
function mark(folder: string, name: Mark, makeFolder: () => void): void {
  const path = join(folder, name);
  const temporary = join(folder, `.${name}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    makeFolder();
  } catch (error) {
    throw diskFailure('state', `create the folder ${folder}`, error, {
      hint: 'Make it writable, or free the path.',
    });
  }
  try {
    writeSharedFile(
      temporary,
      `${JSON.stringify({ version: markVersion, about: about[name] }, null, 2)}\n`,
      sharingOf(folder),
    );
    renameSync(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw diskFailure('state', `write ${path}`, error, {
      hint: 'Make the folder writable and free some space, or name another folder.',
    });
  }
}

/**
 * What a system, or a process that is marking this very moment, puts into a folder that is empty for its owner; and the
 * prices, providers and keys that a person may have given us before the first run.
 */
const litter =
  /^(lost\+found|\.DS_Store|Thumbs\.db|desktop\.ini|prices\.json|providers\.json|keys\.json|\.?loom-(home|cache)\.json(\.[0-9a-f]{12}\.tmp)?)$/;
const deepestLook = 4;

/** Whether there is a file anywhere below; folders alone are nothing that could be lost. */
function holdsFile(folder: string, depth: number): boolean {
  for (const entry of listEntries(folder)) {
    if (litter.test(entry.name)) continue;
    if (!entry.isDirectory() || depth === 0 || holdsFile(join(folder, entry.name), depth - 1)) return true;
  }
  return false;
}

/** One by one, as there may be many; none where there is no folder. */
function* listEntries(folder: string): Generator<Dirent> {
  const listing = openListing(folder);
  try {
    for (let entry = listing?.readSync(); entry; entry = listing?.readSync()) yield entry;
  } finally {
    listing?.closeSync();
  }
}

function openListing(folder: string): Dir | undefined {
  try {
    return opendirSync(folder);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw diskFailure('state', `read the folder ${folder}`, error, {
      hint: 'Make it readable, or name another folder.',
    });
  }
}

/** `data.csv, notes.txt, src and 4 more` */
function nameContent(folder: string): string {
  const names: string[] = [];
  for (const { name } of listEntries(folder)) if (!litter.test(name)) names.push(name);
  return listSome(names.sort(), 3);
}

/** Whether an unmarked folder holds something that nobody else writes. */
function recognisesHome(root: string): boolean {
  const holds = (folder: string, name: RegExp) => listOwnPaths(join(root, folder), name).length > 0;
  const holdsText = (folder: string, name: RegExp, ...texts: RegExp[]) =>
    listOwnPaths(join(root, folder), name).some((path) => {
      const head = readHead(path);
      return texts.every((text) => text.test(head));
    });
  return (
    holds('jobs', ownNames.job) ||
    holds('locks', ownNames.lock) ||
    holds('requests', ownNames.request) ||
    [ownNames.journal, ownNames.cachedAnswers, ownNames.delivery].some((name) => holds('results', name)) ||
    holdsText('batches', likelyNames.record, /"batch_id"\s*:/, /"provider"\s*:/) ||
    holdsText('history', likelyNames.historyEntry, /^\{"version":\d+,"output_path":/) ||
    recognisesCache(join(root, 'cache')) ||
    (basename(root) !== 'sandbox' && recognisesHome(join(root, 'sandbox')))
  );
}

const headBytes = 64 * 1024;

function readHead(path: string): string {
  let file: number | undefined;
  try {
    file = openPlainFile(path);
    const buffer = Buffer.alloc(headBytes);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, headBytes, 0));
  } catch {
    return '';
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const mostLooks = 100;

/** Whether there is a pack of answers, or an answer among the first files that are called like one. */
function recognisesCache(folder: string): boolean {
  const packs = join(folder, 'packs');
  if ([ownNames.pack, ownNames.growingPack].some((name) => listOwnPaths(packs, name).length > 0)) return true;
  let looks = 0;
  for (const entry of listEntries(folder)) {
    if (!entry.isFile() || !likelyNames.cacheEntry.test(entry.name)) continue;
    if (isCacheEntry(join(folder, entry.name))) return true;
    looks += 1;
    if (looks === mostLooks) break;
  }
  return basename(folder) !== 'sandbox' && recognisesCache(join(folder, 'sandbox'));
}

function isCacheEntry(path: string): boolean {
  try {
    return readShape(cacheEntryShape, JSON.parse(readPlainText(path))) !== undefined;
  } catch {
    return false;
  }
}
