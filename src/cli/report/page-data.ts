/** What the program puts into a page as JSON, and the page's script reads. */

/** What became of a row, as its number in the data. */
export const rowStatuses = ['answered', 'failed', 'blank', 'unanswered'] as const;

export interface PageColumn {
  readonly title: string;
  /** How much room it takes. */
  readonly kind: 'id' | 'text';
  /** Whether the table has it, or only the view of a single row. */
  readonly inTable: boolean;
}

/** The table, without its rows. */
export interface PageTable {
  readonly columns: readonly PageColumn[];
  /** Which of the columns has the answer, or its first field; in the table also the reason why there is none. */
  readonly answerColumn: number;
  /** Which has that reason, as `kind: message`. */
  readonly reasonColumn: number;
  /** Kinds of failures, as the filter offers them. */
  readonly kinds: readonly string[];
}

/** The row's number from 1, its status, and a text or null for each column. */
export type PageRow = readonly [number, number, ...(string | null)[]];
