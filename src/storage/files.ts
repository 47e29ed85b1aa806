/** Atomic writes, private folders and the errors of the disk, in words. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ErrorDetails, type ErrorKind, LoomError } from '../core/errors.ts';
import { wholeCharactersLength } from '../core/utf8.ts';
import type { Content, WriteOptions } from './store.ts';

const privateFolderMode = 0o700;
const privateFileMode = 0o600;

/** Words for the disk's error codes; any other error keeps its own message. */
const diskReasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the limit for the size of a file is reached',
  EIO: 'the disk fails',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EISDIR: 'it is a folder',
  EEXIST: 'there is a file of that name',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'its name is too long',
};

/** The machine-readable code of a failed system call, if it is one. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Why a system call failed, in words. */
export function describeDiskError(error: unknown): string {
  const code = errorCode(error);
  return (code && diskReasons[code]) ?? (error instanceof Error ? error.message : String(error));
}

/** `can't read <path>: permission denied.`, and what to do. */
export function diskFailure(
  kind: ErrorKind,
  act: string,
  cause: unknown,
  told: Omit<ErrorDetails, 'cause'> = {},
): LoomError {
  return new LoomError(kind, `can't ${act}: ${describeDiskError(cause)}.`, {
    ...told,
    cause,
  } as ErrorDetails);
}

/** Whether an error is a system call's, as opposed to one that a provider or the program made. */
export function isDiskError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException | undefined)?.syscall === 'string';
}

/** What disks take, in bytes. */
const longestName = 255;

/** The path of a file beside this one, named like it with a text before and after; the name is cut where it would be too long. */
export function pathBeside(path: string, before: string, after: string): string {
  const name = Buffer.from(basename(path));
  const room = name.subarray(0, longestName - Buffer.byteLength(before + after));
  return join(dirname(path), before + room.subarray(0, wholeCharactersLength(room)) + after);
}

/** Whether two paths lead to one file, also by links. False where there is none. */
export function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}

/** Creates a folder that only its owner can enter, with its parents. LoomError `state` where it can't. */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    makePrivateFolder(path);
  } catch (error) {
    throw diskFailure('state', `create the folder ${path}`, error, {
      hint: 'Make it writable, or free the path.',
    });
  }
}

/**
 * The same, with the error of the system. In place of Node's recursive mkdir, which tries for ever where the system says
 * ENOENT although the parent is there, as below /proc.
 */
export function makePrivateFolder(path: string): void {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makePrivateFolder(parent);
  try {
    mkdirSync(path, { mode: privateFolderMode });
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/**
 * Writes a file of our own so that a reader sees the old one or the whole new one: temporary file in the same folder,
 * always a new one, flush, rename. It is readable by the owner only. What the chunks throw is thrown on; the temporary file is removed then.
 */
export async function writeFileAtomic(
  path: string,
  content: Content,
  options: WriteOptions = {},
): Promise<void> {
  const temporary = pathBeside(path, '.', `.${randomBytes(6).toString('hex')}.tmp`);
  const flush = options.flush ?? true;
  try {
    const file = await open(temporary, 'wx', privateFileMode);
    try {
      await writeChunks(file, typeof content === 'string' ? [content] : content);
      if (flush) await file.sync();
    } finally {
      await file.close();
    }
    await options.onComplete?.();
    await rename(temporary, path);
    if (flush) await flushFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Writes chunks to a file that is open, the next of them made while one is written. */
export async function writeChunks(
  file: FileHandle,
  chunks: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
): Promise<void> {
  let writing: Promise<void> | undefined;
  try {
    for await (const chunk of chunks) {
      await writing;
      // FileHandle.writeFile writes all of the chunk at the current position, also after a short write.
      writing = file.writeFile(chunk);
      // The next chunk is made meanwhile; a failure counts when its turn comes.
      writing.catch(() => {});
    }
  } finally {
    await writing;
  }
}

/** A disk that refuses to write may refuse this too: the first error is the one to tell. */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** The same, and whether the file is gone: one that another system keeps open may stay. */
export function tryRemove(path: string): boolean {
  removeQuietly(path);
  return !existsSync(path);
}

/** Makes a rename or removal in this folder durable, where the system can (Windows can't open folders). */
export async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY).catch(() => undefined);
  if (!folder) return;
  await folder.sync().catch(() => {});
  await folder.close();
}

/** The same, for work that is synchronous. */
export function flushFolderNow(path: string): void {
  try {
    const folder = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {}
}

/** Whether there is a regular file at this path. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Whether there is a folder at this path. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

const hashedBytes = 256 * 1024;

/**
 * sha256 of a file's bytes, in hex. Two pieces of memory are enough for a file of any size, one of them read into while the
 * other is hashed: new ones for each read would be some 30 MB of garbage at a time.
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  let reading: Promise<{ bytesRead: number }> | undefined;
  const readInto = (piece: Buffer) => {
    reading = file.read(piece, 0, piece.length, null);
    // A failure counts when its turn comes.
    reading.catch(() => {});
    return reading;
  };
  try {
    let [piece, next] = [Buffer.allocUnsafeSlow(hashedBytes), Buffer.allocUnsafeSlow(hashedBytes)];
    for (let ahead = readInto(piece); ; [piece, next] = [next, piece]) {
      const { bytesRead } = await ahead;
      signal?.throwIfAborted();
      if (bytesRead === 0) return hash.digest('hex');
      ahead = readInto(next);
      hash.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await reading?.catch(() => {});
    await file.close();
  }
}

/** Throws the error of the system where a file can't be read. */
export async function tryRead(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.read(Buffer.alloc(1), 0, 1, 0);
  } finally {
    await file.close();
  }
}

/** Whether an error says that a file is not there, or that its folder is not. */
export function isGone(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Removes a file; one that is gone already, also with its folder, is no error. LoomError `state` where the disk refuses. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    if (isGone(error)) return;
    throw diskFailure('state', `remove ${path}`, error, { hint: 'Make its folder writable.' });
  }
}
