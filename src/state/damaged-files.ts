/** Files of the state that can't be read, with the paid batches that wait for them: one line tells which, and what to do. */
import { basename, dirname } from 'node:path';
import type { BatchRecord } from '../core/models.ts';
import { readPlainText } from '../storage/plain-file.ts';
import type { JobRecord } from './jobs.ts';
import { type DamagedRecord, recordPath } from './records.ts';

export interface DamagedFile extends DamagedRecord {
  /** Batches that are known to belong to it. */
  readonly batchIds: readonly string[];
  /**
   * What mends it: the record is made anew from its `job`; its `records` go on without the job; a record without a job
   * is to be adopted.
   */
  readonly mend: 'job' | 'records' | 'adopt';
}

export function nameDamagedRecord(damaged: DamagedRecord, jobs: readonly JobRecord[]): DamagedFile {
  const folder = dirname(damaged.path);
  for (const { provider, parts } of jobs) {
    for (const { batch_id: id } of parts) {
      if (id === undefined || recordPath(folder, provider, id) !== damaged.path) continue;
      return { ...damaged, batchIds: [id], mend: 'job' };
    }
  }
  return { ...damaged, batchIds: readBatchIds(damaged.path).slice(0, 1), mend: 'adopt' };
}

export function nameDamagedJob(damaged: DamagedRecord, records: readonly BatchRecord[]): DamagedFile {
  const own = records.filter(({ job_id }) => job_id === basename(damaged.path, '.json'));
  const ids = new Set([...own.map(({ batch_id }) => batch_id), ...readBatchIds(damaged.path)]);
  return { ...damaged, batchIds: [...ids], mend: 'records' };
}

/** The ids that can still be read in a file of which the rest can't; none in what is no file. */
function readBatchIds(path: string): string[] {
  let text = '';
  try {
    text = readPlainText(path);
  } catch {}
  return [...text.matchAll(/"batch_id":\s*"([\w./:-]{1,200})"/g)].map(([, id]) => id as string);
}
