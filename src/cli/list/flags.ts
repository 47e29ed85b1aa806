/** The flags of `loom list`. */
import { type Command, Option } from 'commander';
import { collectProviders } from '../flags/flag-values.ts';
import { sandboxFlag, statusFlag } from '../flags/shared-flags.ts';

export function addList(program: Command): Command {
  return program
    .command('list')
    .description('List every batch known to loom with its last-seen status.')
    .addOption(
      statusFlag(
        'List only batches with this status; several with commas. pending is whatever is not over, stuck what is pending for longer than its provider lets a batch run.',
      ),
    )
    .addOption(
      new Option('-p, --provider <name...>', 'List only batches at this provider.').argParser(
        collectProviders,
      ),
    )
    .addOption(sandboxFlag())
    .addHelpText('after', '\nExamples:\n  loom list\n  loom list --status pending --provider openai');
}
