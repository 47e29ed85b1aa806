/**
 * Locks between processes that share a loom home, also across containers. Each acquisition of a lock is a file with a
 * number one higher than the last, made complete in one step; the highest number holds the lock. A holder rewrites its
 * file every few seconds; one that stops is taken over by making the next number, which only one process can. One that
 * can be seen to be alive is not: its file may only look old because the clock was set. The
 * file of a released lock stays until the next acquisition, so that no number is ever used twice.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { type FileHandle, link, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LoomError } from '../errors.ts';
import { describeDiskError, ensurePrivateFolder, errorCode, removeFile } from './files.ts';

const heartbeatMs = 3_000;
/** How long a holder may be silent, by the clock of the disk that the lock is on, before it counts as dead. */
const silenceMs = 30_000;
const pollMs = 250;

export interface Lock {
  /** Aborted when another process has taken the lock over, because this one was silent for too long. */
  readonly lost: AbortSignal;
  /** Does nothing after `forget`. */
  release(): Promise<void>;
  /** Releases the lock and removes its files, when its subject is gone. */
  forget(): Promise<void>;
}

/** Why work under a lock has to stop. */
export class LockLostError extends LoomError {
  constructor() {
    super('state', 'another process took over the work of this one, which was silent for too long.');
    this.name = 'LockLostError';
  }
}

interface LockFile {
  readonly number: number;
  readonly path: string;
}

/** The lock, or undefined while another process holds it. LoomError `state` where the disk refuses. */
export async function tryLock(folder: string, name: string): Promise<Lock | undefined> {
  await ensurePrivateFolder(folder);
  try {
    const last = (await listLockFiles(folder, name)).at(-1);
    if (last && (await isHeld(folder, last.path))) return undefined;
    return await takeNumber(folder, name, (last?.number ?? 0) + 1);
  } catch (error) {
    throw new LoomError('state', `can't lock ${join(folder, name)}: ${describeDiskError(error)}.`, {
      hint: 'Make the folder writable and free some space.',
      cause: error,
    });
  }
}

/** Waits until the lock is free. `onWait` is told once, when it is not free at once. */
export async function waitForLock(
  folder: string,
  name: string,
  signal: AbortSignal,
  onWait: () => void,
): Promise<Lock> {
  for (let told = false; ; told = true) {
    const lock = await tryLock(folder, name);
    if (lock) return lock;
    if (!told) onWait();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    signal.throwIfAborted();
  }
}

/** Names of all locks that have files. */
export async function listLocks(folder: string): Promise<ReadonlySet<string>> {
  const files = await readdir(folder).catch(() => []);
  return new Set(files.flatMap((file) => /^(.+)\.\d+\.lock$/.exec(file)?.[1] ?? []));
}

async function listLockFiles(folder: string, name: string): Promise<LockFile[]> {
  const files: LockFile[] = [];
  for (const file of await readdir(folder)) {
    const match = /^(.+)\.(\d+)\.lock$/.exec(file);
    if (match?.[1] === name) files.push({ number: Number(match[2]), path: join(folder, file) });
  }
  return files.sort((a, b) => a.number - b.number);
}

async function takeNumber(folder: string, name: string, number: number): Promise<Lock | undefined> {
  const path = join(folder, `${name}.${number}.lock`);
  const token = randomBytes(8).toString('hex');
  if (!(await createComplete(path, describeHolder(token)))) return undefined;
  const files = await listLockFiles(folder, name);
  if ((files.at(-1)?.number ?? 0) > number) {
    // This number was used and cleared away while we looked: the lock went on without us.
    await removeFile(path);
    return undefined;
  }
  for (const file of files) if (file.number < number) await removeFile(file.path);
  return holdLock(folder, name, { number, path }, token);
}

/** Creates a file with its content in one step; false when the name is taken. */
async function createComplete(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, content, { flag: 'wx', mode: 0o600 });
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await removeFile(temporary);
  }
}

/** The tokens of the locks that this process holds. */
const heldHere = new Set<string>();

