/** The input that a person names, from the flags that `run`, `adopt` and `tokens` share. */
import { LoomError } from '../errors.ts';
import { type DatasetOrder, describeDataset } from '../orchestrator/dataset.ts';
import type { PickOrder } from '../orchestrator/pick-rows.ts';
import type { PromptSource } from '../utils/converters/prompt-source.ts';
import { parseTemplate } from '../utils/converters/prompt-template.ts';
import type { InputOptions } from './options.ts';
import { readTextFlag } from './text-flag.ts';

/** LoomError `input` for an unknown file type and for a table without --col or --prompt, `usage` for flags that make no sense. */
export function describeInput(options: InputOptions, inputPath: string, workingFolder: string): DatasetOrder {
  const pick = readPickFlags(options);
  const promptSource = readSourceFlags(options, workingFolder);
  return { ...describeDataset(inputPath, promptSource), pick };
}

/** LoomError `usage` for a template that is none. */
export function readSourceFlags(
  { col, prompt }: Pick<InputOptions, 'col' | 'prompt'>,
  workingFolder: string,
): PromptSource | undefined {
  if (prompt === undefined) return col ? { column: col } : undefined;
  const template = readTextFlag('--prompt', prompt, workingFolder);
  parseTemplate(template);
  return { template };
}

function readPickFlags({ limit, sample, sampleSeed }: InputOptions): PickOrder | undefined {
  if (sampleSeed !== undefined && sample === undefined) {
    throw new LoomError('usage', '--sample-seed chooses the rows of a --sample.', {
      hint: 'Pass --sample too.',
    });
  }
  if (limit !== undefined) return { limit };
  return sample === undefined ? undefined : { sample, seed: sampleSeed ?? 0 };
}
