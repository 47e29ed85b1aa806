/** `countTokens` and `estimateTokens` of the library. */
import {
  countTokens as countDataset,
  countTokensLocally,
  requireTokenCounting,
  type TokenEvent,
  type TokenProgress,
  type TokenSummary,
} from '../orchestrator/estimate/count-tokens.ts';
import { findPrice } from '../orchestrator/usage/price-usage.ts';
import { offersBatches } from '../providers/registry.ts';
import { requireWhole } from './options/checks.ts';
import type { CallOptions, InputOptions, ReachOptions } from './options/options.ts';
import { findProvider, type ListeningTo, type ReachEvent } from './options/reach.ts';
import { withInput } from './options/run-order.ts';

export type { TokenEvent, TokenProgress, TokenSummary };

export interface CountTokensOptions
  extends InputOptions,
    ReachOptions,
    CallOptions,
    ListeningTo<TokenEvent | ReachEvent> {}

/**
 * Counts the input tokens of a dataset with the provider's own counter, as `loom tokens` does. LoomError `unavailable`
 * where the provider has none.
 */
export async function countTokens(options: CountTokensOptions): Promise<TokenSummary> {
  const { model, settings, workers = 8, callTimeoutMs, patienceMs, onEvent = () => {} } = options;
  requireWhole({ workers, callTimeoutMs, patienceMs });
  const entry = findProvider(options.provider, options);
  requireTokenCounting(entry);
  return withInput(options, (dataset, reach, signal) => {
    const connection = reach.connect(entry.name);
    const order = { dataset, provider: entry.name, model, settings, workers, patienceMs };
    return countDataset(order, () => entry.openSync(connection), signal, onEvent);
  });
}

export interface TokenEstimate {
  /** Rows of the input, those without a prompt included. */
  readonly rows: number;
  readonly blankRows: number;
  readonly inputTokens: number;
  /** The name of the tokenizer's encoding. */
  readonly encoding: string;
  /** US dollars; undefined where no price is known. */
  readonly liveCost: number | undefined;
  /** The same; undefined also where the provider takes no batches. */
  readonly batchCost: number | undefined;
}

/** Counts them on this machine, roughly, as `loom tokens --estimate` does. Sends nothing, and needs no key. */
export async function estimateTokens(options: InputOptions & ReachOptions): Promise<TokenEstimate> {
  const { provider, model, settings } = options;
  const entry = findProvider(provider, options);
  return withInput({ ...options, onEvent: undefined }, async (dataset, { home }, signal) => {
    const asked = { dataset, provider, model, settings };
    const { usage, ...counts } = await countTokensLocally(asked, signal);
    const costAs = async (batch: boolean) =>
      usage.cost((await findPrice({ home, provider, model, batch })).price);
    const liveCost = await costAs(false);
    const batchCost = offersBatches(entry) ? await costAs(true) : undefined;
    return { ...counts, inputTokens: usage.inputTokens, liveCost, batchCost };
  });
}
