/** `submitBatch` of the library. */

import { LoomError } from '../core/errors.ts';
import {
  type SubmitEvents,
  submitBatch as submitDataset,
} from '../orchestrator/batch/submit/submit-batch.ts';
import { findServer } from '../orchestrator/calls/answer-server.ts';
import type { MergeSummary } from '../orchestrator/output/row-tally.ts';
import { providerEntry, requireBatchApi } from '../providers/registry.ts';
import { nameJob } from '../state/stored-jobs.ts';
import {
  describeRun,
  exclude,
  type InputOptions,
  type OutputOptions,
  type ReachOptions,
  requireWhole,
} from './options/options.ts';
import { openReach, underSignal } from './options/reach.ts';

export interface SubmitBatchOptions extends InputOptions, OutputOptions, ReachOptions {
  /** Submits also while the same work is pending, and pays for it once more. Default false: nothing is sent then. */
  readonly again?: boolean;
  /** Says what happens without `again`. */
  readonly once?: boolean;
  /** Most rows in one batch. Default: what the provider takes. */
  readonly batchSize?: number;
  readonly events?: SubmitEvents;
}

export type SubmittedBatch =
  /** `id` is what `fetchBatches` takes; `batches` of it wait in the provider's queue or are on their way. */
  | { readonly kind: 'submitted'; readonly id: string; readonly batches: number; readonly output: string }
  /** Every answer was in the cache: the output is written. */
  | { readonly kind: 'answered'; readonly output: string; readonly summary: MergeSummary }
  /** Nothing was sent: the same work is pending already. */
  | { readonly kind: 'pending'; readonly id: string };

/**
 * Submits a dataset as one or more batches, as `loom run` does; `fetchBatches` writes the output, days later. Throws a
 * LoomError for what the caller can mend, a ProviderError when the provider refused; what was submitted stays recorded.
 */
export async function submitBatch(options: SubmitBatchOptions): Promise<SubmittedBatch> {
  return underSignal(options.signal, async (signal) => {
    const { baseUrl, batchSize, again = false, once = false } = options;
    if (again && once) throw exclude('again', 'once');
    requireWhole({ batchSize });
    const described = { ...(await describeRun(options)), baseUrl, batchSize };
    const entry = requireBatchApi(providerEntry(options.provider));
    const reach = openReach({ ...options, onEvent: undefined, cache: undefined });
    const connection = reach.connect(entry.name);
    const server = findServer(reach.home, entry.name, { ...connection, serverName: options.serverName });
    const order = { ...described, server };
    const submitOptions = { again, choosePlacing: async () => order.placing };
    const { home } = reach;
    const outcome = await submitDataset(
      home,
      order,
      entry,
      connection,
      submitOptions,
      signal,
      options.events,
    );
    const { outputPath: output } = order;
    switch (outcome.kind) {
      case 'answered':
        return { kind: 'answered', output, summary: outcome.merged.summary };
      case 'pending':
        return { kind: 'pending', id: nameJob(outcome.job) };
      case 'submitted':
        return { kind: 'submitted', id: nameJob(outcome.job), batches: outcome.job.parts.length, output };
      case 'declined':
        throw new LoomError('output', `output file ${output} already exists.`);
    }
  });
}
