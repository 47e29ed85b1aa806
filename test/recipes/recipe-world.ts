/** Where the recipes are tried: their files as users copy them, `loom` on a PATH, and a sandbox as the provider. */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Faults, type Sandbox, sandboxKey, startSandbox } from '../../src/sandbox/server.ts';
import { startLoomHost } from '../loom-host.ts';
import { type Ended, writeCommands } from '../program.ts';

/** The folder of the recipes. */
export const recipes = resolve(import.meta.dirname, '../../recipes');

/** Two rows, in the form that every recipe is written for. */
export const reviews = 'id,text\n001,Great tea\n002,The cup leaks\n';
/** The same with the sandbox's answers. */
export const answers = [
  'id,text,llm_response',
  '001,Great tea,Sandbox answer from gpt-4o-mini: Great tea',
  '002,The cup leaks,Sandbox answer from gpt-4o-mini: The cup leaks\n',
].join('\n');

/** Longer than any test: batches end when `endBatches` says so. */
const turnaroundMs = 24 * 60 * 60_000;

export interface RecipeWorld {
  /** Everything of this world is below it. */
  readonly root: string;
  /** Holds `loom`, `loom-batch` and nothing else. */
  readonly commands: string;
  /** Puts the same commands into another folder. */
  putLoom(folder: string): Promise<void>;
  /** The sandbox's address and key, as the provider's variables. */
  readonly provider: Readonly<Record<string, string>>;
  /** A `.env` file that says the same. */
  readonly dotenv: string;
  /** Runs a command with these variables and no others. */
  run(command: readonly string[], options: RunOptions): Promise<Ended>;
  start(command: readonly string[], options: RunOptions): ReturnType<typeof spawn>;
  /** Copies files of the recipes into a folder of this world, which is made when it is not there. */
  copyRecipes(folder: string, ...names: string[]): Promise<string>;
  /** Lets all batches at the provider end now. */
  endBatches(): Promise<void>;
  /** How many batches the provider has been asked for. */
  countBatches(): Promise<number>;
  /** How many rows the provider has answered, in batches and live: what is paid for. */
  countAnswers(): Promise<number>;
  remove(): Promise<void>;
}

export interface RunOptions extends Pick<SpawnOptions, 'uid' | 'gid'> {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface RecipeOptions {
  /** What goes wrong at the provider. */
  readonly faults?: Faults;
  /** Whether `loom` is a process of its own, which it must be for other users and signals. */
  readonly asProcesses?: boolean;
}

export async function createRecipeWorld({
  faults = {},
  asProcesses = false,
}: RecipeOptions = {}): Promise<RecipeWorld> {
  const root = await mkdtemp(join(tmpdir(), 'loom-recipe-'));
  const shelf = join(root, 'provider');
  const sandbox = await startSandbox({ dir: shelf, turnaroundMs, faults });
  const host = asProcesses ? undefined : await startLoomHost();
  const commands = join(root, 'commands');
  const putLoom = (folder: string) => writeCommands(folder, host?.script);
  await putLoom(commands);
  const provider = { OPENAI_API_KEY: sandboxKey, OPENAI_BASE_URL: sandbox.baseUrls.openai };

  const start: RecipeWorld['start'] = ([command = '', ...args], { env, ...options }) =>
    spawn(command, args, { ...options, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });

  return {
    root,
    commands,
    putLoom,
    provider,
    dotenv: Object.entries(provider)
      .map((pair) => `${pair.join('=')}\n`)
      .join(''),
    start,
    run: (command, options) => collect(start(command, options)),
    async copyRecipes(folder, ...names) {
      const target = join(root, folder);
      await mkdir(target, { recursive: true });
      for (const name of names)
        await copyFile(join(recipes, name), join(target, name.split('/').at(-1) as string));
      return target;
    },
    async endBatches() {
      // The sandbox reads this anew each time it is asked how a batch is.
      const folder = join(shelf, 'openai/batches');
      for (const name of (await readdir(folder)).filter((file) => file.endsWith('.json'))) {
        const batch = JSON.parse(await readFile(join(folder, name), 'utf8')) as object;
        await writeFile(join(folder, name), JSON.stringify({ ...batch, turnaroundMs: 0 }));
      }
    },
    countBatches: async () => (await countsOf(sandbox)).batches,
    async countAnswers() {
      const { batchRows, answered } = await countsOf(sandbox);
      return batchRows + answered;
    },
    async remove() {
      await host?.close();
      await sandbox.close();
      await rm(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** An executable file of sh. */
export async function writeCommand(path: string, script: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** What a process says until it ends. */
export function collect(child: ReturnType<typeof spawn>): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
}

/** Whether this machine has a program. */
export function hasProgram(name: string, ...args: string[]): boolean {
  return spawnSync(name, args.length > 0 ? args : ['--version'], { stdio: 'ignore' }).status === 0;
}

/** A recipe's text. */
export function readRecipe(name: string): Promise<string> {
  return readFile(join(recipes, name), 'utf8');
}

interface Counts {
  readonly batches: number;
  readonly batchRows: number;
  readonly answered: number;
}

async function countsOf(sandbox: Sandbox): Promise<Counts> {
  const statistics = await (await fetch(`${sandbox.origin}/sandbox/stats`)).json();
  return (statistics as { vendors: { openai: Counts } }).vendors.openai;
}
