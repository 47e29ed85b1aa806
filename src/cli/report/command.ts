/** `loom report`: an output as a page to look at. */
import { basename, dirname, join, resolve } from 'node:path';
import type { ReportDocument } from '../../core/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { stripExtension } from '../../formats/format.ts';
import { type FoundOutput, findOutput } from '../../orchestrator/report/find-output.ts';
import { openOutput } from '../../orchestrator/report/output-rows.ts';
import { chooseCounts, readChosenRows, surveyOutput } from '../../orchestrator/report/survey-output.ts';
import { describeDiskError } from '../../storage/files.ts';
import { type Placing, writeOutputFile } from '../../storage/output-file.ts';
import { readSourceFlags } from '../options/input.ts';
import type { CommandContext, ReportOptions } from '../options/options.ts';
import { choosePlacing } from '../options/overwrite.ts';
import { openHome } from '../options/story-reach.ts';
import { formatCount } from '../words/counts.ts';
import { writePage } from './document.ts';
import type { ReportFacts } from './summary.ts';

export async function report(options: ReportOptions, context: CommandContext): Promise<number> {
  const { terminal, signal, workingFolder } = context;
  const document = context.document.begin<ReportDocument>({
    command: 'report',
    report_path: null,
    output_path: null,
    rows: null,
    rows_shown: null,
  });
  const promptSource = readSourceFlags(options, workingFolder);
  const found = await findOutput(chooseHomes(options, context), options.target, workingFolder);
  const source = await openOutput(found, promptSource);
  const path = choosePath(options, found, workingFolder);
  const placing = await choosePlacing(path, options, terminal);
  if (!placing) return 0;
  const survey = await surveyOutput(source, signal);
  const choice = chooseCounts(survey, options.rows);
  const facts = { found, survey, choice, writtenAt: new Date().toISOString() };
  await writeReport(path, placing, facts, signal);
  Object.assign(document, {
    report_path: path,
    output_path: found.path,
    rows: survey.rows,
    rows_shown: choice.rows,
  });
  tellWhatIsMissing(facts, context);
  terminal.print(`Report written. ${found.path} -> ${path} (${describeRows(facts)})`);
  return 0;
}

/** What was made in a rehearsal is known to the home of rehearsals alone. */
function chooseHomes({ sandbox }: ReportOptions, context: CommandContext) {
  const rehearsals = openHome({ sandbox: true }, context);
  return sandbox ? [rehearsals] : [openHome({}, context), rehearsals];
}

/** LoomError `usage` for a name that is no page's: an answer that was paid for must not be overwritten by mistake. */
function choosePath({ output }: ReportOptions, { path }: FoundOutput, workingFolder: string): string {
  if (!output) return join(dirname(path), `${stripExtension(basename(path))}_report.html`);
  if (/\.html?$/i.test(output)) return resolve(workingFolder, output);
  throw new LoomError('usage', `--output ${output} is no name for a page.`, {
    hint: 'Give it a name that ends in .html.',
  });
}

async function writeReport(
  path: string,
  placing: Placing,
  facts: ReportFacts,
  signal: AbortSignal,
): Promise<void> {
  const rows = readChosenRows(facts.survey, facts.choice, signal);
  try {
    await writeOutputFile(path, writePage(facts, rows), { placing });
  } catch (error) {
    if (error instanceof LoomError || signal.aborted) throw error;
    throw new LoomError('output', `can't write the report ${path}: ${describeDiskError(error)}.`, {
      hint: 'Make room, or choose another path with --output.',
      cause: error,
    });
  }
}

function tellWhatIsMissing({ found, survey, choice }: ReportFacts, { terminal }: CommandContext): void {
  if (!found.history) {
    terminal.note(
      'How this output was made is not known here, or it has changed since: the report has no times and no cost.',
    );
  }
  if (survey.hasForeignReasons) {
    terminal.warn(`the file of reasons beside ${found.path} is of other rows; it is left out.`);
  }
  if (choice.rows === survey.rows) return;
  const { failed } = survey.counts;
  const among =
    failed === 0
      ? ''
      : `, ${choice.failed === failed ? 'all' : `${formatCount(choice.failed)} of the`} ${formatCount(failed)} that failed among them`;
  terminal.note(
    `The page shows ${formatCount(choice.rows)} of the ${formatCount(survey.rows)} rows, evenly from all over the output${among}; its figures are of all. --rows sets how many.`,
  );
}

function describeRows({ survey, choice }: ReportFacts): string {
  const rows = `${survey.rows} ${survey.rows === 1 ? 'row' : 'rows'}`;
  return choice.rows === survey.rows ? rows : `${choice.rows} of ${rows}`;
}
