/** The calls of a live run: an answer for every row, from the cache, from an earlier try, or from the provider. */

import type { BackgroundCache } from '../../cache/background-cache.ts';
import { noteSchemaRefusal } from '../../cache/schema-refusals.ts';
import { ProviderError } from '../../core/errors.ts';
import { RowSet } from '../../core/growing.ts';
import type { Answer, RowResult } from '../../core/models.ts';
import type { AskedContent } from '../../core/parts.ts';
import { contentText } from '../../core/request/content.ts';
import { endSentence } from '../../core/words.ts';
import type { SyncProvider } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import { sayTier } from '../../providers/tiers.ts';
import { selectCached } from '../answers/store-answers.ts';
import { isSandboxServer } from '../calls/answer-server.ts';
import { loadRequest } from '../dataset/attachments/attached-files.ts';
import { createCustomId } from '../dataset/custom-ids.ts';
import { PromptIndex } from '../dataset/first-rows.ts';
import type { RunJournals } from '../journals/run-journals.ts';
import { createAsk } from './ask-provider.ts';
import { askAgain, createMisfitFinder, type Misfit } from './misfits.ts';
import { runRows } from './run-rows.ts';
import type { SyncContext } from './sync-order.ts';

/** A live run whose input is checked. */
export interface CheckedRun extends SyncContext {
  readonly provider: SyncProvider;
  readonly journals: RunJournals;
  readonly cache: BackgroundCache | undefined;
  readonly progress: { done: number; readonly total: number; cacheHits: number; errors: number };
}

/**
 * Puts an answer for every row with a prompt into the journal, but for rows that ask what an earlier one asked: whether
 * answers are shared in that way.
 */
