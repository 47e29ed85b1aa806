/** A command at a terminal: the built program at one that `script` of util-linux lends, or within the test's process. */
import { spawn, spawnSync } from 'node:child_process';
import { PassThrough, Writable } from 'node:stream';
import { runWithStreams } from '../../in-process.ts';
import { entry, type World } from '../../program.ts';

/** False where there is none to be had: on other systems, and in small containers. */
export const hasTerminal =
  process.platform === 'linux' &&
  /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '');

export interface Shown {
  readonly code: number | null;
  /** Without escape codes, with plain line ends. */
  readonly text: string;
  /** The same with sentences put together again that were broken between words. */
  readonly sentences: string;
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
  { before = 'true', ...typing }: Typing = {},
): Promise<Shown> {
  const command = `${before}; ${[process.execPath, entry, ...args].map((word) => `'${word}'`).join(' ')}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: world.folder,
    env: world.environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const screen = watchScreen(typing, (keys) => child.stdin.write(keys));
  child.stdout.setEncoding('utf8').on('data', screen.show);
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  return screen.end(code);
}

/**
 * The same within this process, at a terminal of 80 columns unless said: keys come as one in raw mode gives them, else
 * Ctrl+D ends the input. Nothing is echoed, and no key sends a signal.
 */
export async function atTerminalHere(
  world: World,
  args: readonly string[],
  { columns = 80, rows = 24, ...typing }: Omit<Typing, 'before'> & { columns?: number; rows?: number } = {},
): Promise<Shown> {
  let isRaw = false;
  const keyboard = new PassThrough();
  const stdin = Object.assign(keyboard, {
    isTTY: true,
    setRawMode(raw: boolean) {
      isRaw = raw;
      return keyboard;
    },
  });
  const screen = watchScreen(typing, (keys) => {
    if (isRaw || !keys.endsWith('\x04')) stdin.write(keys);
    else stdin.end(keys.slice(0, -1));
  });
  const openStream = () => {
    const stream = new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        screen.show(String(chunk).replaceAll('\n', '\r\n'));
        done();
      },
    });
    return Object.assign(stream, { isTTY: true, columns, rows });
  };
  const streams = { stdin, stdout: openStream(), stderr: openStream() };
  return screen.end(await runWithStreams(args, world, streams));
}

/** Gathers what is shown, and types at the first cue. */
function watchScreen({ typed, act, cue = '[y/N] ' }: Omit<Typing, 'before'>, type: (keys: string) => void) {
  let raw = '';
  let asked = false;
  return {
    show(text: string): void {
      raw += text;
      if (asked || !raw.includes(cue)) return;
      asked = true;
      // Not before whoever asks has had its turn to listen.
      if (typed !== undefined) setImmediate(type, typed);
      act?.();
    },
    end(code: number | null): Shown {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what is taken out
      const text = raw.replaceAll(/\x1b(\[[?\d;]*[A-Za-z]|\d)/g, '').replaceAll(/\r+\n/g, '\n');
      return { code, raw, text, sentences: text.replaceAll(/\n {2}(?=\S)/g, ' ') };
    },
  };
}
