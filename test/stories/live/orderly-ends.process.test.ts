/** However a command ends, it ends in order: what was paid for is kept, and the same command goes on from there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { runInProcess } from '../../in-process.ts';
import { createWorld, type Ended, entry } from '../../program.ts';
import { Screen } from '../../screen.ts';
import { atTerminal, hasTerminal } from '../worlds/at-terminal.ts';
import { say } from '../worlds/http-server.ts';
import { usualAnswer } from '../worlds/openai-double.ts';
import {
  createOpenAiWorld,
  merged,
  type OpenAiWorld,
  output,
  runArgs,
  shows,
  until,
  voice,
} from '../worlds/openai-world.ts';

let world: OpenAiWorld;

const chat = '/v1/chat/completions';
const live = (...flags: string[]) => runArgs('--sync', '--no-cache', ...flags);

beforeEach(async () => {
  world = await createOpenAiWorld();
});

afterEach(() => world.remove());

/** Four prompts, two of which are asked at once. */
const fourRows = () => world.write('data.csv', 'text\na\nb\nc\nd\n');
const twoAtOnce = ['-w', '2'];
const eachOnce = { a: 1, b: 1, c: 1, d: 1 };

const promptIn = (body: string): string => JSON.parse(body).messages[0].content;

/** How often each prompt was asked live, over all runs. */
function asked(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { path, body } of world.openai.requests)
    if (path === chat) counts[promptIn(body)] = (counts[promptIn(body)] ?? 0) + 1;
  return counts;
}

/** Answers every live call at once, with this text. */
function answerAll(textFor = usualAnswer): void {
  world.openai.override = ({ path, body }) => (path === chat ? say(textFor(promptIn(body))) : undefined);
}

/** Lets live calls wait until `free` is called. */
function holdCalls(textFor = usualAnswer): { readonly free: () => void } {
  let free = () => {};
  const freed = new Promise<void>((resolve) => {
    free = resolve;
  });
  world.openai.override = ({ path, body }) =>
    path === chat ? freed.then(() => say(textFor(promptIn(body)))) : undefined;
  return { free };
}

const callsAreUnderWay = (count: number) =>
  until(() => world.openai.requests.filter(({ path }) => path === chat).length === count);

const kept = 'Answers so far are kept, and no output is written: the same command goes on from there.\n';
/** Where the machine is slow, a run says how far it is. */
const withoutProgress = async (ended: Promise<Ended>) => {
  const { stderr, ...rest } = await ended;
  return { ...rest, stderr: stderr.replace(/^Generating .*\n/gm, '') };
};

const weaving = 'Weaving live... provider=openai model=m workers=2 cache=off\n';

describe.skipIf(process.platform === 'win32')('a signal', () => {
  test.each([
    ['SIGQUIT', 131],
    ['SIGXCPU', 152],
  ] as const)('%s ends a live run with %i, when the calls under way are answered', async (signal, code) => {
    const { free } = holdCalls();
    await fourRows();
    const { process: running, ended } = world.start(...live(...twoAtOnce));
    await callsAreUnderWay(2);
    running.kill(signal);
    await shows(running.stderr, 'Stopping...');
    free();
    expect(await withoutProgress(ended)).toEqual({
      code,
      stdout: '',
      stderr: `${weaving}Stopping...\n${kept}Interrupted by ${signal}.\n`,
    });
    expect((await world.loom(...live(...twoAtOnce))).code).toBe(0);
    expect(asked()).toEqual(eachOnce);
  });

  test('SIGHUP does nothing to a run that was started without a terminal', async () => {
    const { free } = holdCalls();
    const { process: running, ended } = world.start(...live('-v'));
    await callsAreUnderWay(2);
    running.kill('SIGHUP');
    await shows(running.stderr, 'SIGHUP: no terminal was there at the start, so the command goes on.\n');
    free();
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Done\. wrote /) });
    expect(await world.read(output)).toBe(merged);
  });

  test('that is the second ends the run at once, with its own code', async () => {
    holdCalls();
    const { process: running, ended } = world.start(...live());
    await callsAreUnderWay(2);
    running.kill('SIGINT');
    await shows(running.stderr, 'Stopping...');
    running.kill('SIGTERM');
    expect(await ended).toEqual({
      code: 143,
      stdout: '',
      stderr: expect.stringMatching(/\nStopping\.\.\.\n$/),
    });
  });
});

