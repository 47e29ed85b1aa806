/** The same command again after its process was killed or interrupted, and next to another process. */
import { existsSync } from 'node:fs';
import { cp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Running } from '../../program.ts';
import type { Response } from '../worlds/http-server.ts';
import { promptOf } from '../worlds/openai-double.ts';
import {
  merged,
  output,
  runArgs,
  shows,
  submission,
  until,
  useOpenAiWorld,
  voice,
} from '../worlds/openai-world.ts';

const { world, openai } = useOpenAiWorld();

const never = new Promise<Response>(() => {});

/** Holds back the answers to these calls, done or not yet done, and says when one is held. */
function hold(
  method: string,
  path: RegExp,
  work: 'done' | 'undone',
): { readonly held: Promise<void>; free(): void } {
  let tell = () => {};
  const held = new Promise<void>((resolve) => {
    tell = resolve;
  });
  openai.override = (request) => {
    if (request.method !== method || !path.test(request.path)) return undefined;
    if (work === 'done') openai.answer(request);
    tell();
    return never;
  };
  return {
    held,
    free: () => {
      openai.override = () => undefined;
    },
  };
}

async function killAt(running: Running, moment: Promise<void>): Promise<void> {
  await moment;
  running.process.kill('SIGKILL');
  await running.ended;
}

function creations(): number {
  return openai.requests.filter(({ method, path }) => method === 'POST' && path === '/v1/batches').length;
}

describe.skipIf(process.platform === 'win32')('a run that was cut off', () => {
  const goneOn = {
    code: 0,
    stdout: submission('batch_001'),
    stderr: expect.stringMatching(/^Spinning [^\n]*\nGoing on with job job_\w+, which was cut off\.\n$/),
  };

  test('while it uploaded: the same command submits, once, and prints its lines', async () => {
    const { held, free } = hold('POST', /^\/v1\/files$/, 'undone');
    await killAt(world.start(...runArgs()), held);
    free();
    expect(await world.run()).toEqual(goneOn);
    expect(openai.batches).toHaveLength(1);
  });

  test('while the batch was created, and it was: the same command finds it, with --once or not, and so does a fetch', async () => {
    const { held, free } = hold('POST', /^\/v1\/batches$/, 'done');
    await killAt(world.start(...runArgs()), held);
    free();
    const asItWas = join(world.folder, 'as-it-was');
    await cp(world.home, asItWas, { recursive: true });
    const restart = async () => {
      await rm(world.home, { recursive: true });
      await cp(asItWas, world.home, { recursive: true });
    };
    expect(await world.run()).toEqual(goneOn);
    await restart();
    // It is no pending work: it is finished.
    expect(await world.run('--once')).toEqual(goneOn);
    expect(await world.loom('fetch')).toMatchObject({ code: 0, stdout: world.completion('batch_001') });
    expect(await world.read(output)).toBe(merged);
    expect(await world.listLeft()).toEqual([]);
    await restart();
    await rm(join(world.folder, output));
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: `Batch submitted. id=batch_001 provider=openai\n${world.completion('batch_001')}`,
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.read(output)).toBe(merged);
    expect(openai.batches).toHaveLength(1);
  });

  test('while the batch was created, and it was not: it is looked for twice, and then created', async () => {
    const { held, free } = hold('POST', /^\/v1\/batches$/, 'undone');
    await killAt(world.start(...runArgs()), held);
    free();
    world.takeRequests();
    expect((await world.run()).stdout).toBe(submission('batch_001'));
    expect(world.takeRequests()).toEqual(['GET /v1/batches', 'GET /v1/batches', 'POST /v1/batches']);
    expect(openai.batches).toHaveLength(1);
  });

  test('between two parts: the same command submits the other, and prints the lines of both', async () => {
    openai.override = (request) => {
      if (request.method !== 'POST' || request.path !== '/v1/batches' || creations() < 2) return undefined;
      openai.answer(request);
      return never;
    };
    const running = world.start(...runArgs('--batch-size', '1'));
    await killAt(
      running,
      until(() => openai.batches.length === 2),
    );
    openai.override = () => undefined;
    const again = await world.run('--batch-size', '1');
    const jobId = /^Job submitted\. id=(\S+) /m.exec(again.stdout)?.[1];
    expect(again.stdout).toBe(
      [
        'Batch submitted. id=batch_001 provider=openai\n',
        'Batch submitted. id=batch_002 provider=openai\n',
        `Job submitted. id=${jobId} parts=2 rows=2\n`,
        `Metadata saved to ~/.loom/batches/. Run loom fetch --id ${jobId} later.\n`,
      ].join(''),
    );
    expect(openai.batches.map((batch) => batch.lines.map(promptOf))).toEqual([['Hello'], ['World']]);
  });
});