function holdLock(folder: string, name: string, file: LockFile, token: string): Lock {
  heldHere.add(token);
  const lost = new AbortController();
  let beating = Promise.resolve();
  const beat = async () => {
    const last = (await listLockFiles(folder, name)).at(-1);
    if (last && last.number > file.number) {
      lost.abort(new LockLostError());
      return;
    }
    await rewrite(file.path, describeHolder(token));
  };
  const timer = setInterval(() => {
    beating = beating.then(beat).catch(() => {});
  }, heartbeatMs);
  timer.unref();
  let over = false;
  const end = async (atEnd: () => Promise<void>) => {
    if (over) return;
    over = true;
    heldHere.delete(token);
    clearInterval(timer);
    await beating;
    // A lock that was lost is another's to release.
    if (!lost.signal.aborted) await atEnd().catch(() => {});
  };
  return {
    lost: lost.signal,
    release: () => end(() => rewrite(file.path, released)),
    forget: () => end(() => removeFile(file.path)),
  };
}

const released = 'released\n';

/** Rewrites a lock file that is there; one that was removed stays removed. */
async function rewrite(path: string, content: string): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r+');
    // In this order a reader never sees an empty file: the words it looks for stand at the start.
    await file.write(content, 0);
    await file.truncate(Buffer.byteLength(content));
  } finally {
    await file?.close();
  }
}

async function isHeld(folder: string, path: string): Promise<boolean> {
  const content = await readFile(path, 'utf8').catch(() => released);
  if (content.startsWith(released)) return false;
  const known = knowHolder(content);
  if (known) return known === 'alive';
  const file = await stat(path).catch(() => undefined);
  return file !== undefined && (await diskTime(folder)) - file.mtimeMs < silenceMs;
}

/** Now, by the clock that stamps the lock files: other machines' clocks may be off. */
async function diskTime(folder: string): Promise<number> {
  const path = join(folder, `.clock.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile('now');
    return (await file.stat()).mtimeMs;
  } finally {
    await file.close();
    await removeFile(path);
  }
}

/**
 * The process that holds a lock, told so that no other can be taken for it: a process id alone could be another
 * container's, or one from before a reboot.
 */
interface Holder {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  /** Linux only: the boot, the process id namespace, and when the process started. */
  readonly boot: string | undefined;
  readonly namespace: string | undefined;
  readonly started: string | undefined;
}

function describeHolder(token: string): string {
  const holder: Holder = {
    token,
    pid: process.pid,
    host: hostname(),
    ...describeSystem(),
    started: findProcess(process.pid)?.started,
  };
  return JSON.stringify(holder);
}

function describeSystem(): Pick<Holder, 'boot' | 'namespace'> {
  try {
    return {
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespace: readlinkSync('/proc/self/ns/pid'),
    };
  } catch {
    return { boot: undefined, namespace: undefined };
  }
}

interface SystemProcess {
  /** Clock ticks from boot to its start. */
  readonly started: string | undefined;
  readonly isPaused: boolean;
}

/** A process of this system; undefined when there is no such process. */
function findProcess(pid: number): SystemProcess | undefined {
  try {
    // The name in parentheses may hold spaces: count the fields behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const [state = ''] = fields;
    // A process that ended and was not yet waited for is still listed.
    if (state === 'Z' || state === 'X') return undefined;
    return { started: fields[19], isPaused: state.toUpperCase() === 'T' };
  } catch {
    return undefined;
  }
}

/**
 * What is certain about a holder that is, or was, a process of this very system, whatever the clock says; undefined
 * where the heartbeat has to decide.
 */
function knowHolder(content: string): 'alive' | 'dead' | undefined {
  try {
    const holder = JSON.parse(content) as Holder;
    const { boot, namespace } = describeSystem();
    if (!boot || !namespace || holder.boot !== boot || holder.namespace !== namespace) return undefined;
    const found = findProcess(holder.pid);
    if (found?.started !== holder.started) return 'dead';
    // Its own process outlives a release that the disk refused.
    const mayBeOver = !heldHere.has(holder.token) && process.pid === holder.pid;
    return !found || found.isPaused || mayBeOver ? undefined : 'alive';
  } catch {
    // Caught in the middle of a rewrite.
    return undefined;
  }
}
