/** The story of `loom run --sync`: check the input whole, answer each row at once or from the cache, write the output. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ProviderError } from '../errors.ts';
import type { ProviderName, Row, RowResult } from '../models.ts';
import type { SyncProvider } from '../providers/provider.ts';
import { type Journal, openJournal } from '../utils/answers.ts';
import { openCache, type ResponseCache } from '../utils/cache.ts';
import { ensurePrivateFolder, removeFile } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import { createCustomId } from './custom-ids.ts';
import { type Dataset, readDataset } from './dataset.ts';
import { type MergeSummary, mergeAnswers } from './merge.ts';
import { createCallQueue, type RetryNotice } from './retry.ts';
import { runRows } from './run-rows.ts';

export interface SyncOrder {
  readonly dataset: Dataset;
  readonly provider: ProviderName;
  readonly model: string;
  /** Absolute. Overwritten: whoever calls has asked. */
  readonly outputPath: string;
  readonly withMeta: boolean;
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
  /** An answer could not be stored in the cache; told once, the answers are in the output all the same. */
  onCacheTrouble?(error: unknown): void;
}

export interface SyncSummary extends MergeSummary {
  readonly outputPath: string;
  readonly cacheHits: number;
}

/**
 * Runs a dataset live. An error that reaches the whole run (a refused key) is thrown: nothing is written then, and
 * what was answered is in the cache.
 */
export async function runSync(
  home: LoomHome,
  order: SyncOrder,
  openProvider: () => Promise<SyncProvider>,
  signal: AbortSignal,
  events: SyncEvents = {},
): Promise<SyncSummary> {
  const census = await readDataset(order.dataset, signal);
  const provider = await openProvider();
  await ensurePrivateFolder(home.results);
  const journalPath = join(home.results, `sync_${process.pid}_${randomBytes(6).toString('hex')}.jsonl`);
  const journal = await openJournal(journalPath);
  try {
    const total = census.rows - census.blankRows;
    const cacheHits = await answerRows(home, order, provider, journal, total, signal, events);
    await journal.flush();
    const summary = await mergeAnswers(order, (row) =>
      row.prompt === null ? 'not_sent' : (journal.get(row.index) ?? 'changed'),
    );
    return { ...summary, outputPath: order.outputPath, cacheHits };
  } finally {
    await journal.close();
    await removeFile(journalPath);
  }
}

/** Puts an answer for every row with a prompt into the journal; returns how many came from the cache. */
async function answerRows(
  home: LoomHome,
  order: SyncOrder,
  provider: SyncProvider,
  journal: Journal,
  total: number,
  signal: AbortSignal,
  events: SyncEvents,
): Promise<number> {
  const cache = order.useCache ? openCache(home.cache, order.provider, order.model) : undefined;
  const progress = { done: 0, total, cacheHits: 0, errors: 0 };
  const storeInCache = createCacheWriter(cache, events);
  events.onProgress?.(progress);

  async function keep(row: Row, result: RowResult): Promise<void> {
    progress.done += 1;
    if (result.outcome !== 'succeeded') progress.errors += 1;
    await journal.add(row.index, result);
    events.onProgress?.(progress);
  }

  await runRows({
    dataset: order.dataset,
    workers: order.workers,
    signal,
    async answerAtOnce(row, prompt) {
      const text = cache?.get(prompt);
      if (text === undefined) return false;
      progress.cacheHits += 1;
      await keep(row, { customId: createCustomId(row.index, prompt), outcome: 'succeeded', text });
      return true;
    },
    openQueue: (runSignal) =>
      createCallQueue({
        workers: order.workers,
        signal: runSignal,
        onRetry: (notice) => events.onRetry?.(notice),
      }),
    async call(row, prompt, calls, runSignal) {
      const request = { customId: createCustomId(row.index, prompt), model: order.model, prompt };
      const result = await asRowResult(request.customId, () =>
        calls.run(() => provider.generate(request, runSignal)),
      );
      if (result.outcome === 'succeeded') await storeInCache(prompt, result.text);
      await keep(row, result);
    },
  });
  return progress.cacheHits;
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
  return async (prompt: string, response: string): Promise<void> => {
    try {
      await cache?.set(prompt, response);
    } catch (error) {
      if (!troubled) events.onCacheTrouble?.(error);
      troubled = true;
    }
  };
}
