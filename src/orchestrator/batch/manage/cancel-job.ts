/** The story of `loom cancel`: end what a job has at its provider, and never send what it has not sent. */
import { LoomError } from '../../../core/errors.ts';
import type { BatchRecord, ProviderName } from '../../../core/models.ts';
import type { BatchCheck } from '../../../providers/provider.ts';
import { providerEntry } from '../../../providers/registry.ts';
import { HomeBatches } from '../../../state/home-batches.ts';
import { giveBackPart, type Job, type JobPart, saveJob } from '../../../state/jobs.ts';
import { deleteRecord, updateRecord } from '../../../state/records.ts';
import {
  findAnyJob,
  findLostParts,
  findPart,
  forgetJob,
  hasEndedBadly,
  isDropped,
  loadState,
  reloadJob,
  type StoredJob,
} from '../../../state/stored-jobs.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import { waitForLock } from '../../../storage/locks.ts';
import type { RetryNotice } from '../../calls/retry.ts';
import { keepDownloaded } from '../fetch/keep-answers.ts';
import { UnsettledPartError } from '../parts/find-batch.ts';
import { type Connect, isAboutOneBatch, type JobReach, openJobReach } from '../parts/job-reach.ts';
import { type Submission, takeRecorded, trySettlePart } from '../parts/submit-parts.ts';

export interface CancelEvents {
  /** Another process works on the job: it is waited for. */
  onWait?(id: string): void;
  /** The provider ends the batch, which may take it some minutes. */
  onCancelled?(batch: CancelTarget, check: BatchCheck): void;
  /** There was nothing left to cancel. */
  onOver?(batch: CancelTarget, status: BatchCheck['status']): void;
  /** A part that the provider does not have, and will not get. */
  onDropped?(job: Job, part: number): void;
  /** This batch was not cancelled: the provider refused, or it may be another's. The others are all the same. */
  onError?(id: string, provider: ProviderName, error: unknown): void;
  onRetry?(provider: ProviderName, notice: RetryNotice): void;
}

/** A batch that is to be cancelled: of a part whose record is gone or damaged it is all that is known. */
export type CancelTarget = Pick<BatchRecord, 'batch_id' | 'provider' | 'status'>;

export interface CancelSummary {
  readonly cancelled: number;
  readonly over: number;
  readonly dropped: number;
  /** Batches that could not be cancelled. */
  readonly refused: number;
  /** Nothing of the job was at the provider: there is nothing left of it here either. */
  readonly isForgotten: boolean;
}

/** What a cancel would end, as the records know it. */
export interface CancelPlan {
  readonly stored: StoredJob;
  /** Batches that may still run. */
  readonly batches: number;
  /** Parts that the provider does not have. */
  readonly unsent: number;
  /** Parts whose creation was cut off: the provider may have them, and the cancel looks for them first. */
  readonly inDoubt: number;
}

/** LoomError `state` for an id that there is not. */
export async function planCancel(home: LoomHome, id: string): Promise<CancelPlan> {
  const stored = findAnyJob(await loadState(home), id);
  return {
    stored,
    batches: [...stored.records, ...describeLostBatches(stored)].filter(mayRun).length,
    unsent: stored.job.parts.filter(({ state }) => state === 'planned').length,
    inDoubt: stored.job.parts.filter(({ state }) => state === 'submitting').length,
  };
}

