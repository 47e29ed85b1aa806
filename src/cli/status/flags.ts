/** The flags of `loom status`. */
import type { Command } from 'commander';
import { parseText } from '../flags/flag-values.ts';
import { addReachOptions } from '../flags/shared-flags.ts';

export function addStatus(program: Command): Command {
  const status = program
    .command('status')
    .description('Show everything known about one batch or job. Changes nothing.')
    .requiredOption(
      '-i, --id <id>',
      "The batch or the job; see loom list. A part's id means its whole job.",
      parseText,
    )
    .option('--offline', 'Ask no provider: show what was seen last.', false);
  return addReachOptions(status).addHelpText('after', '\nExample:\n  loom status --id batch_abc123');
}
