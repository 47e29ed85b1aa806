/** The flags of `loom cancel`. */
import type { Command } from 'commander';
import { parseText } from '../flags/flag-values.ts';
import { addReachOptions } from '../flags/shared-flags.ts';

export function addCancel(program: Command): Command {
  const cancel = program
    .command('cancel')
    .description('Cancel a batch, or every batch of a job; what was answered by then is kept.')
    .requiredOption(
      '-i, --id <id>',
      "The batch or the job; see loom list. A part's id means its whole job.",
      parseText,
    )
    .option('-y, --yes', 'Do not ask. Needed without a terminal.', false);
  return addReachOptions(cancel).addHelpText('after', '\nExample:\n  loom cancel --id batch_abc123');
}
