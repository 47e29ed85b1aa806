/** Status words of batches. */
import type { BatchStatus } from '../../core/names.ts';

/** The words that a protocol has for each status, in lower case and with `_` between their parts. */
export type StatusWords = Readonly<Partial<Record<BatchStatus, readonly string[]>>>;

/** However a server writes it: `IN_PROGRESS`, `in-progress`, `InProgress`. A word that nobody has seen says nothing: such a batch is not over. */
export function readStatus(words: StatusWords, raw: string): BatchStatus {
  const word = plainWord(raw);
  const statuses = Object.keys(words) as BatchStatus[];
  return statuses.find((status) => words[status]?.some((known) => plainWord(known) === word)) ?? 'unknown';
}

function plainWord(text: string): string {
  return text.toLowerCase().replaceAll(/[\s_-]+/g, '');
}

/** Whether nothing more happens to a batch. */
export function isOver(status: BatchStatus): boolean {
  return status !== 'validating' && status !== 'in_progress' && status !== 'unknown';
}
