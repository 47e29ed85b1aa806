/** A job that is planned like any other, and never sent from here: its files live for as long as the work on them. */

import type { BatchProvider } from '../../../providers/provider.ts';
import { checkSettings } from '../../../providers/settings.ts';
import { createJobId, type JobRecord } from '../../../state/jobs.ts';
import { holdHome, type LoomHome } from '../../../storage/home.ts';
import { type Lock, tryLock } from '../../../storage/locks.ts';
import { openAnswerCheck } from '../../answers/answer-check.ts';
import { createAskedMark } from '../../dataset/custom-ids.ts';
import { checkFreeSpace } from '../../dataset/free-space.ts';
import { type BatchRun, planBatches } from '../parts/plan-batches.ts';

export interface UnsentJob {
  /** In at most one part. It is never saved: a fetch would send it. */
  readonly job: JobRecord;
  readonly provider: BatchProvider;
  /** Behind the custom id of each request: results say by it what was asked of whom, beside the prompt. */
  readonly mark: string;
  /** The home as whoever holds the job's lock sees it. */
  readonly home: LoomHome;
}

function markOf({ provider, model, settings = {} }: BatchRun['order']): string {
  const asked = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return createAskedMark([provider, model, asked]);
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
  const opened = await entry.openBatch(connection);
  const mark = markOf(order);
  const provider: BatchProvider = {
    ...opened,
    encode: (request) => opened.encode({ ...request, customId: `${request.customId}${mark}` }),
  };
  const jobId = createJobId();
  const lock = (await tryLock(home.locks, jobId)) as Lock;
  try {
    const held = holdHome(home, lock);
    const { job, discard } = await planBatches({ home: held, jobId, order, provider, limits, signal });
    try {
      return await work({ job, provider, mark, home: held });
    } finally {
      await discard();
    }
  } finally {
    await lock.forget();
    await lock.release();
  }
}
