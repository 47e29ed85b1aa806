/**
 * Files that people find beside their own: outputs, the reasons of failed rows, reports. What callers may rely on:
 * - A reader sees no file, the old one or the whole new one, never a part, also when the process is killed.
 * - A file that is in the way is replaced only with the placing `replace`, however late it came: `new` fails then.
 * - What is not yet in place is a draft in the same folder: always a new file with a random name, which follows no link.
 * - A link stays a link: the file that it leads to is written, or made.
 * - A new file has the mode that the umask gives; one that takes another's place has the mode of that, and its owner and
 *   group where the system allows it.
 */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  access,
  chmod,
  chown,
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { diskFailure, errorCode, flushFolder, pathBeside, writeChunks } from './files.ts';

/** Whether a file that is in the way may go: only where somebody said so. */
export type Placing = 'new' | 'replace';

/** A file is where one is to be put that must not replace it. */
export class FileInTheWayError extends LoomError {
  constructor(path: string, cause?: unknown) {
    super('output', `output file ${path} already exists: it was put there meanwhile.`, {
      code: 'output_appeared',
      facts: { path },
      hint: 'Nothing is lost: move it away, or set overwrite, and do the same again.',
      cause,
    });
    this.name = 'FileInTheWayError';
  }
}

export function outputExists(path: string): LoomError {
  return new LoomError('output', `output file ${path} already exists.`, {
    code: 'output_exists',
    facts: { path },
    hint: 'Set overwrite, or another output.',
  });
}

export interface OutputFileOptions {
  readonly placing: Placing;
  /**
   * Names the work, so that drafts which killed tries of it left are removed. Only for a writer that holds a lock on
   * that work.
   */
  readonly workTag?: string | undefined;
  /** Called when the draft is complete and flushed, right before it is put in place; what it throws prevents that. */
  readonly onComplete?: (draftPath: string) => Promise<void>;
}

/** Writes a file whole. What the chunks throw is thrown on, and nothing has changed then; FileInTheWayError with `new`. */
export async function writeOutputFile(
  path: string,
  chunks: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
  { placing, workTag, onComplete }: OutputFileOptions,
): Promise<void> {
  const target = await followLinks(path);
  if (workTag !== undefined) await removeDrafts(target, workTag);
  const draft = createDraftPath(target, workTag);
  try {
    const file = await open(draft, 'wx', await draftMode(target, placing));
    await fillFile(file, chunks);
    await onComplete?.(draft);
    await putInPlace(draft, target, placing);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
}

async function fillFile(
  file: FileHandle,
  chunks: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
): Promise<void> {
  try {
    await writeChunks(file, chunks);
    await file.sync();
  } finally {
    await file.close();
  }
}

const draftEnd = /^[0-9a-f]{12}\.tmp$/;

/** A name that no file has yet, beside `target`. */
export function createDraftPath(target: string, workTag: string | undefined): string {
  const tag = workTag === undefined ? '' : `${workTag}.`;
  return pathBeside(target, '.', `.${tag}${randomBytes(6).toString('hex')}.tmp`);
}

/** With which mode a draft is made: nobody may read in it what they may not read in the file that it replaces. */
export async function draftMode(target: string, placing: Placing): Promise<number> {
  return placing === 'replace' && (await isThere(target)) ? 0o600 : 0o666;
}

/** Removes the drafts that tries of this work left beside `target`; also those of builds that gave them one fixed name. */
export async function removeDrafts(target: string, workTag: string): Promise<void> {
  const start = basename(createDraftPath(target, workTag)).slice(0, -'0123456789ab.tmp'.length);
  const fixed = basename(pathBeside(target, '.', `.${workTag}.tmp`));
  for (const name of await readdir(dirname(target)).catch(() => [])) {
    const isDraft = name.startsWith(start) && draftEnd.test(name.slice(start.length));
    if (isDraft || name === fixed) await rm(join(dirname(target), name), { force: true }).catch(() => {});
  }
}

/** Puts a complete draft in its place; the draft is gone then. It stays when this throws. */
export async function putInPlace(draft: string, target: string, placing: Placing): Promise<void> {
  if (placing === 'replace') {
    await takeLooks(draft, target);
    await rename(draft, target);
  } else await placeNew(draft, target);
  await flushFolder(dirname(target));
}

/** What systems say where a disk has no hard links. */
const noHardLinks = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EXDEV',
  'EMLINK',
  'EINVAL',
  'EACCES',
]);

