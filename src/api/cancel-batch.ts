import {
  type CancelEvent,
  type CancelPlan,
  cancelJob,
  planCancel,
} from '../orchestrator/batch/manage/cancel-job.ts';
import type { ReachOptions } from './options/options.ts';
import { type ListeningTo, type ReachEvent, withReach } from './options/reach.ts';

export type { CancelEvent, CancelPlan };

export interface CancelBatchOptions extends ReachOptions, ListeningTo<CancelEvent | ReachEvent> {
  /** A batch or a job. */
  readonly id: string;
  /** Asked before anything is done: what would be ended, as the records know it. Default: yes. */
  readonly confirm?: ((plan: CancelPlan) => Promise<boolean>) | undefined;
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
  /** Nothing of the job was at the provider: there is nothing left of it here either. */
  readonly isForgotten: boolean;
}

/** Cancels every batch of a job, as `loom cancel` does. LoomError `state` for an id that there is not. */
export function cancelBatch(options: CancelBatchOptions): Promise<CancelledBatch> {
  return withReach(options, async ({ home, connect }, signal) => {
    const { stored, plan } = await planCancel(home, options.id);
    const cancelled: string[] = [];
    const over: string[] = [];
    const dropped: string[] = [];
    const errors: { id: string; error: unknown }[] = [];
    const onEvent = (event: CancelEvent) => {
      if (event.type === 'cancelled') cancelled.push(event.batch.batch_id);
      else if (event.type === 'over') over.push(event.batch.batch_id);
      else if (event.type === 'dropped') dropped.push(event.id);
      else if (event.type === 'failed') errors.push({ id: event.id, error: event.error });
      options.onEvent?.(event);
    };
    const isMeant = await (options.confirm?.(plan) ?? true);
    const { isForgotten } = isMeant
      ? await cancelJob(home, stored, connect, signal, onEvent)
      : { isForgotten: false };
    return { cancelled, over, dropped, errors, isForgotten };
  });
}
