/** What both ways of `loom run` work with, and how they end. */
import type { WrittenOutput } from '../../api/fetch-batches.ts';
import type { FetchLog } from '../../api/fetch-log.ts';
import type { ReachOptions } from '../../api/options/options.ts';
import type { RunDocument } from '../../core/documents/documents.ts';
import { LoomError } from '../../core/errors.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import { linkPath } from '../terminal/hyperlinks.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { describeUnwritten, exitCodeOf, reportRows } from '../words/failures.ts';

/** A run whose flags are understood. */
export interface StartedRun {
  readonly options: RunOptions;
  readonly context: CommandContext;
  readonly reach: ReachOptions;
  readonly document: DocumentFields<RunDocument>;
  /** What is known of its batches. */
  readonly log: FetchLog;
}

/** Tells of an output that is written; without a path it went to stdout. Returns the exit code. */
export function tellDone(
  {
    outputPath,
    cacheHits,
    summary,
  }: Pick<WrittenOutput, 'cacheHits' | 'summary'> & { readonly outputPath: string | undefined },
  terminal: Terminal,
  print: Terminal['print'],
  tellUsage = () => {},
): number {
  reportRows(summary, outputPath, terminal);
  tellUsage();
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
