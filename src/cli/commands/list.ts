/** The flags of `loom list`. */
import type { Command } from 'commander';
import { sandboxOption } from './shared-flags.ts';

export function addList(program: Command): Command {
  return program
    .command('list')
    .description('List every batch known to loom with its last-seen status.')
    .addOption(sandboxOption())
    .addHelpText('after', '\nExample:\n  loom list');
}
