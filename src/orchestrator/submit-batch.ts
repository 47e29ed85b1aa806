/** The story of `loom run` in batch mode. */
import type { BatchRecord } from '../models.ts';
import type { BatchEntry, Connection } from '../providers/provider.ts';
import { checkOutputPath } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import { type JobRecord, saveJob } from '../utils/jobs.ts';
import { type BatchOrder, limitParts, planBatches } from './plan-batches.ts';
import { createCallQueue, type RetryNotice } from './retry.ts';
import { forgetJob } from './stored-jobs.ts';
import { submitParts } from './submit-parts.ts';

export interface SubmitEvents {
  /** The input is checked and nothing was sent yet. */
  readonly onPlanned?: ((job: JobRecord) => void) | undefined;
  /** A batch is at the provider and its record on disk. */
  readonly onSubmitted?: ((record: BatchRecord) => void) | undefined;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

export interface SubmittedJob {
  readonly job: JobRecord;
  /** How many parts wait for room in the provider's queue. */
  readonly queued: number;
}

/**
 * Checks the input whole, then submits it as one or more batches. When this throws before the first batch is
 * created, nothing is left behind; batches that were created stay recorded.
 */
export async function submitBatch(
  home: LoomHome,
  order: BatchOrder,
  entry: BatchEntry,
  connection: Connection,
  signal: AbortSignal,
  events: SubmitEvents = {},
): Promise<SubmittedJob> {
  await checkOutputPath(order.outputPath);
  const provider = await entry.openBatch(connection);
  const job = await planBatches(home, order, provider, limitParts(provider.limits, order.batchSize), signal);
  await saveJob(home.jobs, job);
  events.onPlanned?.(job);
  const calls = createCallQueue({ workers: 1, signal, onRetry: events.onRetry });
  try {
    await submitParts({ home, job, provider, calls, signal }, (record) => events.onSubmitted?.(record));
  } catch (error) {
    await discardUnsentJob(home, job);
    throw error;
  }
  return { job, queued: job.parts.filter((part) => part.state === 'planned').length };
}

/** A job of which the provider has nothing for certain is forgotten; any other stays for later commands. */
async function discardUnsentJob(home: LoomHome, job: JobRecord): Promise<void> {
  if (job.parts.some((part) => part.state !== 'planned')) return;
  await forgetJob(home, job);
}
