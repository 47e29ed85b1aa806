/** The story of `loom cancel`: end what a job has at its provider, and never send what it has not sent. */

import { LoomError } from '../../../core/errors.ts';
import type { BatchRecord, BatchStatus, EventOf, ProviderName } from '../../../core/models.ts';
import type { BatchCheck } from '../../../providers/provider.ts';
import { providerEntry } from '../../../providers/registry.ts';
import { HomeBatches } from '../../../state/home-batches.ts';
import { giveBackPart, type Job, saveJob } from '../../../state/jobs.ts';
import { deleteRecord, updateRecord } from '../../../state/records.ts';
import {
  findAnyJob,
  findLostParts,
  findPart,
  forgetJob,
  hasEnded,
  hasEndedBadly,
  isDropped,
  isUnsent,
  loadState,
  namePart,
  reloadJob,
  type StoredJob,
} from '../../../state/stored-jobs.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import { waitForLock } from '../../../storage/locks.ts';
import type { RetryEvent } from '../../calls/retry.ts';
import { keepDownloaded } from '../fetch/keep-answers.ts';
import { UnsettledPartError } from '../parts/find-batch.ts';
import {
  type Connect,
  isAboutOneBatch,
  type JobReach,
  openJobReach,
  type Submission,
} from '../parts/job-reach.ts';
import { takeRecorded, trySettlePart } from '../parts/submit-parts.ts';

export type CancelEvent =
  /** Another process works on the job: it is waited for. */
  | EventOf<'waiting', { id: string }>
  /** The provider ends the batch, which may take it some minutes. */
  | EventOf<'cancelled', { batch: CancelTarget; status: BatchStatus }>
  /** There was nothing left to cancel. */
  | EventOf<'over', { batch: CancelTarget; status: BatchStatus }>
  /** A part that the provider does not have, and will not get: `job_1/2`, or the job's id where it is the only one. */
  | EventOf<'dropped', { id: string }>
  /** This batch was not cancelled: the provider refused, or it may be another's. The others are all the same. */
  | EventOf<'failed', { id: string; provider: ProviderName; error: unknown }>
  | RetryEvent;

/** A batch that is to be cancelled: of a part whose record is gone or damaged it is all that is known. */
export type CancelTarget = Pick<BatchRecord, 'batch_id' | 'provider' | 'status'>;

/** What a cancel would end, as the records know it. */
export interface CancelPlan {
  readonly id: string;
  readonly provider: ProviderName;
  readonly model: string;
  readonly parts: number;
  /** Batches that may still run. */
  readonly batches: number;
  /** Parts that the provider does not have. */
  readonly unsent: number;
  /** Parts whose creation was cut off: the provider may have them, and the cancel looks for them first. */
  readonly inDoubt: number;
}

/** LoomError `state` for an id that there is not. */
export async function planCancel(
  home: LoomHome,
  named: string,
): Promise<{ stored: StoredJob; plan: CancelPlan }> {
  const stored = findAnyJob(await loadState(home), named);
  const { id, provider, job } = stored;
  const plan = {
    id,
    provider,
    model: job.model,
    parts: job.parts.length,
    batches: [...stored.records, ...describeLostBatches(stored)].filter(mayRun).length,
    unsent: stored.job.parts.filter(({ state }) => state === 'planned').length,
    inDoubt: stored.job.parts.filter(({ state }) => state === 'submitting').length,
  };
  return { stored, plan };
}

