/**
 * The journals of one live run. A try that begins takes over what earlier ones were paid for, and writes to a file of its
 * own; so one that was paused, and finds that another has gone on in its place, can write whatever it still gets without
 * touching that one's results, and a later run finds it.
 */
import { type AskedRow, isSpentJournal, type Journal, openJournal } from '../../state/journal.ts';
import { diskFailure } from '../../storage/files.ts';
import type { LoomHome } from '../../storage/home.ts';
import type { Store } from '../../storage/store.ts';
import { KeptAnswers } from './kept-answers.ts';
import { createJournalName, keptNameOf } from './run-names.ts';

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

/** `earlier` are the journals that earlier tries left. The lock of the run must be held. */
export async function openRunJournals(
  home: LoomHome,
  runName: string,
  earlier: readonly string[],
): Promise<RunJournals> {
  const answers = await KeptAnswers.read(home.results, earlier);
  let name = createJournalName(runName);
  const journal = await openJournal(home.results, name, earlier);
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
        if (await home.results.rename(name, keptNameOf(name))) name = keptNameOf(name);
      } catch (error) {
        throw diskFailure('state', `keep the answers in ${home.results.locate(name)}`, error, {
          hint: 'Make its folder writable.',
        });
      }
    },
    remove: () => home.results.delete(name),
    async close() {
      await journal.close();
      // With its answers in the cache, or without any, it is worth nothing to a later run.
      if (journal.isEmpty || name !== keptNameOf(name)) await home.results.delete(name);
    },
  };
}

/** None of them when one is spent: its output, in place, has the answers of all. */
export async function leaveOutSpent(store: Store, journals: readonly string[]): Promise<readonly string[]> {
  for (const name of journals) if (await isSpentJournal(store, name)) return [];
  return journals;
}
