/** The flags of `loom fetch`. */
import type { Command } from 'commander';
import { addReachFlags, addWaitFlags, cacheDirFlag } from '../flags/shared-flags.ts';

const fetchExamples = `
Examples:
  loom fetch
  loom fetch --wait
  loom fetch --wait --timeout 2h --interval 1m`;

export function addFetch(program: Command): Command {
  const fetch = program
    .command('fetch')
    .description('Check pending batches, and write the output of each that is complete.')
    .option('-i, --id <id>', 'Fetch one batch or job by its id (implies --no-all), also one that is over.')
    .option('-a, --all', 'Fetch every pending batch (default).', true)
    .option('--no-all', 'Fetch only what --id names.')
    .option(
      '-k, --keep',
      'Keep the record in ~/.loom/batches/ and the uploaded file at the provider after the output is written.',
      false,
    )
    .option('--force', 'Overwrite existing output files without asking.', false)
    .option(
      '--partial',
      'Write what there is of batches whose results are short; with --id also of one that ended early or whose input has changed.',
      false,
    )
    .option('-f, --file <path>', 'With --id: where the input is now, if it was moved.')
    .addOption(cacheDirFlag());
  return addReachFlags(addWaitFlags(fetch)).addHelpText('after', fetchExamples);
}
