/**
 * A live run's first pass over its input: checks it whole, and writes the output if the cache has every answer. An answer
 * is looked up by the prompt of its row in this very pass.
 */

import type { BackgroundCache } from '../../cache/background-cache.ts';
import type { Answer, Row } from '../../core/models.ts';
import { contentOf, contentText } from '../../core/request/content.ts';
import { requirePrompts } from '../dataset/dataset.ts';
import { type MergeOrder, tryMergeAnswers } from '../output/merge.ts';
import type { MergeSummary } from '../output/row-tally.ts';
import { isMisfit } from './misfits.ts';
import type { SyncContext } from './sync-order.ts';

export interface CachedPass {
  /** Rows that are run. */
  readonly rows: number;
  /** Those that have a prompt. */
  readonly prompts: number;
  /** Of the output, if it could be written; nothing is written otherwise. */
  readonly summary: MergeSummary | undefined;
}

/** Of rows that are read together: where one of these has no answer, the others need not be looked up. */
const firstLooks = 32;

/** LoomError `input` for what is wrong with the input, wherever in it that is; the output stays as it was then. */
export async function mergeCachedAnswers(
  order: Omit<MergeOrder, 'changedRows'>,
  cache: BackgroundCache,
  { order: { retryMisfits = 0 }, checkAnswer, signal }: Pick<SyncContext, 'order' | 'checkAnswer' | 'signal'>,
): Promise<CachedPass> {
  let rows = 0;
  let prompts = 0;
  let missed = false;
  const found = new Map<number, Answer>();

  async function lookUp(rows: readonly Row[]): Promise<void> {
    if (missed) return;
    const asking = rows.flatMap((row) => {
      const content = contentOf(row);
      return content ? [{ index: row.index, text: contentText(content) }] : [];
    });
    for (const some of [asking.slice(0, firstLooks), asking.slice(firstLooks)]) {
      if (missed) return;
      const answers = await cache.getAll(some.map(({ text }) => [text]));
      some.forEach(({ index }, place) => {
        const answer = answers[place];
        if (answer) found.set(index, answer);
        else missed = true;
      });
    }
  }

  const merge = {
    ...order,
    changedRows: 'refuse',
    prepareRows: lookUp,
    onComplete: async () => requirePrompts(order.dataset, prompts),
  } as const;
  const summary = await tryMergeAnswers(merge, ({ index, prompt }) => {
    signal.throwIfAborted();
    rows += 1;
    if (prompt === null) return 'not_sent';
    prompts += 1;
    const answer = found.get(index);
    found.delete(index);
    const checked = answer && !missed ? checkAnswer({ outcome: 'succeeded', ...answer }) : undefined;
    missed ||= !checked || (retryMisfits > 0 && isMisfit(checked));
    return missed ? undefined : checked;
  });
  requirePrompts(order.dataset, prompts);
  return { rows, prompts, summary };
}
