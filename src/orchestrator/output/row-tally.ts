/** Counts the fate of each row. */
import { type Answer, isCutOff, type Row, type RowError } from '../../core/models.ts';

/** Rows that failed for one reason. */
export interface FailureGroup {
  readonly kind: string;
  /** The provider's words for the first of them. */
  readonly message: string;
  count: number;
  /** The numbers of the first rows, from 1. */
  readonly rows: number[];
  /** Their ids, as records have them. */
  readonly rowIds: string[];
}

/** The group as files tell it. */
export function recordFailure({ rowIds: row_ids, kind, message, count, rows }: FailureGroup) {
  return { kind, message, count, row_ids, rows };
}

/** A row without a response, and what was answered all the same. */
export interface RowFailure extends RowError {
  readonly row: Row;
  readonly text?: string | undefined;
}

export interface RowCounts {
  readonly rows: number;
  readonly answered: number;
  /** Answers that ended at a limit of tokens. */
  readonly cutOff: number;
  readonly blankRows: number;
  /** Rows that should have a response and have none. */
  readonly failed: number;
  /** The largest group first. */
  readonly failures: readonly FailureGroup[];
}

/** What became of an output. */
export interface MergeSummary extends RowCounts {
  /** false: no row has an answer, and the output that was there before stays. */
  readonly isWritten: boolean;
  /** Where the reasons of failed rows are; undefined without any, or with a file in the way that is not ours. */
  readonly reasonsPath: string | undefined;
}

const namedRowsPerGroup = 5;
/** A provider that words every error differently must not fill the memory. */
const mostGroups = 100;

export class RowTally {
  rows = 0;
  answered = 0;
  cutOff = 0;
  blankRows = 0;
  failed = 0;
  readonly #groups = new Map<string, FailureGroup>();
  /** Told of each failure. */
  onFailure: ((failure: RowFailure) => void) | undefined;

  countAnswer(answer: Answer): void {
    this.rows += 1;
    this.answered += 1;
    if (isCutOff(answer)) this.cutOff += 1;
  }

  countUnsent(row: Row): void {
    this.rows += 1;
    if (row.prompt === null) this.blankRows += 1;
  }

  countFailure(failure: RowFailure): void {
    const { row, kind, message } = failure;
    this.rows += 1;
    this.failed += 1;
    this.onFailure?.(failure);
    const name = this.#groups.has(kind) || this.#groups.size < mostGroups ? kind : 'other';
    const group = this.#groups.get(name) ?? { kind: name, message, count: 0, rows: [], rowIds: [] };
    group.count += 1;
    if (group.rows.length < namedRowsPerGroup) {
      group.rows.push(row.index + 1);
      group.rowIds.push(row.id);
    }
    this.#groups.set(name, group);
  }

  summarize(): RowCounts {
    const failures = [...this.#groups.values()].sort((a, b) => b.count - a.count);
    const { rows, answered, cutOff, blankRows, failed } = this;
    return { rows, answered, cutOff, blankRows, failed, failures };
  }
}
