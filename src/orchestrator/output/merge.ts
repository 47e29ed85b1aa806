/**
 * Puts answers into the output file, in the input's order, and counts what each row got.
 *
 * An answer is written only beside a row whose prompt is the one that was asked, as the row is in the very pass that
 * writes it: `answerFor` compares, and a row that differs stops the merge or stays without a response. An input that is
 * written to in the middle of that pass stops it too.
 */
import { LoomError } from '../../core/errors.ts';
import type { AnswerFacts, ProviderName, Row, RowOutcome } from '../../core/models.ts';
import { converterFor } from '../../formats/index.ts';
import { describeDiskError } from '../../storage/files.ts';
import { type InputWatch, watchInput } from '../../storage/input-watch.ts';
import {
  FileInTheWayError,
  followLinks,
  isThere,
  type Placing,
  writeOutputFile,
} from '../../storage/output-file.ts';
import { lookUpContents } from '../dataset/attachments/row-contents.ts';
import { type Dataset, readOptionsOf } from '../dataset/dataset.ts';
import { createPicker } from '../dataset/pick-rows.ts';
import { type ChangeWords, inputChanged } from './changed-input.ts';
import { type ColumnChoice, columnsOf, type SettledRow } from './columns.ts';
import { openReasonsLog, type ReasonsLog, removeOldReasons } from './reasons-file.ts';
import { type MergeSummary, type RowCounts, RowTally } from './row-tally.ts';

export interface MergeOrder {
  readonly dataset: Dataset;
  /** Absolute. */
  readonly outputPath: string;
  /** Whether a file that is there, or comes meanwhile, may go. */
  readonly placing: Placing;
  readonly provider: ProviderName;
  readonly model: string;
  readonly columns: ColumnChoice;
  /** Whether rows that are not the ones that were sent stop the merge, or stay without a response. */
  readonly changedRows: 'refuse' | 'leave_out';
  /** What is said of a changed input: when it was looked at before, and how to go on. */
  readonly changeWords: ChangeWords;
  /** How many rows were picked of the input when it was sent: all that it had, most often. */
  readonly expectedRows?: number | undefined;
  /** Since when the input must not have been written to; undefined: since the merge began. */
  readonly inputWatch?: InputWatch | undefined;
  /** The same for every try of the same work, so that what a killed try left is cleared away. */
  readonly workTag: string;
  /** Asked right before anything is put in place or removed; what it throws prevents that. */
  ensureHeld(): Promise<void>;
  /** Sees every byte of the output, in order. */
  readonly onBytes?: (chunk: Buffer) => void;
  /** Called when the output is complete in a draft, just before that is put in place. */
  readonly onComplete?: (draftPath: string, counts: RowCounts) => Promise<void>;
  /** Called some rows ahead of their merge, and awaited before that. */
  readonly prepareRows?: (rows: readonly Row[]) => Promise<void>;
}

/**
 * What is known of a row: its result, `no_result` when it was sent and nothing came back, `not_sent`, `too_large`
 * for a row that the provider does not take, or `changed` when the row is not the one that was sent.
 */
export type RowAnswer = RowOutcome | 'no_result' | 'not_sent' | 'too_large' | 'changed';

const namedRows = 5;

const unansweredMessages = {
  no_result: 'The provider returned no result for this row.',
  too_large: 'The row alone is larger than what the provider takes, and was not sent.',
  changed: 'The prompt is not the one that was sent: the input has changed since.',
} as const;

/**
 * Writes the output: complete and in place when this returns, untouched when it throws. LoomError `output` when it
 * can't be written, `input` when the input is not the one whose rows were sent; FileInTheWayError. The reasons of rows
 * without a response are written next to it; without any, an older file of them is removed. An output that exists is
 * never replaced by one in which no row has an answer: it stays, and `isWritten` is false then.
 */
export async function mergeAnswers(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer,
): Promise<MergeSummary> {
  const tally = new RowTally();
  const written = await writeOutput(order, answerFor, tally);
  return { ...tally.summarize(), ...written };
}

/**
 * Does the same as long as there is an answer: after the first row without one (`undefined`) the rest of the input is
 * still read and checked, and the output stays as it was. Returns undefined then.
 */
export async function tryMergeAnswers(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer | undefined,
): Promise<MergeSummary | undefined> {
  const tally = new RowTally();
  const attempt = { givenUp: false };
  try {
    const written = await writeOutput(
      order,
      (row) => {
        const answer = answerFor(row);
        if (answer === undefined) attempt.givenUp = true;
        return answer ?? 'not_sent';
      },
      tally,
      attempt,
    );
    return { ...tally.summarize(), ...written };
  } catch (error) {
    if (error instanceof GivenUp) return undefined;
    throw error;
  }
}

/** Keeps a file of which only a part was written from being put in place. */
class GivenUp extends LoomError {
  constructor() {
    super('output', 'not every row has an answer.');
  }
}

/** Keeps an output without any answer from taking the place of an older one. */
class NothingAnswered extends LoomError {
  constructor() {
    super('output', 'no row has an answer.');
  }
}

type Written = Pick<MergeSummary, 'isWritten' | 'reasonsPath'>;

