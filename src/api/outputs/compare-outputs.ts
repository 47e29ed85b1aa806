/** `compareOutputs` of the library. */
import { resolve } from 'node:path';
import { LoomError } from '../../core/errors.ts';
import type { ConfusionCell, ExpectedFigures, LabelFigures } from '../../orchestrator/compare/accuracy.ts';
import type { PairFigures } from '../../orchestrator/compare/agreement.ts';
import {
  compareOutputs as compareFiles,
  type OutputFigures,
} from '../../orchestrator/compare/compare-outputs.ts';
import type { ComparisonFigures, LabelCount } from '../../orchestrator/compare/figures.ts';
import {
  chooseSideBySide,
  readSideBySide,
  type SideBySideChoice,
  type SideBySideRow,
} from '../../orchestrator/compare/side-by-side.ts';
import { describeLayout } from '../options/layout.ts';
import type { InputOptions, OutputOptions, ReachOptions } from '../options/options.ts';
import { underSignal, workingFolderOf } from '../options/reach.ts';
import { choosePlacing } from '../options/run-order.ts';
import { listHomes, writePageFile } from './page.ts';

export type {
  ComparisonFigures,
  ConfusionCell,
  ExpectedFigures,
  LabelCount,
  LabelFigures,
  OutputFigures,
  PairFigures,
  SideBySideChoice,
  SideBySideRow,
};

export interface CompareOutputsOptions extends ReachOptions, Pick<InputOptions, 'delimiter' | 'quoting'> {
  /** Paths of outputs, or ids of the batches or jobs that they came from; two or more. */
  readonly targets: readonly string[];
  /**
   * The column that tells rows apart. Default: `id`, where every output has it and no value repeats; else rows are matched
   * by their places, if the columns of their input are equal.
   */
  readonly on?: string | undefined;
  /** The column with the answers, or one for each output. Default: the only field of the answers, else the answer itself. */
  readonly answer?: string | readonly string[] | undefined;
  /** The column of the input that says what an answer should be. */
  readonly expect?: string | undefined;
  /** Most rows that `drawPage` is given. Default 10,000. */
  readonly rows?: number | undefined;
  /** Makes a page of the comparison, in pieces, to be written. */
  readonly drawPage?:
    | ((comparison: OutputComparison, rows: AsyncIterable<SideBySideRow>) => AsyncIterable<string>)
    | undefined;
  /** Where that page goes. */
  readonly page?: string | undefined;
  readonly overwrite?: OutputOptions['overwrite'];
}

/** What outputs of the same rows have in common. All figures are of the rows that every one of them has. */
export interface OutputComparison {
  readonly outputs: readonly OutputFigures[];
  /** The column by which rows are matched; undefined: by their places. */
  readonly on: string | undefined;
  readonly expect: string | undefined;
  /** Rows of which another output expects something else than the first that has the column `expect`. */
  readonly expectedOtherwise: number;
  readonly figures: ComparisonFigures;
  /** Labels that differ in their letter case alone, and count as different: `Yes, yes`. */
  readonly alikeLabels: readonly string[];
  /** How many of the rows a page holds. */
  readonly choice: SideBySideChoice;
  /** ISO 8601. */
  readonly comparedAt: string;
}

export interface WrittenComparison extends OutputComparison {
  /** Of the page, where one was drawn. */
  readonly page: string | undefined;
}

/**
 * Compares the answers of outputs of the same rows, as `loom compare` does. Undefined where the function `overwrite` said
 * no. LoomError `state` or `input` where there is no such output, or its rows can't be matched.
 */
export async function compareOutputs(options: CompareOutputsOptions): Promise<WrittenComparison | undefined> {
  const { targets, on, expect, rows = 10_000, drawPage, overwrite } = options;
  const answers = typeof options.answer === 'string' ? [options.answer] : (options.answer ?? []);
  if (targets.length < 2)
    throw new LoomError('usage', 'there is nothing to compare with.', { hint: 'Name two outputs or more.' });
  if (answers.length > 1 && answers.length !== targets.length) {
    throw new LoomError(
      'usage',
      `${answers.length} columns of answers are named for ${targets.length} outputs.`,
      { hint: 'Name one for all of them, or one for each.' },
    );
  }
  const workingFolder = workingFolderOf(options);
  const layout = describeLayout(options);
  return underSignal(options.signal, async (signal) => {
    const page = drawPage && options.page !== undefined ? resolve(workingFolder, options.page) : undefined;
    const placing = page === undefined ? undefined : await choosePlacing(page, overwrite);
    if (page !== undefined && !placing) return undefined;
    const order = { targets, on, answers, expect, layout };
    const compared = await compareFiles(listHomes(options), order, workingFolder, signal);
    const { matching, reading, ...told } = compared;
    const choice = chooseSideBySide(compared, rows);
    const key = matching.by === 'column' ? matching.names[0] : undefined;
    const comparison = { ...told, on: key, choice, comparedAt: new Date().toISOString() };
    if (page !== undefined && drawPage && placing) {
      const chosen = readSideBySide(compared, choice, signal);
      await writePageFile(page, drawPage(comparison, chosen), placing, signal);
    }
    return { ...comparison, page };
  });
}
