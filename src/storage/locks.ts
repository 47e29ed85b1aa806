/**
 * Locks between processes that share a loom home, also across containers and machines. Each acquisition of a lock is a
 * file with a number higher than the last, made complete in one step; the highest number holds the lock. A holder
 * rewrites its file every few seconds; one that stops is taken over by making the next number, which only one process
 * can, and by deleting the file of the one before, ahead of any work. One that can be seen to be alive is not taken over:
 * its file may only look old because the clock was set.
 *
 * What callers may rely on:
 * - A file that can't be read belongs to a holder.
 * - Who was taken over learns it from `ensureHeld`, which is asked right before each step that others would see; `lost`
 *   tells it soon after, for work that only has to stop.
 * - No number is used twice: that of a lock without files is the time.
 * - What is left: between a look that passes and the end of the step that follows lies at most a second, or a pause that
 *   falls into that very moment. A process that is paused there, for longer than the silence that is waited out, does
 *   that one step.
 */
import { randomBytes } from 'node:crypto';
import { LoomError } from '../core/errors.ts';
import { diskFailure } from './files.ts';
import { describeHolder, observeHolder, readToken } from './lock-holder.ts';
import type { Store } from './store.ts';

const heartbeatMs = 3_000;
/** How long a holder may be silent, by the clock of the store, before others take over. */
const silenceMs = 30_000;
/** The same for a sweep, which has nothing to do that could not wait. */
const sweepSilenceMs = 24 * 3_600_000;
const pollMs = 250;
/** Within this time one gives way who saw that another came later. */
const giveWayMs = 100;
/** How old a look at the own lock file may be. */
const lookLifeMs = 1_000;

export interface Lock {
  /** Aborted when another process has taken the lock over, because this one was silent for too long. */
  readonly lost: AbortSignal;
  /** Call it right before each step that others would see. LockLostError as soon as the lock is not this one's any more. */
  ensureHeld(): Promise<void>;
  /** Does nothing after `forget`. */
  release(): Promise<void>;
  /** Releases the lock and removes its files, when its subject is gone. */
  forget(): Promise<void>;
}

/** Why work under a lock has to stop. */
export class LockLostError extends LoomError {
  constructor() {
    super(
      'state',
      'the lock on this work is gone: another process took over while this one was silent, or its file was removed.',
      { hint: 'This process has stopped; what was done so far is kept.' },
    );
    this.name = 'LockLostError';
  }
}

/** From whom a lock is taken: from a holder that is silent for half a minute, or, by a sweep, from none that may come back. */
export type TakeOver = 'from_silent' | 'from_dead';

/** The lock, or undefined while another process holds it. LoomError `state` where the disk refuses. */
export async function tryLock(
  store: Store,
  name: string,
  takeOver: TakeOver = 'from_silent',
): Promise<Lock | undefined> {
  try {
    const known = await listNumbers(store, name);
    const last = known.at(-1);
    if (last !== undefined && (await isHeld(store, fileName(name, last), takeOver))) return undefined;
    const isTaken = (number: number) =>
      !known.includes(number) && staysHeld(store, fileName(name, number), takeOver);
    return await takeNumber(store, name, last === undefined ? Date.now() : last + 1, isTaken);
  } catch (error) {
    throw diskFailure('state', `lock ${store.locate(name)}`, error, {
      hint: 'Make the folder writable and free some space.',
    });
  }
}

/** Waits until the lock is free. `onWait` is told once, when it is not free at once. */
export async function waitForLock(
  store: Store,
  name: string,
  signal: AbortSignal,
  onWait: () => void,
): Promise<Lock> {
  for (let told = false; ; told = true) {
    const lock = await tryLock(store, name);
    if (lock) return lock;
    if (!told) onWait();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    signal.throwIfAborted();
  }
}

/** Names of all locks that have files. */
export async function listLocks(store: Store): Promise<ReadonlySet<string>> {
  const files = await store.list('').catch(() => []);
  return new Set(files.flatMap((file) => /^(.+)\.\d+\.lock$/.exec(file)?.[1] ?? []));
}

function fileName(name: string, number: number): string {
  return `${name}.${number}.lock`;
}

