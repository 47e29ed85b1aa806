/** Puts the answers of batches into the cache while an output is written. */

import type { BackgroundCache } from '../../cache/background-cache.ts';
import { type Answer, isCutOff } from '../../core/models.ts';
import type { ColumnChoice } from '../output/columns.ts';

/** What of an answer goes into the cache: its text, that it was cut off, and what it cost only for those who asked for that. */
export function selectCached(answer: Answer, { groups }: ColumnChoice): Answer {
  if (groups.includes('usage')) return answer;
  const { text, finishReason } = answer;
  return isCutOff(answer) ? { text, finishReason } : { text };
}

export interface AnswerStore {
  add(...write: Parameters<BackgroundCache['add']>): void;
  /** Waits until the cache has every answer, durable; returns why it could not take them, when it couldn't. */
  finish(): Promise<unknown>;
}

/** After the first failure nothing more is stored: the output matters more, and needs no cache. */
export function openAnswerStore(cache: BackgroundCache): AnswerStore {
  let trouble: unknown;
  let added = 0;
  return {
    add(...write) {
      if (trouble !== undefined) return;
      added += 1;
      try {
        cache.add(...write);
      } catch (error) {
        trouble = error;
      }
    },
    async finish() {
      if (added > 0 && trouble === undefined) {
        await cache.seal().catch((error: unknown) => {
          trouble = error;
        });
      }
      added = 0;
      return trouble;
    },
  };
}
