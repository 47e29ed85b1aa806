/**
 * Where a batch stands: a function of what is stored and of the clock, so that nothing has to run in the
 * background and every sandbox over the same folder says the same.
 */
import { type BatchFault, isInShare } from './faults.ts';
import type { Refusal } from './vendor.ts';

type BatchEnd = 'completed' | 'failed' | 'expired' | 'cancelled';

/** What all vendors' batches have in common on disk. Times are milliseconds since 1970. */
export interface StoredBatch {
  readonly id: string;
  readonly createdAt: number;
  readonly turnaroundMs: number;
  readonly requests: number;
  readonly end: BatchEnd;
  /** Rows that are done at the end, the first of the request file, and those among them that failed. */
  readonly done: number;
  readonly failed: number;
  readonly cancel?: { readonly at: number; readonly done: number; readonly failed: number };
  readonly fault?: BatchFault;
  /** How much the vendor's clock was ahead when it was created. */
  readonly aheadMs?: number;
}

type Phase = 'validating' | 'running' | 'finalizing' | 'cancelling' | 'ended';

export interface Progress {
  readonly phase: Phase;
  /** How it ended; undefined until then. */
  readonly end: BatchEnd | undefined;
  /** Rows done so far, those that failed among them. */
  readonly done: number;
  readonly failed: number;
  readonly startedAt: number;
  readonly finalizingAt: number;
  readonly endedAt: number;
}

/** The state of a batch at a time. */
export function progressOf(batch: StoredBatch, now: number): Progress {
  const startedAt = batch.createdAt + batch.turnaroundMs * 0.2;
  const finalizingAt = batch.createdAt + batch.turnaroundMs * 0.9;
  const endedAt =
    batch.cancel === undefined
      ? batch.createdAt + batch.turnaroundMs
      : batch.cancel.at + batch.turnaroundMs * 0.1;
  const times = { startedAt, finalizingAt, endedAt };
  if (batch.cancel !== undefined) {
    const { done, failed } = batch.cancel;
    const ended = now >= endedAt;
    return {
      ...times,
      phase: ended ? 'ended' : 'cancelling',
      end: ended ? 'cancelled' : undefined,
      done,
      failed,
    };
  }
  if (now >= endedAt)
    return { ...times, phase: 'ended', end: batch.end, done: batch.done, failed: batch.failed };
  if (now < startedAt) return { ...times, phase: 'validating', end: undefined, done: 0, failed: 0 };
  const share = Math.min(1, (now - startedAt) / Math.max(1, finalizingAt - startedAt));
  return {
    ...times,
    phase: now < finalizingAt ? 'running' : 'finalizing',
    end: undefined,
    done: Math.floor(batch.done * share),
    failed: Math.floor(batch.failed * share),
  };
}

/** Rows that will be done by themselves when a batch of so many ends. */
export function rowsDone(requests: number, fault: BatchFault | undefined): number {
  if (fault?.end === 'failed') return 0;
  if (fault?.end === 'expired' || fault?.end === 'cancelled')
    return Math.floor(requests * (fault.doneShare ?? 0.5));
  return requests;
}

/** The rows, by their place in the request file, that an ended batch has a result for. */
export function doneAtEnd(batch: StoredBatch): number {
  return batch.cancel?.done ?? batch.done;
}

/** What the vendor fails a row with that has nothing wrong with it; undefined for most. */
export function injectedRefusal(fault: BatchFault | undefined, index: number): Refusal | undefined {
  if (!isInShare(index, fault?.failedShare)) return undefined;
  return {
    status: fault?.failedStatus ?? 500,
    message: fault?.failedMessage ?? 'The request failed on the side of the sandbox.',
    code: fault?.failedCode,
  };
}

/** What is wrong with the results of a batch; undefined once they are whole. */
export function resultFault(batch: StoredBatch, now: number): BatchFault | undefined {
  const { fault } = batch;
  if (fault?.wholeAfterMs === undefined) return fault;
  return now < progressOf(batch, now).endedAt + fault.wholeAfterMs ? fault : undefined;
}

/** A batch and the time, as the vendor's own clock tells them. */
export function byOwnClock<Batch extends StoredBatch>(
  batch: Batch,
  now: number,
): { batch: Batch; now: number } {
  const { aheadMs = 0, createdAt, cancel } = batch;
  const shown = { ...batch, createdAt: createdAt + aheadMs };
  if (cancel === undefined) return { batch: shown, now: now + aheadMs };
  return { batch: { ...shown, cancel: { ...cancel, at: cancel.at + aheadMs } }, now: now + aheadMs };
}

/** True while a new batch is not to be found yet. */
export function isHidden(batch: StoredBatch, now: number): boolean {
  return now < batch.createdAt + (batch.fault?.hiddenMs ?? 0);
}