async function placeNew(draft: string, target: string): Promise<void> {
  try {
    await link(draft, target);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'EEXIST') throw new FileInTheWayError(target, error);
    if (!noHardLinks.has(code)) throw error;
    return renameOverPlaceholder(draft, target);
  }
  // It is in place: a second name of it that can't be removed is no failure.
  await rm(draft, { force: true }).catch(() => {});
}

/**
 * Does the same where there are no hard links: an empty file, which only one process can make, holds the place for the
 * moment until the draft takes it. A kill in that moment leaves it: the next try finds it in the way, and says so.
 */
export async function renameOverPlaceholder(draft: string, target: string): Promise<void> {
  const placeholder = await open(target, 'wx').catch((error: unknown) => {
    throw errorCode(error) === 'EEXIST' ? new FileInTheWayError(target, error) : error;
  });
  await placeholder.close();
  try {
    await rename(draft, target);
  } catch (error) {
    await rm(target, { force: true }).catch(() => {});
    throw error;
  }
}

/** Gives a draft the mode of the file that it replaces, and its owner and group where the system allows it. */
async function takeLooks(draft: string, target: string): Promise<void> {
  const [old, own] = await Promise.all([stat(target).catch(() => undefined), stat(draft)]);
  if (!old?.isFile()) return;
  if (old.uid !== own.uid || old.gid !== own.gid) {
    await chown(draft, old.uid, old.gid).catch(() => chown(draft, own.uid, old.gid).catch(() => {}));
  }
  await chmod(draft, old.mode & 0o7777);
}

/** Whether anything is at this path, a link that leads nowhere too. */
export async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

const mostLinks = 40;

/** The path of the file that a path leads to, also of one that is not there yet. */
export async function followLinks(path: string): Promise<string> {
  let at = path;
  for (let links = 0; links < mostLinks; links += 1) {
    const real = await realpath(at).catch(() => undefined);
    if (real !== undefined) return real;
    const next = await readlink(at).catch(() => undefined);
    if (next === undefined) return at;
    at = resolve(await realpath(dirname(at)).catch(() => dirname(at)), next);
  }
  return at;
}

/**
 * Checks that an output can be written at this path, before anything is sent or paid for: its folder is there
 * and writable, and no folder or device stands in its place. LoomError `output` otherwise.
 * Returns whether a file is there already; a draft that is a second name of that very file goes.
 */
export async function checkOutputPath(path: string): Promise<boolean> {
  const folder = dirname(await followLinks(path));
  const folderState = await stat(folder).catch(() => undefined);
  if (!folderState?.isDirectory()) {
    throw new LoomError('output', `the output folder ${folder} does not exist.`, {
      code: 'output_folder_missing',
      facts: { folder },
      hint: 'Create it, or choose another output.',
    });
  }
  const fileState = await stat(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENAMETOOLONG') return undefined;
    throw diskFailure('output', `write the output to ${path}`, error, {
      code: 'output_name_too_long',
      facts: { path },
      hint: 'Choose a shorter output.',
    });
  });
  if (fileState && !fileState.isFile()) {
    const kind = fileState.isDirectory() ? 'a folder' : 'not a regular file';
    throw new LoomError('output', `can't write the output to ${path}: it is ${kind}.`, {
      code: 'output_not_a_file',
      facts: { path },
      hint: 'Choose a file name as output.',
    });
  }
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw diskFailure('output', `write to the output folder ${folder}`, error, {
      code: 'output_folder_unwritable',
      facts: { folder },
      hint: 'Make it writable, or choose another output.',
    });
  }
  if (fileState) await removeSecondNames(await followLinks(path), fileState);
  return fileState !== undefined;
}

/** A kill right after an output was put in its place leaves the draft, as another name of the same file. */
async function removeSecondNames(target: string, { dev, ino, nlink }: Stats): Promise<void> {
  if (nlink < 2) return;
  const folder = dirname(target);
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/^\..*\.[0-9a-f]{12}\.tmp$/s.test(name)) continue;
    const file = await lstat(join(folder, name)).catch(() => undefined);
    if (file?.dev === dev && file.ino === ino) await rm(join(folder, name), { force: true }).catch(() => {});
  }
}
