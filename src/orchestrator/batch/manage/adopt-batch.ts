/** The story of `loom adopt`: rebuild the record of a batch that is at the provider, from the input it was made of. */

import { ensurePlaces } from '../../../cache/cache.ts';
import { LoomError } from '../../../core/errors.ts';
import type { BatchRecord } from '../../../core/models.ts';
import { checkSettings } from '../../../providers/settings.ts';
import { removeRequestFiles } from '../../../state/job-files.ts';
import { createJobId, loadJob, saveJob } from '../../../state/jobs.ts';
import { loadRecord } from '../../../state/records.ts';
import { batchLockName, hasId, loadState } from '../../../state/stored-jobs.ts';
import { holdHome } from '../../../storage/home.ts';
import { type Lock, tryLock, waitForLock } from '../../../storage/locks.ts';
import { openAnswerCheck } from '../../answers/answer-check.ts';
import { createCallQueue } from '../../calls/retry.ts';
import { saveNewRecord } from '../parts/new-record.ts';
import { type BatchRun, planBatches } from '../parts/plan-batches.ts';

/**
 * Records a batch as if this home had submitted it. The batch must exist at the provider. Rows whose answer is in the
 * cache by now need no result of it. Of processes that adopt a batch at the same moment one does, and one that was silent
 * for so long that another did records nothing any more.
 */
export async function adoptBatch(run: BatchRun, batchId: string): Promise<BatchRecord> {
  const { home, order, entry, signal } = run;
  checkSettings(entry, order.settings);
  await openAnswerCheck(order.settings);
  const claim = await waitForLock(home.locks, batchLockName(entry.name, batchId), signal, () => {});
  try {
    return await adoptClaimed({ ...run, home: holdHome(home, claim) }, batchId);
  } finally {
    await claim.forget();
  }
}

async function adoptClaimed(
  { home, order, entry, connection, signal }: BatchRun,
  batchId: string,
): Promise<BatchRecord> {
  if (await loadRecord(home.batches, entry.name, batchId)) {
    throw new LoomError('state', `the batch ${batchId} has a record already.`, {
      code: 'batch_recorded',
      facts: { id: batchId, sandbox: home.isSandbox },
      hint: 'Fetch it.',
    });
  }
  // One whose record is out of sight is a job's all the same.
  const { jobs } = await loadState(home);
  if (jobs.some((stored) => stored.provider === entry.name && hasId(stored, batchId))) {
    throw new LoomError('state', `the batch ${batchId} belongs to a job already.`, {
      code: 'batch_of_job',
      facts: { id: batchId, sandbox: home.isSandbox },
      hint: 'Fetch it, or forget the job.',
    });
  }
  const provider = await entry.openBatch(connection);
  const calls = createCallQueue({ workers: 1, signal });
  await calls.run(() => provider.check(batchId, signal));
  ensurePlaces(home, order.useCache);
  const jobId = createJobId();
  const lock = (await tryLock(home.locks, jobId)) as Lock;
  const held = holdHome(home, lock);
  try {
    const limits = { requests: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
    const { job, discard } = await planBatches({ home: held, jobId, order, provider, limits, signal });
    const [part] = job.parts;
    if (!part) {
      await discard();
      throw new LoomError('state', `every row of ${order.dataset.path} has its answer in the cache.`, {
        code: 'batch_answered',
        facts: { path: order.dataset.path },
        hint: 'A run writes the output at once. To fetch the batch all the same, set cache to false.',
      });
    }
    // Never `planned` on disk, also when this is cut off here: a fetch would send, and pay for, the batch again.
    Object.assign(part, { state: 'submitted', batch_id: batchId, adopted: true });
    await saveJob(held, Object.assign(job, { announced: true }));
    const record = await saveNewRecord(held, job, part, batchId);
    await removeRequestFiles(held, jobId, part);
    return record;
  } finally {
    if (!(await loadJob(home.jobs, jobId))) await lock.forget();
    await lock.release();
  }
}
