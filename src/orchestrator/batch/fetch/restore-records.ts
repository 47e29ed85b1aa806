/**
 * A job whose records are out of sight goes on: what `jobs/` knows is enough to make the record of a paid batch anew, so
 * that `batches/` may be moved or deleted, whole or in part, and nothing that was paid for is lost. `loom forget` ends
 * such a job, or deleting both files. test/stories/state/records-gone.test.ts holds it.
 */
import { LoomError } from '../../../core/errors.ts';
import type { BatchRecord } from '../../../core/models.ts';
import type { JobPart } from '../../../state/jobs.ts';
import { loadRecord } from '../../../state/records.ts';
import { findLostParts } from '../../../state/stored-jobs.ts';
import { saveNewRecord } from '../parts/new-record.ts';
import type { JobFetch } from './job-fetch.ts';

/** Makes the missing records of a job. One that can't be made is told, and the others go on. */
export async function restoreRecords(fetching: JobFetch): Promise<void> {
  const { run, stored, records } = fetching;
  for (const part of findLostParts({ ...stored, records })) {
    const { batch_id: id = stored.id } = part;
    const { provider } = stored;
    // A damaged one may be mended by hand and is not written over. A fetch has told of it already, but a run has not.
    const damage = await findDamage(fetching, part);
    if (damage) run.outcome.troubled = true;
    if (damage && run.order.isOwnRun) run.onEvent({ type: 'failed', id, provider, error: damage });
    if (damage) continue;
    try {
      const record = await restoreRecord(fetching, part);
      records.push(record);
      run.onEvent({ type: 'restored', record });
    } catch (error) {
      await run.home.ensureHeld();
      if (!(error instanceof LoomError) || run.signal.aborted) throw error;
      run.outcome.troubled = true;
      run.onEvent({ type: 'failed', id, provider, error });
    }
  }
  records.sort((a, b) => (a.part ?? 0) - (b.part ?? 0));
}

async function findDamage({ run, stored }: JobFetch, part: JobPart): Promise<unknown> {
  return loadRecord(run.home.batches, stored.provider, part.batch_id ?? '').then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function restoreRecord({ run, job }: JobFetch, part: JobPart): Promise<BatchRecord> {
  const { home, order } = run;
  const batchId = part.batch_id ?? '';
  return saveNewRecord(home, job, part, batchId, {
    createdAt: part.submitting_since ?? job.created_at,
    ...(order.inputPath !== undefined && { inputPath: order.inputPath }),
  });
}