describe.skipIf(process.platform === 'win32')('a fetch that was killed', () => {
  test.each([
    ['at the download', 'GET', /\/content$/],
    ['at the clearing up of the upload', 'DELETE', /^\/v1\/files\//],
  ])('%s is made good by the next', async (_, method, path) => {
    const id = await world.submit();
    const { held, free } = hold(method, path, 'undone');
    await killAt(world.start('fetch'), held);
    free();
    expect(await world.loom('fetch')).toEqual({
      code: 0,
      stdout: world.completion(id),
      stderr: '2 rows: 2 answered\n',
    });
    expect(await world.read(output)).toBe(merged);
    expect(await world.listFolder()).toEqual(['data.csv', output]);
    // A temporary file could be another process's: it is cleared away once it is old.
    const left = await world.listLeft();
    expect(left.filter((name) => !name.endsWith('.tmp'))).toEqual([]);
    const longAgo = new Date(Date.now() - 2 * 60 * 60_000);
    for (const name of left) await utimes(world.statePath(name), longAgo, longAgo);
    await world.loom('fetch');
    expect(await world.listLeft()).toEqual([]);
  });
});

/** A module that holds a process at its first look into the folder of jobs. */
function pauseAtJobs(arrived: string, goOn: string): string {
  return `
import { existsSync, writeFileSync } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout } from 'node:timers/promises';
const { readdir } = files;
files.readdir = async (folder, ...rest) => {
  if (/[/\\\\]jobs$/.test(String(folder))) {
    writeFileSync(${JSON.stringify(arrived)}, '');
    while (!existsSync(${JSON.stringify(goOn)})) await setTimeout(10);
  }
  return readdir(folder, ...rest);
};
syncBuiltinESMExports();
`;
}

describe('two at once:', () => {
  test.skipIf(process.platform === 'win32')(
    'a job that is submitted while another process looks through the state is not taken for abandoned',
    async () => {
      const id = await world.submit();
      const [job = ''] = await readdir(world.statePath('jobs'));
      const record = world.statePath(`batches/openai_${id}.json`);
      await rename(record, `${record}.later`);
      // Records are read before jobs: a process that waits here stands between the two.
      const [arrived, goOn] = [join(world.folder, 'arrived'), join(world.folder, 'go-on')];
      const pause = await world.write('pause.mjs', pauseAtJobs(arrived, goOn));
      world.environment.NODE_OPTIONS = `--import=${pathToFileURL(pause).href}`;
      const other = world.start(...runArgs('-o', 'other.csv', '--no-cache'));
      await until(() => existsSync(arrived));
      await rename(`${record}.later`, record);
      await writeFile(goOn, '');
      expect((await other.ended).code).toBe(0);
      expect(await readdir(world.statePath('jobs'))).toContain(job);
      expect((await world.loom('fetch', '--id', id)).stdout).toBe(world.completion(id));
    },
  );

  test.skipIf(process.platform !== 'linux')(
    'a live process that holds the lock is not waited for, a dead one not heeded',
    async () => {
      const id = await world.submit();
      const { held, free } = hold('GET', /^\/v1\/batches\//, 'undone');
      const holder = world.start('fetch');
      await held;
      free();
      expect((await world.loom('fetch')).stderr).toBe(
        `Another process is working on ${id}; it is skipped.\n`,
      );
      holder.process.kill('SIGKILL');
      await holder.ended;
      expect((await readdir(world.statePath('locks'))).length).toBeGreaterThan(0);
      expect((await world.loom('fetch')).stdout).toBe(world.completion(id));
    },
  );
});

describe.skipIf(process.platform === 'win32')('an interrupted batch run', () => {
  const goesOn = 'What was submitted is kept: the same command, or loom fetch, goes on from there.\n';

  test('lets the creation of a batch finish, and the same command goes on', async () => {
    let free = () => {};
    const gate = new Promise<void>((resolve) => {
      free = resolve;
    });
    openai.override = (request) =>
      request.method === 'POST' && request.path === '/v1/batches'
        ? gate.then(() => openai.answer(request))
        : undefined;
    const running = world.start(...runArgs('--batch-size', '1'));
    await until(() => creations() === 1);
    const told = shows(running.process.stderr, 'Stopping...');
    running.process.kill('SIGINT');
    await told;
    free();
    expect(await running.ended).toEqual({
      code: 130,
      stdout: 'Batch submitted. id=batch_001 provider=openai\n',
      stderr: `${voice}Stopping...\n${goesOn}Interrupted by SIGINT.\n`,
    });
    const again = await world.run('--batch-size', '1');
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(
      /^Batch submitted\. id=batch_001 .*\nBatch submitted\. id=batch_002 .*\nJob submitted\. /,
    );
    expect(openai.batches.map((batch) => batch.lines.map(promptOf))).toEqual([['Hello'], ['World']]);
  });

  test('stops at once at the second signal', async () => {
    const { held, free } = hold('POST', /^\/v1\/batches$/, 'done');
    const running = world.start(...runArgs());
    const told = shows(running.process.stderr, 'Stopping...');
    await held;
    running.process.kill('SIGINT');
    await told;
    running.process.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130, stdout: '' });
    free();
    expect((await world.run()).stdout).toBe(submission('batch_001'));
    expect(openai.batches).toHaveLength(1);
  });
});
