/** `loom compare`: what outputs of the same rows have in common, and a page with their rows side by side. */
import { compareOutputs, type OutputComparison } from '../../api/outputs/compare-outputs.ts';
import type { CompareDocument } from '../../core/documents/documents.ts';
import { LoomError } from '../../core/errors.ts';
import type { CommandContext, CompareOptions } from '../options/options.ts';
import { askOverwrite } from '../options/overwrite.ts';
import { placeOf } from '../options/reach.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount } from '../words/counts.ts';
import { printConfusion } from './confusion.ts';
import { documentComparison } from './document.ts';
import { writePage } from './page.ts';
import { printLabels, printOutputs } from './tables.ts';
import { describeDoubts, describeLimits, describeMatching, describePair } from './words.ts';

export async function compare(options: CompareOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { targets, on, answer, expect, output, rows, delimiter, quoting } = options;
  const document = context.document.begin<CompareDocument>({
    command: 'compare',
    page_path: null,
    rows: null,
    rows_shown: null,
    matched_by: null,
    on: null,
    differing: null,
    different_answers: null,
    outputs: [],
    pairs: [],
    labels: null,
  });
  // An answer that was paid for must not be overwritten by mistake.
  if (output && !/\.html?$/i.test(output)) {
    throw new LoomError('usage', `--output ${output} can't be the name of a page.`, {
      hint: 'Give it a name that ends in .html.',
    });
  }
  const compared = await compareOutputs({
    ...placeOf(options, context),
    ...{ targets, on, answer, expect, delimiter, quoting, rows, page: output },
    overwrite: askOverwrite(options, terminal),
    drawPage: writePage,
  });
  if (!compared) return 0;
  Object.assign(document, documentComparison(compared));
  await printComparison(compared, terminal);
  if (compared.page !== undefined)
    terminal.print(`Page written. ${compared.page} (${describeShown(compared)})`);
  return 0;
}

async function printComparison(comparison: OutputComparison, terminal: Terminal): Promise<void> {
  for (const doubt of describeDoubts(comparison)) terminal.note(doubt);
  terminal.printSentence(describeMatching(comparison));
  terminal.printResult('');
  await printOutputs(comparison, terminal);
  terminal.printResult('');
  const { pairs, labels } = comparison.figures;
  for (const pair of pairs) terminal.printSentence(describePair(pair, labels !== undefined));
  for (const sentence of describeLimits(comparison)) terminal.printSentence(sentence);
  await printLabels(comparison, terminal);
  await printConfusion(comparison, terminal);
}

function describeShown({ figures, choice }: OutputComparison): string {
  const rows = `${figures.rows} ${figures.rows === 1 ? 'row' : 'rows'}`;
  return choice.rows === figures.rows ? rows : `${formatCount(choice.rows)} of ${rows}`;
}
