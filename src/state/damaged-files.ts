/** Files of the state that can't be read, with the paid batches that wait for them: one line tells which, and what to do. */
import { basename } from 'node:path';
import type { BatchRecord } from '../core/models.ts';
import type { Store } from '../storage/store.ts';
import type { JobRecord } from './jobs.ts';
import { recordName } from './records.ts';
import type { DamagedRecord } from './state-files.ts';

export interface DamagedFile extends DamagedRecord {
  /** Batches that are known to belong to it. */
  readonly batchIds: readonly string[];
  /**
   * What mends it: the record is made anew from its `job`; its `records` go on without the job; a record without a job
   * is to be adopted.
   */
  readonly mend: 'job' | 'records' | 'adopt';
}

export async function nameDamagedRecord(
  batches: Store,
  damaged: DamagedRecord,
  jobs: readonly JobRecord[],
): Promise<DamagedFile> {
  for (const { provider, parts } of jobs) {
    for (const { batch_id: id } of parts) {
      if (id === undefined) continue;
      const name = await recordName(batches, { provider, batch_id: id });
      if (batches.locate(name) === damaged.path) return { ...damaged, batchIds: [id], mend: 'job' };
    }
  }
  const ids = await readBatchIds(batches, damaged);
  return { ...damaged, batchIds: ids.slice(0, 1), mend: 'adopt' };
}

export async function nameDamagedJob(
  jobs: Store,
  damaged: DamagedRecord,
  records: readonly BatchRecord[],
): Promise<DamagedFile> {
  const own = records.filter(({ job_id }) => job_id === basename(damaged.path, '.json'));
  const ids = new Set([...own.map(({ batch_id }) => batch_id), ...(await readBatchIds(jobs, damaged))]);
  return { ...damaged, batchIds: [...ids], mend: 'records' };
}

/** The ids that can still be read in a file of which the rest can't; none in what is no file. */
async function readBatchIds(store: Store, { path }: DamagedRecord): Promise<string[]> {
  const text = await store.read(basename(path)).catch(() => undefined);
  return [...(text ?? '').matchAll(/"batch_id":\s*"([\w./:-]{1,200})"/g)].map(([, id]) => id as string);
}
