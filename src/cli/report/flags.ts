/** The flags of `loom report`. */
import { type Command, Option } from 'commander';
import { parseText, parseWhole } from '../flags/flag-values.ts';
import { dialectFlags } from '../flags/shared-flags.ts';

export function addReport(program: Command): Command {
  const report = program
    .command('report')
    .description('Write an output as a page to look at: figures, plots, failures, prompts and answers.')
    .argument('<output>', 'Path of the output, or the id of the batch or job that it came from.')
    .option('-o, --output <path>', 'Where the page goes (default: <output>_report.html).', parseText)
    .option(
      '--rows <number>',
      'Most rows that the page shows; its figures are of all.',
      parseWhole(1),
      50_000,
    )
    .option(
      '-c, --col <name>',
      'Column or field that holds the prompt (default: as it was run, else prompt).',
    )
    .addOption(
      new Option('--prompt <template>', 'In place of --col: the text that was filled, or @<path> of one.')
        .argParser(parseText)
        .conflicts('col'),
    )
    .option(
      '--answer <column>',
      'Column or field that holds the answers (default: as it was run, else llm_response).',
      parseText,
    );
  for (const option of dialectFlags('as it was run, else found')) report.addOption(option);
  return report
    .option('--force', 'Overwrite an existing page without asking.', false)
    .option('--sandbox', 'Look among the rehearsals alone; without it they are found too.', false)
    .addHelpText('after', reportExamples);
}

const reportExamples = `
Examples:
  loom report reviews_results_openai_gpt-4o-mini.csv
  loom report batch_abc123 -o report.html`;
