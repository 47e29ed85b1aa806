/**
 * Clears away what finished and dead runs left in the loom home. Only files of ours go, told by their whole names, in a
 * home that is marked or known to be one; links are not followed. Answers that were paid for are never swept by a clock:
 * a journal goes when its output is in place, the results of a batch when both its record and its job were deleted. Where
 * a folder that would say so is out of sight, or something in it can't be read, nothing is taken for gone.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { cacheTemporaryFolder } from '../../cache/cache-folders.ts';
import { likelyNames, listOwnPaths, ownerIn, ownNames, temporaryNames } from '../../core/own-names.ts';
import { providerNames } from '../../providers/registry.ts';
import { resultsName } from '../../state/records.ts';
import {
  isKnownJob,
  loadState,
  reloadAbandoned,
  removeJob,
  type StoredState,
} from '../../state/stored-jobs.ts';
import { isFolder, removeFile } from '../../storage/files.ts';
import { holdHome, type LoomHome, removeHeld } from '../../storage/home.ts';
import { tryLock } from '../../storage/locks.ts';
import { ownsCache, ownsHome } from '../../storage/marks.ts';
import { isKeptJournal } from '../journals/run-names.ts';
import { sweepHistory } from './sweep-history.ts';
import { sweepInputs } from './sweep-inputs.ts';

/** Results that are written whole. */
const keptResults = new RegExp(`${likelyNames.results.source}|${ownNames.cachedAnswers.source}`, 's');

/** A temporary file lives for moments; one of this age belongs to a process that is dead. */
const temporaryFileLifeMs = 60 * 60_000;

/**
 * Removes files of jobs that are gone, jobs whose records are gone, and temporary files; what is in use is left alone.
 * `known` is the state as the command has read it just now: it is read again only where something is to go.
 */
export async function sweepHome(home: LoomHome, known?: StoredState): Promise<void> {
  if (!ownsHome(home)) return;
  const state = known ?? (await loadState(home));
  await sweepAbandonedJobs(state);
  await sweepOrphans(home);
  await sweepForgottenResults(state);
  await sweepInputs(home, state);
  await sweepHistory(home);
  await sweepTemporaryFiles(home);
}

async function sweepAbandonedJobs({ home, abandoned }: StoredState): Promise<void> {
  for (const { job } of abandoned) {
    const lock = await tryLock(home.locks, job.job_id, 'from_dead');
    if (!lock) continue;
    // As it is now, with the lock held: a run may have submitted it since its records were read.
    const stored = await reloadAbandoned(home, job.job_id);
    if (stored) await removeJob(holdHome(home, lock), stored);
    await lock.release();
  }
}

/** A file of ours that carries the name of its job or run. */
interface OwnedFile {
  readonly path: string;
  readonly owner: string;
}

/** Request files, cached answers, journals and locks without their job or run are nobody's. */
async function sweepOrphans(home: LoomHome): Promise<void> {
  const files = [
    ...listOwned(home.requests, ownNames.request),
    ...listOwned(home.results.locate(''), ownNames.cachedAnswers),
    ...listOwned(home.results.locate(''), ownNames.journal),
    ...listOwned(home.results.locate(''), ownNames.delivery),
  ];
  const locks = listOwned(home.locks.locate(''), likelyNames.lock).filter(isOwnLock);
  for (const owner of new Set([...files, ...locks].map((file) => file.owner))) {
    const own = files.filter((file) => file.owner === owner);
    if (await isNeeded(home, owner, own)) continue;
    // A run that is planning has its files before its job, and a live run its journal: both hold the lock.
    const lock = await tryLock(home.locks, owner, 'from_dead');
    if (!lock) continue;
    const needed = await isNeeded(home, owner, own);
    if (!needed) for (const { path } of own) await removeHeld(holdHome(home, lock), path);
    await (needed ? lock.release() : lock.forget());
  }
}

/** Locks of batches have the names of providers, which come and go. */
function isOwnLock({ path, owner }: OwnedFile): boolean {
  return ownNames.lock.test(basename(path)) || providerNames().some((name) => owner.startsWith(`${name}_`));
}

function listOwned(folder: string, name: RegExp): OwnedFile[] {
  return listOwnPaths(folder, name).map((path) => ({
    path,
    owner: ownerIn(basename(path), name) ?? '',
  }));
}

/** Whether a later command has a use for the files of this owner, or that can't be told. */
async function isNeeded(home: LoomHome, owner: string, files: readonly OwnedFile[]): Promise<boolean> {
  const isJob = ownNames.job.test(`${owner}.json`);
  if (isJob) return !(await isFolder(home.jobs.locate(''))) || isKnownJob(home, owner);
  // Any other journal holds nothing that the cache has not.
  const journals = files.map(({ path }) => basename(path)).filter(isKeptJournal);
  if (journals.length === 0) return false;
  const { leaveOutSpent } = await import('../journals/run-journals.ts');
  return (await leaveOutSpent(home.results, journals)).length > 0;
}

/** Results of a batch that no record and no job names any more: somebody deleted both. */
async function sweepForgottenResults(known: StoredState): Promise<void> {
  const { home } = known;
  const named = namedResults(known);
  const found = listOwnPaths(home.results.locate(''), likelyNames.results).filter((path) => !named.has(path));
  if (
    found.length === 0 ||
    !(await isFolder(home.batches.locate(''))) ||
    !(await isFolder(home.jobs.locate('')))
  )
    return;
  // Results that came since the state was read are named by now.
  const now = await loadState(home);
  if (now.damaged.length > 0) return;
  const namedNow = namedResults(now);
  const { readFirstResult } = await import('../../state/results.ts');
  for (const path of found) {
    if (!namedNow.has(path) && (await readFirstResult(home.results, basename(path)).catch(() => undefined)))
      await removeFile(path);
  }
}

function namedResults({ home, jobs, abandoned }: StoredState): ReadonlySet<string> {
  return new Set(
    [...jobs, ...abandoned].flatMap(({ provider, job, records }) => [
      ...records.map((record) => home.results.locate(resultsName(record))),
      ...job.parts.flatMap(({ batch_id }) =>
        batch_id === undefined ? [] : [home.results.locate(resultsName({ provider, batch_id }))],
      ),
    ]),
  );
}

async function sweepTemporaryFiles(home: LoomHome): Promise<void> {
  const { base, batches, jobs, results, locks, history, refusals, cache } = home;
  await locks.clear(likelyNames.lock, temporaryFileLifeMs);
  await jobs.clear(ownNames.job, temporaryFileLifeMs);
  await batches.clear(likelyNames.record, temporaryFileLifeMs);
  await results.clear(keptResults, temporaryFileLifeMs);
  await history.clear(likelyNames.historyEntry, temporaryFileLifeMs);
  await refusals.clear(likelyNames.refusal, temporaryFileLifeMs);
  const paths = [
    ...listOwnPaths(base, temporaryNames.mark),
    ...(ownsCache(cache) ? listCacheTemporaries(cache) : []),
  ];
  for (const path of paths) await removeWhenOld(path, temporaryFileLifeMs);
}

function listCacheTemporaries(cache: string): string[] {
  return [
    ...listOwnPaths(cacheTemporaryFolder(cache), temporaryNames.cache),
    ...listOwnPaths(cache, temporaryNames.mark),
  ];
}

async function removeWhenOld(path: string, lifeMs: number): Promise<void> {
  const file = await stat(path).catch(() => undefined);
  if (file && Date.now() - file.mtimeMs > lifeMs) await removeFile(path);
}
