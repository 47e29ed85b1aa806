/** Takes the rows of a dataset through one call each, many at once, without holding more rows than it works on. */
import type { Row } from '../models.ts';
import { type Dataset, readDataset } from './dataset.ts';
import type { CallQueue } from './retry.ts';

export interface RowWork {
  readonly dataset: Dataset;
  readonly workers: number;
  readonly signal: AbortSignal;
  /** Deals with a row that needs no call; false when it does need one. */
  answerAtOnce?(row: Row, prompt: string): Promise<boolean>;
  openQueue(signal: AbortSignal): CallQueue;
  /** Makes the row's call. What it throws stops the whole run. */
  call(row: Row, prompt: string, calls: CallQueue, signal: AbortSignal): Promise<void>;
}

/** Rows that may wait for another try while others are called: one slow or failing row does not stop the rest. */
const waitingRows = 256;

/** Resolves when every row with a prompt is done; rejects with the first error that a call threw. */
export async function runRows(work: RowWork): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([work.signal, stop.signal]);
  const calls = work.openQueue(signal);
  const mostAtWork = work.workers + waitingRows;
  const atWork = new Set<Promise<void>>();
  let onRowDone = () => {};
  let failure: { readonly error: unknown } | undefined;

  function start(row: Row, prompt: string): void {
    const running = work
      .call(row, prompt, calls, signal)
      .catch((error: unknown) => {
        failure ??= { error };
        stop.abort(error);
      })
      .finally(() => {
        atWork.delete(running);
        onRowDone();
      });
    atWork.add(running);
  }

  try {
    await readDataset(work.dataset, signal, async ({ prompt, ...row }) => {
      if (prompt === null || (await work.answerAtOnce?.({ prompt, ...row }, prompt))) return;
      // Not Promise.race over the set: it leaves a reaction on every slow row each time.
      while (atWork.size >= mostAtWork) await new Promise<void>((resolve) => (onRowDone = resolve));
      start({ prompt, ...row }, prompt);
    });
  } catch (error) {
    failure ??= { error };
    stop.abort(error);
  }
  await Promise.all(atWork);
  if (failure) throw failure.error;
}
