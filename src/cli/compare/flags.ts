/** The flags of `loom compare`. */
import type { Command } from 'commander';
import { collectTexts, parseText, parseWhole } from '../flags/flag-values.ts';
import { dialectFlags } from '../flags/shared-flags.ts';

export function addCompare(program: Command): Command {
  const compare = program
    .command('compare')
    .description('Compare the answers of two or more outputs of the same rows, such as those of two models.')
    .argument('<output...>', 'Paths of outputs, or the ids of the batches or jobs that they came from.')
    .option(
      '--on <column>',
      'Column that tells rows apart (default: id, else the places of the rows if their other columns are equal).',
      parseText,
    )
    .option(
      '--answer <column>',
      'Column of the answers; given again, one for each output (default: the only field of the answers, else the answer).',
      collectTexts,
    )
    .option('--expect <column>', 'Column that says what an answer should be.', parseText)
    .option('-o, --output <path>', 'Write a page, an .html file, with the rows side by side.', parseText)
    .option(
      '--rows <number>',
      'Most rows that the page shows; its figures are of all.',
      parseWhole(1),
      50_000,
    );
  for (const option of dialectFlags('as it was run, else found')) compare.addOption(option);
  return compare
    .option('--force', 'Overwrite an existing page without asking.', false)
    .option('--sandbox', 'Look among the rehearsals alone; without it they are found too.', false)
    .addHelpText('after', compareExamples);
}

const compareExamples = `
Examples:
  loom compare gpt.csv claude.csv --expect label
  loom compare gpt.csv claude.csv --on review_id -o compared.html`;
