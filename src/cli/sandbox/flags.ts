/** The flags of `loom sandbox`. */
import type { Command } from 'commander';
import { parseWhole } from '../flags/flag-values.ts';

export function addSandbox(program: Command): Command {
  return program
    .command('sandbox')
    .description('Serve a local stand-in for all providers, to rehearse runs without keys or cost.')
    .option('--port <number>', 'Port on 127.0.0.1 (0: any free one).', parseWhole(0, 65_535), 0)
    .option('--latency <ms>', 'Wait before each live answer.', parseWhole(0), 0)
    .option('--faults <path>', 'JSON file that says what goes wrong, for rehearsals.')
    .option('--turnaround <ms>', 'Time from the creation of a batch to its end.', parseWhole(0), 1_000)
    .addHelpText('after', '\nExample:\n  loom sandbox --port 8080 --latency 100');
}
