/** Takes the rows of a dataset through one call each, many at once, without holding more rows than it works on. */
import { setMaxListeners } from 'node:events';
import type { Row } from '../../core/models.ts';
import type { AskedContent } from '../../core/parts.ts';
import { contentOf, digestContent } from '../../core/request/content.ts';
import { createEarlyStop } from '../calls/early-stop.ts';
import { abortAfterGrace } from '../calls/grace.ts';
import { type CallQueue, createCallQueue, type RetryNotice } from '../calls/retry.ts';
import { defaultRetryPolicy } from '../calls/retry-policy.ts';
import { type Dataset, readDataset } from '../dataset/dataset.ts';

export interface RowWork {
  readonly dataset: Dataset;
  readonly workers: number;
  /** How long rate limits are waited out, in milliseconds; by default as everywhere. */
  readonly patienceMs?: number | undefined;
  /** Once aborted, no new call is made; calls under way may finish for a few seconds. */
  readonly signal: AbortSignal;
  onRetry?(notice: RetryNotice): void;
  /** Deals with a row that needs no call; false when it does need one. */
  answerAtOnce?(row: Row, content: AskedContent, digest: Buffer): Promise<boolean>;
  /** Makes the row's call. What it throws stops the whole run. */
  call(
    row: Row,
    content: AskedContent,
    digest: Buffer,
    calls: CallQueue,
    callSignal: AbortSignal,
  ): Promise<void>;
}

/** Rows that may wait for another try while others are called: one slow or failing row does not stop the rest. */
const waitingRows = 256;

/** Resolves when every row with a prompt is done; rejects with the first error that a call threw. */
export async function runRows(work: RowWork): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([work.signal, stop.signal]);
  const callSignal = abortAfterGrace(signal);
  for (const shared of [signal, callSignal]) setMaxListeners(0, shared);
  const calls = createCallQueue({
    workers: work.workers,
    signal,
    stopsAtFatal: true,
    earlyStop: createEarlyStop(),
    ...(work.patienceMs !== undefined && { policy: { ...defaultRetryPolicy, patienceMs: work.patienceMs } }),
    onRetry: (notice) => work.onRetry?.(notice),
  });
  const mostAtWork = work.workers + waitingRows;
  const atWork = new Set<Promise<void>>();
  let onRowDone = () => {};
  let failure: { readonly error: unknown } | undefined;

  function fail(error: unknown): void {
    failure ??= { error };
    stop.abort(error);
  }

  function start(row: Row, content: AskedContent, digest: Buffer): void {
    const running = work
      .call(row, content, digest, calls, callSignal)
      .catch(fail)
      .finally(() => {
        atWork.delete(running);
        onRowDone();
      });
    atWork.add(running);
  }

  try {
    await readDataset(work.dataset, signal, async (row) => {
      const content = contentOf(row);
      if (content === null) return;
      const digest = digestContent(content);
      if (await work.answerAtOnce?.(row, content, digest)) return;
      // Not Promise.race over the set: it leaves a reaction on every slow row each time.
      while (atWork.size >= mostAtWork) await new Promise<void>((resolve) => (onRowDone = resolve));
      signal.throwIfAborted();
      start(row, content, digest);
    });
  } catch (error) {
    fail(error);
  }
  await Promise.all(atWork);
  if (failure) throw failure.error;
}
