/** The way to the provider of a stored job, for stories that ask about its batches one by one. */
import { ProviderError } from '../../../core/errors.ts';
import type { BatchRecord, ProviderName } from '../../../core/models.ts';
import type { Connection } from '../../../providers/connection.ts';
import type { BatchCheck, BatchProvider } from '../../../providers/provider.ts';
import { providerEntry, requireBatchApi } from '../../../providers/registry.ts';
import type { StoredJob } from '../../../state/stored-jobs.ts';
import { abortAfterGrace } from '../../calls/grace.ts';
import { type CallQueue, createCallQueue, type RetryEvent, type RetryNotice } from '../../calls/retry.ts';
import type { RetryPolicy } from '../../calls/retry-policy.ts';

/** How to reach a provider, given the address in the record. LoomError when there is no key. */
export type Connect = (provider: ProviderName, recordedBaseUrl: string | undefined) => Connection;

export interface JobReach {
  readonly provider: BatchProvider;
  readonly calls: CallQueue;
  /** Cuts calls that are under way. */
  readonly callSignal: AbortSignal;
}

export async function openJobReach(
  stored: StoredJob,
  connect: Connect,
  options: {
    readonly signal: AbortSignal;
    readonly policy?: RetryPolicy;
    readonly onEvent: (event: RetryEvent) => void;
  },
): Promise<JobReach> {
  const { signal, policy, onEvent } = options;
  const entry = requireBatchApi(providerEntry(stored.provider));
  const provider = await entry.openBatch(connect(stored.provider, recordedBaseUrl(stored)));
  const onRetry = (notice: RetryNotice) => onEvent({ type: 'retry', provider: stored.provider, ...notice });
  const calls = createCallQueue({ workers: 1, signal, onRetry, ...(policy && { policy }) });
  return { provider, calls, callSignal: abortAfterGrace(signal) };
}

/** How a batch is. One that the provider does not know yet, so soon after its creation, is on its way. */
export async function lookAtBatch(
  { provider, calls, callSignal }: JobReach,
  { batch_id: batchId, created_at }: Pick<BatchRecord, 'batch_id' | 'created_at'>,
): Promise<BatchCheck> {
  try {
    return await calls.run(() => provider.check(batchId, callSignal));
  } catch (error) {
    const isNew = Date.now() - Date.parse(created_at) < (provider.graceMs ?? 0);
    if (!isNew || !(error instanceof ProviderError) || error.code !== 'not_found') throw error;
    return { status: 'validating', batchId, rawStatus: '', times: {} };
  }
}

/** The address that a job was sent to, when that was not the provider's own. */
export function recordedBaseUrl({ job }: StoredJob): string | undefined {
  return job.base_url ?? undefined;
}

/** Whether a refusal is of one batch, as opposed to a refused key or a lost connection, which others meet as well. */
export function isAboutOneBatch(error: unknown): boolean {
  return error instanceof ProviderError && [400, 403, 404, 409].includes(error.status ?? 0);
}
