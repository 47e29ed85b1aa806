/** `cancelBatch` of the library. */
import type { ProviderName } from '../core/models.ts';
import { type CancelEvents, cancelJob, planCancel } from '../orchestrator/batch/manage/cancel-job.ts';
import { providerEntry } from '../providers/registry.ts';
import { namePart } from '../state/stored-jobs.ts';
import type { ReachOptions } from './options.ts';
import { openReach, underSignal } from './reach.ts';

export interface CancelBatchOptions extends ReachOptions {
  /** A batch or a job. */
  readonly id: string;
  readonly events?: CancelEvents;
}

export interface CancelledBatch {
  /** Ids of batches that the provider ends now; a later `fetchBatches` brings in what they answered. */
  readonly cancelled: readonly string[];
  /** Ids of batches that were over already. */
  readonly over: readonly string[];
  /** Parts that were not sent, and will not be: a job, or `<job>/<part>` where it has several. */
  readonly dropped: readonly string[];
  /** Batches that could not be cancelled, as the provider refused or they may be another's; the others were. */
  readonly errors: readonly { readonly id: string; readonly error: unknown }[];
}

/** Cancels every batch of a job, as `loom cancel --yes` does. LoomError `state` for an id that there is not. */
export async function cancelBatch(options: CancelBatchOptions): Promise<CancelledBatch> {
  const reach = openReach(options);
  const { stored } = await planCancel(reach.home, options.id);
  const cancelled: string[] = [];
  const over: string[] = [];
  const dropped: string[] = [];
  const errors: { id: string; error: unknown }[] = [];
  const given = options.events;
  const events: CancelEvents = {
    ...given,
    onCancelled(record, check) {
      cancelled.push(record.batch_id);
      given?.onCancelled?.(record, check);
    },
    onOver(record, status) {
      over.push(record.batch_id);
      given?.onOver?.(record, status);
    },
    onDropped(job, part) {
      dropped.push(namePart(job, part));
      given?.onDropped?.(job, part);
    },
    onError(id, provider, error) {
      errors.push({ id, error });
      given?.onError?.(id, provider, error);
    },
  };
  const connect = (provider: ProviderName, recordedBaseUrl: string | undefined) =>
    reach.connect(providerEntry(provider), recordedBaseUrl);
  await underSignal(options.signal, (signal) => cancelJob(reach.home, stored, connect, signal, events));
  return { cancelled, over, dropped, errors };
}
