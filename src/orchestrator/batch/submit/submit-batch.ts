/** The story of `loom run` in batch mode. */

import { ensurePlaces } from '../../../cache/cache.ts';
import { loadSchemaRefusal } from '../../../cache/schema-refusals.ts';
import type { BatchRecord, EventOf } from '../../../core/models.ts';
import { checkSettings } from '../../../providers/settings.ts';
import { HomeBatches } from '../../../state/home-batches.ts';
import { createJobId, type Job, type JobRecord, loadJob, saveJob } from '../../../state/jobs.ts';
import {
  forgetJob,
  isDropped,
  isPending,
  nameJob,
  type StoredState,
  storedJob,
} from '../../../state/stored-jobs.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import { type Lock, tryLock } from '../../../storage/locks.ts';
import { checkOutputPath, type Placing } from '../../../storage/output-file.ts';
import { openAnswerCheck } from '../../answers/answer-check.ts';
import type { RetryEvent } from '../../calls/retry.ts';
import { findMisreach } from '../../calls/same-reach.ts';
import { checkFreeSpace } from '../../dataset/free-space.ts';
import { sweepHome } from '../../sweep/sweep-home.ts';
import { describeQueued, describeRecord, type QueuedPart } from '../list/list-batches.ts';
import { type MergedJob, mergeJob, noteJobOutput } from '../merge/merge-job.ts';
import { type Claim, claimWork, listCompetingJobs } from '../parts/claim-work.ts';
import { callOneByOne, type Submission } from '../parts/job-reach.ts';
import { type BatchRun, limitParts, type Plan, planBatches } from '../parts/plan-batches.ts';
import { type PartEvent, submitParts } from '../parts/submit-parts.ts';

export type SubmitEvent =
  /** The input is checked and nothing was sent yet. */
  | EventOf<'planned', { blankRows: number; cachedRows: number; parts: number }>
  /** The same work was cut off in an earlier run: this run finishes it. */
  | EventOf<'resumed', { id: string }>
  /** The same work is pending already, and is submitted once more. */
  | EventOf<'pending', { id: string }>
  /** Another pending job is to write the same output: the one that is fetched later will find it in its way. */
  | EventOf<'shared_output', { id: string; outputPath: string }>
  /** A file is where the output is to go: its fetch will ask before it replaces it, or refuse. */
  | EventOf<'output_in_the_way', { outputPath: string }>
  /** Of batches also those that a run which was cut off had submitted. */
  | PartEvent
  /** Every part is submitted, or waits for room in the provider's queue. What is told here is told once for each job. */
  | EventOf<'announced', { id: string; rows: number | undefined; parts: number; waiting: QueuedPart[] }>
  | RetryEvent;

export interface SubmitOptions {
  /** Submits also while the same work is pending, which is then paid for once more. */
  readonly again: boolean;
  /** Asked in that case without `again`, while nothing is locked: whether to submit all the same. Absent: no. */
  readonly confirmAgain?: ((id: string) => Promise<boolean>) | undefined;
  /** Whether somebody has said already what becomes of a file where the output is to go. */
  readonly isOutputSettled: boolean;
  /**
   * Asked when every answer is in the cache, before the output is written: whether a file in the way may go; undefined:
   * nothing is to be written.
   */
  choosePlacing(): Promise<Placing | undefined>;
}

export type SubmitOutcome =
  | { readonly kind: 'submitted'; readonly job: JobRecord }
  /** Every answer was in the cache: the output is written. */
  | { readonly kind: 'answered'; readonly job: JobRecord; readonly merged: MergedJob }
  /** Nothing was sent: the same work is pending already, as this job. */
  | { readonly kind: 'pending'; readonly job: Job }
  | { readonly kind: 'declined' };

/**
 * Checks the input whole, then submits what the cache has no answer for as one or more batches. When this throws
 * before the first batch is created, nothing is left behind; what may have been created stays recorded.
 */
