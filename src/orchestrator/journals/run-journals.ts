/**
 * The journals of one live run. A try that begins takes over what earlier ones were paid for, and writes to a file of its
 * own; so one that was paused, and finds that another has gone on in its place, can write whatever it still gets without
 * touching that one's results, and a later run finds it.
 */
import { rename } from 'node:fs/promises';
import { LoomError } from '../../core/errors.ts';
import { type AskedRow, isSpentJournal, type Journal, openJournal } from '../../state/journal.ts';
import { describeDiskError, isGone, removeFile } from '../../storage/files.ts';
import type { LoomHome } from '../../storage/home.ts';
import { KeptAnswers } from './kept-answers.ts';
import { createJournalPath, keptPathOf } from './run-names.ts';

export interface RunJournals {
  /** Of this try. */
  readonly journal: Journal;
  /** How many answers earlier tries have left. */
  readonly kept: number;
  /** Gives a row the answer of an earlier try to the same prompt, if there is one that no row has got. */
  adopt(row: AskedRow): boolean;
  /** Leaves the journal to the next run, however this one ends. Where its file was removed, it is this run's alone. */
  keep(): Promise<void>;
  /** Removes it: its output is where it belongs. */
  remove(): Promise<void>;
  close(): Promise<void>;
}

/** `keptPaths` are the journals that earlier tries left. The lock of the run must be held. */
export async function openRunJournals(
  home: LoomHome,
  runName: string,
  keptPaths: readonly string[],
): Promise<RunJournals> {
  const answers = await KeptAnswers.read(keptPaths);
  let path = createJournalPath(home, runName);
  const journal = await openJournal(path, keptPaths);
  return {
    journal,
    kept: answers.size,
    adopt(row) {
      const place = answers.take(row);
      if (place) journal.adopt(row, place);
      return place !== undefined;
    },
    async keep() {
      try {
        await rename(path, keptPathOf(path));
        path = keptPathOf(path);
      } catch (error) {
        if (isGone(error)) return;
        throw new LoomError('state', `can't keep the answers in ${path}: ${describeDiskError(error)}.`, {
          hint: 'Make its folder writable.',
          cause: error,
        });
      }
    },
    remove: () => removeFile(path),
    async close() {
      await journal.close();
      // With its answers in the cache, or without any, it is worth nothing to a later run.
      if (journal.isEmpty || path !== keptPathOf(path)) await removeFile(path);
    },
  };
}

/** None of them when one is spent: its output, in place, has the answers of all. */
export async function leaveOutSpent(paths: readonly string[]): Promise<readonly string[]> {
  for (const path of paths) if (await isSpentJournal(path)) return [];
  return paths;
}
