/** `submitBatch` of the library. */

import type { WrittenOutput } from '../orchestrator/batch/fetch/fetch-run.ts';
import { type SubmitEvent, submitBatch as submitDataset } from '../orchestrator/batch/submit/submit-batch.ts';
import { checkStart } from '../orchestrator/dataset/dataset.ts';
import type { MergeSummary } from '../orchestrator/output/row-tally.ts';
import { requireBatchApi } from '../providers/registry.ts';
import { nameJob } from '../state/stored-jobs.ts';
import { exclude, refuseTier, requireWhole } from './options/checks.ts';
import { openCostLimit } from './options/cost-limit.ts';
import { tellUnverified } from './options/first-use.ts';
import type { InputOptions, OutputOptions, ReachOptions } from './options/options.ts';
import { findProvider, type ListeningTo, type ReachEvent } from './options/reach.ts';
import {
  choosePlacing,
  describeRun,
  type ForeignReasonsEvent,
  tellForeignReasons,
  withInput,
} from './options/run-order.ts';

export type { SubmitEvent };

export interface SubmitBatchOptions
  extends InputOptions,
    OutputOptions,
    ReachOptions,
    ListeningTo<SubmitEvent | ReachEvent | ForeignReasonsEvent> {
  /**
   * Submits also while the same work is pending, and pays for it once more. Default false: nothing is sent then. A
   * function is asked with the id of what is pending.
   */
  readonly again?: boolean | ((id: string) => Promise<boolean>) | undefined;
  /** Says what happens without `again`. */
  readonly once?: boolean | undefined;
  /** Whether the function `overwrite` is asked before anything is sent, too. Default false. */
  readonly asksFirst?: boolean | undefined;
  /** Most rows in one batch. Default: what the provider takes. */
  readonly batchSize?: number | undefined;
  /** US dollars. A batch whose input, with the longest answers that are allowed, costs more is refused. */
  readonly maxCost?: number | undefined;
}

export type SubmittedBatch =
  /** `id` is what `fetchBatches` takes; `batches` of it wait in the provider's queue or are on their way. */
  | { readonly kind: 'submitted'; readonly id: string; readonly batches: number; readonly output: string }
  /** Every answer was in the cache: the output is written. */
  | {
      readonly kind: 'answered';
      readonly output: string;
      readonly summary: MergeSummary;
      readonly written: WrittenOutput;
    }
  /** Nothing was sent: the same work is pending already. */
  | { readonly kind: 'pending'; readonly id: string }
  /** Nothing was sent or written: the function `overwrite` said no. */
  | { readonly kind: 'declined' };

/**
 * Submits a dataset as one or more batches, as `loom run` does; `fetchBatches` writes the output, days later. Throws a
 * LoomError for what the caller can mend, a ProviderError when the provider refused; what was submitted stays recorded.
 */
export async function submitBatch(options: SubmitBatchOptions): Promise<SubmittedBatch> {
  const { batchSize, again = false, once = false, maxCost, overwrite = false, onEvent = () => {} } = options;
  if (again && once) throw exclude('again', 'once');
  requireWhole({ batchSize });
  refuseTier(options);
  const entry = requireBatchApi(findProvider(options.provider, options));
  return withInput(
    { ...options, cache: options.cache ?? true },
    async (dataset, reach, signal): Promise<SubmittedBatch> => {
      const { home } = reach;
      const connection = reach.connect(entry.name);
      const order = { ...describeRun(options, dataset, reach, connection), batchSize };
      const { outputPath: output } = order;
      await tellUnverified(entry, home, options);
      const asksFirst = options.asksFirst || typeof overwrite === 'boolean';
      const checkInput = () => checkStart(order.dataset, signal);
      const first = asksFirst ? await choosePlacing(output, overwrite, checkInput) : undefined;
      if (asksFirst && !first) return { kind: 'declined' };
      await tellForeignReasons(order, onEvent);
      if (maxCost !== undefined) await openCostLimit(maxCost, home, order, signal, { batchSize });
      const submitOptions = {
        again: again === true,
        isOutputSettled: asksFirst,
        confirmAgain: typeof again === 'function' ? again : undefined,
        // Who said yes to a file that is there is not asked again; one that comes meanwhile is another matter.
        choosePlacing: () => choosePlacing(output, first === 'replace' || overwrite),
      };
      const outcome = await submitDataset({ home, order, entry, connection, signal }, submitOptions, onEvent);
      switch (outcome.kind) {
        case 'answered': {
          const { summary } = outcome.merged;
          const written = { ...outcome.merged, usage: undefined };
          return { kind: 'answered', output, summary, written };
        }
        case 'pending':
          return { kind: 'pending', id: nameJob(outcome.job) };
        case 'submitted':
          return { kind: 'submitted', id: nameJob(outcome.job), batches: outcome.job.parts.length, output };
        case 'declined':
          return { kind: 'declined' };
      }
    },
  );
}
