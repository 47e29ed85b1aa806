/** The flags of `loom import`. */
import type { Command } from 'commander';
import { addFlags, flag } from '../flags/flag.ts';
import { addSettingsFlags } from '../flags/settings-flags.ts';
import { addNamedInputFlags, cacheFlags, columnFlags, serverFlags } from '../flags/shared-flags.ts';

export function addImport(program: Command): Command {
  const importing = addNamedInputFlags(
    program
      .command('import')
      .argument(
        '<results...>',
        'Files of results, plain or .gz, as the provider or another program wrote them.',
      ),
  ).description(
    'Merge results that were made elsewhere, of requests of loom export, into the file. Needs no key.',
  );
  addFlags(importing, 'Output:', [
    flag('-o, --output <path>', 'Output file (default: <input>_results_<provider>_<model>.<ext>).'),
    flag('--force', 'Overwrite an existing output file without asking.').default(false),
    ...cacheFlags(),
    ...columnFlags(),
  ]);
  return addSettingsFlags(addFlags(importing, 'Reach:', serverFlags())).addHelpText(
    'after',
    '\nExample:\n  loom import results.jsonl -f reviews.csv -c text -p openai -m gpt-4o-mini',
  );
}
