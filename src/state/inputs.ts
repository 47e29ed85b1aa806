/**
 * Inputs that came through stdin. A run reads its input several times, and the fetch of a batch once more, days later;
 * so such an input is kept in a file named by its content, which makes equal inputs the same input to everything that
 * compares them. It is held by a lock while a command works on it, and later by the job or record that names it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LoomError } from '../core/errors.ts';
import { likelyNames, listOwnFiles } from '../core/own-names.ts';
import { diskFailure, ensurePrivateFolder, flushFolder, hashFile, removeFile } from '../storage/files.ts';
import type { LoomHome } from '../storage/home.ts';
import { type Lock, listLocks, tryLock, waitForLock } from '../storage/locks.ts';
import { ensureHome, ownsHome } from '../storage/marks.ts';

/** Whoever adds or removes inputs holds it, for moments. */
const guardName = 'inputs';
const gzipMark = Buffer.from([0x1f, 0x8b]);

export interface KeptInput {
  readonly path: string;
  /** Leaves the file to those who name it; a sweep removes it when there are none. */
  release(): Promise<void>;
}

/** Brings a stream to disk whole. `extension` is that of its format; gzip is told by its first bytes. */
export async function keepInput(
  home: LoomHome,
  chunks: AsyncIterable<Uint8Array>,
  extension: string,
  signal: AbortSignal,
): Promise<KeptInput> {
  const id = randomBytes(8).toString('hex');
  const partPath = join(home.inputs, `${id}.part`);
  ensureHome(home);
  await ensurePrivateFolder(home.inputs);
  const partLock = (await tryLock(home.locks, lockName(id, id))) as Lock;
  try {
    const { sha256, isGzip } = await writeChunks(partPath, chunks);
    const name = `${sha256}${extension}${isGzip ? '.gz' : ''}`;
    const path = join(home.inputs, name);
    const guard = await waitForLock(home.locks, guardName, signal, () => {});
    try {
      const lock = (await tryLock(home.locks, lockName(sha256, id))) as Lock;
      await putInPlace(partPath, path, sha256, signal);
      return { path, release: () => lock.forget() };
    } finally {
      await guard.forget();
    }
  } finally {
    await removeFile(partPath);
    await partLock.forget();
  }
}

/** An equal input that is there stays as it is: another command may be reading it, and would take it for changed. */
async function putInPlace(
  partPath: string,
  path: string,
  sha256: string,
  signal: AbortSignal,
): Promise<void> {
  const isThere = (await hashFile(path, signal).catch(() => undefined)) === sha256;
  if (isThere) return;
  await rename(partPath, path);
  await flushFolder(dirname(path));
}

/**
 * Removes inputs of ours that no command works on and that are not named: `listNamed` gives the paths that jobs and records
 * name, or undefined when that can't be told. Those in `kept` stay without a look. Does nothing while another process is
 * at it.
 */
export async function removeForgottenInputs(
  home: LoomHome,
  kept: ReadonlySet<string>,
  listNamed: () => Promise<ReadonlySet<string> | undefined>,
): Promise<void> {
  // The Python tool's library keeps inputs and outputs here too, under names of its own.
  const own = ownsHome(home) ? listOwnFiles(home.inputs, likelyNames.input) : [];
  const names = own.filter((name) => !kept.has(join(home.inputs, name)));
  const guard = names.length > 0 ? await tryLock(home.locks, guardName) : undefined;
  if (!guard) return;
  try {
    // In this order: who lets go of an input has named it before, if at all.
    const held = await listHeld(home);
    const named = await listNamed();
    for (const name of named ? names : []) {
      const path = join(home.inputs, name);
      if (!held.has(keyOf(name)) && !named?.has(path)) await removeFile(path);
    }
  } finally {
    await guard.forget();
  }
}

/** One process's hold of an input, or of the part of it that has come so far. */
function lockName(key: string, id: string): string {
  return `input_${key}_${id}`;
}

function keyOf(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** The keys of inputs that a process holds; the locks of dead ones are cleared away. */
async function listHeld(home: LoomHome): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const name of await listLocks(home.locks)) {
    const key = /^input_([0-9a-f]+)_[0-9a-f]{16}$/.exec(name)?.[1];
    if (key === undefined || held.has(key)) continue;
    const lock = await tryLock(home.locks, name, 'from_dead');
    if (lock) await lock.forget();
    else held.add(key);
  }
  return held;
}

async function writeChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; isGzip: boolean }> {
  const hash = createHash('sha256');
  let start: Buffer = Buffer.alloc(0);
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw cantKeepError(path, error);
  });
  try {
    for await (const chunk of chunks) {
      if (start.length < gzipMark.length) start = Buffer.concat([start, chunk.subarray(0, gzipMark.length)]);
      hash.update(chunk);
      await file.writeFile(chunk).catch((error: unknown) => {
        throw cantKeepError(path, error);
      });
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sha256: hash.digest('hex'), isGzip: start.subarray(0, gzipMark.length).equals(gzipMark) };
}

function cantKeepError(path: string, cause: unknown): LoomError {
  return diskFailure('state', `keep the input in ${path}`, cause, {
    hint: 'Make the folder writable and free some space. Nothing was sent.',
  });
}
