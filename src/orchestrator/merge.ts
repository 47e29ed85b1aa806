/** Puts answers into the output file, in the input's order, and counts what each row got. */
import { realpath, rename } from 'node:fs/promises';
import { LoomError } from '../errors.ts';
import type { AnswerFacts, ProviderName, Row, RowOutcome } from '../models.ts';
import { type BufferedFile, openBufferedFile } from '../utils/buffered-file.ts';
import type { AddedValue } from '../utils/converters/format.ts';
import { converterFor } from '../utils/converters/index.ts';
import { describeDiskError, pathBeside, removeFile, writeFileAtomic } from '../utils/files.ts';
import type { Dataset } from './dataset.ts';
import { createPicker } from './pick-rows.ts';
import { type MergeSummary, RowTally } from './row-tally.ts';

export interface MergeOrder {
  readonly dataset: Dataset;
  /** Absolute. Overwritten: whoever calls has asked. */
  readonly outputPath: string;
  readonly provider: ProviderName;
  readonly model: string;
  readonly withMeta: boolean;
  readonly withUsage: boolean;
  readonly withError: boolean;
  /** Whether rows that are not the ones that were sent stop the merge, or stay without a response. */
  readonly changedRows: 'refuse' | 'leave_out';
  /** How many rows were picked of the input when it was sent: all that it had, most often. */
  readonly expectedRows?: number | undefined;
  /** The same for every try of the same work, so that what a killed try left is replaced. */
  readonly temporaryTag: string;
  /** Called when the output is complete in a temporary file, just before that is put in place. */
  readonly onComplete?: (temporaryPath: string, summary: MergeSummary) => Promise<void>;
  /** Called some rows ahead of their merge, and awaited before that. */
  readonly prepareRows?: (rows: readonly Row[]) => Promise<void>;
  /** Awaited now and then, so that what an answer leads to can keep up. */
  readonly drain?: () => Promise<void> | undefined;
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

const errorsEnd = '.errors.jsonl';

/** Where the reasons of rows without a response go. */
export function errorsPathFor(outputPath: string): string {
  return pathBeside(outputPath, '', errorsEnd);
}

/**
 * Writes the output: complete and in place when this returns, untouched when it throws. LoomError `output` when it
 * can't be written, `input` when the input is not the one whose rows were sent. The reasons of rows without a response
 * are written next to it; without any, an older file of them is removed.
 */
export async function mergeAnswers(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer,
): Promise<MergeSummary> {
  const tally = new RowTally();
  await writeOutput(order, answerFor, tally);
  return tally.summarize();
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
    await writeOutput(
      order,
      (row) => {
        const answer = answerFor(row);
        if (answer === undefined) attempt.givenUp = true;
        return answer ?? 'not_sent';
      },
      tally,
      attempt,
    );
    return tally.summarize();
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

async function writeOutput(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer,
  tally: RowTally,
  attempt = { givenUp: false },
): Promise<void> {
  // A link stays a link: the file that it leads to is replaced.
  const target = await realpath(order.outputPath).catch(() => order.outputPath);
  const errors = openErrorLog(order.outputPath, order.temporaryTag);
  tally.onFailure = (failure) => errors.add(failure);
  try {
    await writeFileAtomic(target, mergeRows(order, answerFor, tally, errors, attempt), {
      mode: 0o666,
      temporaryTag: order.temporaryTag,
      async onComplete(temporaryPath) {
        await errors.putInPlace();
        await order.onComplete?.(temporaryPath, tally.summarize());
      },
    });
  } catch (error) {
    await errors.discard();
    if (error instanceof LoomError || (error as Error).name === 'AbortError') throw error;
    throw new LoomError(
      'output',
      `can't write the output ${order.outputPath}: ${describeDiskError(error)}.`,
      {
        hint: 'Make room, or choose another path with --output; nothing is lost.',
        cause: error,
      },
    );
  }
  if (tally.failed === 0) await removeFile(errorsPathFor(order.outputPath));
}

async function* mergeRows(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer,
  tally: RowTally,
  errors: ErrorLog,
  attempt: { readonly givenUp: boolean },
): AsyncGenerator<Buffer> {
  const { dataset } = order;
  const changed: ChangedRows = { count: 0, firstIds: [] };
  const converter = await converterFor(dataset.format.fileType);
  const isPicked = createPicker(dataset.pick);
  const fields = describeFields(order, isPicked, (row) => {
    const answer = answerFor(row);
    if (answer === 'changed') noteChanged(changed, row);
    return settleRow(tally, row, answer);
  });
  for await (const chunk of converter.mergeRows(
    dataset.path,
    dataset.format.gzip,
    { promptSource: dataset.promptSource },
    fields,
  )) {
    if (attempt.givenUp) continue;
    yield chunk;
    await errors.drain();
    await order.drain?.();
  }
  if (attempt.givenUp) throw new GivenUp();
  if (order.changedRows === 'leave_out') return;
  if (changed.count > 0) throw describeChange(dataset, changed);
  if (tally.rows < (order.expectedRows ?? 0))
    throw describeMissingRows(dataset, tally.rows, order.expectedRows ?? 0);
}

/** What a row gets: its text or null, and why there is none. */
interface SettledRow {
  readonly text: string | null;
  readonly error: string | null;
  readonly facts: AnswerFacts;
}

const noFacts: AnswerFacts = {};

function describeFields(
  order: MergeOrder,
  isPicked: (rowIndex: number) => boolean,
  settle: (row: Row) => SettledRow,
) {
  const { provider, model, withMeta, withUsage, withError, prepareRows } = order;
  const meta = withMeta ? [provider, model] : [];
  return {
    names: [
      'llm_response',
      ...(withMeta ? ['llm_provider', 'llm_model'] : []),
      ...(withUsage ? ['llm_input_tokens', 'llm_output_tokens', 'llm_finish_reason'] : []),
      ...(withError ? ['llm_error'] : []),
    ],
    prepareRows:
      prepareRows && ((rows: readonly Row[]) => prepareRows(rows.filter(({ index }) => isPicked(index)))),
    valuesFor(row: Row) {
      if (!isPicked(row.index)) return undefined;
      const { text, error, facts } = settle(row);
      const usage = withUsage ? usageValues(facts) : [];
      return withError ? [text, ...meta, ...usage, error] : [text, ...meta, ...usage];
    },
  };
}

function usageValues({ usage, finishReason }: AnswerFacts): AddedValue[] {
  return [usage?.inputTokens ?? null, usage?.outputTokens ?? null, finishReason ?? null];
}

function settleRow(tally: RowTally, row: Row, answer: RowAnswer): SettledRow {
  if (typeof answer === 'object' && answer.outcome === 'succeeded') {
    tally.countAnswer();
    return { text: answer.text, error: null, facts: answer };
  }
  if (answer === 'not_sent') {
    tally.countUnsent(row);
    return { text: null, error: null, facts: noFacts };
  }
  const { kind, message } =
    typeof answer === 'object' ? answer.error : { kind: answer, message: unansweredMessages[answer] };
  tally.countFailure(row, kind, message);
  return { text: null, error: `${kind}: ${message}`, facts: typeof answer === 'object' ? answer : noFacts };
}

/** Rows whose prompt is not the one that was sent: it may be all of them. */
interface ChangedRows {
  count: number;
  readonly firstIds: string[];
}

function noteChanged(changed: ChangedRows, row: Row): void {
  changed.count += 1;
  if (changed.firstIds.length < namedRows) changed.firstIds.push(row.id);
}

function describeChange(dataset: Dataset, { count, firstIds }: ChangedRows): LoomError {
  const named = firstIds.join(', ');
  const rest = count > namedRows ? ` and ${count - namedRows} more` : '';
  const what = `the input ${dataset.path} has changed since it was submitted: the prompt of row ${named}${rest} is not the one that was sent.`;
  return new LoomError('input', what, { hint: changedInputHint });
}

function describeMissingRows(dataset: Dataset, rows: number, expected: number): LoomError {
  const counts = dataset.pick
    ? `${expected} of its rows were picked, and ${rows} of these are left`
    : `it had ${expected} rows and has ${rows}`;
  const what = `the input ${dataset.path} has changed since it was submitted: ${counts}.`;
  return new LoomError('input', what, { hint: changedInputHint });
}

const changedInputHint =
  'Put the submitted file back and fetch again, or merge the rows that still match with --partial; the answers are kept.';

/** The lines of `<output>.errors.jsonl`, written beside it and put in place with it. */
interface ErrorLog {
  add(failure: { row: Row; kind: string; message: string }): void;
  drain(): Promise<void>;
  putInPlace(): Promise<void>;
  discard(): Promise<void>;
}

function openErrorLog(outputPath: string, temporaryTag: string): ErrorLog {
  const temporary = pathBeside(outputPath, '.', `${errorsEnd}.${temporaryTag}.tmp`);
  let lines: string[] = [];
  let file: BufferedFile | undefined;
  async function drain(): Promise<void> {
    if (lines.length === 0) return;
    file ??= await openBufferedFile(temporary);
    file.write(lines.join(''));
    lines = [];
    await file.drain();
  }
  return {
    add({ row, kind, message }) {
      lines.push(`${JSON.stringify({ row: row.index, id: row.id, kind, message })}\n`);
    },
    drain,
    async putInPlace() {
      await drain();
      if (!file) return;
      await file.close();
      await rename(temporary, errorsPathFor(outputPath));
    },
    async discard() {
      await file?.abandon();
      await removeFile(temporary).catch(() => {});
    },
  };
}