describe.skipIf(!hasTerminal)('a terminal', () => {
  const before = 'echo $$ > shell.pid';

  /** The process id of the loom that a terminal runs. */
  function pidOfLoom(): number {
    const shell = readFileSync(`${world.folder}/shell.pid`, 'utf8').trim();
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim();
    return Number(children || shell);
  }

  beforeEach(async () => {
    world.environment.TERM = 'xterm';
    await fourRows();
  });

  test('SIGHUP ends a run at it with 129', async () => {
    const { free } = holdCalls();
    const act = async () => {
      await callsAreUnderWay(2);
      process.kill(pidOfLoom(), 'SIGHUP');
      // A shell that ends tells its jobs, and the system tells them again.
      process.kill(pidOfLoom(), 'SIGHUP');
      free();
    };
    const shown = await atTerminal(world, live(...twoAtOnce), { before, cue: 'Weaving live', act });
    expect(shown).toMatchObject({ code: 129, text: expect.stringContaining('\nInterrupted by SIGHUP.\n') });
    expect(await world.listFolder()).not.toContain(output);
    expect((await world.loom(...live(...twoAtOnce))).code).toBe(0);
    expect(asked()).toEqual(eachOnce);
  });

  test('SIGHUP puts nobody in a hurry who has begun to stop', async () => {
    const { free } = holdCalls();
    const act = async () => {
      await callsAreUnderWay(2);
      process.kill(pidOfLoom(), 'SIGTERM');
      process.kill(pidOfLoom(), 'SIGHUP');
      free();
    };
    const shown = await atTerminal(world, live(...twoAtOnce), { before, cue: 'Weaving live', act });
    expect([129, 143]).toContain(shown.code);
    expect((await world.loom(...live(...twoAtOnce))).code).toBe(0);
    expect(asked()).toEqual(eachOnce);
  });

  test('that is closed ends the run in order, though nothing can be told any more', async () => {
    const { free } = holdCalls();
    const command = ['exec', process.execPath, entry, ...live(...twoAtOnce)].join(' ');
    const terminal = spawn('script', ['-qec', `${before}; ${command}`, '/dev/null'], {
      cwd: world.folder,
      env: world.environment,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await callsAreUnderWay(2);
    const pid = pidOfLoom();
    const isGone = once(terminal, 'exit');
    terminal.kill('SIGKILL');
    // With its end the signal is on its way; an answer before that might let the run end as if nothing had happened.
    await isGone;
    free();
    await until(
      () => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '),
    );
    expect(await world.listFolder()).not.toContain(output);
    expect((await world.listState()).filter((name) => name.startsWith('results/sync_'))).toHaveLength(1);
    expect((await world.loom(...live(...twoAtOnce))).code).toBe(0);
    expect(asked()).toEqual(eachOnce);
  });

  test('leaves nothing of its bar after an end at once', async () => {
    holdCalls();
    const act = async () => {
      await callsAreUnderWay(2);
      process.kill(pidOfLoom(), 'SIGTERM');
      // What comes at the same moment is the same order.
      await until(() => world.openai.requests.length === 2);
      setTimeout(() => process.kill(pidOfLoom(), 'SIGTERM'), 300);
    };
    const shown = await atTerminal(world, live(...twoAtOnce), { before, cue: 'Generating', act });
    expect(shown.code).toBe(143);
    expect(new Screen().write(shown.raw).lines.at(-1)).toBe('Stopping...');
  });
});

describe.skipIf(process.platform === 'win32')('a reader of stdout', () => {
  const long = 'x'.repeat(200_000);

  test('that dies costs nothing but a second try', async () => {
    const { free } = holdCalls((prompt) => prompt + long);
    const args = live('-o', '-');
    const { process: running, ended } = world.start(...args);
    await callsAreUnderWay(2);
    running.stdout?.destroy();
    free();
    const first = await ended;
    expect(first).toMatchObject({ code: 1, stdout: '' });
    expect(first.stderr).toMatch(
      /\nError: can't write to stdout: its reader is gone\. The answers are kept: run again\.\n$/,
    );
    expect(first.stderr).not.toContain('Done');
    expect(await world.loom(...args)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`Hello${long}`),
    });
    expect(asked()).toEqual({ Hello: 1, World: 1 });
  });

  test('that takes nothing does not hold up a signal', async () => {
    answerAll((prompt) => prompt + long);
    const { process: running, ended } = world.start(...live('-o', '-'));
    await new Promise((resolve) => running.stdout?.once('data', resolve));
    running.stdout?.pause();
    running.kill('SIGTERM');
    await shows(running.stderr, 'Interrupted by SIGTERM.\n');
    running.stdout?.resume();
    expect((await ended).code).toBe(143);
    expect((await world.loom(...live('-o', '-'))).stdout).toContain(`Hello${long}`);
    expect(asked()).toEqual({ Hello: 1, World: 1 });
  });

  test('that dies is no error for a list, nor for the sentences of a run', async () => {
    const piped = await world.shell(`{ loom ${runArgs().join(' ')}; echo "code $?" >&2; } | true`);
    expect(piped.stderr).toBe(`${voice}code 0\n`);
    const listed = await world.shell('{ loom list; echo "code $?" >&2; } | true');
    expect(listed.stderr).toBe('code 0\n');
    expect(world.openai.batches).toHaveLength(1);
  });

  test('and of stderr may die while a run is under way', async () => {
    const { free } = holdCalls();
    const { process: running, ended } = world.start(...live('-v'));
    await callsAreUnderWay(2);
    running.stderr?.destroy();
    running.stdout?.destroy();
    free();
    expect((await ended).code).toBe(0);
    expect(await world.read(output)).toBe(merged);
  });
});

