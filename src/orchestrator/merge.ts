/** Puts answers into the output file, in the input's order, and counts what each row got. */
import { realpath } from 'node:fs/promises';
import { LoomError } from '../errors.ts';
import type { ProviderName, Row, RowResult } from '../models.ts';
import { converterFor } from '../utils/converters/index.ts';
import { describeDiskError, writeFileAtomic } from '../utils/files.ts';
import type { Dataset } from './dataset.ts';

export interface MergeOrder {
  readonly dataset: Dataset;
  /** Absolute. Overwritten: whoever calls has asked. */
  readonly outputPath: string;
  readonly provider: ProviderName;
  readonly model: string;
  readonly withMeta: boolean;
}

/**
 * What is known of a row: its result, `no_result` when it was sent and nothing came back, `not_sent`, `too_large`
 * for a row that no batch can hold, or `changed` when the row is not the one that was sent.
 */
export type RowAnswer = RowResult | 'no_result' | 'not_sent' | 'too_large' | 'changed';

/** Rows that failed for one reason. */
export interface FailureGroup {
  readonly kind: string;
  /** The provider's words for the first of them. */
  readonly message: string;
  count: number;
  /** Ids of the first rows. */
  readonly rowIds: string[];
}

export interface MergeSummary {
  readonly rows: number;
  readonly answered: number;
  readonly blankRows: number;
  /** Rows that should have a response and have none. */
  readonly failed: number;
  /** The largest group first. */
  readonly failures: readonly FailureGroup[];
}

const namedRowsPerGroup = 5;

/** Counts the fate of each row. */
class RowTally {
  rows = 0;
  answered = 0;
  blankRows = 0;
  failed = 0;
  readonly #groups = new Map<string, FailureGroup>();

  addFailure(row: Row, kind: string, message: string): void {
    this.failed += 1;
    const group = this.#groups.get(kind) ?? { kind, message, count: 0, rowIds: [] };
    group.count += 1;
    if (group.rowIds.length < namedRowsPerGroup) group.rowIds.push(row.id);
    this.#groups.set(kind, group);
  }

  summarize(): MergeSummary {
    const failures = [...this.#groups.values()].sort((a, b) => b.count - a.count);
    const { rows, answered, blankRows, failed } = this;
    return { rows, answered, blankRows, failed, failures };
  }
}

const unansweredMessages = {
  no_result: 'the provider returned no result for this row',
  too_large: "the row alone is larger than the provider's limit for a batch, and was not sent",
} as const;

/**
 * Writes the output: complete and in place when this returns, untouched when it throws. LoomError `output` when it
 * can't be written, `input` when the input is not the one whose rows were sent.
 */
export async function mergeAnswers(
  order: MergeOrder,
  answerFor: (row: Row) => RowAnswer,
): Promise<MergeSummary> {
  const { dataset } = order;
  const tally = new RowTally();
  const changedRows: string[] = [];
  const meta = order.withMeta ? [order.provider, order.model] : [];
  const fields = {
    names: ['llm_response', ...(order.withMeta ? ['llm_provider', 'llm_model'] : [])],
    valuesFor(row: Row) {
      const answer = answerFor(row);
      if (answer === 'changed') changedRows.push(row.id);
      return [countAnswer(tally, row, answer), ...meta];
    },
  };
  const converter = await converterFor(dataset.format.fileType);
  async function* chunks() {
    yield* converter.mergeRows(dataset.path, dataset.format.gzip, { column: dataset.column }, fields);
    if (changedRows.length > 0) throw describeChange(dataset, changedRows);
  }
  await writeOutput(order.outputPath, chunks());
  return tally.summarize();
}

/** The row's response, null when it has none. */
function countAnswer(tally: RowTally, row: Row, answer: RowAnswer): string | null {
  tally.rows += 1;
  if (answer === 'not_sent' || answer === 'changed') {
    if (row.prompt === null) tally.blankRows += 1;
    return null;
  }
  if (typeof answer === 'string') {
    tally.addFailure(row, answer, unansweredMessages[answer]);
    return null;
  }
  if (answer.outcome === 'succeeded') {
    tally.answered += 1;
    return answer.text;
  }
  tally.addFailure(row, answer.error.kind, answer.error.message);
  return null;
}

function describeChange(dataset: Dataset, rowIds: readonly string[]): LoomError {
  const named = rowIds.slice(0, namedRowsPerGroup).join(', ');
  const rest = rowIds.length > namedRowsPerGroup ? ` and ${rowIds.length - namedRowsPerGroup} more` : '';
  return new LoomError(
    'input',
    `the input ${dataset.path} has changed since the batch was submitted: the prompt of row ${named}${rest} is not the one that was sent.`,
    { hint: 'Put the submitted file back and fetch again; the batch is kept.' },
  );
}

async function writeOutput(path: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  // A link stays a link: the file that it leads to is replaced.
  const target = await realpath(path).catch(() => path);
  try {
    await writeFileAtomic(target, chunks, { mode: 0o666 });
  } catch (error) {
    if (error instanceof LoomError) throw error;
    throw new LoomError('output', `can't write the output ${path}: ${describeDiskError(error)}.`, {
      hint: 'Make room or choose another path with --output; nothing is lost.',
      cause: error,
    });
  }
}
