/**
 * The names under which live runs keep their journals and their lock. Each try of a run has a journal of its own, with a
 * random end to its name.
 */

import { randomBytes } from 'node:crypto';
import type { LoomHome } from '../../storage/home.ts';
import type { DrawnOrder } from '../orders/run-order.ts';
import { hashLiveWork, workOf } from '../orders/same-work.ts';

const cachedRunPrefix = 'live_';
const uncachedRunPrefix = 'sync_';

/** What else is asked for does not change what is answered. */
type LiveOrder = Omit<DrawnOrder, 'columns' | 'useCache'>;

/**
 * Runs of the same name ask the same server the same of the rows of one input for the same output; the rows may have
 * changed since.
 */
export function nameCachedRun(order: LiveOrder): string {
  return `${cachedRunPrefix}${hashOrder(order, order.dataset.path)}`;
}

/** As above, for a run without the cache. */
export function nameUncachedRun(order: LiveOrder): string {
  return `${uncachedRunPrefix}${hashOrder(order, order.dataset.path)}`;
}

/** What builds called such a run that kept its answers for that very content of the input. */
function nameRunOfContent(order: LiveOrder, inputSha256: string): string {
  return `${uncachedRunPrefix}${hashOrder(order, inputSha256)}`;
}

function hashOrder(order: LiveOrder, input: string): string {
  return hashLiveWork(workOf({ ...order, columns: { groups: [] }, useCache: true }), input);
}

/** A name for the results of a try of a live run that no other try has. */
export function createJournalName(runName: string): string {
  return `${runName}.${randomBytes(6).toString('hex')}.jsonl`;
}

/**
 * The journal's name once no cache has its results, so that it is left to the next run of that name; the same one if the
 * cache is off.
 */
export function keptNameOf(journal: string): string {
  return journal.replace(/^(live_[0-9a-f]{24})(\.[0-9a-f]{12}\.jsonl)$/, '$1_uncached$2');
}

/** Names of journals that hold answers which nothing else holds; those without a random end are of older builds. */
const keptJournalName = /^(sync_[0-9a-f]{24}|(live_[0-9a-f]{24})_uncached)(\.[0-9a-f]{12})?\.jsonl$/;

/** Whether a file is such a journal, by its name. */
export function isKeptJournal(name: string): boolean {
  return keptJournalName.test(name);
}

/** The journals that earlier tries of a run left, in an order that stays. */
export async function listKeptJournals(home: LoomHome, runName: string): Promise<string[]> {
  const names = await home.results.list('').catch(() => []);
  return names.filter((name) => {
    const [, syncName, liveName] = keptJournalName.exec(name) ?? [];
    return (liveName ?? syncName) === runName;
  });
}

/** The journals that a run without the cache can go on from, also those of builds that named them by the content. */
export async function listUncachedJournals(
  home: LoomHome,
  work: LiveOrder,
  inputSha256: string,
): Promise<string[]> {
  const names = [nameUncachedRun(work), nameRunOfContent(work, inputSha256)];
  return (await Promise.all(names.map((name) => listKeptJournals(home, name)))).flat();
}
