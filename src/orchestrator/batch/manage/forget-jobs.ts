/**
 * The story of `loom forget`: remove what the home holds of jobs, and their uploads at the provider where no batch can
 * need them any more. Outputs, and answers in the cache, stay; so does the upload of a batch that may still run.
 */
import type { BatchRecord, EventOf, ProviderName } from '../../../core/models.ts';
import type { StatusWord } from '../../../core/names.ts';
import {
  findAnyJob,
  hasEnded,
  isWritten,
  loadState,
  type OpenedRecords,
  reloadAbandoned,
  reloadJob,
  removeJob,
  type StoredJob,
} from '../../../state/stored-jobs.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import { tryLock } from '../../../storage/locks.ts';
import { sweepInputs } from '../../sweep/sweep-inputs.ts';
import { hasStatus, type ListedBatch, listParts } from '../list/list-batches.ts';
import { type Connect, openJobReach } from '../parts/job-reach.ts';

export interface ForgetTarget {
  readonly id: string;
  readonly stored: StoredJob;
  readonly parts: readonly ListedBatch[];
  /** Whether there are answers, or some to come, that no output holds. */
  readonly losesAnswers: boolean;
}

export type ForgetEvent =
  /** An upload that no batch needs any more could not be deleted: its provider was out of reach, or there was no key. */
  | EventOf<'upload_left', { id: string; provider: ProviderName; fileId: string; error: unknown }>
  | EventOf<'forgotten', { id: string; batches: number }>
  /** Another process is working on this job: it stays. */
  | EventOf<'busy', { id: string }>;

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
  connect: Connect,
  signal: AbortSignal,
  onEvent: (event: ForgetEvent) => void,
): Promise<void> {
  const opened: OpenedRecords = new Map();
  for (const { stored } of targets) {
    signal.throwIfAborted();
    await forgetStored(home, stored, { connect, signal, onEvent, opened });
  }
  await sweepInputs(home);
}

interface Forgetting {
  readonly connect: Connect;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ForgetEvent) => void;
  readonly opened: OpenedRecords;
}

async function forgetStored(home: LoomHome, known: StoredJob, forgetting: Forgetting): Promise<void> {
  const { onEvent } = forgetting;
  const { id } = known;
  const lock = await tryLock(home.locks, known.job.job_id);
  if (!lock) return onEvent({ type: 'busy', id });
  try {
    const stored = (await reloadJob(home, known)) ?? (await reloadAbandoned(home, known.job.job_id));
    // A run has submitted more of it since the question was asked.
    if (stored && stored.records.length > known.records.length) return onEvent({ type: 'busy', id });
    if (stored) {
      const held = holdHome(home, lock);
      await deleteUploads(held, stored, forgetting);
      await removeJob(held, stored, forgetting.opened);
    }
    onEvent({ type: 'forgotten', id, batches: stored?.records.length ?? 0 });
    await lock.forget();
  } finally {
    await lock.release();
  }
}

/** A provider that does not answer holds up no forgetting. */
const deletionMs = 30_000;

/** Deletes what was uploaded for batches that are over, or that never came to be. */
async function deleteUploads(
  home: LoomHome,
  stored: StoredJob,
  { connect, signal, onEvent }: Forgetting,
): Promise<void> {
  const fileIds = listUnneededUploads(stored);
  if (fileIds.length === 0) return;
  const callSignal = AbortSignal.any([signal, AbortSignal.timeout(deletionMs)]);
  const reach = openJobReach(stored, connect, { signal, onEvent: () => {} });
  for (const fileId of fileIds) {
    await home.ensureHeld();
    try {
      await (await reach).provider.deleteFile?.(fileId, callSignal);
    } catch (error) {
      signal.throwIfAborted();
      onEvent({ type: 'upload_left', id: stored.id, provider: stored.provider, fileId, error });
    }
  }
}

function listUnneededUploads(stored: StoredJob): string[] {
  const isOver = isWritten(stored);
  const isEnded = ({ status }: BatchRecord) => isOver || hasEnded(status);
  const unsent = stored.job.parts.filter(({ state }) => state === 'planned' || state === 'dropped');
  const ids = [...stored.records.filter(isEnded), ...unsent].map((source) => source.file_id);
  return [...new Set(ids.filter((id) => id !== undefined && id !== null))];
}

function describeTarget(home: LoomHome, stored: StoredJob): ForgetTarget {
  const parts = listParts(home, stored);
  const { id } = stored;
  return { id, stored, parts, losesAnswers: !isWritten(stored) && !parts.every(gaveNothing) };
}

/** A batch that failed did not start, and a part that was dropped never was one. */
function gaveNothing({ batchId, status }: ListedBatch): boolean {
  return status === 'failed' || (status === 'cancelled' && batchId === undefined);
}