async function writeOutput(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer,
  tally: RowTally,
  attempt = { givenUp: false },
): Promise<Written> {
  const { dataset, outputPath, placing, workTag } = order;
  const reasons = openReasonsLog(outputPath, dataset.path, workTag);
  tally.onFailure = (failure) => reasons.add(failure);
  let reasonsPath: string | undefined;
  try {
    await writeOutputFile(outputPath, mergeRows(order, answerFor, tally, reasons, attempt), {
      placing,
      workTag,
      async onComplete(draftPath) {
        await checkPlace(order, tally);
        await order.onComplete?.(draftPath, tally.summarize());
        await order.ensureHeld();
        reasonsPath = await reasons.putInPlace('replace');
      },
    });
  } catch (error) {
    if (error instanceof NothingAnswered) {
      await order.ensureHeld();
      return { isWritten: false, reasonsPath: await reasons.putInPlace('new') };
    }
    // Once the lock is lost, what lies there is another's, and the loss is the reason.
    await order.ensureHeld();
    await reasons.takeBack();
    throw asOutputError(outputPath, error);
  } finally {
    await reasons.discard();
  }
  if (tally.failed === 0) await removeOldReasons(outputPath, dataset.path);
  return { isWritten: true, reasonsPath };
}

/** A file in the way is seen before the reasons of this output are put beside it. */
async function checkPlace({ outputPath, placing }: MergeOrder, tally: RowTally): Promise<void> {
  const target = await followLinks(outputPath);
  if (!(await isThere(target))) return;
  if (placing === 'new') throw new FileInTheWayError(target);
  if (tally.answered === 0) throw new NothingAnswered();
}

function asOutputError(outputPath: string, error: unknown): unknown {
  if (error instanceof LoomError || (error as Error).name === 'AbortError') return error;
  return new LoomError('output', `can't write the output ${outputPath}: ${describeDiskError(error)}.`, {
    code: 'output_failed',
    facts: { path: outputPath },
    hint: 'Make room, or choose another output; nothing is lost.',
    cause: error,
  });
}

async function* mergeRows(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer,
  tally: RowTally,
  reasons: ReasonsLog,
  attempt: { readonly givenUp: boolean },
): AsyncGenerator<Buffer> {
  const { dataset } = order;
  const changed: ChangedRows = { count: 0, firstRows: [] };
  const converter = await converterFor(dataset.format.fileType);
  const isPicked = createPicker(dataset.pick);
  const inputWatch = order.inputWatch ?? (await watchInput(dataset.path));
  const fields = describeFields(order, isPicked, (row) => {
    const answer = answerFor(row);
    if (answer === 'changed') noteChanged(changed, row);
    return settleRow(tally, row, answer);
  });
  const options = readOptionsOf(dataset);
  try {
    for await (const chunk of converter.mergeRows(dataset.path, dataset.format.gzip, options, fields)) {
      if (attempt.givenUp) continue;
      order.onBytes?.(chunk);
      yield chunk;
      await reasons.drain();
    }
  } catch (error) {
    throw await inputWatch.explain(error);
  }
  if (attempt.givenUp) throw new GivenUp();
  if (order.changedRows === 'refuse') {
    if (changed.count > 0) throw describeChange(order, changed);
    if (tally.rows < (order.expectedRows ?? 0)) throw describeMissingRows(order, tally.rows);
  }
  await inputWatch.ensureUnchanged();
}

const noFacts: AnswerFacts = {};

/** What rows ask is known before anything is looked up by it. */
function prepare({ dataset, prepareRows }: MergeOrder): MergeOrder['prepareRows'] {
  if (!dataset.files) return prepareRows;
  return async (rows) => {
    await lookUpContents(rows, dataset);
    await prepareRows?.(rows);
  };
}

function describeFields(
  order: MergeOrder,
  isPicked: (rowIndex: number) => boolean,
  settle: (row: Row) => SettledRow,
) {
  const prepareRows = prepare(order);
  const columns = columnsOf(order.columns);
  return {
    columns,
    prepareRows:
      prepareRows && ((rows: readonly Row[]) => prepareRows(rows.filter(({ index }) => isPicked(index)))),
    valuesFor(row: Row) {
      if (!isPicked(row.index)) return undefined;
      const settled = settle(row);
      return columns.map((column) => column.valueOf(settled, order));
    },
  };
}

function settleRow(tally: RowTally, row: Row, answer: RowAnswer): SettledRow {
  if (typeof answer === 'object' && answer.outcome === 'succeeded') {
    tally.countAnswer(answer);
    return { text: answer.text, error: null, facts: answer };
  }
  if (answer === 'not_sent') {
    tally.countUnsent(row);
    return { text: null, error: null, facts: noFacts };
  }
  const { kind, message } =
    typeof answer === 'object' ? answer.error : { kind: answer, message: unansweredMessages[answer] };
  tally.countFailure({ row, kind, message, text: typeof answer === 'object' ? answer.text : undefined });
  return { text: null, error: `${kind}: ${message}`, facts: typeof answer === 'object' ? answer : noFacts };
}

/** Rows whose prompt is not the one that was sent: it may be all of them. */
interface ChangedRows {
  count: number;
  /** From 1. */
  readonly firstRows: number[];
}

function noteChanged(changed: ChangedRows, row: Row): void {
  changed.count += 1;
  if (changed.firstRows.length < namedRows) changed.firstRows.push(row.index + 1);
}

function describeChange({ dataset, changeWords }: MergeOrder, { count, firstRows }: ChangedRows): LoomError {
  const named = firstRows.join(', ');
  const rest = count > namedRows ? ` and ${count - namedRows} more` : '';
  const prompts = `the prompt of row ${named}${rest} is not the one that was ${changeWords.sent}`;
  return inputChanged(dataset.path, changeWords, prompts);
}

function describeMissingRows({ dataset, expectedRows, changeWords }: MergeOrder, rows: number): LoomError {
  const counts = dataset.pick
    ? `${expectedRows} of its rows were picked, and ${rows} of these are left`
    : `it had ${expectedRows} rows and has ${rows}`;
  return inputChanged(dataset.path, changeWords, counts);
}
