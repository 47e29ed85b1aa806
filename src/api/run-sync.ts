/** `runSync` of the library. */
import { findServer } from '../orchestrator/calls/answer-server.ts';
import { runSync as answerDataset, type SyncSummary } from '../orchestrator/live/run-sync.ts';
import type { SyncEvents } from '../orchestrator/live/sync-order.ts';
import { UsageTally } from '../orchestrator/usage/usage-tally.ts';
import { providerEntry } from '../providers/registry.ts';
import {
  type CallOptions,
  describeRun,
  type InputOptions,
  type OutputOptions,
  type ReachOptions,
  requireWhole,
} from './options/options.ts';
import { openReach, underSignal } from './options/reach.ts';
import { describeUsage, type PaidUsage } from './usage.ts';

export interface RunSyncOptions extends InputOptions, OutputOptions, ReachOptions, CallOptions {
  readonly events?: SyncEvents;
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
export async function runSync(options: RunSyncOptions): Promise<AnsweredDataset> {
  return underSignal(options.signal, async (signal) => {
    const { model, baseUrl, workers = 8, callTimeoutMs, patienceMs, events } = options;
    requireWhole({ workers, callTimeoutMs, patienceMs });
    const described = { ...(await describeRun(options)), baseUrl, workers, patienceMs };
    const entry = providerEntry(options.provider);
    const reach = openReach({ ...options, onEvent: undefined, cache: undefined });
    const connection = reach.connect(entry.name);
    const server = findServer(reach.home, entry.name, { ...connection, serverName: options.serverName });
    const order = { ...described, server };
    const tally = new UsageTally();
    const summary = await answerDataset(reach.home, order, () => entry.openSync(connection), signal, {
      ...events,
      onAnswered(result) {
        tally.add(result);
        events?.onAnswered?.(result);
      },
      onRetry(notice) {
        tally.addRetry(notice);
        events?.onRetry?.(notice);
      },
    });
    const usage = await describeUsage(tally, { entry, model, batch: false });
    return { ...summary, usage, madeAgain: tally.madeAgain };
  });
}
