/** What the program puts into the page of a comparison as JSON, and the page's script reads. */
import type { PageRow } from '../report/page-data.ts';

/** The row's number from 1, whether its answers differ (1) or not (0), and a text or null for each column. */
export type ComparedRow = PageRow;

export interface ComparedColumn {
  readonly title: string;
  readonly role: 'own' | 'expected' | 'answer';
  /** How much room it takes. */
  readonly kind: 'id' | 'text';
  /** Whether the table has it, or only the view of a single row. */
  readonly inTable: boolean;
}

/** The table, without its rows. Columns of the input come first, then what is expected, then the answers. */
export interface ComparedTable {
  readonly columns: readonly ComparedColumn[];
}
