/** The flags of `loom models`. */
import { type Command, Option } from 'commander';
import { addFlags, flag } from '../flags/flag.ts';
import { collectProviders } from '../flags/flag-values.ts';
import { addReachFlags } from '../flags/shared-flags.ts';

export function addModels(program: Command): Command {
  const models = program
    .command('models')
    .description(
      'List models with their prices for a million tokens, live and in batches, and their context.',
    )
    .argument('[search...]', 'Only models whose provider/name has each of these words in it.');
  addFlags(models, 'Models:', [
    new Option('-p, --provider <name>', 'List only models of this provider; several with commas.').argParser(
      collectProviders,
    ),
    flag('--live', 'Ask the provider which models it has for your key; without it nobody is asked.').default(
      false,
    ),
  ]);
  return addReachFlags(models).addHelpText(
    'after',
    '\nExamples:\n  loom models mini\n  loom models -p anthropic\n  loom models --live -p google flash',
  );
}
