/** The story of `loom run --sync`: check the input whole, answer each row at once or from the cache, write the output. */
import { join } from 'node:path';
import { ProviderError } from '../errors.ts';
import type { ProviderName, RowResult } from '../models.ts';
import type { SyncProvider } from '../providers/provider.ts';
import { openCache, type ResponseCache } from '../utils/cache.ts';
import { ensurePrivateFolder, isFile, removeFile } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import { isSpentJournal, type Journal, openJournal } from '../utils/journal.ts';
import { waitForLock } from '../utils/locks.ts';
import { createCustomId, digestPrompt, parseCustomId } from './custom-ids.ts';
import { type Dataset, readDataset } from './dataset.ts';
import { checkFreeSpace } from './free-space.ts';
import { mergeAnswers } from './merge.ts';
import { PromptIndex } from './prompt-index.ts';
import type { RetryNotice } from './retry.ts';
import type { MergeSummary } from './row-tally.ts';
import { nameRun } from './run-names.ts';
import { runRows } from './run-rows.ts';
import { sweepHome } from './sweep-home.ts';

export interface SyncOrder {
  readonly dataset: Dataset;
  readonly provider: ProviderName;
  readonly model: string;
  /** Absolute. Overwritten: whoever calls has asked. */
  readonly outputPath: string;
  readonly withMeta: boolean;
  /** Adds `llm_error`. */
  readonly withError: boolean;
  /** Answers go to and come from the cache, and equal prompts are asked once. */
  readonly useCache: boolean;
  readonly workers: number;
}

export interface SyncProgress {
  readonly done: number;
  /** Rows that have a prompt. */
  readonly total: number;
  readonly cacheHits: number;
  readonly errors: number;
}

export interface SyncEvents {
  /** After the check of the input, and after each row. */
  onProgress?(progress: SyncProgress): void;
  onRetry?(notice: RetryNotice): void;
  /** Another process is doing the very same run: this one goes on when that is done. */
  onWait?(): void;
  /** Answers that a run which was cut off had paid for, and this one need not. */
  onResumed?(answers: number): void;
  /** An answer could not be stored in the cache; told once, the answers are in the output all the same. */
  onCacheTrouble?(error: unknown): void;
}

export interface SyncSummary extends MergeSummary {
  readonly outputPath: string;
  readonly cacheHits: number;
}

/**
 * Runs a dataset live. An error that reaches the whole run (a refused key) is thrown, and so is an interruption:
 * nothing is written then, and what was answered is kept for the next run of the same order.
 */
export async function runSync(
  home: LoomHome,
  order: SyncOrder,
  openProvider: () => Promise<SyncProvider>,
  signal: AbortSignal,
  events: SyncEvents = {},
): Promise<SyncSummary> {
  await checkFreeSpace(home.root, order.dataset);
  const census = await readDataset(order.dataset, signal);
  const provider = await openProvider();
  await sweepHome(home);
  await ensurePrivateFolder(home.results);
  const runName = nameRun(order, census.sha256);
  const lock = await waitForLock(home.locks, runName, signal, () => events.onWait?.());
  try {
    const run: SyncRun = {
      order,
      provider,
      // With the cache on, what an earlier run paid for is there; without it, the journal has it.
      journal: await openRunJournal(home, runName, order, events),
      cache: order.useCache ? openCache(home.cache, order.provider, order.model) : undefined,
      signal: AbortSignal.any([signal, lock.lost]),
      events,
      progress: { done: 0, total: census.rows - census.blankRows, cacheHits: 0, errors: 0 },
    };
    const summary = await answerAndMerge(run, runName);
    await removeFile(journalPath(home, runName));
    return summary;
  } finally {
    if (order.useCache) await removeFile(journalPath(home, runName));
    if (!(await isFile(journalPath(home, runName)))) await lock.forget();
    await lock.release();
  }
}

function journalPath(home: LoomHome, runName: string): string {
  return join(home.results, `${runName}.jsonl`);
}

