/** The input that a person names, from the flags that `run`, `adopt` and `tokens` share. */
import type { InputOptions } from '../../api/options/options.ts';
import { describeTold, LoomError, type Told } from '../../core/errors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { wordsOf } from '../words/error-words.ts';
import type { CommandContext, InputOptions as InputFlags } from './options.ts';
import { openInput } from './stdin.ts';
import { readTextFlag } from './text-flag.ts';

/** LoomError `input` for a template whose file can't be read, `usage` for flags that make no sense. */
export function describeInput(options: InputFlags, context: CommandContext): InputOptions {
  const { provider, model, messages, attach, rowId, limit, sample, sampleSeed } = options;
  const { delimiter, quoting, padRows, encoding } = options;
  if (sampleSeed !== undefined && sample === undefined) {
    throw new LoomError('usage', '--sample-seed chooses the rows of a --sample.', {
      hint: 'Pass --sample too.',
    });
  }
  const pick = { limit, sample, sampleSeed };
  const file = openInput(options, context);
  const onRemark = tellOnce(context.terminal);
  const source = readSource(options, context);
  const layout = { delimiter, quoting, padRows, encoding };
  return { file, provider, model, ...source, messages, attach, rowId, ...pick, ...layout, onRemark };
}

/** An input is read several times, and each time is told of. */
function tellOnce(terminal: Terminal): (remark: string, told: Told) => void {
  const known = new Set<string>();
  return (remark, told) => {
    if (known.has(remark)) return;
    known.add(remark);
    terminal.note(describeTold(wordsOf(told)));
  };
}

/** Where the prompts are. */
export function readSource(
  { col, prompt }: Pick<InputFlags, 'col' | 'prompt'>,
  { workingFolder }: CommandContext,
): Pick<InputOptions, 'col' | 'prompt'> {
  if (prompt === undefined) return { col: col || undefined };
  return { prompt: readTextFlag('--prompt', prompt, workingFolder) };
}