/** Cancels every part of a job. Safe to repeat, also after it was cut off. */
export async function cancelJob(
  home: LoomHome,
  known: StoredJob,
  connect: Connect,
  signal: AbortSignal,
  events: CancelEvents = {},
): Promise<CancelSummary> {
  const lock = await waitForLock(home.locks, known.job.job_id, signal, () => events.onWait?.(known.id));
  try {
    const stored = await reloadJob(home, known);
    if (!stored) throw finishedMeanwhile(home, known.id);
    const summary = await cancelHeld({
      home: holdHome(home, lock),
      stored,
      known: new HomeBatches(home),
      connect,
      signal: AbortSignal.any([signal, lock.lost]),
      events,
    });
    if (summary.isForgotten) await lock.forget();
    return summary;
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
  readonly events: CancelEvents;
}

async function cancelHeld(cancellation: Cancellation): Promise<CancelSummary> {
  const { home, stored, events } = cancellation;
  const { job, records } = stored;
  const { parts } = job;
  const counts = { cancelled: 0, over: 0, dropped: 0, refused: 0 };
  const unnoted = await takeUnnotedRecords({ home, job, known: cancellation.known });
  const batches = [
    ...records,
    ...unnoted,
    ...describeLostBatches({ ...stored, records: [...records, ...unnoted] }),
  ];
  const needsProvider = batches.some(mayRun) || parts.some((part) => part.state === 'submitting');
  // The way there comes first: without a key nothing is done by halves.
  const reach = needsProvider
    ? await openJobReach(stored, cancellation.connect, {
        signal: cancellation.signal,
        onRetry: events.onRetry?.bind(events),
      })
    : undefined;
  const unsent = parts.filter(isUnsent);
  if (reach || unsent.length > 0) await noteCancelled(home, job);
  const { settled, unsettled } = await settleParts(cancellation, reach);
  counts.refused += unsettled;
  for (const part of unsent.filter(isDropped)) {
    counts.dropped += 1;
    events.onDropped?.(job, part.part);
  }
  for (const batch of [...batches, ...settled]) counts[await cancelBatch(cancellation, batch, reach)] += 1;
  const isForgotten = parts.every(isDropped);
  if (isForgotten) await forgetJob(home, job);
  else if (parts.some(isDropped)) await keepGivenAnswers(cancellation);
  return { ...counts, isForgotten };
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
async function keepGivenAnswers({ home, stored, signal, events }: Cancellation): Promise<void> {
  const merging = { workingFolder: '/', inputPath: undefined, changedRows: 'refuse' } as const;
  const onError = (error: unknown) => events.onError?.(stored.id, stored.provider, error);
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
  { home, stored: { id, job, provider }, known, signal, events }: Cancellation,
  reach: JobReach | undefined,
): Promise<{ settled: BatchRecord[]; unsettled: number }> {
  const settled: BatchRecord[] = [];
  let unsettled = 0;
  for (const part of job.parts) {
    if (!reach || part.state !== 'submitting') continue;
    const found = await trySettlePart({ home, job, known, signal, ...reach }, part);
    if (found instanceof UnsettledPartError) {
      unsettled += 1;
      events.onError?.(id, provider, found);
    } else if (found) settled.push(found);
  }
  return { settled, unsettled };
}

/** What became of a batch, under its name in the summary. */
type Outcome = 'cancelled' | 'over' | 'dropped' | 'refused';

async function cancelBatch(
  cancellation: Cancellation,
  batch: CancelTarget,
  reach: JobReach | undefined,
): Promise<Outcome> {
  const { stored, signal, events } = cancellation;
  if (!reach || !mayRun(batch)) {
    events.onOver?.(batch, batch.status);
    return 'over';
  }
  // What it is, its results will tell.
  if (findPart(stored, batch).provisional) {
    events.onError?.(batch.batch_id, batch.provider, mayBeAnothers(batch));
    return 'refused';
  }
  try {
    const { provider, calls, callSignal } = reach;
    const check = await calls.run(async () => {
      await cancellation.home.ensureHeld();
      return provider.cancel(batch.batch_id, callSignal);
    });
    return await noteCancel(cancellation, batch, check);
  } catch (error) {
    if (signal.aborted || !isAboutOneBatch(error)) throw error;
    events.onError?.(batch.batch_id, batch.provider, error);
    return 'refused';
  }
}

/** Notes and tells what the provider said to a cancel. */
async function noteCancel(
  { home, stored, events }: Cancellation,
  batch: CancelTarget,
  check: BatchCheck,
): Promise<Outcome> {
  const { job } = stored;
  const part = findPart(stored, batch);
  if (check.queueFull && !part.adopted) {
    giveBackPart(job, part);
    await saveJob(home, job);
    await deleteRecord(home, batch);
    events.onDropped?.(job, part.part);
    return 'dropped';
  }
  const { status } = check;
  if (status === 'completed' || status === 'failed' || status === 'expired') {
    events.onOver?.(batch, status);
    return 'over';
  }
  // That it is over is for a fetch to note, which brings in what was answered.
  if (!hasEndedBadly(status) && isRecord(batch)) {
    await updateRecord(home, { ...batch, status, counts: check.counts ?? null });
  }
  events.onCancelled?.(batch, check);
  return 'cancelled';
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
  return status !== 'completed' && !hasEndedBadly(status);
}

function isUnsent({ state }: JobPart): boolean {
  return state === 'planned' || state === 'submitting';
}

function mayBeAnothers({ provider }: CancelTarget): LoomError {
  const message =
    'it was not cancelled: its creation was cut off, it was found by its time and size alone, and it may be the batch of another command.';
  return new LoomError('state', message, {
    hint: `Look at it on the dashboard of ${providerEntry(provider).title}, and cancel it there.`,
  });
}

function finishedMeanwhile({ flag }: LoomHome, id: string): LoomError {
  return new LoomError('state', `another command has finished ${id} meanwhile.`, {
    hint: `See loom list${flag} for what there is.`,
  });
}
