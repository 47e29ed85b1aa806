/** The record of a batch that a provider has taken. */

import type { BatchRecord } from '../../../core/models.ts';
import type { Job, JobPart } from '../../../state/jobs.ts';
import { saveRecord } from '../../../state/records.ts';
import { describeOwnership } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { readIdMembers } from './id-members.ts';

/**
 * Writes the record of a batch that was submitted, just now or at `createdAt`, with the id map that was planned for it.
 * Throws as `saveRecord` and `readIdMembers` do.
 */
export async function saveNewRecord(
  home: LoomHome,
  job: Job,
  part: JobPart,
  batchId: string,
  { createdAt = new Date().toISOString(), inputPath }: { createdAt?: string; inputPath?: string } = {},
): Promise<BatchRecord> {
  const record: BatchRecord = {
    batch_id: batchId,
    provider: job.provider,
    model: job.model,
    original_file_path: job.original_file_path,
    file_type: job.file_type,
    prompt_column: job.prompt_column,
    created_at: createdAt,
    status: 'validating',
    output_path: job.output_path,
    with_meta: job.with_meta,
    ...describeOwnership(job, part),
    counts: null,
    last_error: null,
  };
  await saveRecord(home, record, await readIdMembers(home, job, part, inputPath));
  return record;
}
