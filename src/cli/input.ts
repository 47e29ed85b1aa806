/** The input that a person names, from the flags that `run`, `adopt` and `tokens` share. */
import { resolve } from 'node:path';
import { type Dataset, describeDataset } from '../orchestrator/dataset.ts';
import type { PromptSource } from '../utils/converters/prompt-source.ts';
import { parseTemplate } from '../utils/converters/prompt-template.ts';
import type { InputOptions } from './options.ts';
import { readTextFlag } from './text-flag.ts';

/** LoomError `input` for an unknown file type and for CSV without --col or --prompt, `usage` for a template that is none. */
export function describeInput(options: InputOptions, workingFolder: string): Dataset {
  const promptSource = readSourceFlags(options, workingFolder);
  return describeDataset(resolve(workingFolder, options.file), promptSource);
}

function readSourceFlags({ col, prompt }: InputOptions, workingFolder: string): PromptSource | undefined {
  if (prompt === undefined) return col ? { column: col } : undefined;
  const template = readTextFlag('--prompt', prompt, workingFolder);
  parseTemplate(template);
  return { template };
}
