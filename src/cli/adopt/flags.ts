/** The flags of `loom adopt`. */
import type { Command } from 'commander';
import { addSettingsOptions } from '../flags/settings-flags.ts';
import {
  addInputOptions,
  addReachOptions,
  cacheDirOption,
  noCacheOption,
  serverNameOption,
  withErrorOption,
  withMetaOption,
  withUsageOption,
} from '../flags/shared-flags.ts';

export function addAdopt(program: Command): Command {
  const adopt = addInputOptions(
    program.command('adopt').requiredOption('-i, --id <id>', 'Batch id at the provider.'),
  )
    .description('Rebuild the lost record of a batch, from the input it was made of.')
    .optionsGroup('Output:')
    .option('-o, --output <path>', 'Output file (default: <input>_results_<provider>_<model>.<ext>).')
    .addOption(noCacheOption())
    .addOption(cacheDirOption())
    .addOption(serverNameOption())
    .addOption(withMetaOption())
    .addOption(withUsageOption())
    .addOption(withErrorOption());
  return addReachOptions(addSettingsOptions(adopt)).addHelpText(
    'after',
    '\nExample:\n  loom adopt --id batch_abc123 -p openai -m gpt-4o-mini -f prompts.json',
  );
}
