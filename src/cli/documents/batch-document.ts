/** What `--output-format json` tells of a batch. */

import type { DamagedFile, ListedBatch } from '../../api/list-batches.ts';
import type { BatchDocument, DamagedDocument } from '../../core/documents/documents.ts';
import { describeTold } from '../../core/errors.ts';
import { wordsOf } from '../words/error-words.ts';

export function documentDamaged({ path, reason, batchIds }: DamagedFile): DamagedDocument {
  return { path, reason, batch_ids: [...batchIds] };
}

export function documentBatch(batch: ListedBatch): BatchDocument {
  const { total, succeeded, failed } = batch.counts ?? {};
  return {
    batch_id: batch.batchId ?? null,
    job_id: batch.jobId ?? null,
    part: batch.part,
    parts: batch.parts,
    provider: batch.provider,
    model: batch.model,
    status: batch.status,
    created_at: batch.createdAt,
    input_path: batch.isFromStdin ? null : batch.inputPath,
    output_path: batch.outputPath ?? null,
    counts: batch.counts
      ? { total: total ?? null, succeeded: succeeded ?? null, failed: failed ?? null }
      : null,
    missing: batch.missing ?? null,
    stuck: batch.isStuck,
    last_error: batch.lastError ? describeTold(wordsOf(batch.lastError)) : null,
  };
}
