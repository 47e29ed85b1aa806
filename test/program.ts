/** Runs the built program the way people do: as a process, in a folder and a home of its own. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const entry = resolve(import.meta.dirname, '../dist/loom.js');

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
  loom(...args: string[]): Promise<Ended>;
  start(...args: string[]): Running;
  write(name: string, content: string | Buffer): Promise<string>;
  read(name: string): Promise<string>;
  /** Names of the files below the loom home, sorted. */
  listState(): Promise<string[]>;
  remove(): Promise<void>;
}

export interface Running {
  readonly process: ReturnType<typeof spawn>;
  readonly ended: Promise<Ended>;
}

/** A folder and a home that no other test sees. */
export async function createWorld(environment: Record<string, string> = {}): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), 'loom-test-'));
  const folder = join(root, 'work');
  const home = join(root, 'home');
  await mkdir(folder);
  await mkdir(home);
  const variables = { PATH: process.env.PATH ?? '', HOME: home, USERPROFILE: home, ...environment };

  function start(...args: string[]): Running {
    const child = spawn(process.execPath, [entry, ...args], {
      cwd: folder,
      env: variables,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
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

  return {
    folder,
    home,
    environment: variables,
    start,
    loom: (...args) => start(...args).ended,
    async write(name, content) {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    },
    read: (name) => readFile(join(folder, name), 'utf8'),
    async listState() {
      const entries = await readdir(join(home, '.loom'), { recursive: true, withFileTypes: true }).catch(
        () => [],
      );
      return entries
        .filter((file) => file.isFile())
        .map((file) => join(file.parentPath, file.name).slice(join(home, '.loom').length + 1))
        .sort();
    },
    remove: () => rm(root, { recursive: true, force: true, maxRetries: 3 }),
  };
}
