/** How rows without a response are told. */

import type { MergeSummary } from '../../api/fetch-batches.ts';
import { reasonsPathFor } from '../../orchestrator/output/reasons-file.ts';
import { linkPath } from '../terminal/hyperlinks.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countOf, formatCount } from './counts.ts';

/** The fate of every row, and the reasons of those without a response; no path for an output on stdout. */
export function reportRows(summary: MergeSummary, outputPath: string | undefined, terminal: Terminal): void {
  terminal.note(describeRows(summary));
  if (summary.cutOff > 0)
    terminal.note('Pass a larger --max-tokens to have them whole; every row is asked again then.');
  if (summary.failed === 0) return;
  const groups = summary.failures.map((group) => `${group.count} × ${group.kind}`).join(', ');
  terminal.warn(`${summary.failed} of ${summary.rows} rows have no response: ${groups}.`);
  for (const { kind, count, message, rows } of summary.failures) {
    terminal.note(`  ${kind}${describePlaces(rows, count)}: ${message}`);
  }
  if (summary.failures.some(({ kind }) => kind === 'schema_mismatch'))
    terminal.note('Answers that do not fit are kept, and asked for again only with --no-cache.');
  const { reasonsPath } = summary;
  if (outputPath === undefined) terminal.note('Pass --with-error to have the reasons in the rows.');
  else if (reasonsPath === undefined) {
    const path = reasonsPathFor(outputPath);
    terminal.warn(
      `the reasons are in no file: ${path} is in the way. Move it away, or pass --with-error to have them in the rows.`,
    );
  } else {
    const line = `All of them, with their reasons: ${reasonsPath}`;
    terminal.note(linkPath(line, reasonsPath, terminal.stderr, terminal.environment));
  }
}

/** ` (rows 1, 4, …)`, by their numbers from 1; nothing where an older version noted none. */
function describePlaces(rows: readonly number[], count: number): string {
  if (rows.length === 0) return '';
  return ` (rows ${rows.join(', ')}${count > rows.length ? ', …' : ''})`;
}

/** `10,000 rows: 9,960 answered, 2 of them cut off at the token limit, 37 failed, 3 empty prompts skipped` */
function describeRows({ rows, answered, cutOff, failed, blankRows }: MergeSummary): string {
  const counts = [`${formatCount(answered)} answered`];
  if (cutOff > 0) counts.push(`${formatCount(cutOff)} of them cut off at the token limit`);
  if (failed > 0) counts.push(`${formatCount(failed)} failed`);
  if (blankRows > 0) counts.push(`${countOf(blankRows, 'empty prompt')} skipped`);
  const notSent = rows - answered - failed - blankRows;
  if (notSent > 0) counts.push(`${formatCount(notSent)} not in this batch`);
  return `${countOf(rows, 'row')}: ${counts.join(', ')}`;
}

/** An output that exists is not replaced by one without answers. */
export function describeUnwritten(outputPath: string | undefined): string {
  return `no row has an answer, and the output ${outputPath} stays as it was`;
}

export function describeUnknownResults(results: number): string {
  if (results === 1) return '1 result has an id that was not sent; it is ignored.';
  return `${results} results have ids that were not sent; they are ignored.`;
}

export function describeSkipped(blankRows: number): string {
  return `Skipped ${countOf(blankRows, 'row')} without a prompt.`;
}

/** The exit code of a run that wrote its output. */
export function exitCodeOf(summary: MergeSummary): number {
  if (summary.failed === 0) return 0;
  return summary.answered === 0 ? 1 : 3;
}

/** Says before anything is paid for that the reasons of failed rows will have no place. */
export function tellForeignReasons(
  { path, isInput }: { readonly path: string; readonly isInput: boolean },
  terminal: Terminal,
): void {
  const whose = isInput ? 'the input' : "not loom's";
  terminal.warn(
    `${path} is ${whose} and stays: the reasons of failed rows will be in no file. Move it away, or pass --with-error.`,
  );
}