async function openRunJournal(
  home: LoomHome,
  runName: string,
  order: SyncOrder,
  events: SyncEvents,
): Promise<Journal> {
  const path = journalPath(home, runName);
  if (order.useCache || (await isSpentJournal(path))) await removeFile(path);
  let kept = 0;
  const journal = await openJournal(path, (customId) => {
    kept += 1;
    return parseCustomId(customId)?.index;
  });
  if (kept > 0) events.onResumed?.(kept);
  return journal;
}

/** What the steps of one run share. */
interface SyncRun {
  readonly order: SyncOrder;
  readonly provider: SyncProvider;
  readonly journal: Journal;
  readonly cache: ResponseCache | undefined;
  readonly signal: AbortSignal;
  readonly events: SyncEvents;
  readonly progress: { done: number; readonly total: number; cacheHits: number; errors: number };
}

async function answerAndMerge(run: SyncRun, runName: string): Promise<SyncSummary> {
  const { order, journal, progress } = run;
  try {
    await answerRows(run);
    await journal.flush();
    const prompts = new PromptIndex();
    const merge = {
      ...order,
      changedRows: 'refuse',
      temporaryTag: runName,
      onComplete: (temporaryPath: string) => journal.markSpent(temporaryPath, order.outputPath),
    } as const;
    const summary = await mergeAnswers(merge, ({ index, prompt }) => {
      if (prompt === null) return 'not_sent';
      const asked = order.useCache ? prompts.firstRowWith(digestPrompt(prompt), index) : index;
      return journal.get(asked) ?? 'changed';
    });
    return { ...summary, outputPath: order.outputPath, cacheHits: progress.cacheHits };
  } finally {
    await journal.close();
  }
}

/** Puts an answer for every row with a prompt into the journal, but for rows that ask what an earlier one asked. */
async function answerRows(run: SyncRun): Promise<void> {
  const { order, provider, journal, cache, signal, events, progress } = run;
  const prompts = new PromptIndex();
  const storeInCache = createCacheWriter(cache, events);
  events.onProgress?.(progress);

  function count(result?: RowResult): void {
    progress.done += 1;
    if (result && result.outcome !== 'succeeded') progress.errors += 1;
    events.onProgress?.(progress);
  }

  await runRows({
    dataset: order.dataset,
    workers: order.workers,
    signal,
    onRetry: (notice) => events.onRetry?.(notice),
    async answerAtOnce({ index }, prompt, digest) {
      if (journal.has(index) || (cache && prompts.firstRowWith(digest, index) !== index)) {
        count();
        return true;
      }
      const text = cache?.get(prompt);
      if (text === undefined) return false;
      progress.cacheHits += 1;
      await journal.addCached(index, { customId: createCustomId(index, digest), outcome: 'succeeded', text });
      count();
      return true;
    },
    async call({ index }, prompt, digest, calls, callSignal) {
      const request = { customId: createCustomId(index, digest), model: order.model, prompt };
      const result = await asRowResult(request.customId, () =>
        calls.run(async () => {
          const answer = await provider.generate(request, callSignal);
          // Within the call's place in the queue: no more answers than workers wait for the disk.
          if (answer.outcome === 'succeeded') storeInCache(prompt, answer.text);
          await journal.add(index, answer);
          return answer;
        }),
      );
      if (!journal.has(index)) await journal.add(index, result);
      count(result);
    },
  });
}

/** A refusal of one row, or one that did not pass, is that row's result; anything wider is thrown on. */
async function asRowResult(customId: string, call: () => Promise<RowResult>): Promise<RowResult> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProviderError) || error.scope === 'run') throw error;
    return { customId, outcome: 'failed', error: { kind: error.code, message: error.message } };
  }
}

function createCacheWriter(cache: ResponseCache | undefined, events: SyncEvents) {
  let troubled = false;
  return (prompt: string, response: string): void => {
    try {
      cache?.set(prompt, response);
    } catch (error) {
      if (!troubled) events.onCacheTrouble?.(error);
      troubled = true;
    }
  };
}