export async function answerRows(run: CheckedRun): Promise<{ areShared: boolean }> {
  const { order, provider, checkAnswer, journals, cache, signal, onEvent, meter, progress } = run;
  const { model, settings, retryMisfits = 0 } = order;
  const { journal } = journals;
  const sent = sayTier(providerEntry(order.provider), settings, order.tier);
  const prompts = new PromptIndex();
  const cachedRows = new RowSet();
  const known = cache?.openLookUps();
  const storeInCache = createCacheWriter(run);
  const findMisfit = createMisfitFinder(checkAnswer, settings?.schema);
  const askProvider = createAsk(provider, {
    onRefused: (reason) => onEvent({ type: 'schema_refused', reason }),
    onTold: (reason) => noteSchemaRefusal(run.home, order, reason),
  });
  /** Of rows that are called next: what earlier runs were answered, and does not fit. */
  const misfits = new Map<number, RowResult>();
  let areShared = false;
  onEvent({ type: 'progress', ...progress });

  function count(result?: RowResult): void {
    progress.done += 1;
    if (result && checkAnswer(result).outcome !== 'succeeded') progress.errors += 1;
    onEvent({ type: 'progress', ...progress });
  }

  await runRows({
    dataset: order.dataset,
    workers: order.workers,
    patienceMs: order.patienceMs,
    signal,
    onRetry: (notice) => onEvent({ type: 'retry', provider: order.provider, ...notice }),
    async answerAtOnce({ index }, content, digest) {
      const first = cache ? prompts.firstRowWith(digest, index) : index;
      if (first !== index) {
        areShared = true;
        if (cachedRows.has(first)) progress.cacheHits += 1;
        count();
        return true;
      }
      const row = { slot: index, digest, customId: createCustomId(index, digest) };
      const isKept = journals.adopt(row);
      const cached = known?.get(contentText(content));
      if (!isKept && !cached) return false;
      const answer = cached && ({ customId: row.customId, outcome: 'succeeded', ...cached } as const);
      if (!answer) await storeInCache(content, journal.get(row));
      // A kill between the two leaves the later answer in the cache alone.
      else if (!isKept || !hasText(journal.get(row), answer.text)) await journal.addCached(row, answer);
      const result = answer ?? journal.get(row);
      if (result && retryMisfits > 0 && findMisfit(result)) {
        misfits.set(index, result);
        return false;
      }
      if (answer) {
        progress.cacheHits += 1;
        cachedRows.add(index);
      }
      count(result);
      return true;
    },
    async call({ index }, content, digest, calls, callSignal) {
      const row = { slot: index, digest, customId: createCustomId(index, digest) };

      /** Fits, or could be mended: not one that was cut off. */
      const isWhole = (result: RowResult) =>
        result.outcome === 'succeeded' &&
        (checkAnswer<RowResult>(result).outcome === 'succeeded' || findMisfit(result) !== undefined);

      /** The answer to what is asked, kept as the row's, if it is the first or no worse than that. */
      const ask = (asked: AskedContent) =>
        calls.run(async () => {
          order.beforeCall?.();
          await run.home.ensureHeld();
          const startedAt = performance.now();
          const asking = { customId: row.customId, model, content: asked, settings: sent };
          const request = await loadRequest(asking, order.dataset.files);
          const answered = await askProvider(request, callSignal);
          // What a tier costs is in the sum.
          const { tier: _, ...result } = answered;
          meter.addCall(answered, performance.now() - startedAt);
          const isFirst = asked === content;
          // Within the call's place in the queue: no more answers than workers wait for the disk. What the cache has can
          // be had again for nothing: its place in the journal is only the way into the output.
          if (isFirst || isWhole(result)) {
            const isCached = await storeInCache(content, result, !isFirst);
            await (isCached ? journal.addCached(row, result) : journal.add(row, result));
          }
          onEvent({ type: 'answered', result: answered });
          return result;
        });

      const askFirst = () =>
        ask(content).catch(async (error: unknown) => {
          const failed = asFailedRow(row.customId, error);
          await journal.add(row, failed);
          return failed;
        });
      /** What came of it; the answer that there is stays the row's where nothing better comes. */
      const mend = async (result: RowResult, misfit: Misfit) => {
        let isAnswered = true;
        const next = await ask(askAgain(content, misfit)).catch((error) => {
          isAnswered = false;
          return asFailedRow(row.customId, error);
        });
        const fits = checkAnswer<RowResult>(next).outcome === 'succeeded';
        onEvent({ type: 'asked_again', isAnswered, fits });
        return isWhole(next) ? next : result;
      };

      let result = misfits.get(index) ?? (await askFirst());
      misfits.delete(index);
      for (let tries = 0; tries < retryMisfits; tries++) {
        const misfit = findMisfit(result);
        if (!misfit) break;
        result = await mend(result, misfit);
      }
      count(result);
    },
  }).finally(() => known?.close());
  return { areShared };
}

function hasText(result: RowResult | undefined, text: string): boolean {
  return result?.outcome === 'succeeded' && result.text === text;
}

/** A refusal of one row, or one that did not pass, is that row's result; anything wider is thrown on. */
function asFailedRow(customId: string, error: unknown): RowResult {
  if (!(error instanceof ProviderError) || error.scope === 'run') throw error;
  const { code: kind, message } = error;
  const told =
    error.status === 413 ? `${endSentence(message)} The prompt is too large for the server.` : message;
  return { customId, outcome: 'failed', error: { kind, message: told } };
}

/**
 * Stores what is an answer, `isInPlace` of one that the cache has, and tells whether it could; what the cache refuses is
 * to be safe in the journal.
 */
function createCacheWriter({ cache, order, provider, onEvent, journals }: CheckedRun) {
  let keeping: Promise<void> | undefined;
  const isKnownSandbox = isSandboxServer(order.server);
  return async (
    content: AskedContent,
    result: RowResult | undefined,
    isInPlace = false,
  ): Promise<boolean> => {
    // What a sandbox makes up, where another server was looked for, goes nowhere but into the output.
    if (provider.isSandbox?.() && !isKnownSandbox) return false;
    if (!cache || result?.outcome !== 'succeeded') return false;
    try {
      const entry: [string, Answer] = [contentText(content), selectCached(result, order.columns)];
      await (isInPlace ? cache.replace(entry) : cache.setAll([entry]));
      return true;
    } catch (error) {
      if (!keeping) onEvent({ type: 'cache_trouble', error });
      keeping ??= journals.keep();
      await keeping;
      return false;
    }
  };
}
