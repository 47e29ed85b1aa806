/** Puts the answers of batches into the cache while an output is written, many at a time. */

import type { BackgroundCache } from '../../cache/background-cache.ts';
import { type Answer, isCutOff } from '../../core/models.ts';
import type { ColumnChoice } from '../output/columns.ts';

type Write = Parameters<BackgroundCache['addAll']>[0][number];

/** So much goes to the cache at once, and so many times may it be behind: answers can be megabytes long. */
const mostAnswers = 256;
const mostLength = 256 * 1024;
const mostUnderWay = 4;

/** What of an answer goes into the cache: its text, that it was cut off, and what it cost only for those who asked for that. */
export function selectCached(answer: Answer, { groups }: ColumnChoice): Answer {
  if (groups.includes('usage')) return answer;
  const { text, finishReason } = answer;
  return isCutOff(answer) ? { text, finishReason } : { text };
}

export interface AnswerStore {
  add(...write: Write): void;
  /** To be awaited now and then: the cache may be slower than what comes in. */
  drain(): Promise<void> | undefined;
  /** Waits until the cache has every answer, durable; returns why it could not take them, when it couldn't. */
  finish(): Promise<unknown>;
}

/** After the first failure nothing more is stored: the output matters more, and needs no cache. */
export function openAnswerStore(cache: BackgroundCache): AnswerStore {
  let writes: Write[] = [];
  let length = 0;
  let sent = 0;
  let trouble: unknown;
  const underWay = new Set<Promise<void>>();

  function send(isLast: boolean): void {
    const adding: Promise<void> = cache
      .addAll(writes, isLast)
      .catch((error: unknown) => {
        trouble ??= error;
      })
      .finally(() => underWay.delete(adding));
    underWay.add(adding);
    sent += writes.length;
    writes = [];
    length = 0;
  }

  return {
    add(...write) {
      if (trouble !== undefined) return;
      // Before this one: those of a small batch are all in the last group.
      if (writes.length >= mostAnswers || length >= mostLength) send(false);
      writes.push(write);
      length += write[0].length + write[1].text.length;
    },
    drain: () => (underWay.size < mostUnderWay ? undefined : Promise.race(underWay)),
    async finish() {
      if (sent + writes.length > 0 && trouble === undefined) send(true);
      await Promise.all(underWay);
      sent = 0;
      return trouble;
    },
  };
}
