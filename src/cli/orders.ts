/** What a person asks of a run, from the flags that `run` and `adopt` share. */
import { resolve } from 'node:path';
import { LoomError } from '../errors.ts';
import type { GenerationSettings, ProviderName } from '../models.ts';
import { type DatasetOrder, defaultOutputPath } from '../orchestrator/dataset.ts';
import { traitsOf } from '../utils/converters/format.ts';
import { describeInput } from './input.ts';
import type { OrderOptions } from './options.ts';
import { readSettings } from './settings.ts';

export interface RunOrder {
  readonly dataset: DatasetOrder;
  readonly provider: ProviderName;
  readonly model: string;
  readonly outputPath: string;
  readonly withMeta: boolean;
  readonly withError: boolean;
  readonly useCache: boolean;
  readonly settings: GenerationSettings | undefined;
}

/** Throws like `describeInput` and `readSettings`. */
export function describeOrder(options: OrderOptions, workingFolder: string): RunOrder {
  const { provider, model, withMeta, withError, cache } = options;
  const dataset = describeInput(options, workingFolder);
  checkPick(dataset);
  const outputPath = options.output
    ? resolve(workingFolder, options.output)
    : defaultOutputPath(dataset, provider, model);
  const settings = readSettings(options, workingFolder);
  return { dataset, provider, model, outputPath, withMeta, withError, useCache: cache, settings };
}

/** LoomError `usage` for rows that are picked of a file whose output holds all of them. */
function checkPick({ path, pick, format }: DatasetOrder): void {
  const { title, rowsCanBeLeftOut } = traitsOf(format.fileType);
  if (!pick || rowsCanBeLeftOut) return;
  throw new LoomError('usage', `--${'limit' in pick ? 'limit' : 'sample'} can't pick rows of ${path}.`, {
    hint: `The data of a ${title} file is copied as it is; write the rows that you want to run into a file of their own.`,
  });
}
