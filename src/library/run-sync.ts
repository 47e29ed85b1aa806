/** `runSync` of the library. */
import { runSync as answerDataset, type SyncEvents, type SyncSummary } from '../orchestrator/run-sync.ts';
import { providerEntry } from '../providers/registry.ts';
import { describeRun, type InputOptions, type OutputOptions, type ReachOptions } from './options.ts';
import { openReach, underSignal } from './reach.ts';

export interface RunSyncOptions extends InputOptions, OutputOptions, ReachOptions {
  /** Concurrent calls. Default 8. */
  readonly workers?: number;
  readonly events?: SyncEvents;
}

/**
 * Answers a dataset at once, as `loom run --sync` does, and writes the output. Throws a LoomError for what the caller
 * can mend, a ProviderError when the provider refused the whole run; what was answered is kept then.
 */
export async function runSync(options: RunSyncOptions): Promise<SyncSummary> {
  return underSignal(options.signal, async (signal) => {
    const order = { ...(await describeRun(options)), workers: options.workers ?? 8 };
    const entry = providerEntry(options.provider);
    const reach = openReach(options);
    const connection = reach.connect(entry);
    return answerDataset(reach.home, order, () => entry.openSync(connection), signal, options.events);
  });
}
