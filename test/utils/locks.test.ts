/** Who holds a lock when the clock can't tell. Two processes at once are tested by `npm run faults`. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tryLock } from '../../src/utils/locks.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loom-locks-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** The file of the lock, as old as if the clock had been set ahead by an hour since its last beat. */
function makeOld(): string {
  const path = join(folder, readdirSync(folder)[0] as string);
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
    const lock = await tryLock(folder, 'work');
    makeOld();
    expect(await tryLock(folder, 'work')).toBeUndefined();
    await lock?.release();
    const next = await tryLock(folder, 'work');
    expect(next).toBeDefined();
    await next?.forget();
  });

  test.each([
    ['is held by another process that runs', undefined, 'held'],
    ['is free when that is paused', 'SIGSTOP', 'free'],
    ['is free when that is dead', 'SIGKILL', 'free'],
  ] as const)('%s', async (_, signal, expected) => {
    const child = spawn('sleep', ['60']);
    const pid = child.pid as number;
    const own = await tryLock(folder, 'work');
    const path = makeOld();
    const holder = { ...JSON.parse(readFileSync(path, 'utf8')), pid, started: startOf(pid) };
    writeFileSync(path, JSON.stringify(holder));
    makeOld();
    if (signal) child.kill(signal);
    if (signal === 'SIGSTOP') while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    if (signal === 'SIGKILL') await new Promise((resolve) => child.once('exit', resolve));
    const lock = await tryLock(folder, 'work');
    expect(lock ? 'free' : 'held').toBe(expected);
    await lock?.release();
    await own?.release();
    child.kill('SIGKILL');
  });
});
