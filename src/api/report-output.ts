/** `reportOutput` of the library. */
import { basename, dirname, join, resolve } from 'node:path';
import { stripExtension } from '../formats/format.ts';
import { type FoundOutput, findOutput } from '../orchestrator/report/find-output.ts';
import { type OutputSource, openOutput } from '../orchestrator/report/output-rows.ts';
import {
  chooseCounts,
  type OutputSurvey,
  type RowChoice,
  readChosenRows,
  type ShownRow,
  surveyOutput,
} from '../orchestrator/report/survey-output.ts';
import type { HistoryEntry } from '../state/history.ts';
import { describeLayout } from './options/layout.ts';
import type { InputOptions, OutputOptions, ReachOptions } from './options/options.ts';
import { underSignal, workingFolderOf } from './options/reach.ts';
import { choosePlacing, describeSource } from './options/run-order.ts';
import { listHomes, writePageFile } from './outputs/page.ts';

export type { FoundOutput, HistoryEntry, OutputSource, OutputSurvey, RowChoice, ShownRow };

export interface ReportOutputOptions
  extends ReachOptions,
    Pick<InputOptions, 'col' | 'prompt' | 'delimiter' | 'quoting'> {
  /** Path of an output, or the id of the batch or job that it came from. */
  readonly target: string;
  /** The column of the answers. Default: as the run noted it, else as the names of the columns tell. */
  readonly answer?: string | undefined;
  /** Most rows that `drawPage` is given. Default 10,000. */
  readonly rows?: number | undefined;
  /** Makes a page of the report, in pieces, to be written. */
  readonly drawPage?:
    | ((report: OutputReport, rows: AsyncIterable<ShownRow>) => AsyncIterable<string>)
    | undefined;
  /** Where that page goes. Default: `<output>_report.html` beside the output. */
  readonly page?: string | undefined;
  readonly overwrite?: OutputOptions['overwrite'];
}

/** What the rows of an output are like, and what is known of how they were made. */
export interface OutputReport {
  readonly found: FoundOutput;
  readonly survey: OutputSurvey;
  /** How many of the rows a page holds. */
  readonly choice: RowChoice;
  /** ISO 8601. */
  readonly writtenAt: string;
}

export interface WrittenReport extends OutputReport {
  /** Of the page, where one was drawn. */
  readonly page: string | undefined;
}

/**
 * Reads an output whole and tells what is in it, as `loom report` does. Undefined where the function `overwrite` said no.
 * LoomError `state` or `input` where there is no such output.
 */
export async function reportOutput(options: ReportOutputOptions): Promise<WrittenReport | undefined> {
  const { target, rows = 10_000, drawPage, overwrite } = options;
  const workingFolder = workingFolderOf(options);
  const layout = describeLayout(options);
  const asked = { promptSource: describeSource(options), answer: options.answer, layout };
  return underSignal(options.signal, async (signal) => {
    const found = await findOutput(listHomes(options), target, workingFolder);
    const source = await openOutput(found, asked);
    const usual = join(dirname(found.path), `${stripExtension(basename(found.path))}_report.html`);
    const page = drawPage && (options.page ? resolve(workingFolder, options.page) : usual);
    const placing = page === undefined ? undefined : await choosePlacing(page, overwrite);
    if (page !== undefined && !placing) return undefined;
    const survey = await surveyOutput(source, signal);
    const report = { found, survey, choice: chooseCounts(survey, rows), writtenAt: new Date().toISOString() };
    if (page !== undefined && drawPage && placing) {
      const chosen = readChosenRows(survey, report.choice, signal);
      await writePageFile(page, drawPage(report, chosen), placing, signal);
    }
    return { ...report, page };
  });
}
