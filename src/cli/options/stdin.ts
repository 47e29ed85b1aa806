/** The input that a command names: a file, or stdin. */
import { resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import type { CodeWithFacts } from '../../core/error-facts.ts';
import { LoomError } from '../../core/errors.ts';
import type { FileType } from '../../core/models.ts';
import { traitsOf } from '../../formats/format.ts';
import { sweepInputs } from '../../orchestrator/sweep/sweep-inputs.ts';
import { keepInput } from '../../state/inputs.ts';
import { describeDiskError } from '../../storage/files.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { CommandContext, InputOptions } from './options.ts';

/** What stands for stdin in --file, and for stdout in --output. */
export const standardStream = '-';

type StreamOptions = Pick<InputOptions, 'file' | 'format'>;

/** LoomError `usage` for stdin without --format, and for --format without stdin. */
export function checkInputFlags({ file, format }: StreamOptions): void {
  if (file === standardStream && format === undefined) {
    throw new LoomError('usage', '--file - needs --format.', {
      hint: 'Say what stdin holds: --format csv, tsv, json, jsonl or parquet.',
    });
  }
  if (file !== standardStream && format !== undefined) {
    throw new LoomError('usage', '--format is about stdin; a file says by its name what it is.', {
      hint: 'Pass --file -, or leave --format out.',
    });
  }
}

/** Does the work on the input's path. What stdin held is on disk until then, and after it if a job needs it. */
export async function withInput<Result>(
  options: StreamOptions,
  home: LoomHome,
  context: CommandContext,
  work: (path: string) => Promise<Result>,
): Promise<Result> {
  if (options.file !== standardStream) return work(resolve(context.workingFolder, options.file));
  const { terminal, signal } = context;
  if (terminal.stdin.isTTY) terminal.note('Reading the input from the terminal; Ctrl+D ends it.');
  const [extension = ''] = traitsOf(options.format as FileType).extensions;
  const input = await keepInput(home, readStdin(context), extension, signal);
  try {
    return await work(input.path);
  } catch (error) {
    throw callStdin(error, input.path);
  } finally {
    await input.release();
    await sweepInputs(home);
  }
}

/** People know nothing of the file in which their input is kept. */
function callStdin(error: unknown, path: string): unknown {
  if (!(error instanceof LoomError) || !`${error.message} ${error.hint}`.includes(path)) return error;
  const { kind, message, hint = '', code, facts = {} } = error;
  const call = (text: string) => text.replaceAll(path, 'stdin');
  const called = Object.entries(facts).map(([name, fact]) => [name, fact === path ? 'stdin' : fact]);
  const told = { code, facts: Object.fromEntries(called), hint: call(hint), cause: error };
  return new LoomError(kind, call(message), told as CodeWithFacts);
}

async function* readStdin({ terminal, signal }: CommandContext): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of addAbortSignal(signal, terminal.stdin)) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    throw new LoomError('input', `stdin can't be read: ${describeDiskError(error)}.`, {
      hint: 'Pipe the rows into it, or pass a file with --file.',
      cause: error,
    });
  }
}
