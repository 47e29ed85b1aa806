/** Runs the built program at a terminal, which `script` of util-linux lends. */
import { spawn, spawnSync } from 'node:child_process';
import { entry, type World } from '../../program.ts';

/** False where there is none to be had: on other systems, and in small containers. */
export const hasTerminal =
  process.platform === 'linux' &&
  /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '');

export interface Shown {
  readonly code: number | null;
  /** Without escape codes, with plain line ends. */
  readonly text: string;
  readonly raw: string;
}

export interface Typing {
  readonly typed?: string | undefined;
  /** When to type it. */
  readonly cue?: string | undefined;
  /** What to do then, in place of typing. */
  readonly act?: (() => void) | undefined;
  /** A command that goes before, such as `stty cols 80`. */
  readonly before?: string | undefined;
}

/** Types when loom asks, or shows another cue. */
export async function atTerminal(
  world: World,
  args: readonly string[],
  { typed, act, cue = '[y/N] ', before = 'true' }: Typing = {},
): Promise<Shown> {
  const command = `${before}; ${[process.execPath, entry, ...args].map((word) => `'${word}'`).join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: world.folder,
    env: world.environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let raw = '';
  let asked = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
    if (asked || !raw.includes(cue)) return;
    asked = true;
    if (typed !== undefined) child.stdin.write(typed);
    act?.();
  });
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is taken out
  return { code, raw, text: raw.replaceAll(/\x1b(\[[?\d;]*[A-Za-z]|\d)/g, '').replaceAll(/\r+\n/g, '\n') };
}