/** Cancels every part of a job, and says whether nothing of it was at the provider: nothing is left of it here then. Safe to repeat, also after it was cut off. */
export async function cancelJob(
  home: LoomHome,
  known: StoredJob,
  connect: Connect,
  signal: AbortSignal,
  onEvent: (event: CancelEvent) => void,
): Promise<{ isForgotten: boolean }> {
  const { id } = known;
  const lock = await waitForLock(home.locks, known.job.job_id, signal, () =>
    onEvent({ type: 'waiting', id }),
  );
  try {
    const stored = await reloadJob(home, known);
    if (!stored) throw finishedMeanwhile(home, id);
    const isForgotten = await cancelHeld({
      home: holdHome(home, lock),
      stored,
      known: new HomeBatches(home),
      connect,
      signal: AbortSignal.any([signal, lock.lost]),
      onEvent,
    });
    if (isForgotten) await lock.forget();
    return { isForgotten };
  } finally {
    await lock.release();
  }
}

interface Cancellation {
  readonly home: LoomHome;
  readonly stored: StoredJob;
  readonly known: HomeBatches;
  readonly connect: Connect;
  readonly signal: AbortSignal;
  readonly onEvent: (event: CancelEvent) => void;
}

async function cancelHeld(cancellation: Cancellation): Promise<boolean> {
  const { home, stored, signal, onEvent } = cancellation;
  const { job, records } = stored;
  const { parts } = job;
  const unnoted = await takeUnnotedRecords({ home, job, known: cancellation.known });
  const batches = [
    ...records,
    ...unnoted,
    ...describeLostBatches({ ...stored, records: [...records, ...unnoted] }),
  ];
  const needsProvider = batches.some(mayRun) || parts.some((part) => part.state === 'submitting');
  // The way there comes first: without a key nothing is done by halves.
  const reach = needsProvider
    ? await openJobReach(stored, cancellation.connect, { signal, onEvent })
    : undefined;
  const unsent = parts.filter(isUnsent);
  if (reach || unsent.length > 0) await noteCancelled(home, job);
  const settled = await settleParts(cancellation, reach);
  for (const { part } of unsent.filter(isDropped)) onEvent({ type: 'dropped', id: namePart(job, part) });
  const all = [...batches, ...settled];
  const cannot = reach !== undefined && reach.provider.cancel === undefined;
  if (cannot && all.some(mayRun)) onEvent(describeNoCancel(stored));
  for (const batch of all) if (!cannot || !mayRun(batch)) await cancelBatch(cancellation, batch, reach);
  const isForgotten = parts.every(isDropped);
  if (isForgotten) await forgetJob(home, job);
  else if (parts.some(isDropped)) await keepGivenAnswers(cancellation);
  return isForgotten;
}

/** A run that was cut off, or a job file of an older state, may know nothing of a batch whose record is there. */
async function takeUnnotedRecords(place: Pick<Submission, 'home' | 'job' | 'known'>): Promise<BatchRecord[]> {
  const taken: BatchRecord[] = [];
  for (const part of place.job.parts.filter(isUnsent)) {
    const record = await takeRecorded(place, part);
    if (record) taken.push(record);
  }
  return taken;
}

/** A job of which a part is never sent has no output by itself: what its other parts gave, the same run need not ask again. */
async function keepGivenAnswers({ home, stored, signal, onEvent }: Cancellation): Promise<void> {
  const merging = { workingFolder: '/', inputPath: undefined, changedRows: 'refuse' } as const;
  const { id, provider } = stored;
  const onError = (error: unknown) => onEvent({ type: 'failed', id, provider, error });
  await keepDownloaded({ home, merging, signal, onError }, stored);
}

/** Before anything is asked of the provider: a cancel that is cut off then leaves nothing that is sent later. */
async function noteCancelled(home: LoomHome, job: Job): Promise<void> {
  for (const part of job.parts) if (part.state === 'planned') part.state = 'dropped';
  // The same loom run starts anew, instead of finishing this one.
  Object.assign(job, { cancelled: true, announced: true });
  await saveJob(home, job);
}

