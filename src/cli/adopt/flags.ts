/** The flags of `loom adopt`. */
import type { Command } from 'commander';
import { addFlags, flag } from '../flags/flag.ts';
import { addSettingsFlags } from '../flags/settings-flags.ts';
import { addInputFlags, addReachFlags, cacheFlags, columnFlags } from '../flags/shared-flags.ts';

export function addAdopt(program: Command): Command {
  const adopt = program
    .command('adopt')
    .description('Rebuild the lost record of a batch, from the input it was made of.')
    .requiredOption('-i, --id <id>', 'Batch id at the provider.');
  addFlags(addInputFlags(adopt), 'Output:', [
    flag('-o, --output <path>', 'Output file (default: <input>_results_<provider>_<model>.<ext>).'),
    ...cacheFlags(),
    ...columnFlags(),
  ]);
  return addReachFlags(addSettingsFlags(adopt)).addHelpText(
    'after',
    '\nExample:\n  loom adopt --id batch_abc123 -p openai -m gpt-4o-mini -f prompts.json',
  );
}
