/** `loom report`: an output as a page to look at. */
import { type OutputReport, reportOutput } from '../../api/report-output.ts';
import type { ReportDocument } from '../../core/documents/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { readSource } from '../options/input.ts';
import type { CommandContext, ReportOptions } from '../options/options.ts';
import { askOverwrite } from '../options/overwrite.ts';
import { placeOf } from '../options/reach.ts';
import { formatCount } from '../words/counts.ts';
import { writePage } from './document.ts';

export async function report(options: ReportOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = context.document.begin<ReportDocument>({
    command: 'report',
    report_path: null,
    output_path: null,
    rows: null,
    rows_shown: null,
  });
  const { target, answer, rows, output, delimiter, quoting } = options;
  // An answer that was paid for must not be overwritten by mistake.
  if (output && !/\.html?$/i.test(output)) {
    throw new LoomError('usage', `--output ${output} can't be the name of a page.`, {
      hint: 'Give it a name that ends in .html.',
    });
  }
  const written = await reportOutput({
    ...placeOf(options, context),
    ...readSource(options, context),
    ...{ target, answer, delimiter, quoting, rows },
    page: output,
    overwrite: askOverwrite(options, terminal),
    drawPage: writePage,
  });
  if (!written) return 0;
  const { found, survey, choice, page } = written;
  Object.assign(document, {
    report_path: page,
    output_path: found.path,
    rows: survey.rows,
    rows_shown: choice.rows,
  });
  tellWhatIsMissing(written, context);
  terminal.print(`Report written. ${found.path} -> ${page} (${describeRows(written)})`);
  return 0;
}

function tellWhatIsMissing({ found, survey, choice }: OutputReport, { terminal }: CommandContext): void {
  if (!found.history) {
    terminal.note(
      'How this output was made is not known here, or it has changed since: the report has no times and no cost.',
    );
  }
  if (survey.hasForeignReasons) {
    terminal.warn(`the file of reasons beside ${found.path} belongs to other rows; it is left out.`);
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

function describeRows({ survey, choice }: OutputReport): string {
  const rows = `${survey.rows} ${survey.rows === 1 ? 'row' : 'rows'}`;
  return choice.rows === survey.rows ? rows : `${choice.rows} of ${rows}`;
}
