/** The story of `loom list`: every batch there is a record of, and every part that waits to become one. */

import { dirname } from 'node:path';
import type { Told } from '../../../core/errors.ts';
import type { BatchCounts, BatchRecord, BatchStatus, ProviderName } from '../../../core/models.ts';
import type { StatusWord } from '../../../core/names.ts';
import { findProvider } from '../../../providers/registry.ts';
import type { DamagedFile } from '../../../state/damaged-files.ts';
import type { Job, JobPart } from '../../../state/jobs.ts';
import {
  findLostParts,
  hasEnded,
  hasEndedBadly,
  isDropped,
  isShort,
  isUnsent,
  loadState,
  namePart,
  type StoredJob,
} from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';

export interface ListedBatch {
  /** Undefined for a part that the provider does not have. */
  readonly batchId: string | undefined;
  readonly jobId: string | undefined;
  readonly provider: ProviderName;
  readonly model: string;
  readonly status: BatchStatus | 'queued';
  /** ISO 8601. */
  readonly createdAt: string;
  readonly inputPath: string;
  readonly isFromStdin: boolean;
  readonly outputPath: string | undefined;
  /** As last seen. */
  readonly counts: BatchCounts | undefined;
  readonly lastError: Told | undefined;
  /** Of a completed batch whose results are short: how many rows that were sent have none. */
  readonly missing: number | undefined;
  /** Pending for longer than its provider's completion window. */
  readonly isStuck: boolean;
  /** Its creation was cut off: the provider may have it. */
  readonly isInDoubt: boolean;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
}

/** Newest first; parts of a job together, in their order. */
export async function listBatches(
  home: LoomHome,
): Promise<{ batches: ListedBatch[]; damaged: readonly DamagedFile[] }> {
  const { jobs, damaged } = await loadState(home);
  return { batches: jobs.flatMap((stored) => listParts(home, stored)), damaged };
}

/** The batches of one job, those whose record is gone too, and its parts that are none, in their order. */
export function listParts(home: LoomHome, stored: StoredJob): ListedBatch[] {
  const { job, records } = stored;
  const submitted = records.map((record) => describeRecord(home, record));
  const lost = findLostParts(stored).map((part) => describeLostPart(home, job, part));
  const unsent = job.parts
    .filter((part) => isUnsent(part) || isDropped(part))
    .map((part) => describeUnsentPart(home, job, part));
  // A part that was halved made the job longer than its records know.
  const parts = job.parts.length;
  return [...submitted, ...lost, ...unsent]
    .map((batch) => ({ ...batch, parts: Math.max(parts, batch.parts) }))
    .sort((a, b) => a.part - b.part);
}

function describeLostPart(home: LoomHome, job: Job, part: JobPart): ListedBatch {
  return {
    ...describeUnsentPart(home, job, part),
    batchId: part.batch_id,
    // With --keep the output is written, and what it was made of was in.
    status: job.state === 'kept' ? 'completed' : 'unknown',
    lastError: {
      message: 'Its record is gone or damaged; the next fetch makes a new one where it is gone.',
      code: 'record_lost',
      facts: { sandbox: home.isSandbox },
    },
  };
}

/** A batch as its record has it. */
export function describeRecord(home: LoomHome, record: BatchRecord): ListedBatch {
  return {
    batchId: record.batch_id,
    jobId: record.job_id,
    provider: record.provider,
    model: record.model,
    // The record of a job of the Python tool is completed only with its output.
    status: isShort(record) ? 'completed' : record.status,
    createdAt: record.created_at,
    inputPath: record.original_file_path,
    isFromStdin: dirname(record.original_file_path) === home.inputs,
    outputPath: record.output_path ?? undefined,
    counts: record.counts ?? undefined,
    lastError: record.last_error ? { message: record.last_error } : undefined,
    missing: isShort(record) ? (record.missing ?? undefined) : undefined,
    isStuck: isStuck(record),
    isInDoubt: false,
    part: record.part ?? 1,
    parts: record.parts ?? 1,
  };
}

/** A part that waits to become a batch, may be one, or never becomes one. */
export function describeUnsentPart(home: LoomHome, job: Job, part: JobPart): ListedBatch {
  const isOver = part.state === 'dropped';
  return {
    batchId: undefined,
    jobId: job.job_id,
    provider: job.provider,
    model: job.model,
    status: isOver ? (part.refusal === undefined ? 'cancelled' : 'failed') : 'queued',
    createdAt: job.created_at,
    inputPath: job.original_file_path,
    isFromStdin: dirname(job.original_file_path) === home.inputs,
    outputPath: job.output_path,
    counts: undefined,
    lastError: describeWaiting(home, part),
    missing: undefined,
    isStuck: false,
    isInDoubt: part.state === 'submitting',
    part: part.part,
    parts: job.parts.length,
  };
}

/** A part that waits because the provider's queue is full, or in halves as the provider found it too large. */
export interface QueuedPart {
  /** `job_1/2`, or the job's id where it is the only part. */
  readonly name: string;
  readonly jobId: string;
  /** From 1. */
  readonly part: number;
  readonly batch: ListedBatch;
  /** In the provider's words. */
  readonly reason: string | undefined;
  readonly isTooLarge: boolean;
}

export function describeQueued(home: LoomHome, job: Job, part: JobPart): QueuedPart {
  const { reason, is_too_large: isTooLarge = false } = part.queue ?? {};
  const batch = describeUnsentPart(home, job, part);
  return { name: namePart(job, part.part), jobId: job.job_id, part: part.part, batch, reason, isTooLarge };
}

/** Why a part is no batch yet, or never will be one, where there is more to say than that it waits its turn. */
function describeWaiting(home: LoomHome, { state, queue, refusal }: JobPart): Told | undefined {
  if (state === 'submitting') {
    return {
      message: 'Its creation was cut off: the provider may have it.',
      hint: 'The next fetch looks for it, and settles that.',
      code: 'creation_cut_off',
      facts: { sandbox: home.isSandbox },
    };
  }
  const reason = state === 'dropped' ? refusal : queue?.reason;
  return reason === undefined ? undefined : { message: reason };
}

/** Whether a batch has one of these statuses: `pending` is any that is not over, `stuck` what is so for too long. */
export function hasStatus(batch: ListedBatch, words: readonly StatusWord[]): boolean {
  return words.some((word) =>
    word === 'stuck' ? batch.isStuck : word === 'pending' ? !isOver(batch) : word === batch.status,
  );
}

/** Whether nothing is to come of a batch: one whose results are short is asked for them again. */
export function isOver({ status, missing }: ListedBatch): boolean {
  if (status === 'completed') return missing === undefined;
  return status !== 'queued' && hasEndedBadly(status);
}

/** Whether a batch is pending though its provider should have ended it. */
export function isStuck(record: BatchRecord, now = Date.now()): boolean {
  const { status, created_at } = record;
  if (hasEnded(status)) return false;
  return now - Date.parse(created_at) > windowOf(record) * 3_600_000;
}

/** How many hours a batch may take: its own, where the provider told when it ends it. */
export function windowOf({ provider, window_hours }: BatchRecord): number {
  return window_hours ?? findProvider(provider)?.completionWindowHours ?? Number.POSITIVE_INFINITY;
}
