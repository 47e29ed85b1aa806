/** A live run's first pass over its input: checks it whole, and writes the output if the cache has every answer. */
import type { ResponseCache } from '../utils/cache.ts';
import { requirePrompts } from './dataset.ts';
import { type MergeOrder, type RowAnswer, tryMergeAnswers } from './merge.ts';
import type { MergeSummary } from './row-tally.ts';

export interface CachedPass {
  /** Rows that have a prompt. */
  readonly prompts: number;
  /** Of the output, if it could be written; nothing is written otherwise. */
  readonly summary: MergeSummary | undefined;
}

/** LoomError `input` for what is wrong with the input, wherever in it that is; the output stays as it was then. */
export async function mergeCachedAnswers(
  order: Omit<MergeOrder, 'changedRows'>,
  cache: ResponseCache,
  signal: AbortSignal,
): Promise<CachedPass> {
  let prompts = 0;
  let misses = 0;

  function look(prompt: string): RowAnswer | undefined {
    const text = misses > 0 ? undefined : cache.get(prompt);
    if (text !== undefined) return { outcome: 'succeeded', text };
    misses += 1;
    return undefined;
  }

  const merge = {
    ...order,
    changedRows: 'refuse',
    onComplete: async () => requirePrompts(order.dataset, prompts),
  } as const;
  const summary = await tryMergeAnswers(merge, ({ prompt }) => {
    signal.throwIfAborted();
    if (prompt === null) return 'not_sent';
    prompts += 1;
    return look(prompt);
  });
  requirePrompts(order.dataset, prompts);
  return { prompts, summary };
}
