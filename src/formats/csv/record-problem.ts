/** What can be wrong with a record, in words of ours. */

/** What is wrong with the record behind the last one, and how to mend it. */
export interface RecordProblem {
  readonly problem: string;
  readonly hint: string;
  /** A row that lacks cells. */
  readonly isShort?: true;
  readonly cause?: Error;
}

/** An open quote must not pull a whole file of any size into memory. */
export const longestRecordBytes = 100 * 1024 * 1024;

export const tooLongRecord: RecordProblem = {
  problem: 'starts a row of more than 100 MB',
  hint: 'A closing quote may be missing; see that line.',
};
