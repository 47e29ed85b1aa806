/** The input that a person names, from the flags that `run`, `adopt` and `tokens` share. */
import { describeTold, LoomError, type Told } from '../../core/errors.ts';
import type { PromptSource } from '../../formats/format.ts';
import { parseTemplate } from '../../formats/template/prompt-template.ts';
import { describeDataset, requirePromptSource } from '../../orchestrator/dataset/dataset.ts';
import type { DatasetOrder } from '../../orchestrator/dataset/dataset-order.ts';
import type { PickOrder } from '../../orchestrator/dataset/pick-rows.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { wordsOf } from '../words/error-words.ts';
import type { CommandContext, InputOptions } from './options.ts';
import { readTextFlag } from './text-flag.ts';

type InputContext = Pick<CommandContext, 'workingFolder' | 'terminal'>;

/** LoomError `input` for an unknown file type and for a table without --col or --prompt, `usage` for flags that make no sense. */
export async function describeInput(
  options: InputOptions,
  inputPath: string,
  { workingFolder, terminal }: InputContext,
): Promise<DatasetOrder> {
  const pick = readPickFlags(options);
  const promptSource = readSourceFlags(options, workingFolder);
  const dataset = describeDataset(inputPath, promptSource);
  await requirePromptSource(dataset);
  return { ...dataset, pick, rowId: options.rowId, onRemark: tellOnce(terminal) };
}

/** An input is read several times, and each time is told of. */
function tellOnce(terminal: Terminal): (remark: Told) => void {
  const told = new Set<string>();
  return (remark) => {
    if (told.has(remark.message)) return;
    told.add(remark.message);
    terminal.note(describeTold(wordsOf(remark)));
  };
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
