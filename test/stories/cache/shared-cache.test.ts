/** A cache that two users of a machine share: they are played by two user ids, which takes root. */
import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ended, entry } from '../../program.ts';
import { createSandboxWorld, type SandboxWorld } from '../worlds/sandbox-world.ts';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const team = 41_007;
const ada = 41_001;
const ben = 41_002;

describe.skipIf(!isRoot)('two users', () => {
  let world: SandboxWorld;
  let answers: string;

  beforeEach(async () => {
    world = await createSandboxWorld();
    // Both must get to the cache and to the input.
    for (const folder of [dirname(world.folder), world.folder]) await chmod(folder, 0o755);
    await world.write('data.csv', 'id,text\n1,Hello\n2,World\n');
    answers = join(world.folder, 'answers');
    await mkdir(answers);
  });

  afterEach(() => world.remove());

  /** A command of one of them, in a folder and a home of their own; the group is a second one of both. */
  async function loomAs(uid: number, ...args: string[]): Promise<Ended> {
    const home = join(tmpdir(), `loom-test-user-${uid}-${process.pid}`);
    await mkdir(home, { recursive: true });
    await chown(home, uid, uid);
    // A process of Node.js can't be given a second group, one of sh can: by setpriv.
    const who = [`--reuid=${uid}`, `--regid=${uid}`, `--groups=${team}`];
    const child = spawn('/usr/bin/env', ['setpriv', ...who, process.execPath, entry, ...args], {
      cwd: home,
      env: { ...world.environment, HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const code = await new Promise<number | null>((done, fail) => child.on('error', fail).on('close', done));
    await rm(home, { recursive: true });
    return { code, stdout, stderr };
  }

  function run(uid: number): Promise<Ended> {
    const order = ['-f', join(world.folder, 'data.csv'), '-c', 'text', '-p', 'openai', '-m', 'm'];
    return loomAs(uid, 'run', '--sync', ...order, '-o', 'out.csv', '--cache-dir', answers);
  }

  test.each([
    ['with the setgid bit', 0o2770],
    ['that the group may write', 0o770],
  ])('read, write and clear one cache in a folder %s', async (_, mode) => {
    await chown(answers, ada, team);
    await chmod(answers, mode);
    expect((await run(ada)).stdout).toContain('(2 prompts, 0 cache hits, 0 errors)');
    expect((await run(ben)).stdout).toContain('(2 prompts, 2 cache hits, 0 errors)');
    await world.write('data.csv', 'id,text\n1,Hello\n2,Moon\n');
    expect((await run(ben)).stdout).toContain('(2 prompts, 1 cache hits, 0 errors)');
    expect((await run(ada)).stdout).toContain('(2 prompts, 2 cache hits, 0 errors)');
    expect(await loomAs(ben, 'cache', 'clear', '--yes', '--cache-dir', answers)).toMatchObject({
      code: 0,
      stdout: 'Cache cleared. Removed 3 files.\n',
    });
    expect((await readdir(answers)).sort()).toEqual(['loom-cache.json', 'tmp']);
  });

  test('are told that a cache is not shared, and how to share it, before anything is sent', async () => {
    await chown(answers, ada, team);
    for (const [mode, folder] of [
      [0o700, answers],
      [0o755, answers],
    ] as const) {
      await chmod(answers, mode);
      expect((await run(ada)).code).toBe(0);
      const calls = await world.countCalls('openai');
      expect(await run(ben)).toEqual({
        code: 1,
        stdout: '',
        stderr: `Error: the cache folder ${folder} belongs to another user, and is not shared. Its owner shares it with a group by: chgrp -R <group> ${answers} && chmod -R g+rwX ${answers} && chmod 2770 ${answers}. Or give --cache-dir or LOOM_CACHE_DIR another.\n`,
      });
      expect(await world.countCalls('openai')).toEqual(calls);
    }
  });

  test('are told so too where the folder was shared, and not what an earlier version wrote into it', async () => {
    await chown(answers, ada, team);
    expect((await run(ada)).code).toBe(0);
    await chmod(answers, 0o2770);
    expect((await run(ben)).stderr).toContain(
      `Error: the cache folder ${join(answers, 'tmp')} belongs to another user, and is not shared. Its owner shares it with a group by: chgrp -R <group> ${answers} `,
    );
  });
});
