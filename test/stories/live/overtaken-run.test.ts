/** A live run that was paused, and whose work another process has taken over. */
import { readdir, rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runArgs } from '../../program.ts';
import { createLiveWorld, type LiveWorld } from '../worlds/live-server.ts';

let world: LiveWorld;

beforeEach(async () => {
  world = await createLiveWorld();
  await world.write('data.csv', 'text\nfirst\nsecond\nthird\n');
});

afterEach(async () => {
  vi.useRealTimers();
  await world.remove();
});

/** The other process has ended by the time that this one goes on: of the lock nothing is left. */
async function takeLockOver(): Promise<void> {
  const files = await readdir(world.statePath('locks'));
  const file = files.find((name) => /^(live|sync)_/.test(name)) as string;
  await rm(world.statePath(`locks/${file}`));
}

test.each([[], ['--no-cache']])(
  'it makes no call more, and keeps what it was answered: %j',
  async (...flags: string[]) => {
    world.hold();
    const args = runArgs('--sync', '-w', '1', ...flags);
    const overtaken = world.loom(...args);
    await world.arrived(1);
    await takeLockOver();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    world.release();
    expect(await overtaken).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Error: the lock on this work is gone: another process took over'),
    });
    vi.useRealTimers();
    expect(world.asked()).toEqual(['first']);
    expect(await world.loom(...args)).toMatchObject({ code: 0 });
    expect(world.asked()).toEqual(['first', 'second', 'third']);
  },
);