export async function submitBatch(
  run: BatchRun,
  options: SubmitOptions,
  onEvent: (event: SubmitEvent) => void,
): Promise<SubmitOutcome> {
  const { home, order, entry, connection, signal } = run;
  checkSettings(entry, order.settings);
  await openAnswerCheck(order.settings);
  const isInTheWay = (await checkOutputPath(order.outputPath)) && !options.isOutputSettled;
  ensurePlaces(home, order.useCache);
  await sweepHome(home);
  await checkFreeSpace(home.root, order.dataset);
  const provider = await entry.openBatch(connection);
  const limits = limitParts(provider.limits, order.batchSize);
  const refusal = await loadSchemaRefusal(home, order);
  const tellsSchema = refusal !== undefined;
  const jobId = createJobId();
  const ownLock = (await tryLock(home.locks, jobId)) as Lock;
  let lock = ownLock;
  try {
    const ownHome = holdHome(home, ownLock);
    const { plan, claim } = await planAndClaim({ ...run, home: ownHome }, options, () =>
      planBatches({ home: ownHome, jobId, order, provider, limits, tellsSchema, signal }),
    );
    if (claim.kind === 'pending') return { kind: 'pending', job: claim.job };
    if (claim.kind === 'cut_off') {
      lock = claim.lock;
      onEvent({ type: 'resumed', id: claim.job.job_id });
    } else {
      const { blank_rows: blankRows, cached_rows: cachedRows, parts } = plan.job;
      onEvent({ type: 'planned', blankRows, cachedRows, parts: parts.length });
      if (refusal && parts.length > 0) onEvent({ type: 'schema_known', refusal });
      if (claim.twin) onEvent({ type: 'pending', id: nameJob(claim.twin) });
      else tellSharedOutput(claim.state, plan.job, onEvent);
    }
    const job = claim.kind === 'cut_off' ? claim.job : plan.job;
    const held = holdHome(home, lock);
    if (isInTheWay && job.parts.length > 0)
      onEvent({ type: 'output_in_the_way', outputPath: job.output_path });
    if (job.parts.length === 0) return await writeKnownAnswers(held, job, options, plan.discard, signal);
    const stop = AbortSignal.any([signal, lock.lost]);
    const reach = callOneByOne(provider, entry.name, { signal: stop, onEvent });
    const misreach = claim.kind === 'cut_off' ? findMisreach(job, connection) : undefined;
    if (misreach) throw misreach;
    const known = new HomeBatches(held, claim.kind === 'own' ? claim.state.records : undefined);
    await submitJob({ ...reach, home: held, job, known, signal: stop }, onEvent);
    return { kind: 'submitted', job };
  } finally {
    if (!(await loadJob(home.jobs, jobId))) await ownLock.forget();
    await lock.release();
  }
}

/** Plans until the plan is of now: answers that came in while it was made are not asked for again. */
async function planAndClaim(
  { home, order, signal }: BatchRun,
  options: SubmitOptions,
  makePlan: () => Promise<Plan>,
): Promise<{ plan: Plan; claim: Exclude<Claim, { kind: 'stale' }> }> {
  let { again } = options;
  for (;;) {
    const competing = await listCompetingJobs(home, order);
    const plan = await makePlan();
    let claim: Claim | undefined;
    try {
      claim = await claimWork(home, plan.job, again, competing, signal);
      if (claim.kind === 'pending' && (await options.confirmAgain?.(nameJob(claim.job)))) {
        again = true;
        claim = await claimWork(home, plan.job, again, competing, signal);
      }
    } finally {
      if (claim?.kind !== 'own') await plan.discard();
    }
    if (claim.kind !== 'stale') return { plan, claim };
  }
}

/** Only one of two jobs can write an output: it is told while nothing is sent yet. */
function tellSharedOutput(
  { jobs }: StoredState,
  job: JobRecord,
  onEvent: (event: SubmitEvent) => void,
): void {
  if (job.parts.length === 0) return;
  const other = jobs
    .filter(isPending)
    .find((stored) => stored.jobId !== job.job_id && stored.job.output_path === job.output_path);
  if (other) onEvent({ type: 'shared_output', id: other.id, outputPath: job.output_path });
}

async function submitJob(submission: Submission, onEvent: (event: SubmitEvent) => void): Promise<void> {
  const { home, job } = submission;
  for (const record of await recordsOf(submission))
    onEvent({ type: 'submitted', record, batch: describeRecord(home, record) });
  try {
    await submitParts(submission, onEvent);
  } catch (error) {
    await discardUnsentJob(home, job);
    throw error;
  }
  const waiting = job.parts.filter(({ state }) => state === 'planned');
  onEvent({
    type: 'announced',
    id: nameJob(job),
    rows: job.rows,
    parts: job.parts.length,
    waiting: waiting.map((part) => describeQueued(home, job, part)),
  });
  await saveJob(home, Object.assign(job, { announced: true }));
}

/** The batches that an earlier run of this job submitted, by part. */
async function recordsOf({ job, known }: Submission): Promise<BatchRecord[]> {
  if (job.parts.every((part) => part.state === 'planned')) return [];
  const records = await known.listRecords();
  const ids = new Set(job.parts.filter((part) => part.state !== 'submitting').map((part) => part.batch_id));
  return records.filter((record) => ids.has(record.batch_id)).sort((a, b) => (a.part ?? 0) - (b.part ?? 0));
}

/** Nothing is left to send: the output is written at once. */
async function writeKnownAnswers(
  home: LoomHome,
  job: JobRecord,
  options: SubmitOptions,
  discard: () => Promise<void>,
  signal: AbortSignal,
): Promise<SubmitOutcome> {
  try {
    signal.throwIfAborted();
    const placing = await options.choosePlacing();
    if (!placing) return { kind: 'declined' };
    const stored = storedJob(job, []);
    const merging = { workingFolder: '/', changedRows: 'refuse', inputPath: undefined } as const;
    const merged = await mergeJob(home, stored, [], merging, placing);
    await noteJobOutput(home, stored, merged, merging);
    return { kind: 'answered', job, merged };
  } finally {
    await discard();
  }
}

/** A job of which the provider has nothing for certain is forgotten; any other stays for later commands. */
async function discardUnsentJob(home: LoomHome, job: Job): Promise<void> {
  const isUnsent = job.parts.every((part) => part.state === 'planned') || job.parts.every(isDropped);
  if (isUnsent) await forgetJob(home, job);
}