describe.skipIf(process.platform !== 'linux')('a disk that is full', () => {
  const loom = (...args: string[]) => `loom ${args.join(' ')}`;
  /** Each write to it is a try of its own, as with the streams of a process. */
  const fullDisk = () => {
    const disk = openSync('/dev/full', 'w');
    const stream = new Writable();
    // One after the other, as streams do.
    stream.write = (content: unknown, ...rest: unknown[]) => {
      const done = rest.at(-1) as (error?: unknown) => void;
      try {
        writeSync(disk, String(content));
        setImmediate(done);
      } catch (error) {
        setImmediate(done, error);
      }
      return true;
    };
    onTestFinished(() => closeSync(disk));
    return stream;
  };
  const loomInto = (outputs: Parameters<typeof runInProcess>[2], args: readonly string[]) =>
    runInProcess(args, { ...world, input: '' }, outputs);
  const untold =
    "can't write to stdout: the disk is full. What should have been printed there is lost; what was done is kept.\n";
  const waited = runArgs('--wait', '--interval', '0.1s');

  test.each([
    ['a live run', live()],
    ['a batch', runArgs()],
    ['a batch that is waited for', waited],
  ])('under the stdout of %s costs its sentences', async (_, args) => {
    answerAll();
    const ended = await loomInto({ stdout: fullDisk() }, args);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(new RegExp(`\\nWarning: ${untold}$`));
    expect(ended.stderr.match(/Warning/g)).toHaveLength(1);
    await world.loom('fetch');
    expect(await world.read(output)).toBe(merged);
    expect(world.openai.batches.length).toBe(args.includes('--sync') ? 0 : 1);
  });

  test.each([
    ['a live run', live()],
    ['a batch that is waited for', waited],
  ])('under the stderr of %s costs what stands there', async (_, args) => {
    answerAll();
    const ended = await loomInto({ stderr: fullDisk() }, args);
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/Done|Fabric complete/) });
    expect(await world.read(output)).toBe(merged);
  });

  const isLost =
    "Error: can't write to stdout: the disk is full. Free some space, or send stdout elsewhere; what was done is kept.\n";

  test.each([
    ['a list', ['list']],
    ['the help', ['--help']],
    ['a document', ['list', '--output-format', 'json']],
  ])('under %s is an error', async (_, args) => {
    await world.submitAs('in_progress');
    expect(await loomInto({ stdout: fullDisk() }, args)).toEqual({ code: 1, stdout: '', stderr: isLost });
  });

  test('under all that a process has is none of its own', async () => {
    await world.submitAs('in_progress');
    expect(await world.shell('loom list > /dev/full')).toEqual({ code: 1, stdout: '', stderr: isLost });
    expect((await world.shell('loom fetch > /dev/full 2>&1')).code).toBe(0);
  });

  test('under the rows costs nothing but a second try, also when it takes some of them', async () => {
    answerAll();
    // A file may grow by ten bytes more.
    await world.write('rows.csv', 'x'.repeat(8 * 512 - 10));
    const again = live('-o', '-');
    const ended = await world.shell(`ulimit -f 8; ${loom(...again)} >> rows.csv`);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /\nError: can't write to stdout: the limit for the size of a file is reached\. The answers are kept: run again\.\n$/,
    );
    expect((await world.loom(...again)).stdout).toBe(merged);
    expect(asked()).toEqual({ Hello: 1, World: 1 });
  });
});

