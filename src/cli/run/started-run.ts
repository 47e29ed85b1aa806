/** What both ways of `loom run` begin with, and how they end. */
import type { RunDocument } from '../../core/documents.ts';
import { LoomError } from '../../core/errors.ts';
import type { MergedJob } from '../../orchestrator/batch/merge/merge-job.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import type { RunOrder } from '../options/orders.ts';
import type { Reach } from '../options/story-reach.ts';
import { linkPath } from '../terminal/hyperlinks.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { describeUnwritten, exitCodeOf, reportRows } from '../words/failures.ts';

/** A run whose flags are understood. */
export interface StartedRun<Entry extends ProviderEntry = ProviderEntry> {
  readonly options: RunOptions;
  readonly context: CommandContext;
  readonly reach: Reach;
  readonly entry: Entry;
  readonly order: RunOrder;
  readonly document: DocumentFields<RunDocument>;
}

/** Tells of an output that is written; without a path it went to stdout. Returns the exit code. */
export async function tellDone(
  {
    outputPath,
    cacheHits,
    summary,
  }: Pick<MergedJob, 'cacheHits' | 'summary'> & { readonly outputPath: string | undefined },
  terminal: Terminal,
  print: Terminal['print'],
  tellUsage?: () => Promise<void>,
): Promise<number> {
  reportRows(summary, outputPath, terminal);
  await tellUsage?.();
  if (!summary.isWritten) {
    throw new LoomError('output', `${describeUnwritten(outputPath)}.`, {
      hint: 'Mend the cause, and run the same command again.',
    });
  }
  const counts = `${summary.rows} prompts, ${cacheHits} cache hits, ${summary.failed} errors`;
  const line = `Done. wrote ${outputPath ?? 'to stdout'} (${counts})`;
  print(outputPath === undefined ? line : linkPath(line, outputPath, terminal.results, terminal.environment));
  return exitCodeOf(summary);
}
