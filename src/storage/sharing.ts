/**
 * A cache that people share. Whose folder lets a group write is shared: what we put into it gets the folder's group and
 * can be read, written and cleared by all of it, whatever the umask is. In any other folder our files are their owner's
 * alone, and so is what we are not allowed to give to the folder's group.
 */
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { diskFailure, errorCode, isGone, makePrivateFolder } from './files.ts';

export interface Sharing {
  /** The group that files get; undefined where the folder is its owner's alone. */
  readonly group: number | undefined;
  readonly fileMode: number;
  readonly folderMode: number;
}

const alone: Sharing = { group: undefined, fileMode: 0o600, folderMode: 0o700 };
const setgid = 0o2000;
const groupMayWrite = 0o020;
const allMayWrite = 0o002;

/** How what is put into a folder of this mode and group is shared: who may write into it can do so with all that is in it. */
export function describeSharing({ mode, gid }: { readonly mode: number; readonly gid: number }): Sharing {
  if ((mode & groupMayWrite) === 0) return alone;
  const isOpen = (mode & allMayWrite) !== 0;
  return { group: gid, fileMode: isOpen ? 0o666 : 0o660, folderMode: isOpen ? 0o2777 : 0o2770 };
}

export function sharingOf(folder: string): Sharing {
  return describeSharing(statSync(folder));
}

/** Writes a file that must not be there yet. */
export function writeSharedFile(path: string, text: string, sharing: Sharing): void {
  if (sharing.group === undefined) {
    writeFileSync(path, text, { mode: sharing.fileMode, flag: 'wx' });
    return;
  }
  const file = openSharedFile(path, sharing);
  try {
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
}

/** Opens such a file, to be written. */
export function openSharedFile(path: string, { group, fileMode }: Sharing): number {
  const file = openSync(path, 'wx', alone.fileMode);
  try {
    if (group === undefined) return file;
    if (fstatSync(file).gid !== group) tryTo(() => fchownSync(file, -1, group));
    if (fstatSync(file).gid === group) fchmodSync(file, fileMode);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Makes a folder inside of one that may be shared, or lets the others into one that only we could enter. */
export function makeSharedFolder(path: string, sharing: Sharing): void {
  makePrivateFolder(path);
  const { group, folderMode } = sharing;
  if (group === undefined) return;
  const state = statSync(path);
  if (state.gid === group && (state.mode & folderMode) === folderMode) return;
  tryTo(() => chownSync(path, -1, group));
  if (statSync(path).gid === group) tryTo(() => chmodSync(path, folderMode));
}

/** Makes a folder for a cache; below one that hands its group on, and lets it write, it is shared like that one. */
export function makeCacheFolder(path: string): void {
  if (existsSync(path)) {
    makePrivateFolder(path);
    return;
  }
  const parent = dirname(path);
  makeCacheFolder(parent);
  const state = statSync(parent);
  const isHandedOn = (state.mode & setgid) !== 0 && (state.mode & groupMayWrite) !== 0;
  makeSharedFolder(path, isHandedOn ? describeSharing(state) : alone);
}

/** Only members of a group can give it a file: where that is refused, the file stays its owner's. */
function tryTo(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
}

/** LoomError `state` for a folder that is there and can't be read and written to; it says how its owner shares it. */
export function checkSharing(folder: string, cache: string): void {
  try {
    // A file in the way is told by who tries to make the folder.
    if (!statSync(folder).isDirectory()) return;
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (isGone(error)) return;
    if (isOwn(folder)) {
      throw diskFailure('state', `write to the cache folder ${folder}`, error, {
        code: 'cache_unwritable',
        facts: { folder },
        hint: 'Make it writable, or give cacheDir or LOOM_CACHE_DIR another.',
      });
    }
    throw new LoomError('state', `the cache folder ${folder} belongs to another user, and is not shared.`, {
      code: 'cache_not_shared',
      facts: { folder, cache },
      hint: 'Let its owner share it with a group, or give cacheDir or LOOM_CACHE_DIR another.',
      cause: error,
    });
  }
}

/** Who can't be told, as in a container without a list of users, is taken for another. */
function isOwn(folder: string): boolean {
  try {
    return statSync(folder).uid === userInfo().uid;
  } catch {
    return false;
  }
}
