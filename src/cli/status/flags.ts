/** The flags of `loom status`. */
import type { Command } from 'commander';
import { addReachFlags, jobFlag } from '../flags/shared-flags.ts';

export function addStatus(program: Command): Command {
  const status = program
    .command('status')
    .description('Show everything known about one batch or job. Changes nothing.')
    .addOption(jobFlag())
    .option('--offline', 'Ask no provider: show what was seen last.', false);
  return addReachFlags(status).addHelpText('after', '\nExample:\n  loom status --id batch_abc123');
}
