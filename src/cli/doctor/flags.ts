/** The flags of `loom doctor`. */
import { type Command, Option } from 'commander';
import { addFlags } from '../flags/flag.ts';
import { collectProviders } from '../flags/flag-values.ts';
import { addressFlags } from '../flags/shared-flags.ts';

export function addDoctor(program: Command): Command {
  const doctor = program
    .command('doctor')
    .description('Look whether this machine is fit for a run, and whether the providers take your keys.')
    .addOption(
      new Option(
        '-p, --provider <name>',
        'Try only the key of this provider; several with commas.',
      ).argParser(collectProviders),
    );
  return addFlags(doctor, 'Reach:', addressFlags()).addHelpText(
    'after',
    '\nExamples:\n  loom doctor\n  loom doctor -p openai\n  loom doctor -p openai --base-url http://127.0.0.1:11434/v1',
  );
}
