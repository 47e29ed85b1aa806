/** The steps of a fetch that ask the provider: submit what had to wait, and learn how each batch is. */
import { isRefusedKey, LoomError, ProviderError } from '../../../core/errors.ts';
import type { BatchRecord, BatchStatus } from '../../../core/models.ts';
import type { BatchCheck } from '../../../providers/provider.ts';
import { giveBackPart, type JobPart, saveJob } from '../../../state/jobs.ts';
import { updateRecord } from '../../../state/records.ts';
import { findPart, hasEndedBadly, isDropped, isUnsent, noteStatus } from '../../../state/stored-jobs.ts';
import { describeQueued, describeRecord, isStuck, windowOf } from '../list/list-batches.ts';
import { isOfAnotherPart } from '../parts/find-batch.ts';
import { lookAtBatch } from '../parts/job-reach.ts';
import { hasFailedForSize, isAlone, noteFullQueue, noteTaken, noteTooLarge } from '../parts/queue-room.ts';
import { submitParts } from '../parts/submit-parts.ts';
import { noteEnd } from './batch-account.ts';
import { deleteUpload } from './delete-uploads.ts';
import { confirmPart, downloadBatch } from './download-results.ts';
import type { KeptAnswers } from './fetch-run.ts';
import { forgetRecord, isDownloaded, type JobFetch, noteError } from './job-fetch.ts';
import { keepAllAnswers } from './keep-answers.ts';
import { noteRefusedBatch, noteRefusedRows } from './note-refused.ts';

/**
 * Submits parts that had to wait or were cut off, as far as the provider's queue takes them. Gives the refusal of a part,
 * with which the look at the job is to end once the batches that there are were asked.
 */
export async function submitQueuedParts(fetching: JobFetch): Promise<ProviderError | undefined> {
  const { run, stored, job, records, known, provider, calls, callSignal, misreach } = fetching;
  const { parts } = job;
  const unsent = parts.filter(isUnsent);
  if (unsent.length === 0) return undefined;
  let refusal: ProviderError | undefined;
  const dropped = parts.filter(isDropped).length;
  const { home, signal, onEvent } = run;
  try {
    await submitParts({ home, job, known, provider, calls, misreach, signal, callSignal }, (event) => {
      const isNew = event.type === 'submitted' && !records.some((r) => r.batch_id === event.record.batch_id);
      if (isNew) records.push(event.record);
      onEvent(event);
    });
  } catch (error) {
    await home.ensureHeld();
    if (signal.aborted) throw error;
    // The batches that there are can be asked all the same.
    if (error instanceof ProviderError && !isRefusedKey(error) && records.length > 0) refusal = error;
    else if (!(error instanceof LoomError)) throw error;
    else {
      onEvent({ type: 'failed', id: stored.id, provider: stored.provider, error });
      run.outcome.troubled = true;
    }
  }
  // Of a job that was cancelled, or can't be taken whole: nothing more may come of it, and then no later look would keep what came.
  if (parts.filter(isDropped).length > dropped) await keepAllAnswers(fetching, []);
  if (refusal) return refusal;
  for (const part of parts.filter(({ state }) => state === 'planned'))
    onEvent({ type: 'queued', ...describeQueued(home, job, part) });
  return undefined;
}

/** Batches by what can be had of them. */
export interface CheckedBatches {
  readonly ready: BatchRecord[];
  /** Ended early: they may have results of some rows. */
  readonly ended: BatchRecord[];
}

/** Asks the provider how each batch is, notes and tells it; of a completed one with its results, by `downloadBatches`. */
export async function checkBatches(fetching: JobFetch): Promise<CheckedBatches> {
  const { run } = fetching;
  const checked: CheckedBatches = { ready: [], ended: [] };
  for (const record of [...fetching.records]) {
    const status = (await knownEnd(fetching, record)) ?? (await checkBatch(fetching, record));
    if (status === 'completed') {
      checked.ready.push(record);
      const batch = describeRecord(run.home, { ...record, status });
      run.onEvent({ type: 'ready', record, batch });
    } else if (hasEndedBadly(status)) {
      checked.ended.push(record);
      if (!run.order.partial) run.outcome.troubled = true;
    }
  }
  return checked;
}

/** How a batch ended, where that need not be asked: `fetch --id` asks all the same, the first time. */
async function knownEnd(fetching: JobFetch, record: BatchRecord): Promise<BatchStatus | undefined> {
  const { order, isRepeated } = fetching.run;
  if (isRepeated && hasEndedBadly(record.status)) return record.status;
  if (order.id !== undefined && !isRepeated) return undefined;
  return (await isDownloaded(fetching, record)) ? 'completed' : undefined;
}