/** A part whose creation was cut off may be a batch by now: it is looked for, and cancelled like the others. */
async function settleParts(
  { home, stored: { id, job, provider }, known, signal, onEvent }: Cancellation,
  reach: JobReach | undefined,
): Promise<BatchRecord[]> {
  const settled: BatchRecord[] = [];
  for (const part of job.parts) {
    if (!reach || part.state !== 'submitting') continue;
    const found = await trySettlePart({ home, job, known, signal, ...reach }, part);
    if (found instanceof UnsettledPartError) onEvent({ type: 'failed', id, provider, error: found });
    else if (found) settled.push(found);
  }
  return settled;
}

async function cancelBatch(
  cancellation: Cancellation,
  batch: CancelTarget,
  reach: JobReach | undefined,
): Promise<void> {
  const { stored, signal, onEvent } = cancellation;
  const { batch_id: id, provider: name, status } = batch;
  if (!reach || !mayRun(batch)) return onEvent({ type: 'over', batch, status });
  const fail = (error: unknown) => onEvent({ type: 'failed', id, provider: name, error });
  // What it is, its results will tell.
  if (findPart(stored, batch).provisional) return fail(mayBeAnothers(batch));
  try {
    const { provider, calls, callSignal } = reach;
    const check = await calls.run(async () => {
      await cancellation.home.ensureHeld();
      return provider.cancel?.(id, callSignal);
    });
    if (check) await noteCancel(cancellation, batch, check);
  } catch (error) {
    if (signal.aborted || !isAboutOneBatch(error)) throw error;
    fail(error);
  }
}

/** Notes and tells what the provider said to a cancel. */
async function noteCancel(
  { home, stored, onEvent }: Cancellation,
  batch: CancelTarget,
  check: BatchCheck,
): Promise<void> {
  const { job } = stored;
  const part = findPart(stored, batch);
  if (check.queueFull && !part.adopted) {
    giveBackPart(job, part);
    await saveJob(home, job);
    await deleteRecord(home, batch);
    return onEvent({ type: 'dropped', id: namePart(job, part.part) });
  }
  const { status } = check;
  if (status === 'completed' || status === 'failed' || status === 'expired')
    return onEvent({ type: 'over', batch, status });
  // That it is over is for a fetch to note, which brings in what was answered.
  if (!hasEndedBadly(status) && isRecord(batch)) {
    await updateRecord(home, { ...batch, status, counts: check.counts ?? null });
  }
  onEvent({ type: 'cancelled', batch, status });
}

/** Batches of parts whose record is gone or damaged: the job knows them still. */
function describeLostBatches(stored: StoredJob): CancelTarget[] {
  return findLostParts(stored).flatMap(({ state, batch_id }) => {
    const status = state === 'downloaded' ? 'completed' : 'unknown';
    return batch_id === undefined ? [] : [{ batch_id, provider: stored.provider, status }];
  });
}

function isRecord(batch: CancelTarget): batch is BatchRecord {
  return 'original_file_path' in batch;
}

/** Whether a batch may be under way, as far as its record knows. */
function mayRun({ status }: CancelTarget): boolean {
  return !hasEnded(status);
}

function describeNoCancel({ id, provider }: StoredJob): CancelEvent {
  const { title } = providerEntry(provider);
  const error = new LoomError(
    'provider',
    `${title} has no way to cancel a batch: it goes on, and is paid for.`,
    {
      hint: 'What was not sent yet is never sent. Fetch its answers when it is over.',
    },
  );
  return { type: 'failed', id, provider, error };
}

function mayBeAnothers({ provider }: CancelTarget): LoomError {
  const message =
    'it was not cancelled: its creation was cut off, it was found by its time and size alone, and it may be the batch of another command.';
  return new LoomError('state', message, {
    hint: `Look at it on the dashboard of ${providerEntry(provider).title}, and cancel it there.`,
  });
}

function finishedMeanwhile({ isSandbox }: LoomHome, id: string): LoomError {
  return new LoomError('state', `another command has finished ${id} meanwhile.`, {
    code: 'job_finished',
    facts: { id, sandbox: isSandbox },
  });
}
