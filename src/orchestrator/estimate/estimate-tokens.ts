/** The story of `loom tokens --estimate`: check the input whole, and count each prompt on this machine. */

import type { GenerationSettings } from '../../core/models.ts';
import { contentOf } from '../../core/request/content.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { drawRows, readDataset } from '../dataset/dataset.ts';
import type { DatasetOrder } from '../dataset/dataset-order.ts';
import { UsageTally } from '../usage/usage-tally.ts';
import { openRequestCounter } from './request-tokens.ts';

export interface TokenEstimate {
  /** Rows of the input, those without a prompt included. */
  readonly rows: number;
  readonly blankRows: number;
  /** The input of one request for each row that has a prompt. */
  readonly usage: UsageTally;
  /** The name of the encoding that counted. */
  readonly encoding: string;
}

/** Makes no call, and needs no key. */
export async function estimateTokens(
  order: DatasetOrder,
  model: string,
  settings: GenerationSettings | undefined,
  entry: ProviderEntry,
  signal: AbortSignal,
): Promise<TokenEstimate> {
  const counter = await openRequestCounter(entry, model, settings);
  const usage = new UsageTally();
  const { rows, blankRows } = await readDataset(await drawRows(order, signal), signal, (row) => {
    const content = contentOf(row);
    if (content) usage.addUsage({ inputTokens: counter.count(content), outputTokens: 0 });
  });
  return { rows, blankRows, usage, encoding: counter.encoding };
}
