/** The story of `loom forget`: remove what the home holds of jobs. Outputs, and answers in the cache, stay. */
import type { BatchRecord } from '../models.ts';
import type { StatusWord } from '../names.ts';
import { holdHome, type LoomHome } from '../utils/home.ts';
import type { JobRecord } from '../utils/jobs.ts';
import { tryLock } from '../utils/locks.ts';
import { hasStatus, type ListedBatch, listParts } from './list-batches.ts';
import {
  findAnyJob,
  loadState,
  lockName,
  reloadAbandoned,
  reloadJob,
  removeJob,
  type StoredJob,
} from './stored-jobs.ts';
import { sweepInputs } from './sweep-inputs.ts';

export interface ForgetTarget {
  readonly stored: StoredJob;
  readonly parts: readonly ListedBatch[];
  /** Whether there are answers, or some to come, that no output holds. */
  readonly losesAnswers: boolean;
}

export interface ForgetEvents {
  onForgotten?(id: string, records: number): void;
  /** Another process is working on this job: it stays. */
  onBusy?(id: string): void;
}

/** LoomError `state` for an id that there is not. */
export async function findTargets(home: LoomHome, ids: readonly string[]): Promise<ForgetTarget[]> {
  const state = await loadState(home);
  const targets = ids.map((id) => {
    const stored = findAnyJob(state, id);
    const target = describeTarget(home, stored);
    // Of one without any record no command could bring the answers in.
    return state.abandoned.includes(stored) ? { ...target, losesAnswers: false } : target;
  });
  // Two parts of one job are that job.
  return targets.filter(
    ({ stored }, index) => targets.findIndex((other) => other.stored.id === stored.id) === index,
  );
}

/** Jobs of which every part has one of these statuses. */
export async function findTargetsByStatus(
  home: LoomHome,
  words: readonly StatusWord[],
): Promise<ForgetTarget[]> {
  const { jobs } = await loadState(home);
  const targets = jobs.map((stored) => describeTarget(home, stored));
  return targets.filter(({ parts }) => parts.every((part) => hasStatus(part, words)));
}

/** Safe to repeat, also after it was cut off. */
export async function forgetJobs(
  home: LoomHome,
  targets: readonly ForgetTarget[],
  signal: AbortSignal,
  events: ForgetEvents = {},
): Promise<void> {
  for (const { stored } of targets) {
    signal.throwIfAborted();
    await forgetStored(home, stored, events);
  }
  await sweepInputs(home);
}

async function forgetStored(home: LoomHome, known: StoredJob, events: ForgetEvents): Promise<void> {
  const lock = await tryLock(home.locks, lockName(known));
  if (!lock) return events.onBusy?.(known.id);
  try {
    const stored = (await reloadJob(home, known)) ?? (await reloadAbandoned(home, lockName(known)));
    // A run has submitted more of it since the question was asked.
    if (stored && stored.records.length > known.records.length) return events.onBusy?.(known.id);
    if (stored) await removeJob(holdHome(home, lock), stored);
    events.onForgotten?.(known.id, stored?.records.length ?? 0);
    await lock.forget();
  } finally {
    await lock.release();
  }
}

function describeTarget(home: LoomHome, stored: StoredJob): ForgetTarget {
  const parts = listParts(home, stored);
  return { stored, parts, losesAnswers: !isWritten(stored.job, stored.records) && !parts.every(gaveNothing) };
}

function isWritten(job: JobRecord | undefined, records: readonly BatchRecord[]): boolean {
  if (job) return job.state !== 'pending' && job.state !== 'writing';
  return records.every(({ status }) => status === 'completed');
}

/** A batch that failed did not start, and a part that was dropped never was one. */
function gaveNothing({ batchId, status }: ListedBatch): boolean {
  return status === 'failed' || (status === 'cancelled' && batchId === undefined);
}
