/** The story of `loom list`: every batch there is a record of, and every part that waits to become one. */
import { dirname } from 'node:path';
import type { BatchStatus, ProviderName } from '../models.ts';
import type { LoomHome } from '../utils/home.ts';
import type { DamagedRecord } from '../utils/storage.ts';
import { loadState, type StoredJob } from './stored-jobs.ts';

export interface ListedBatch {
  /** Undefined for a part that is no batch yet. */
  readonly batchId: string | undefined;
  readonly jobId: string | undefined;
  readonly provider: ProviderName;
  readonly model: string;
  readonly status: BatchStatus | 'queued';
  /** ISO 8601. */
  readonly createdAt: string;
  readonly inputPath: string;
  readonly isFromStdin: boolean;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
}

/** Newest first; parts of a job together, in their order. */
export async function listBatches(
  home: LoomHome,
): Promise<{ batches: ListedBatch[]; damaged: readonly DamagedRecord[] }> {
  const { jobs, damaged } = await loadState(home);
  const batches = jobs.flatMap(listParts).map((batch) => ({
    ...batch,
    isFromStdin: dirname(batch.inputPath) === home.inputs,
  }));
  return { batches, damaged };
}

function listParts({ job, records }: StoredJob): Omit<ListedBatch, 'isFromStdin'>[] {
  const submitted = records.map((record) => ({
    batchId: record.batch_id,
    jobId: record.job_id,
    provider: record.provider,
    model: record.model,
    status: record.status,
    createdAt: record.created_at,
    inputPath: record.original_file_path,
    part: record.part ?? 1,
    parts: record.parts ?? 1,
  }));
  if (!job) return submitted;
  const queued = job.parts
    .filter((part) => part.state === 'planned' || part.state === 'submitting')
    .map((part) => ({
      batchId: undefined,
      jobId: job.job_id,
      provider: job.provider,
      model: job.model,
      status: 'queued' as const,
      createdAt: job.created_at,
      inputPath: job.original_file_path,
      part: part.part,
      parts: job.parts.length,
    }));
  return [...submitted, ...queued].sort((a, b) => a.part - b.part);
}
