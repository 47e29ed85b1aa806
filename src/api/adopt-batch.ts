/** `adoptBatch` of the library. */
import { LoomError } from '../core/errors.ts';
import type { BatchRecord } from '../core/models.ts';
import { describeRecord, type ListedBatch } from '../orchestrator/batch/list/list-batches.ts';
import { adoptBatch as adopt } from '../orchestrator/batch/manage/adopt-batch.ts';
import type { BatchEntry } from '../providers/provider.ts';
import type { InputOptions, OutputOptions, ReachOptions } from './options/options.ts';
import { findProvider, type ListeningTo, type ReachEvent } from './options/reach.ts';
import { describeRun, withInput } from './options/run-order.ts';

export interface AdoptBatchOptions
  extends InputOptions,
    Omit<OutputOptions, 'overwrite'>,
    ReachOptions,
    ListeningTo<ReachEvent> {
  /** As the provider names the batch. */
  readonly id: string;
}

export interface AdoptedBatch {
  readonly record: BatchRecord;
  readonly batch: ListedBatch;
}

/**
 * Rebuilds the record of a batch that is at the provider, from the input it was made of, as `loom adopt` does. LoomError
 * `state` for one that has a record.
 */
export async function adoptBatch(options: AdoptBatchOptions): Promise<AdoptedBatch> {
  const entry = findProvider(options.provider, options);
  if (!entry.openBatch)
    throw new LoomError('provider', `${entry.title} has no batch API.`, {
      hint: 'There is nothing to adopt.',
    });
  return withInput({ ...options, cache: options.cache ?? true }, async (dataset, reach, signal) => {
    const { home } = reach;
    const connection = reach.connect(entry.name);
    const order = { ...describeRun(options, dataset, reach, connection), batchSize: undefined };
    const run = { home, order, entry: entry as BatchEntry, connection, signal };
    const record = await adopt(run, options.id);
    return { record, batch: describeRecord(home, record) };
  });
}
