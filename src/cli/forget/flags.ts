/** The flags of `loom forget`. */
import { type Command, Option } from 'commander';
import { collectIds } from '../flags/flag-values.ts';
import { headerFlag, sandboxFlag, statusFlag } from '../flags/shared-flags.ts';

export function addForget(program: Command): Command {
  return program
    .command('forget')
    .description('Remove what loom holds of batches: records, requests, results. Outputs and the cache stay.')
    .addOption(
      new Option(
        '-i, --id <id...>',
        "The batches or jobs, several with commas; see loom list. A part's id means its whole job.",
      )
        .argParser(collectIds)
        .conflicts('status'),
    )
    .addOption(
      statusFlag('In place of --id: all jobs whose parts all have this status; several with commas.'),
    )
    .option('-y, --yes', 'Do not ask, also where answers would be lost.', false)
    .addOption(headerFlag())
    .addOption(sandboxFlag())
    .addHelpText(
      'after',
      '\nExamples:\n  loom forget --id batch_abc123\n  loom forget --status completed,failed',
    );
}
