/**
 * The story of `loom tokens`: check the input whole, then ask the provider for the size of each prompt, or count it on
 * this machine.
 */
import { LoomError, ProviderError } from '../../core/errors.ts';
import type { ProviderName } from '../../core/models.ts';
import { contentOf } from '../../core/request/content.ts';
import type { ProviderEntry, SyncProvider } from '../../providers/provider.ts';
import type { RetryEvent } from '../calls/retry.ts';
import { loadRequest } from '../dataset/attachments/attached-files.ts';
import { createCustomId } from '../dataset/custom-ids.ts';
import { drawRows, readDataset } from '../dataset/dataset.ts';
import type { DatasetOrder } from '../dataset/dataset-order.ts';
import { runRows } from '../live/run-rows.ts';
import { UsageTally } from '../usage/usage-tally.ts';
import { type AskedModel, openRequestCounter } from './request-tokens.ts';

/** The system text of its settings counts, once for each prompt. */
export interface CountedInput extends AskedModel {
  readonly dataset: DatasetOrder;
}

export interface TokenOrder extends CountedInput {
  readonly workers: number;
  /** How long rate limits are waited out while no call is answered, in milliseconds; by default as everywhere. */
  readonly patienceMs?: number | undefined;
}

export interface TokenProgress {
  readonly done: number;
  /** Rows that have a prompt. */
  readonly total: number;
  readonly errors: number;
  /** Input tokens of the prompts counted so far. */
  readonly tokens: number;
}

export type TokenEvent = ({ readonly type: 'progress' } & TokenProgress) | RetryEvent;

interface CountedRows {
  /** Rows that were picked of the input, those without a prompt included. */
  readonly rows: number;
  readonly blankRows: number;
}

export interface TokenSummary extends TokenProgress, CountedRows {
  /** The provider's words for the first prompt that could not be counted. */
  readonly firstError: string | undefined;
}

/** LoomError `unavailable` unless the provider has a call that counts tokens. */
export function requireTokenCounting(entry: ProviderEntry): void {
  if (entry.countsTokens) return;
  throw noTokenCounting(entry.name);
}

function noTokenCounting(provider: ProviderName): LoomError {
  return new LoomError('unavailable', `Provider '${provider}' does not expose a token-counting API.`, {
    code: 'no_token_counting',
    facts: { provider },
  });
}

/** Counts every prompt's input tokens; one that can't be counted is an error in the summary. */
export async function countTokens(
  order: TokenOrder,
  openProvider: () => Promise<SyncProvider>,
  signal: AbortSignal,
  onEvent: (event: TokenEvent) => void,
): Promise<TokenSummary> {
  const dataset = await drawRows(order.dataset, signal);
  const { rows, blankRows } = await readDataset(dataset, signal);
  const provider = await openProvider();
  const count = provider.countTokens?.bind(provider);
  if (!count) throw noTokenCounting(order.provider);
  const progress = { done: 0, total: rows - blankRows, errors: 0, tokens: 0 };
  let firstError: string | undefined;
  onEvent({ type: 'progress', ...progress });
  await runRows({
    dataset,
    workers: order.workers,
    patienceMs: order.patienceMs,
    signal,
    onRetry: (notice) => onEvent({ type: 'retry', provider: order.provider, ...notice }),
    async call({ index }, content, digest, calls, callSignal) {
      const { model, settings } = order;
      const asking = { customId: createCustomId(index, digest), model, content, settings };
      const request = await loadRequest(asking, order.dataset.files);
      try {
        // Not `+= await`: that adds to the sum as it was before the call.
        const tokens = await calls.run(() => count(request, callSignal));
        progress.tokens += tokens;
      } catch (error) {
        if (!(error instanceof ProviderError) || error.scope === 'run') throw error;
        progress.errors += 1;
        firstError ??= error.message;
      }
      progress.done += 1;
      onEvent({ type: 'progress', ...progress });
    },
  });
  return { ...progress, rows, blankRows, firstError };
}

export interface LocalTokenCount extends CountedRows {
  /** The input of one request for each row that has a prompt. */
  readonly usage: UsageTally;
  /** The name of the encoding that counted. */
  readonly encoding: string;
}

/** Counts on this machine. Makes no call, and needs no key. */
export async function countTokensLocally(order: CountedInput, signal: AbortSignal): Promise<LocalTokenCount> {
  const counter = await openRequestCounter(order);
  const usage = new UsageTally();
  const { rows, blankRows } = await readDataset(await drawRows(order.dataset, signal), signal, (row) => {
    const content = contentOf(row);
    if (content) usage.addUsage({ inputTokens: counter.count(content), outputTokens: 0 });
  });
  return { rows, blankRows, usage, encoding: counter.encoding };
}