describe('an error that no step waits for', () => {
  /** Has every process of the world run this first. */
  async function preload(code: string): Promise<void> {
    const path = await world.write('preload.mjs', code);
    world.environment.NODE_OPTIONS = `--import=${path}`;
  }

  const foreign = (message: string) =>
    `${weaving}Stopping...\nError: stopped by an error that no step of loom foresaw: ${message}. What was answered or submitted is kept: run the same command again. LOOM_DEBUG=1 tells where it came from; please report it.\n`;

  test.each([
    ['an event of a stream', 'throw new Error("socket hang up")'],
    ['a rejection', 'Promise.reject(new Error("socket hang up"))'],
  ])('such as %s, ends a run in order', async (_, failure) => {
    await fourRows();
    let answered = 0;
    world.openai.override = ({ path, body }) =>
      path === chat ? until(() => ++answered > 2).then(() => say(usualAnswer(promptIn(body)))) : undefined;
    await preload(`
      import http from 'node:http';
      const { request } = http;
      let calls = 0;
      http.request = (...args) => {
        if (++calls === 2) setImmediate(() => { ${failure}; });
        return request(...args);
      };
    `);
    expect(await withoutProgress(world.start(...live(...twoAtOnce)).ended)).toEqual({
      code: 1,
      stdout: '',
      stderr: foreign('socket hang up'),
    });
    delete world.environment.NODE_OPTIONS;
    expect((await world.loom(...live(...twoAtOnce))).code).toBe(0);
    expect(asked()).toEqual(eachOnce);
  });
});

test('a Parquet file whose pages a decoder never comes to the end of is left with SIGTERM at once', async () => {
  // A copy of the program in which nothing is new but the decoder, which is the test's own.
  const program = mkdtempSync(join(tmpdir(), 'loom-program-'));
  cpSync(dirname(entry), join(program, 'dist'), { recursive: true });
  cpSync(resolve(dirname(entry), '../package.json'), join(program, 'package.json'));
  const endless =
    "const { parentPort } = require('node:worker_threads');" +
    "const { writeFileSync } = require('node:fs');" +
    "parentPort.on('message', () => { writeFileSync(__dirname + '/reading', ''); for (;;); });";
  writeFileSync(join(program, 'dist/chunks/parquet-thread.js'), endless);
  const place = await createWorld({}, join(program, 'dist/loom.js'));
  try {
    await place.write(
      'data.parquet',
      readFileSync(join(import.meta.dirname, '../../data/airports-pyarrow.parquet')),
    );
    const order = ['-f', 'data.parquet', '-c', 'name', '-p', 'openai', '-m', 'gpt-4o', '--estimate'];
    const { process: child, ended } = place.start('tokens', ...order);
    await until(() => existsSync(join(program, 'dist/chunks/reading')));
    child.kill('SIGTERM');
    expect(await ended).toEqual({
      code: 143,
      stdout: '',
      stderr: 'Stopping...\nInterrupted by SIGTERM.\n',
    });
  } finally {
    await place.remove();
    rmSync(program, { recursive: true });
  }
});
