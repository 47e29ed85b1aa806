/** The flags of `loom export`. */
import type { Command } from 'commander';
import { addFlags, flag } from '../flags/flag.ts';
import { parseText } from '../flags/flag-values.ts';
import { addSettingsFlags } from '../flags/settings-flags.ts';
import { addInputFlags, cacheFlags, serverFlags } from '../flags/shared-flags.ts';

export function addExport(program: Command): Command {
  const exporting = addInputFlags(program.command('export')).description(
    "Write the requests of a run into a file, in the provider's form, and send nothing. Needs no key.",
  );
  addFlags(exporting, 'Output:', [
    flag(
      '-o, --output <path>',
      'File for the requests (default: <input>_requests_<provider>_<model>.jsonl; .json at Anthropic).',
      parseText,
    ),
    flag('--force', 'Overwrite an existing file without asking.').default(false),
    ...cacheFlags(),
  ]);
  return addSettingsFlags(addFlags(exporting, 'Reach:', serverFlags())).addHelpText('after', exportExamples);
}

const exportExamples = `
Examples:
  loom export -f reviews.csv -c text -p openai -m gpt-4o-mini -o requests.jsonl
  loom import results.jsonl -f reviews.csv -c text -p openai -m gpt-4o-mini`;