/** The batch's status now; `unknown` also for one that went back to the queue. */
async function checkBatch(fetching: JobFetch, record: BatchRecord): Promise<BatchCheck['status']> {
  const { run, job } = fetching;
  const check = await askStatus(fetching, record);
  const part = findPart(fetching, record);
  if ((check.queueFull || hasFailedForSize(check)) && !part.adopted) {
    await requeuePart(fetching, part, record, check);
    return 'unknown';
  }
  const { status } = check;
  // One that was over before took no room from what was sent since.
  const isTaken = record.status !== 'completed' && (status === 'in_progress' || status === 'completed');
  if (isTaken && noteTaken(job, part)) await saveJob(run.home, job);
  const reason = describeReason(check);
  const wasOver = hasEndedBadly(record.status);
  noteStatus(fetching, record, status);
  record.counts = check.counts ?? null;
  noteWindow(record, check);
  noteError(record, reason);
  if (status === 'completed') {
    noteEnd(record, check);
    return status;
  }
  // One that is under way again had not ended when it seemed so: its patience begins at its real end.
  if (record.ended_at && (status === 'in_progress' || status === 'validating')) record.ended_at = null;
  // What it gave is brought in before it is noted as over: a fetch that is cut off in between is made again.
  const kept = hasEndedBadly(status) ? await keepEndedBatch(fetching, record, wasOver) : undefined;
  if (status === 'failed' && !wasOver) await noteRefusedBatch(fetching, record, check);
  if (kept) await deleteUpload(fetching, record);
  await updateRecord(run.home, record);
  if (kept) await saveJob(run.home, job);
  if (status === 'unknown') run.outcome.troubled = true;
  run.onEvent({ type: 'status', record, batch: describeRecord(run.home, record), reason });
  // Of one that could not be asked nobody knows.
  if (status !== 'unknown' && isStuck(record))
    run.onEvent({ type: 'stuck', record, windowHours: windowOf(record) });
  if (kept && !run.order.partial) run.onEvent({ type: 'ended', record, ...kept });
  return status;
}

/** Both times by the provider's clock. */
function noteWindow(record: BatchRecord, { times: { created, expires } }: BatchCheck): void {
  if (created && expires) record.window_hours = (expires.getTime() - created.getTime()) / 3_600_000;
}

/** Why a batch is not in, in the provider's words. */
function describeReason({ status, rawStatus, error }: BatchCheck): string | undefined {
  if (error) return `${error.code}: ${error.message}`;
  return status === 'unknown' && rawStatus !== '' ? `the provider calls it ${rawStatus}` : undefined;
}

/** What a batch that ended early gave, and what other parts of its job gave before. */
async function keepEndedBatch(
  fetching: JobFetch,
  record: BatchRecord,
  wasOver: boolean,
): Promise<KeptAnswers> {
  // One that failed did not start; one that expired or was cancelled keeps the answers of the rows that were done.
  const mayHaveResults = record.status !== 'failed' || fetching.run.order.partial;
  // It was called completed before: what came then counts, and there is no more to be had.
  const hadResults = findPart(fetching, record).results !== undefined;
  if (mayHaveResults) {
    const { account } = await downloadBatch(fetching, record);
    // One that another command ended may be that command's.
    await confirmPart(fetching, record, account);
    if (!wasOver) await noteRefusedRows(fetching, record, account);
  }
  return keepAllAnswers(fetching, mayHaveResults || hadResults ? [record] : []);
}

async function askStatus(fetching: JobFetch, record: BatchRecord): Promise<BatchCheck> {
  const { run } = fetching;
  const { batch_id: batchId } = record;
  try {
    const check = await lookAtBatch(fetching, record);
    await refuseOthersAnswer(fetching, batchId, check);
    return check;
  } catch (error) {
    if (!(error instanceof ProviderError) || run.signal.aborted) throw error;
    run.outcome.refusal = error;
    return {
      status: 'unknown',
      batchId,
      rawStatus: '',
      times: {},
      error: { code: error.code, message: error.message },
    };
  }
}

/**
 * A gateway that answers from memory may tell of another batch, whose results would then be taken for this one's.
 * Servers may write an id in two ways: only that of another batch of ours is a wrong one. ProviderError `unreadable`.
 */
async function refuseOthersAnswer(
  { run: { home }, job, known }: JobFetch,
  batchId: string,
  { batchId: told }: BatchCheck,
): Promise<void> {
  if (told === '' || told === batchId) return;
  const { tag } = findPart({ job }, { batch_id: batchId });
  if (await isOfAnotherPart({ home, job, known }, told, tag))
    throw new ProviderError('run', 'unreadable', `The answer is about another batch, ${told}.`);
}

/**
 * The provider gave the batch back unstarted, for a full queue or for its size: the part waits for a later fetch, which
 * sends it or its halves, if it may.
 */
async function requeuePart(
  fetching: JobFetch,
  part: JobPart,
  record: BatchRecord,
  { queueFull, error = { code: 'queue_full', message: 'The queue is full.' } }: BatchCheck,
): Promise<void> {
  const { run, job } = fetching;
  const wasAlone = !part.beside_taken && (await isAlone(run.home, job, part));
  if (queueFull) noteFullQueue(job, part, error, wasAlone);
  else noteTooLarge(part, error);
  giveBackPart(job, part);
  await saveJob(run.home, job);
  await forgetRecord(fetching, record);
  if (part.state === 'planned')
    return run.onEvent({ type: 'queued', ...describeQueued(run.home, job, part) });
  await keepAllAnswers(fetching, []);
  const cancelled = { ...record, status: 'cancelled' } as const;
  const batch = describeRecord(run.home, cancelled);
  run.onEvent({ type: 'status', record: cancelled, batch, reason: undefined });
  if (!run.order.partial) run.outcome.troubled = true;
}
