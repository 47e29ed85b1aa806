/** Clears away what finished and dead runs left in the loom home. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheTemporaryFolder } from '../utils/cache.ts';
import { isFile, removeFile } from '../utils/files.ts';
import { holdHome, type LoomHome, removeHeld } from '../utils/home.ts';
import { listLocks, tryLock } from '../utils/locks.ts';
import { leaveOutSpent } from './run-journals.ts';
import { isKeptJournal } from './run-names.ts';
import { forgetJob, loadState, reloadAbandoned, removeJob } from './stored-jobs.ts';
import { sweepHistory } from './sweep-history.ts';
import { sweepInputs } from './sweep-inputs.ts';

/** A temporary file lives for moments; one of this age belongs to a process that is dead. */
const temporaryFileLifeMs = 60 * 60_000;

const forgottenResultsLifeMs = 10 * 60_000;
/** How long the answers of a live run that was cut off wait for the same run to go on. */
const journalLifeMs = 30 * 24 * 60 * 60_000;

/** Removes files of jobs that are gone, jobs whose records are gone, and temporary files; what is in use is left alone. */
export async function sweepHome(home: LoomHome): Promise<void> {
  await sweepAbandonedJobs(home);
  await sweepOrphans(home);
  await sweepForgottenResults(home);
  await sweepInputs(home);
  await sweepHistory(home);
  const folders = [
    home.batches,
    home.jobs,
    home.requests,
    home.results,
    home.locks,
    home.history,
    cacheTemporaryFolder(home.cache),
  ];
  for (const folder of folders) await sweepTemporaryFiles(folder);
}

async function sweepAbandonedJobs(home: LoomHome): Promise<void> {
  const { abandoned } = await loadState(home);
  for (const { job } of abandoned) {
    const lock = job && (await tryLock(home.locks, job.job_id, 'from_dead'));
    if (!lock) continue;
    // As it is now, with the lock held: a run may have submitted it since its records were read.
    const stored = await reloadAbandoned(home, job.job_id);
    const held = holdHome(home, lock);
    if (stored?.job?.state === 'forgotten') await removeJob(held, stored);
    else if (stored?.job) await forgetJob(held, stored.job);
    await lock.release();
  }
}

/** Request files, cached answers, journals and locks carry the name of their job or run; without it they are nobody's. */
async function sweepOrphans(home: LoomHome): Promise<void> {
  const files = [...(await listPaths(home.requests)), ...(await listPaths(home.results))];
  const owners = new Set([...files.flatMap(ownerOf), ...(await listLocks(home.locks))]);
  for (const owner of owners) {
    const own = files.filter((path) => ownerOf(path).includes(owner));
    if (await isNeeded(home, owner, own)) continue;
    // A run that is planning has its files before its job, and a live run its journal: both hold the lock.
    const lock = await tryLock(home.locks, owner, 'from_dead');
    if (!lock) continue;
    const needed = await isNeeded(home, owner, own);
    if (!needed) for (const path of own) await removeHeld(holdHome(home, lock), path);
    await (needed ? lock.release() : lock.forget());
  }
}

/** Results of a batch whose record is gone, but for those that are just being written. */
async function sweepForgottenResults(home: LoomHome): Promise<void> {
  for (const path of await listPaths(home.results)) {
    const name = basename(path, '.jsonl');
    if (name === basename(path) || ownerOf(path).length > 0) continue;
    if (!(await isFile(join(home.batches, `${name}.json`))))
      await removeWhenOld(path, forgottenResultsLifeMs);
  }
}

/** Whether a later command has a use for the files of this owner. */
async function isNeeded(home: LoomHome, owner: string, files: readonly string[]): Promise<boolean> {
  if (isJobId(owner)) return isFile(join(home.jobs, `${owner}.json`));
  for (const journal of await leaveOutSpent(files.filter(isKeptJournal))) {
    const file = await stat(journal).catch(() => undefined);
    if (file && Date.now() - file.mtimeMs < journalLifeMs) return true;
  }
  return false;
}

function isJobId(name: string): boolean {
  return /^job_\d{14}_[0-9a-f]+$/.test(name);
}

function ownerOf(path: string): string[] {
  return /((?:job_\d{14}_[0-9a-f]+)(?=_)|(?:live|sync)_[0-9a-f]+)[^/\\]*$/.exec(path)?.slice(1) ?? [];
}

async function listPaths(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
}

async function sweepTemporaryFiles(folder: string): Promise<void> {
  for (const path of await listPaths(folder)) {
    if (path.endsWith('.tmp')) await removeWhenOld(path, temporaryFileLifeMs);
  }
}

async function removeWhenOld(path: string, lifeMs: number): Promise<void> {
  const file = await stat(path).catch(() => undefined);
  if (file && Date.now() - file.mtimeMs > lifeMs) await removeFile(path);
}
