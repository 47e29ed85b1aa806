/** Who holds a lock when the clock can't tell. Two processes at once are tested by `npm run faults`. */
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openDiskStore } from '../../src/storage/disk-store.ts';
import { type Lock, LockLostError, type TakeOver, tryLock } from '../../src/storage/locks.ts';
import type { Store } from '../../src/storage/store.ts';

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-locks-'));
  store = openDiskStore(folder);
});

afterEach(() => rmSync(folder, { recursive: true }));

function lockFile(): string {
  return join(folder, readdirSync(folder)[0] as string);
}

/** The file of the lock, as old as if the clock had been set ahead by an hour since its last beat. */
function makeOld(): string {
  const path = lockFile();
  const anHourAgo = new Date(Date.now() - 3_600_000);
  utimesSync(path, anHourAgo, anHourAgo);
  return path;
}

/** Clock ticks from boot to the start of a process. */
function startOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] as string;
}

describe.skipIf(process.platform !== 'linux')('a lock whose file looks old', () => {
  test('is held as long as its process lives, and until it is released', async () => {
    const lock = await tryLock(store, 'work');
    makeOld();
    expect(await tryLock(store, 'work')).toBeUndefined();
    await lock?.release();
    const next = await tryLock(store, 'work');
    expect(next).toBeDefined();
    await next?.forget();
  });

  test.each([
    ['is held by another process that runs', undefined, 'from_silent', 'held'],
    ['is free when that is paused', 'SIGSTOP', 'from_silent', 'free'],
    ['is free when that is dead', 'SIGKILL', 'from_silent', 'free'],
    ['is held against a sweep when that is paused', 'SIGSTOP', 'from_dead', 'held'],
    ['is free for a sweep when that is dead', 'SIGKILL', 'from_dead', 'free'],
  ] as const)('%s', async (_, signal, takeOver: TakeOver, expected) => {
    const child = spawn('sleep', ['60']);
    const pid = child.pid as number;
    const own = await tryLock(store, 'work');
    const path = makeOld();
    const holder = { ...JSON.parse(readFileSync(path, 'utf8')), pid, started: startOf(pid) };
    writeFileSync(path, JSON.stringify(holder));
    makeOld();
    if (signal) child.kill(signal);
    if (signal === 'SIGSTOP') while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    if (signal === 'SIGKILL') await new Promise((resolve) => child.once('exit', resolve));
    const lock = await tryLock(store, 'work', takeOver);
    expect(lock ? 'free' : 'held').toBe(expected);
    await lock?.release();
    await own?.release();
    child.kill('SIGKILL');
  });
});

describe.skipIf(process.platform !== 'linux')('a lock of a process that is not there', () => {
  /** Somebody's lock, whose process this system does not have: from the same boot, or so it seems. */
  async function leaveLock(change: Readonly<Record<string, unknown>>): Promise<void> {
    await (await tryLock(store, 'work'))?.forget();
    const own = await tryLock(store, 'work');
    const holder = {
      ...JSON.parse(readFileSync(lockFile(), 'utf8')),
      token: 'another',
      pid: 1,
      started: '1',
    };
    writeFileSync(lockFile(), JSON.stringify({ ...holder, ...change }));
    await own?.release();
  }

  test.each([
    ['is free at once', {}, 'free'],
    [
      'is held while it beats, if it is of a machine of another name with the same boot id',
      { host: 'clone' },
      'held',
    ],
    ['is held while it beats, if it is of a clone of the machine', { machine: 'another' }, 'held'],
    ['is held while it beats, if it is of another container', { namespace: 'pid:[1]' }, 'held'],
  ])('%s', async (_, change, expected) => {
    await leaveLock(change);
    const lock = await tryLock(store, 'work');
    expect(lock ? 'free' : 'held').toBe(expected);
    await lock?.forget();
    if (expected === 'free') return;
    makeOld();
    expect(await tryLock(store, 'work', 'from_dead')).toBeUndefined();
    const late = await tryLock(store, 'work');
    expect(late).toBeDefined();
    await late?.forget();
  });
});

describe('a lock that was taken over', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const isGone =
    /^the lock on this work is gone: another process took over while this one was silent, or its file was removed\.$/;
  const becomesAnothers = [
    ['its file is gone', () => rmSync(lockFile())],
    ['its file is another holder’s', () => writeFileSync(lockFile(), '{"token":"another"}')],
    ['its folder is gone', () => rmSync(folder, { recursive: true })],
  ] as const;

  test.each(becomesAnothers)('is noticed before the next step: %s', async (_, change) => {
    const lock = await tryLock(store, 'work');
    await lock?.ensureHeld();
    change();
    vi.advanceTimersByTime(1_000);
    await expect(lock?.ensureHeld()).rejects.toThrow(isGone);
    expect(lock?.lost.reason).toBeInstanceOf(LockLostError);
    await expect(lock?.ensureHeld()).rejects.toThrow(isGone);
    mkdirSync(folder, { recursive: true });
  });

  test('is noticed after a pause in which one of two clocks stood still', async () => {
    const lock = await tryLock(store, 'work');
    rmSync(lockFile());
    vi.setSystemTime(Date.now() + 3_600_000);
    await expect(lock?.ensureHeld()).rejects.toThrow(isGone);
  });

  test('looks once a second at most', async () => {
    const lock = await tryLock(store, 'work');
    rmSync(lockFile());
    vi.advanceTimersByTime(999);
    await lock?.ensureHeld();
  });

  test('stays with who took it when the first one ends', async () => {
    const lock = await tryLock(store, 'work');
    writeFileSync(lockFile(), '{"token":"another"}');
    await lock?.forget();
    expect(readFileSync(lockFile(), 'utf8')).toBe('{"token":"another"}');
  });
});

test('a lock that can not be read is held', async () => {
  mkdirSync(join(folder, 'work.7.lock'));
  expect(await tryLock(store, 'work')).toBeUndefined();
  expect(await tryLock(store, 'work', 'from_dead')).toBeUndefined();
});

test('no number of a lock is used twice, also when its files are gone', async () => {
  const first = await tryLock(store, 'work');
  const numberOf = (path: string) => Number(path.split('.').at(-2));
  const before = numberOf(lockFile());
  await first?.release();
  const second = await tryLock(store, 'work');
  expect(numberOf(lockFile())).toBe(before + 1);
  await second?.forget();
  await new Promise((resolve) => setImmediate(resolve));
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 });
  const third = await tryLock(store, 'work');
  expect(numberOf(lockFile())).toBeGreaterThan(before + 1);
  vi.useRealTimers();
  await third?.forget();
});

test('of two that find it free at once, the one that is slower to look leaves it to the other', async () => {
  let first: Lock | undefined;
  const slow: Store = {
    ...store,
    async list(prefix) {
      const names = await store.list(prefix);
      first ??= await tryLock(store, 'work');
      return names;
    },
  };
  expect(await tryLock(slow, 'work')).toBeUndefined();
  expect(await tryLock(store, 'work')).toBeUndefined();
  await first?.release();
  const next = await tryLock(slow, 'work');
  expect(next).toBeDefined();
  await next?.forget();
});
