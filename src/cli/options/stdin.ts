/** The input that a command names: a file, or stdin. */
import { addAbortSignal } from 'node:stream';
import type { InputStream } from '../../api/options/options.ts';
import { LoomError } from '../../core/errors.ts';
import { describeDiskError } from '../../storage/files.ts';
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

/** The file, or what stdin brings. */
export function openInput({ file, format }: StreamOptions, context: CommandContext): string | InputStream {
  if (file !== standardStream || !format) return file;
  return { content: readStdin(context), format, name: 'stdin' };
}

async function* readStdin({ terminal, signal }: CommandContext): AsyncGenerator<Buffer> {
  if (terminal.stdin.isTTY) terminal.note('Reading the input from the terminal; Ctrl+D ends it.');
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
