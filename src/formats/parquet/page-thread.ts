/**
 * A thread that reads the pages of a Parquet file. What a file of a stranger does to a decoder, nobody knows beforehand:
 * whatever it does there, this thread hears a signal, and a page that takes for ever is an error.
 */
import { Thread } from '../../core/thread.ts';
import type { ChunkOrder, PagesRead } from './chunk.ts';
import { brokenError } from './errors.ts';

export interface PagesTask {
  /** Columns are told apart by their number. */
  readonly column: number;
  /** With the first bytes of a row group. */
  readonly starts: ChunkOrder | undefined;
  readonly bytes: Uint8Array;
}

/** A fault is in the words of `explainFailure`. */
export type PagesReply = PagesRead | { readonly fault: string };

/** Many times what a slow machine needs: two minutes, and a second for each megabyte. */
const longestMs = ({ bytes }: PagesTask) => 120_000 + bytes.length / 1000;

export type PageThread = Thread<PagesTask, PagesReply>;

/** Tests give a script of their own, and less time. */
export interface PageThreadOptions {
  readonly script?: URL;
  readonly longestMs?: number;
}

export function createPageThread(path: string, options: PageThreadOptions = {}): PageThread {
  const script = options.script ?? new URL('./parquet-thread.js', import.meta.url);
  return new Thread(script, {
    // Nearly all that a decoder makes is garbage at once; without this the thread takes 60 MB more.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
    longestMs: (task) => options.longestMs ?? longestMs(task),
    describeEnd: (reason) =>
      reason === 'late'
        ? brokenError(path, 'a page of it takes too long')
        : brokenError(path, 'it is damaged', reason),
  });
}
