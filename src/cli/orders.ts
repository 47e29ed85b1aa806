/** What a person asks of a run, from the flags that `run` and `adopt` share. */
import { resolve } from 'node:path';
import type { GenerationSettings, ProviderName } from '../models.ts';
import { type Dataset, defaultOutputPath, describeDataset } from '../orchestrator/dataset.ts';
import type { SettingsOptions } from './options.ts';
import { readSettings } from './settings.ts';

export interface OrderOptions extends SettingsOptions {
  readonly file: string;
  readonly provider: ProviderName;
  readonly model: string;
  readonly col?: string;
  readonly output?: string;
  readonly cache: boolean;
  readonly withMeta: boolean;
  readonly withError: boolean;
}

export interface RunOrder {
  readonly dataset: Dataset;
  readonly provider: ProviderName;
  readonly model: string;
  readonly outputPath: string;
  readonly withMeta: boolean;
  readonly withError: boolean;
  readonly useCache: boolean;
  readonly settings: GenerationSettings | undefined;
}

/** LoomError `input` for an unknown file type, for CSV without a column, and for a file of settings that can't be read. */
export function describeOrder(options: OrderOptions, workingFolder: string): RunOrder {
  const { provider, model, withMeta, withError, cache } = options;
  const promptSource = options.col ? { column: options.col } : undefined;
  const dataset = describeDataset(resolve(workingFolder, options.file), promptSource);
  const outputPath = options.output
    ? resolve(workingFolder, options.output)
    : defaultOutputPath(dataset, provider, model);
  const settings = readSettings(options, workingFolder);
  return { dataset, provider, model, outputPath, withMeta, withError, useCache: cache, settings };
}
