/** The flags of `loom tokens`. */
import type { Command } from 'commander';
import { addFlags, flag } from '../flags/flag.ts';
import { systemFlag } from '../flags/settings-flags.ts';
import { addInputFlags, addReachFlags, callFlags } from '../flags/shared-flags.ts';

export function addTokens(program: Command): Command {
  const tokens = addInputFlags(program.command('tokens')).description(
    "Count the input tokens of every prompt with the provider's own counter (Anthropic, Google).",
  );
  addFlags(tokens, 'Counting:', [
    ...callFlags(
      'Concurrent calls.',
      'Give up a count that takes longer than 90 (seconds) or 30m (default: 10m).',
      'End after so long without a count under rate limits (default: 5m).',
    ),
    systemFlag(),
    flag('--estimate', 'Count on this machine, without a call: for every provider, and roughly.').default(
      false,
    ),
  ]);
  return addReachFlags(tokens).addHelpText(
    'after',
    '\nExamples:\n  loom tokens -f prompts.json -p anthropic -m claude-haiku-4-5\n  loom tokens -f prompts.json -p openai -m gpt-4o-mini --estimate',
  );
}
