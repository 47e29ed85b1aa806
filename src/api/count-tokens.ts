/** `countTokens` of the library. */
import {
  countTokens as countDataset,
  requireTokenCounting,
  type TokenEvents,
  type TokenSummary,
} from '../orchestrator/estimate/count-tokens.ts';
import { providerEntry } from '../providers/registry.ts';
import {
  type CallOptions,
  describeInput,
  type InputOptions,
  type ReachOptions,
  requireWhole,
} from './options/options.ts';
import { openReach, underSignal } from './options/reach.ts';

export interface CountTokensOptions extends InputOptions, ReachOptions, CallOptions {
  readonly events?: TokenEvents;
}

/**
 * Counts the input tokens of a dataset with the provider's own counter, as `loom tokens` does. LoomError `unavailable`
 * where the provider has none.
 */
export async function countTokens(options: CountTokensOptions): Promise<TokenSummary> {
  const { provider, model, settings, workers = 8, callTimeoutMs, patienceMs } = options;
  return underSignal(options.signal, (signal) => {
    requireWhole({ workers, callTimeoutMs, patienceMs });
    const order = { dataset: describeInput(options), provider, model, settings, workers, patienceMs };
    const entry = providerEntry(provider);
    requireTokenCounting(entry);
    const connection = openReach({ ...options, onEvent: undefined, cache: undefined }).connect(entry.name);
    return countDataset(order, () => entry.openSync(connection), signal, options.events);
  });
}
