/** The flags of `loom cancel`. */
import type { Command } from 'commander';
import { addReachFlags, jobFlag } from '../flags/shared-flags.ts';

export function addCancel(program: Command): Command {
  const cancel = program
    .command('cancel')
    .description('Cancel a batch, or every batch of a job; what was answered by then is kept.')
    .addOption(jobFlag())
    .option('-y, --yes', 'Do not ask. Needed without a terminal.', false);
  return addReachFlags(cancel).addHelpText('after', '\nExample:\n  loom cancel --id batch_abc123');
}
