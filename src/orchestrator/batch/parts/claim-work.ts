/** Settles between processes who does a piece of work: the same input, provider, model, settings and output. */
import { settingsText } from '../../../core/request/settings-text.ts';
import { type Job, type JobRecord, loadJob, loadJobs, saveJob } from '../../../state/jobs.ts';
import { isPending, loadState, type StoredState } from '../../../state/stored-jobs.ts';
import { hashFile } from '../../../storage/files.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import { type Lock, tryLock, waitForLock } from '../../../storage/locks.ts';
import { isSameWork, nameWork, type SettledWork, type Work } from '../../orders/same-work.ts';
import type { BatchOrder } from './plan-batches.ts';

export type Claim =
  /** The planned job is saved; `twin` is a job for the same work that is pending all the same. `state` was read before. */
  | { readonly kind: 'own'; readonly twin: Job | undefined; readonly state: StoredState }
  /** A job for the same work was cut off before it was announced: it is locked for this process, to be finished. */
  | { readonly kind: 'cut_off'; readonly job: JobRecord; readonly lock: Lock }
  /** A job for the same work is pending, and its answers are not to be paid for twice. */
  | { readonly kind: 'pending'; readonly job: Job }
  /** Answers came in while the plan was made: it would ask for them again. */
  | { readonly kind: 'stale' };

/** Jobs that may bring answers for the same output, by id, and how far they are. */
export type CompetingJobs = ReadonlyMap<string, JobRecord['state']>;

/** Call it before the plan is made, for `claimWork` after. */
export async function listCompetingJobs(home: LoomHome, order: BatchOrder): Promise<CompetingJobs> {
  if (!order.useCache) return new Map();
  const { jobs } = await loadJobs(home.jobs);
  const competing = jobs.filter(
    (job) =>
      job.use_cache &&
      job.original_file_path === order.dataset.path &&
      job.provider === order.provider &&
      job.model === order.model &&
      settingsText(job.params) === settingsText(order.settings),
  );
  return new Map(competing.map((job) => [job.job_id, job.state]));
}

/**
 * Decides, as one step among all processes, what becomes of a plan; saves its job when that is to be done. Of processes
 * that plan the same work at the same moment one submits it, unless `again` says that it is to be paid for once more.
 */
export async function claimWork(
  home: LoomHome,
  planned: JobRecord,
  again: boolean,
  competing: CompetingJobs,
  signal: AbortSignal,
): Promise<Claim> {
  const lock = await waitForLock(home.locks, nameWork(planned), signal, () => {});
  try {
    if (await haveMoved(home, competing)) return { kind: 'stale' };
    const state = await loadState(home);
    const twins = findTwins(state, planned);
    const cutOff = await lockCutOffTwin(home, twins);
    if (cutOff) return cutOff;
    const [twin] = twins;
    if (twin && !again) return { kind: 'pending', job: twin };
    if (planned.parts.length > 0) await saveJob(holdHome(home, lock), planned);
    return { kind: 'own', twin, state };
  } finally {
    await lock.forget();
  }
}

async function haveMoved(home: LoomHome, competing: CompetingJobs): Promise<boolean> {
  for (const [jobId, state] of competing) {
    if ((await loadJob(home.jobs, jobId))?.state !== state) return true;
  }
  return false;
}

/**
 * Jobs of the same work whose answers are not in their output yet: on their way, in doubt, or downloaded and not written.
 * What the provider has ended without them is none, nor is one whose output is in place or was fetched with --keep.
 */
export function findTwins({ jobs }: StoredState, planned: SettledWork): Job[] {
  const unwritten = jobs.filter((stored) => isPending(stored) && stored.job.state !== 'merged');
  return unwritten.map(({ job }) => job).filter((job) => isSameWork(job, planned));
}

/** The same for an input of which no digest is taken yet: its file is read only where it matters. */
export async function findTwinsOfInput(home: LoomHome, planned: Work, signal: AbortSignal): Promise<Job[]> {
  const { jobs } = await loadJobs(home.jobs);
  const isCandidate = (job: JobRecord) => {
    const { input_sha256 } = job;
    return job.state !== 'merged' && isSameWork(job, { ...planned, input_sha256 });
  };
  if (!jobs.some(isCandidate)) return [];
  const input_sha256 = await hashFile(planned.original_file_path, signal);
  return findTwins(await loadState(home), { ...planned, input_sha256 });
}

async function lockCutOffTwin(home: LoomHome, twins: readonly Job[]): Promise<Claim | undefined> {
  for (const twin of twins.filter((job) => !job.announced)) {
    const lock = await tryLock(home.locks, twin.job_id);
    // As it is now, with the lock held: the run that made it may have ended well in between.
    const job = lock && (await loadJob(home.jobs, twin.job_id));
    if (job && !job.announced && job.state === 'pending') return { kind: 'cut_off', job, lock };
    await lock?.release();
  }
  return undefined;
}
