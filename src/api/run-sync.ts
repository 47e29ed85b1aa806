/** `runSync` of the library. */
import type { EventOf } from '../core/models.ts';
import { runSync as answerDataset, type SyncSummary } from '../orchestrator/live/run-sync.ts';
import type { SyncEvent, SyncProgress } from '../orchestrator/live/sync-order.ts';
import { describeUsage, type PaidUsage } from '../orchestrator/usage/price-usage.ts';
import { UsageTally } from '../orchestrator/usage/usage-tally.ts';
import { requireWhole } from './options/checks.ts';
import { openCostLimit } from './options/cost-limit.ts';
import type { CallOptions, InputOptions, OutputOptions, ReachOptions } from './options/options.ts';
import type { ListeningTo, ReachEvent } from './options/reach.ts';
import {
  choosePlacing,
  describeRun,
  type ForeignReasonsEvent,
  findProvider,
  tellForeignReasons,
  withInput,
} from './options/run-order.ts';

export type { PaidUsage, SyncEvent, SyncProgress, SyncSummary };

export type RunEvent =
  | SyncEvent
  | ReachEvent
  | ForeignReasonsEvent
  /** All is checked but the rows: the first call is next. */
  | EventOf<'started'>
  /** The run is over, however it ended: what its calls cost. */
  | EventOf<'spent', { usage: PaidUsage | undefined; madeAgain: number }>;

export interface RunSyncOptions
  extends InputOptions,
    OutputOptions,
    ReachOptions,
    CallOptions,
    ListeningTo<RunEvent> {
  /** US dollars. A run whose input alone costs more is refused, and one that has cost as much is stopped. */
  readonly maxCost?: number | undefined;
  /** Takes the complete output from a file, in place of leaving it at `output`. */
  readonly deliver?: ((path: string) => Promise<void>) | undefined;
}

export interface AnsweredDataset extends SyncSummary {
  /** Of the calls of this run; what came from the cache cost nothing. */
  readonly usage: PaidUsage | undefined;
  /** Calls that broke off after they were sent, and were made again: the provider may bill both. */
  readonly madeAgain: number;
}

/**
 * Answers a dataset at once, as `loom run --sync` does, and writes the output. Throws a LoomError for what the caller
 * can mend, a ProviderError when the provider refused the whole run; what was answered is kept then.
 */
export function runSync(
  options: RunSyncOptions & { readonly overwrite?: boolean | undefined },
): Promise<AnsweredDataset>;
/** Undefined where the function `overwrite` said no: nothing was sent. */
export function runSync(options: RunSyncOptions): Promise<AnsweredDataset | undefined>;
export async function runSync(options: RunSyncOptions): Promise<AnsweredDataset | undefined> {
  const { model, workers = 8, callTimeoutMs, patienceMs, maxCost, deliver, onEvent = () => {} } = options;
  requireWhole({ workers, callTimeoutMs, patienceMs });
  const entry = findProvider(options.provider);
  return withInput({ ...options, cache: options.cache ?? true }, async (dataset, reach, signal) => {
    const { home } = reach;
    const connection = reach.connect(entry.name);
    const described = describeRun(options, dataset, reach, connection);
    const placing = deliver ? 'new' : await choosePlacing(described.outputPath, options.overwrite);
    if (!placing) return undefined;
    if (!deliver) await tellForeignReasons(described, onEvent);
    const limit = maxCost === undefined ? undefined : await openCostLimit(maxCost, home, described, signal);
    const beforeCall = () => limit?.check();
    const order = { ...described, placing, workers, patienceMs, deliver, beforeCall };
    onEvent({ type: 'started' });
    const tally = new UsageTally();
    const tell = (event: SyncEvent) => {
      if (event.type === 'answered') {
        tally.add(event.result);
        limit?.add(event.result);
      } else if (event.type === 'retry') tally.addRetry(event);
      onEvent(event);
    };
    const tellSpent = async () => {
      const usage = await describeUsage(tally, { home, provider: entry.name, model, batch: false });
      onEvent({ type: 'spent', usage, madeAgain: tally.madeAgain });
      return usage;
    };
    try {
      const summary = await answerDataset(home, order, () => entry.openSync(connection), signal, tell);
      return { ...summary, usage: await tellSpent(), madeAgain: tally.madeAgain };
    } catch (error) {
      await tellSpent();
      throw limit ? limit.explain(error) : error;
    }
  });
}
