/** The way to the provider of a job, for stories that send its parts or ask about its batches, one by one. */
import { type LoomError, ProviderError } from '../../../core/errors.ts';
import type { BatchRecord, ProviderName } from '../../../core/models.ts';
import type { Connection } from '../../../providers/connection.ts';
import type { BatchCheck, BatchProvider } from '../../../providers/provider.ts';
import { providerEntry, requireBatchApi } from '../../../providers/registry.ts';
import type { HomeBatches } from '../../../state/home-batches.ts';
import type { Job } from '../../../state/jobs.ts';
import type { StoredJob } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { abortAfterGrace } from '../../calls/grace.ts';
import { type CallQueue, createCallQueue, type RetryEvent, type RetryNotice } from '../../calls/retry.ts';
import type { RetryPolicy } from '../../calls/retry-policy.ts';
import { findMisreach } from '../../calls/same-reach.ts';

/**
 * How to reach a provider, given the address in the record and the names of the headers that the batch was submitted with.
 * LoomError when there is no key.
 */
export type Connect = (
  provider: ProviderName,
  recordedBaseUrl: string | undefined,
  recordedHeaders: readonly string[],
) => Connection;

export interface JobReach {
  readonly provider: BatchProvider;
  readonly calls: CallQueue;
  /** Where the job is not reached as it was when it was begun: what it has at the provider is looked at, and no more. */
  readonly misreach?: LoomError | undefined;
  /** Cuts calls that are under way. */
  readonly callSignal: AbortSignal;
}

/** What brings the parts of a job to its provider, under the lock of the job. */
export interface Submission extends JobReach {
  readonly home: LoomHome;
  readonly job: Job;
  /** Not read before the lock on the job is held. */
  readonly known: HomeBatches;
  /** No new call is made once it is aborted. */
  readonly signal: AbortSignal;
}

/** A provider, and how it is reached. */
interface ReachedProvider {
  readonly provider: BatchProvider;
  readonly connection: Connection;
}

/** Those that were opened, by name, address and headers: their connections are used again. */
export type ReachedProviders = Map<string, ReachedProvider>;

interface CallOptions {
  readonly signal: AbortSignal;
  /** How calls are tried again; undefined: as everywhere. */
  readonly policy?: RetryPolicy | undefined;
  readonly onEvent: (event: RetryEvent) => void;
}

export async function openJobReach(
  stored: StoredJob,
  connect: Connect,
  options: CallOptions & { readonly reached?: ReachedProviders },
): Promise<JobReach & ReachedProvider> {
  const { reached = new Map() } = options;
  const recorded = recordedBaseUrl(stored);
  const { headers = [] } = stored.job;
  const key = [stored.provider, recorded ?? '', ...headers].join(' ');
  const opened =
    reached.get(key) ??
    (await openProvider(stored.provider, () => connect(stored.provider, recorded, headers)));
  reached.set(key, opened);
  const { provider, connection } = opened;
  const misreach = findMisreach(stored.job, connection);
  return { ...callOneByOne(provider, stored.provider, options), connection, misreach };
}

async function openProvider(name: ProviderName, connect: () => Connection): Promise<ReachedProvider> {
  const entry = requireBatchApi(providerEntry(name));
  const connection = connect();
  return { provider: await entry.openBatch(connection), connection };
}

/** The calls to a provider that is open. */
export function callOneByOne(
  provider: BatchProvider,
  name: ProviderName,
  { signal, policy, onEvent }: CallOptions,
): JobReach {
  const onRetry = (notice: RetryNotice) => onEvent({ type: 'retry', provider: name, ...notice });
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