/** The numbers of a lock's files, in order. */
async function listNumbers(store: Store, name: string): Promise<number[]> {
  const ends = (await store.list(`${name}.`)).map((file) => file.slice(name.length + 1));
  const numbers = ends.flatMap((end) => /^(\d+)\.lock$/.exec(end)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

/** `isTaken` tells of a lower number whether it became another's meanwhile. */
async function takeNumber(
  store: Store,
  name: string,
  number: number,
  isTaken: (other: number) => boolean | Promise<boolean>,
): Promise<Lock | undefined> {
  const file = fileName(name, number);
  const token = randomBytes(8).toString('hex');
  const content = describeHolder(token);
  if (!(await store.createNew(file, content))) return undefined;
  try {
    const numbers = await listNumbers(store, name);
    const lower = numbers.filter((other) => other < number);
    // The lock went on without us while we looked.
    let isLate = numbers.some((other) => other > number);
    for (const other of lower) isLate ||= await isTaken(other);
    if (isLate) {
      await store.delete(file);
      return undefined;
    }
    // Before any work: a holder that finds its file gone stops.
    for (const other of lower) await store.delete(fileName(name, other));
  } catch (error) {
    await store.delete(file).catch(() => {});
    throw error;
  }
  return holdLock(store, file, token, content);
}

/** The tokens of the locks that this process holds. */
const heldHere = new Set<string>();

function holdLock(store: Store, file: string, token: string, content: string): Lock {
  heldHere.add(token);
  const lost = new AbortController();
  let lastLook = readClocks();
  let beating = Promise.resolve();
  let isOver = false;

  /** Whether the file is there and this holder's; throws where that can't be told. */
  async function look(): Promise<boolean> {
    const before = readClocks();
    const isOwn = readToken(await store.read(file)) === token;
    if (isOwn) lastLook = before;
    else if (!isOver) lost.abort(new LockLostError());
    return isOwn;
  }

  const timer = setInterval(() => {
    beating = beating
      .then(async () => {
        if (!lost.signal.aborted && (await look())) await store.rewrite(file, content);
      })
      .catch(() => {});
  }, heartbeatMs);
  timer.unref();

  const end = async (atEnd: () => Promise<unknown>) => {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    await beating;
    // A lock that was lost is another's to release.
    if (!lost.signal.aborted && (await look().catch(() => false))) await atEnd().catch(() => {});
    heldHere.delete(token);
  };

  return {
    lost: lost.signal,
    async ensureHeld() {
      lost.signal.throwIfAborted();
      if (isRecent(lastLook)) return;
      const isOwn = await look().catch((error: unknown) => {
        throw diskFailure('state', `read the lock ${file}`, error, {
          hint: 'Nothing more was done. Run the same again when the folder can be read.',
        });
      });
      if (!isOwn) throw new LockLostError();
    },
    release: () => end(() => store.rewrite(file, released)),
    forget: () => end(() => store.delete(file)),
  };
}

const released = 'released\n';

/** One clock that nobody sets, and one that goes on while a machine sleeps: both stand still for no process that is paused. */
interface Clocks {
  readonly steady: number;
  readonly wall: number;
}

function readClocks(): Clocks {
  return { steady: performance.now(), wall: Date.now() };
}

function isRecent(then: Clocks): boolean {
  const now = readClocks();
  const isWithin = (elapsed: number) => elapsed >= 0 && elapsed < lookLifeMs;
  return isWithin(now.steady - then.steady) && isWithin(now.wall - then.wall);
}

/** Of two that see each other, the one with the lower number gives way: here its file is gone soon. */
async function staysHeld(store: Store, file: string, takeOver: TakeOver): Promise<boolean> {
  if (!(await isHeld(store, file, takeOver))) return false;
  await new Promise((resolve) => setTimeout(resolve, giveWayMs));
  return isHeld(store, file, takeOver);
}

async function isHeld(store: Store, file: string, takeOver: TakeOver): Promise<boolean> {
  let content: string | undefined;
  try {
    content = await store.read(file);
  } catch {
    // Somebody's, for all that can be told.
    return true;
  }
  if (content === undefined || content.startsWith(released)) return false;
  const state = observeHolder(content, heldHere);
  if (state === 'running' || state === 'dead') return state === 'running';
  if (state === 'paused' && takeOver === 'from_dead') return true;
  const age = await store.age(file);
  return age !== undefined && age < (takeOver === 'from_dead' ? sweepSilenceMs : silenceMs);
}
