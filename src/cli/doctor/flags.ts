/** The flags of `loom doctor`. */
import { type Command, Option } from 'commander';
import { providerNames } from '../../core/names.ts';
import { collectWords } from '../flags/flag-values.ts';

export function addDoctor(program: Command): Command {
  return program
    .command('doctor')
    .description('Look whether this machine is fit for a run, and whether the providers take your keys.')
    .addOption(
      new Option('-p, --provider <name>', 'Try only the key of this provider; several with commas.')
        .choices([...providerNames])
        .argParser(collectWords(providerNames)),
    )
    .addHelpText('after', '\nExamples:\n  loom doctor\n  loom doctor -p openai');
}
