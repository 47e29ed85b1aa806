/**
 * Runs the program in a folder and a home of its own: within the test's process, which takes milliseconds, or as the
 * built program in a process of its own, where a test is about processes.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { type Input, runInProcess } from './in-process.ts';
import { startLoomHost } from './loom-host.ts';

/** The built program. */
export const entry = resolve(import.meta.dirname, '../dist/loom.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  /** The current folder of every command. */
  readonly folder: string;
  readonly home: string;
  /** Variables of every command; nothing else of this process's environment is passed on. */
  readonly environment: Record<string, string>;
  /** Runs a command within this process: its stdin is empty, and nothing is a terminal. */
  loom(...args: string[]): Promise<Ended>;
  /** The same with something on stdin. */
  pipe(input: Input, ...args: string[]): Promise<Ended>;
  /** Runs data.csv, with its prompts in the column `text`, through OpenAI's model m, unless the flags say otherwise. */
  run(...flags: string[]): Promise<Ended>;
  /** The same as a batch, and gives its id. */
  submit(...flags: string[]): Promise<string>;
  /** Runs a command as a process. */
  loomProcess(...args: string[]): Promise<Ended>;
  start(...args: string[]): Running;
  /** A line of sh, with `loom` and `loom-batch` on its PATH as the package's `bin` has them. */
  shell(line: string): Promise<Ended>;
  /** The same, where these commands run within this process: they take no signals, and tell all at their end. */
  shellHere(line: string): Promise<Ended>;
  write(name: string, content: string | Buffer): Promise<string>;
  read(name: string): Promise<string>;
  readBytes(name: string): Promise<Buffer>;
  /** Names of what lies in the current folder, sorted. */
  listFolder(): Promise<string[]>;
  /** Names of the files below the loom home, or a folder of it, sorted; without its mark, and the history that every output leaves. */
  listState(folder?: string): Promise<string[]>;
  /** The same without the cache. */
  listLeft(): Promise<string[]>;
  /** Names of the files of the history. */
  listHistory(): Promise<string[]>;
  /** Where a file of the loom home is. */
  statePath(name: string): string;
  readState(name: string): Promise<string>;
  writeState(name: string, content: string | Buffer): Promise<void>;
  readRecord(id: string, provider?: string): Promise<Record<string, unknown>>;
  /** Changes what a JSON file of the loom home holds: that of this name, or the only one in this folder. */
  changeState<Content extends object>(name: string, change: (content: Content) => unknown): Promise<void>;
  remove(): Promise<void>;
}

export interface Running {
  readonly process: ReturnType<typeof spawn>;
  readonly ended: Promise<Ended>;
}

/** Arguments of `run` for data.csv, unless the flags name another file. */
export function runArgs(...flags: string[]): string[] {
  const column = flags.includes('-f') || flags.includes('--prompt') ? [] : ['-c', 'text'];
  const file = flags.includes('-f') ? [] : ['-f', 'data.csv'];
  return ['run', ...file, ...column, '-p', 'openai', '-m', 'm', ...flags];
}

/** The id in `Batch submitted. id=…`. */
export function submittedId(ended: Ended): string {
  const id = /^Batch submitted\. id=(\S+) provider=/m.exec(ended.stdout)?.[1];
  if (!id) throw new Error(`Nothing was submitted: ${JSON.stringify(ended)}`);
  return id;
}

/** A folder and a home that no other test sees; `program` is what processes run. */
export async function createWorld(environment: Record<string, string> = {}, program = entry): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'loom-test-'));
  const folder = join(root, 'work');
  const home = join(root, 'home');
  await mkdir(folder);
  await mkdir(home);
  const variables = { PATH: process.env.PATH ?? '', HOME: home, USERPROFILE: home, ...environment };

  function run(command: string, args: readonly string[]): Running {
    const child = spawn(command, args, { cwd: folder, env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((done, fail) => {
      child.once('error', fail);
      child.once('close', (code) => done({ code, stdout, stderr }));
    });
    return { process: child, ended };
  }

  const start = (...args: string[]) => run(process.execPath, [program, ...args]);
  const loomProcess = (...args: string[]) => start(...args).ended;
  const pipe = (input: Input, ...args: string[]) =>
    runInProcess(args, { folder, environment: variables, input });
  const statePath = (name: string) => join(home, '.loom', name);
  const readState = (name: string) => readFile(statePath(name), 'utf8');
  const loom = (...args: string[]) => pipe('', ...args);
  const runHere = (...flags: string[]) => loom(...runArgs(...flags));
  const listState = async (within = '') =>
    (await listHome()).filter(
      (name) => name !== 'loom-home.json' && !isHistory(name) && name.startsWith(within && `${within}/`),
    );

  async function shell(line: string, script?: string): Promise<Ended> {
    const commands = join(root, 'bin');
    await writeCommands(commands, script);
    const path = `PATH='${commands}${delimiter}'"$PATH"`;
    return run('sh', ['-c', `${path}; ${line}`]).ended;
  }

  async function listHome(): Promise<string[]> {
    const entries = await readdir(join(home, '.loom'), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    return entries
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name).slice(join(home, '.loom').length + 1))
      .sort();
  }

  return {
    folder,
    home,
    environment: variables,
    start,
    loom,
    pipe,
    run: runHere,
    submit: async (...flags) => submittedId(await runHere(...flags)),
    loomProcess,
    shell,
    async shellHere(line) {
      const host = await startLoomHost();
      try {
        return await shell(line, host.script);
      } finally {
        await host.close();
      }
    },
    async write(name, content) {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    },
    read: (name) => readFile(join(folder, name), 'utf8'),
    readBytes: (name) => readFile(join(folder, name)),
    listFolder: async () => (await readdir(folder)).sort(),
    statePath,
    readState,
    async writeState(name, content) {
      await mkdir(dirname(statePath(name)), { recursive: true });
      await writeFile(statePath(name), content);
    },
    async changeState(name, change) {
      const file = name.endsWith('.json') ? name : ((await listState(name))[0] ?? '');
      const content = JSON.parse(await readState(file));
      change(content);
      await writeFile(statePath(file), JSON.stringify(content, null, 2));
    },
    readRecord: async (id, provider = 'openai') =>
      JSON.parse(await readState(`batches/${provider}_${id.replaceAll('/', '_')}.json`)),
    listState,
    listLeft: async () => (await listState()).filter((name) => !name.startsWith('cache/')),
    listHistory: async () => (await listHome()).filter(isHistory),
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** A command per `bin` of package.json, as npm makes them; `script` is what they say in place of the program. */
export async function writeCommands(folder: string, script?: string): Promise<void> {
  const packagePath = resolve(import.meta.dirname, '../package.json');
  const { bin } = JSON.parse(await readFile(packagePath, 'utf8')) as { bin: Record<string, string> };
  await mkdir(folder, { recursive: true });
  for (const [name, path] of Object.entries(bin)) {
    const command = join(folder, name);
    const program = `exec '${process.execPath}' '${resolve(dirname(packagePath), path)}' "$@"`;
    await writeFile(command, `#!/bin/sh\n${script ?? program}\n`);
    await chmod(command, 0o755);
  }
}

function isHistory(name: string): boolean {
  return /(^|[/\\])history[/\\]/.test(name);
}
