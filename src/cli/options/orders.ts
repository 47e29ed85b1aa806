/** What a person asks of a run, from the flags that `run` and `adopt` share. */
import type { InputOptions, OutputOptions } from '../../api/options/options.ts';
import { LoomError } from '../../core/errors.ts';
import type { Voice } from '../terminal/voice.ts';
import { describeInput } from './input.ts';
import type { CommandContext, OrderOptions } from './options.ts';
import { readSettings } from './settings.ts';
import { standardStream } from './stdin.ts';
import { readTextFlag } from './text-flag.ts';

/** Also what came through stdin, where nothing else is said: there is no place beside it. */
export function goesToStdout({ file, output }: Pick<OrderOptions, 'file' | 'output'>): boolean {
  return (output || file) === standardStream;
}

/** What a batch can't do with stdin and stdout, as a LoomError `usage`: its output is written by a later command. */
export function checkBatchStreams(
  { file, output }: Pick<OrderOptions, 'file' | 'output'>,
  wait = false,
): void {
  if (output === standardStream) {
    const also = wait ? ', also with --wait' : '';
    throw new LoomError('usage', `a batch can't be written to stdout${also}: loom fetch writes it, later.`, {
      hint: 'Pass a path to --output, or --sync.',
    });
  }
  if (file === standardStream && !output) {
    throw new LoomError('usage', 'a batch from stdin needs --output.', {
      hint: 'Pass the path to which loom fetch is to write, or --sync.',
    });
  }
}

/** stdout is for the output or for the document: LoomError `usage` when both want it. */
export function checkDocumentStream(options: Pick<OrderOptions, 'file' | 'output'>, { json }: Voice): void {
  if (!json || !goesToStdout(options)) return;
  throw new LoomError('usage', '--output-format json and the output both want stdout.', {
    hint: 'Pass a path to --output.',
  });
}

/** Throws like `describeInput` and `readSettings`. */
export async function describeRun(
  options: OrderOptions,
  context: CommandContext,
): Promise<InputOptions & OutputOptions> {
  const { output, withMeta, withUsage, withError, cache, serverName } = options;
  const { fields, columns: schemaColumns, response, as, prefix, replaceColumns } = options;
  return {
    ...describeInput(options, context),
    settings: await readSettings(options, context.workingFolder),
    output: goesToStdout(options) ? undefined : output || undefined,
    withMeta,
    withUsage,
    withError,
    fields: fields && readTextFlag('--fields', fields, context.workingFolder),
    schemaColumns,
    response,
    as,
    prefix,
    replaceColumns,
    cache,
    serverName,
  };
}
