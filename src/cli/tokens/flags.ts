/** The flags of `loom tokens`. */
import type { Command } from 'commander';
import { systemOption } from '../flags/settings-flags.ts';
import {
  addInputOptions,
  addReachOptions,
  callTimeoutOption,
  patienceOption,
  workersOption,
} from '../flags/shared-flags.ts';

export function addTokens(program: Command): Command {
  const tokens = addInputOptions(program.command('tokens'))
    .description(
      "Count the input tokens of every prompt with the provider's own counter (Anthropic, Google).",
    )
    .optionsGroup('Counting:')
    .addOption(workersOption('Concurrent calls.'))
    .addOption(
      callTimeoutOption('Give up a count that takes longer than 90 (seconds) or 30m (default: 10m).'),
    )
    .addOption(patienceOption('End after so long without a count under rate limits (default: 5m).'))
    .addOption(systemOption())
    .option('--estimate', 'Count on this machine, without a call: for every provider, and roughly.', false);
  return addReachOptions(tokens).addHelpText(
    'after',
    '\nExamples:\n  loom tokens -f prompts.json -p anthropic -m claude-haiku-5-5\n  loom tokens -f prompts.json -p openai -m gpt-4o-mini --estimate',
  );
}
