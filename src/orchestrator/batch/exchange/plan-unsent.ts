/** A job that is planned like any other, and never sent from here: its files live for as long as the work on them. */

import type { BatchProvider } from '../../../providers/provider.ts';
import { checkSettings } from '../../../providers/settings.ts';
import { createJobId, type JobRecord } from '../../../state/jobs.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import { type Lock, tryLock } from '../../../storage/locks.ts';
import { openAnswerCheck } from '../../answers/answer-check.ts';
import { checkFreeSpace } from '../../dataset/free-space.ts';
import { type BatchRun, planBatches } from '../parts/plan-batches.ts';

export interface UnsentJob {
  /** In at most one part. It is never saved: a fetch would send it. */
  readonly job: JobRecord;
  readonly provider: BatchProvider;
  /** The home as whoever holds the job's lock sees it. */
  readonly home: LoomHome;
}

/** How much the provider takes in one batch is for whoever sends it. */
const limits = { requests: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

export async function planUnsent<Result>(
  { home, order, entry, connection, signal }: BatchRun,
  work: (unsent: UnsentJob) => Promise<Result>,
): Promise<Result> {
  checkSettings(entry, order.settings);
  await openAnswerCheck(order.settings);
  await checkFreeSpace(home.root, order.dataset);
  const provider = await entry.openBatch(connection);
  const jobId = createJobId();
  const lock = (await tryLock(home.locks, jobId)) as Lock;
  try {
    const held = holdHome(home, lock);
    const { job, discard } = await planBatches({ home: held, jobId, order, provider, limits, signal });
    try {
      return await work({ job, provider, home: held });
    } finally {
      await discard();
    }
  } finally {
    await lock.forget();
    await lock.release();
  }
}
