/** How rows without a response are told. */
import type { MergeSummary } from '../orchestrator/merge.ts';
import type { Terminal } from './terminal.ts';

/** What was skipped and what failed, with the reasons; nothing when every row has its response. */
export function reportRows(summary: MergeSummary, terminal: Terminal): void {
  if (summary.blankRows > 0) terminal.note(describeSkipped(summary.blankRows));
  if (summary.failed === 0) return;
  const groups = summary.failures.map((group) => `${group.count} × ${group.kind}`).join(', ');
  terminal.warn(`${summary.failed} of ${summary.rows} rows have no response: ${groups}.`);
  for (const { kind, count, message, rowIds } of summary.failures) {
    const more = count > rowIds.length ? ', …' : '';
    terminal.note(`  ${kind} (rows ${rowIds.join(', ')}${more}): ${message}`);
  }
}

export function describeSkipped(blankRows: number): string {
  return blankRows === 1 ? 'Skipped 1 row without a prompt.' : `Skipped ${blankRows} rows without a prompt.`;
}

/** The exit code of a run that wrote its output. */
export function exitCodeOf(summary: MergeSummary): number {
  if (summary.failed === 0) return 0;
  return summary.answered === 0 ? 1 : 3;
}
