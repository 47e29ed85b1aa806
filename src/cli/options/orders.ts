/** What a person asks of a run, from the flags that `run` and `adopt` share. */
import { resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import type { GenerationSettings, ProviderName } from '../../core/models.ts';
import { checkPick, defaultOutputPath } from '../../orchestrator/dataset/dataset.ts';
import type { DatasetOrder } from '../../orchestrator/dataset/dataset-order.ts';
import { type ColumnGroups, readColumns } from '../../orchestrator/output/columns.ts';
import type { Voice } from '../terminal/voice.ts';
import { describeInput } from './input.ts';
import type { CommandContext, OrderOptions, ReachOptions } from './options.ts';
import { readSettings } from './settings.ts';
import { standardStream } from './stdin.ts';

export interface RunOrder {
  readonly dataset: DatasetOrder;
  readonly provider: ProviderName;
  readonly model: string;
  /** Absolute, or `-` for stdout. */
  readonly outputPath: string;
  readonly columns: ColumnGroups;
  readonly useCache: boolean;
  readonly settings: GenerationSettings | undefined;
}

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

/** Throws like `describeInput` and `readSettings`, and for rows that can't be picked. */
export async function describeOrder(
  options: OrderOptions & Pick<ReachOptions, 'sandbox'>,
  inputPath: string,
  context: CommandContext,
): Promise<RunOrder> {
  const { workingFolder } = context;
  const { provider, model, cache } = options;
  const dataset = await describeInput(options, inputPath, context);
  const outputPath = goesToStdout(options)
    ? standardStream
    : options.output
      ? resolve(workingFolder, options.output)
      : defaultOutputPath(dataset, provider, model, options.sandbox);
  checkPick(dataset, outputPath);
  const settings = readSettings(options, workingFolder);
  const columns = readColumns(options);
  return { dataset, provider, model, outputPath, columns, useCache: cache, settings };
}
