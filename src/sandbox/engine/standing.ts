/**
 * Where a batch stands: a function of what is stored and of the clock, so that nothing has to run in the
 * background and every sandbox over the same folder says the same.
 */
import type { BatchFault } from '../faults.ts';

export type BatchEnd = 'completed' | 'failed' | 'expired' | 'cancelled';

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

export type BatchState = 'validating' | 'running' | 'finalizing' | 'cancelling' | BatchEnd;

/** Times are by the vendor's own clock. */
export interface Standing {
  readonly state: BatchState;
  /** How it ended; undefined until then. */
  readonly end: BatchEnd | undefined;
  /** Rows done so far, those that failed among them, and those that will never be. */
  readonly done: number;
  readonly failed: number;
  readonly unreached: number;
  readonly now: number;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finalizingAt: number;
  readonly cancelledAt: number | undefined;
  readonly endedAt: number;
}

/** The standing of a batch at a time. */
export function standingOf(batch: StoredBatch, now: number): Standing {
  const { turnaroundMs, cancel, aheadMs = 0 } = batch;
  const endedAt = cancel ? cancel.at + turnaroundMs * 0.1 : batch.createdAt + turnaroundMs;
  const startedAt = batch.createdAt + turnaroundMs * 0.2;
  const finalizingAt = batch.createdAt + turnaroundMs * 0.9;
  const end = now < endedAt ? undefined : cancel ? 'cancelled' : batch.end;
  const passed = Math.max(0, now - startedAt) / Math.max(1, finalizingAt - startedAt);
  const share = end === undefined && cancel === undefined ? Math.min(1, passed) : 1;
  const { done, failed } = cancel ?? batch;
  return {
    state: end ?? openState(),
    end,
    done: Math.floor(done * share),
    failed: Math.floor(failed * share),
    unreached: end === undefined ? 0 : batch.requests - done,
    now: now + aheadMs,
    createdAt: batch.createdAt + aheadMs,
    startedAt: startedAt + aheadMs,
    finalizingAt: finalizingAt + aheadMs,
    cancelledAt: cancel && cancel.at + aheadMs,
    endedAt: endedAt + aheadMs,
  };

  function openState(): BatchState {
    if (cancel) return 'cancelling';
    // What is wrong with a batch that fails is found while it is looked at.
    if (now < startedAt || batch.end === 'failed') return 'validating';
    return now < finalizingAt ? 'running' : 'finalizing';
  }
}

/** True while a new batch is not to be found yet. */
export function isHidden({ createdAt, fault }: StoredBatch): boolean {
  return Date.now() < createdAt + (fault?.hiddenMs ?? 0);
}

/** What is wrong with the results of a batch; undefined once they are whole. */
export function resultFault(batch: StoredBatch): BatchFault | undefined {
  const { fault, aheadMs = 0 } = batch;
  if (fault?.wholeAfterMs === undefined) return fault;
  const now = Date.now();
  return now < standingOf(batch, now).endedAt - aheadMs + fault.wholeAfterMs ? fault : undefined;
}
