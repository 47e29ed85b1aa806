/** What the program puts into a page as JSON, and the page's script reads. */

/** What became of a row, as its number in the data. */
export const rowStatuses = ['answered', 'failed', 'blank', 'unanswered'] as const;

export interface PageColumn {
  readonly title: string;
  /** What a table that is saved calls it. */
  readonly name: string;
  /** `own`: of the input; `beside`: what a run adds beside an answer and its fields. */
  readonly role: 'own' | 'prompt' | 'answer' | 'field' | 'reason' | 'beside';
  /** How much room it takes. */
  readonly kind: 'id' | 'short' | 'text';
  /** Whether the table has it from the start, or only the view of a single row. */
  readonly inTable: boolean;
}

/** A label that rows may be chosen by. */
export interface PageLabel {
  readonly column: number;
  /** Null for nothing. */
  readonly label: string | null;
}

/** The table, without its rows. */
export interface PageTable {
  readonly columns: readonly PageColumn[];
  /** Which of them has the reason why there is no answer, as `kind: message`. */
  readonly reasonColumn: number;
  /** Kinds of failures, as the filter offers them. */
  readonly kinds: readonly string[];
  /** The same of labels. */
  readonly labels: readonly PageLabel[];
  /** What a file of rows that are saved is called. */
  readonly savedName: string;
  /** What stands between its cells: the same as in the output, so that the same programs open both. */
  readonly savedDelimiter: string;
}

/** The row's number from 1, its status, and a text or null for each column. */
export type PageRow = readonly [number, number, ...(string | null)[]];
