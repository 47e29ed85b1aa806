/** The story of `loom run --sync`: check the input whole, answer each row at once or from the cache, write the output. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../errors.ts';
import type { GenerationSettings, ProviderName, RowResult } from '../models.ts';
import type { SyncProvider } from '../providers/provider.ts';
import { checkSettings } from '../providers/settings.ts';
import { type BackgroundCache, openBackgroundCache } from '../utils/background-cache.ts';
import { openCache } from '../utils/cache.ts';
import { ensurePrivateFolder, isFile, removeFile } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import { isSpentJournal, type Journal, openJournal } from '../utils/journal.ts';
import { waitForLock } from '../utils/locks.ts';
import { type AnswerCheck, openAnswerCheck } from './answer-check.ts';
import { createCustomId, digestPrompt, parseCustomId } from './custom-ids.ts';
import { type Dataset, type DatasetOrder, drawRows, readDataset } from './dataset.ts';
import { checkFreeSpace } from './free-space.ts';
import { leaveHistory, RunMeter } from './leave-history.ts';
import { errorsPathFor, mergeAnswers } from './merge.ts';
import { mergeCachedAnswers } from './merge-cached.ts';
import { PromptIndex } from './prompt-index.ts';
import type { RetryNotice } from './retry.ts';
import { RowSet } from './row-set.ts';
import type { MergeSummary } from './row-tally.ts';
import { journalPath, keptJournalPath, nameCachedRun, nameUncachedRun } from './run-names.ts';
import { runRows } from './run-rows.ts';
import { selectCached } from './store-answers.ts';
import { sweepHome } from './sweep-home.ts';

export interface SyncOrder {
  readonly dataset: DatasetOrder;
  readonly provider: ProviderName;
  readonly model: string;
  /** Absolute. Overwritten: whoever calls has asked. With `deliver` only a name. */
  readonly outputPath: string;
  /** Takes the complete output from a file, in place of leaving it at `outputPath`. */
  readonly deliver?: ((path: string) => Promise<void>) | undefined;
  readonly withMeta: boolean;
  /** Adds `llm_error`. */
  readonly withError: boolean;
  /** Adds `llm_input_tokens`, `llm_output_tokens` and `llm_finish_reason`. */
  readonly withUsage: boolean;
  /** Answers go to and come from the cache, and equal prompts are asked once. */
  readonly useCache: boolean;
  readonly settings?: GenerationSettings | undefined;
  readonly workers: number;
}

/** An order of which it is settled what rows are run. */
export interface DrawnOrder extends SyncOrder {
  readonly dataset: Dataset;
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
  /** Before each call; what this throws stops the run, as a refused key does. */
  beforeCall?(): void;
  /** A call was answered, and is paid for. */
  onAnswered?(result: RowResult): void;
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
  syncOrder: SyncOrder,
  openProvider: () => Promise<SyncProvider>,
  signal: AbortSignal,
  events: SyncEvents = {},
): Promise<SyncSummary> {
  checkSettings(syncOrder.provider, syncOrder.settings);
  const checkAnswer = await openAnswerCheck(syncOrder.settings);
  await checkFreeSpace(home.root, syncOrder.dataset);
  const order = { ...syncOrder, dataset: await drawRows(syncOrder.dataset, signal) };
  await sweepHome(home);
  await ensurePrivateFolder(home.results);
  const meter = new RunMeter();
  const ground = { home, order, openProvider, checkAnswer, signal, events, meter };
  const summary = await (order.useCache ? runWithCache(ground) : runWithoutCache(ground));
  if (!order.deliver)
    await leaveHistory(home, { ...order, ...meter, mode: 'live', summary, cachedRows: summary.cacheHits });
  return summary;
}

/** What a live run is given. */
interface SyncGround {
  readonly home: LoomHome;
  readonly order: DrawnOrder;
  readonly openProvider: () => Promise<SyncProvider>;
  readonly checkAnswer: AnswerCheck;
  readonly signal: AbortSignal;
  readonly events: SyncEvents;
  readonly meter: RunMeter;
}

/** What an earlier run paid for is in the cache, and in a journal what the cache refused. */
async function runWithCache(ground: SyncGround): Promise<SyncSummary> {
  const { home, order, events } = ground;
  const runName = nameCachedRun(order);
  const kept = keptJournalPath(home, runName);
  return underLock(ground, runName, async (signal) => {
    if (await isSpentJournal(kept)) await removeFile(kept);
    const cache = openBackgroundCache(home.cache, order.provider, order.model, order.settings);
    try {
      const merge = { ...order, outputPath: placeOutput(ground, runName), temporaryTag: runName };
      const { prompts, summary } = await mergeCachedAnswers(merge, cache, signal);
      if (summary) {
        await deliverOutput(ground, runName);
        await removeFile(kept);
        events.onProgress?.({ done: prompts, total: prompts, cacheHits: prompts, errors: 0 });
        return { ...summary, outputPath: order.outputPath, cacheHits: prompts };
      }
      await removeFile(journalPath(home, runName));
      const provider = await ground.openProvider();
      const answered = await answerAndMerge(ground, { runName, prompts, provider, cache, signal });
      await removeFile(kept);
      return answered;
    } finally {
      await removeFile(journalPath(home, runName));
      await cache.close();
    }
  });
}

/** The journal has what an earlier run was answered, until the output is written. */
async function runWithoutCache(ground: SyncGround): Promise<SyncSummary> {
  const { home, order } = ground;
  const census = await readDataset(order.dataset, ground.signal);
  const provider = await ground.openProvider();
  const runName = nameUncachedRun(home, { ...order, baseUrl: provider.baseUrl }, census.sha256);
  const path = keptJournalPath(home, runName);
  return underLock(ground, runName, async (signal) => {
    if (await isSpentJournal(path)) await removeFile(path);
    const prompts = census.rows - census.blankRows;
    const summary = await answerAndMerge(ground, { runName, prompts, provider, cache: undefined, signal });
    await removeFile(path);
    return summary;
  });
}

/** Does the work of a run while no other process does the same; the lock stays only with a journal. */
async function underLock<Result>(
  { home, signal, events }: SyncGround,
  runName: string,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const lock = await waitForLock(home.locks, runName, signal, () => events.onWait?.());
  try {
    return await work(AbortSignal.any([signal, lock.lost]));
  } finally {
    if (!(await isFile(keptJournalPath(home, runName)))) await lock.forget();
    await lock.release();
  }
}

/** Where the output is written: in its place, or where it waits to be delivered. */
function placeOutput({ home, order }: Pick<SyncGround, 'home' | 'order'>, runName: string): string {
  return order.deliver ? join(home.results, `${runName}_output`) : order.outputPath;
}

async function deliverOutput(run: Pick<SyncGround, 'home' | 'order'>, runName: string): Promise<void> {
  if (!run.order.deliver) return;
  const path = placeOutput(run, runName);
  try {
    await run.order.deliver(path);
  } finally {
    await removeFile(path);
    await removeFile(errorsPathFor(path));
  }
}

/** What the steps of one run share. */
interface SyncRun {
  readonly home: LoomHome;
  readonly order: DrawnOrder;
  readonly provider: SyncProvider;
  readonly checkAnswer: AnswerCheck;
  readonly journal: Journal;
  /** Leaves the journal to the next run, however this one ends. */
  keepJournal(): Promise<void>;
  readonly cache: BackgroundCache | undefined;
  readonly signal: AbortSignal;
  readonly events: SyncEvents;
  readonly meter: RunMeter;
  readonly progress: { done: number; readonly total: number; cacheHits: number; errors: number };
}

async function answerAndMerge(
  { home, order, checkAnswer, events, meter }: SyncGround,
  {
    runName,
    prompts,
    ...reach
  }: Pick<SyncRun, 'provider' | 'cache' | 'signal'> & { readonly runName: string; readonly prompts: number },
): Promise<SyncSummary> {
  const kept = keptJournalPath(home, runName);
  const path = (await isFile(kept)) ? kept : journalPath(home, runName);
  const journal = await openRunJournal(path, events);
  const keepJournal = async () => {
    if (path !== kept) await rename(path, kept);
  };
  const progress = { done: 0, total: prompts, cacheHits: 0, errors: 0 };
  const run: SyncRun = {
    ...reach,
    home,
    order,
    checkAnswer,
    journal,
    keepJournal,
    events,
    meter,
    progress,
  };
  try {
    const { areShared } = await answerRows(run);
    await journal.flush();
    return await mergeJournal(run, runName, areShared);
  } finally {
    await journal.close();
  }
}

async function openRunJournal(path: string, events: SyncEvents): Promise<Journal> {
  let kept = 0;
  const journal = await openJournal(path, (customId) => {
    kept += 1;
    return parseCustomId(customId)?.index;
  });
  if (kept > 0) events.onResumed?.(kept);
  return journal;
}

async function mergeJournal(run: SyncRun, runName: string, areShared: boolean): Promise<SyncSummary> {
  const { order, journal, progress } = run;
  const outputPath = placeOutput(run, runName);
  const equalPrompts = areShared ? new PromptIndex() : undefined;
  const merge = {
    ...order,
    outputPath,
    changedRows: 'refuse',
    temporaryTag: runName,
    // An output that is delivered is not safe before it is: until then its answers stay in the journal.
    ...(!order.deliver && {
      onComplete: (temporaryPath: string) => journal.markSpent(temporaryPath, outputPath),
    }),
  } as const;
  const summary = await mergeAnswers(merge, ({ index, prompt }) => {
    if (prompt === null) return 'not_sent';
    const asked = equalPrompts ? equalPrompts.firstRowWith(digestPrompt(prompt), index) : index;
    return journal.get(asked) ?? 'changed';
  });
  await deliverOutput(run, runName);
  return { ...summary, outputPath: order.outputPath, cacheHits: progress.cacheHits };
}

/**
 * Puts an answer for every row with a prompt into the journal, but for rows that ask what an earlier one asked: whether
 * answers are shared in that way.
 */
async function answerRows(run: SyncRun): Promise<{ areShared: boolean }> {
  const { order, provider, checkAnswer, journal, cache, signal, events, meter, progress } = run;
  const prompts = new PromptIndex();
  const cachedRows = new RowSet();
  const known = cache && openCache(run.home.cache, order.provider, order.model, order.settings);
  const storeInCache = createCacheWriter(run);
  let areShared = false;
  events.onProgress?.(progress);

  function count(result?: RowResult): void {
    progress.done += 1;
    if (result && result.outcome !== 'succeeded') progress.errors += 1;
    events.onProgress?.(progress);
  }

  /** What an earlier run was answered for this very row; its input may have been another. */
  function readKept(index: number, digest: Buffer): RowResult | undefined {
    const kept = journal.has(index) ? journal.get(index) : undefined;
    return kept?.customId === createCustomId(index, digest) ? kept : undefined;
  }

  await runRows({
    dataset: order.dataset,
    workers: order.workers,
    signal,
    onRetry: (notice) => events.onRetry?.(notice),
    async answerAtOnce({ index }, prompt, digest) {
      const first = cache ? prompts.firstRowWith(digest, index) : index;
      if (first !== index) {
        areShared = true;
        if (cachedRows.has(first)) progress.cacheHits += 1;
        count();
        return true;
      }
      const kept = readKept(index, digest);
      const cached = known?.get(prompt);
      if (!kept && !cached) return false;
      if (cached) {
        progress.cacheHits += 1;
        cachedRows.add(index);
      } else await storeInCache(prompt, kept);
      if (cached && !kept) {
        const customId = createCustomId(index, digest);
        await journal.addCached(index, { customId, outcome: 'succeeded', ...cached });
      }
      count();
      return true;
    },
    async call({ index }, prompt, digest, calls, callSignal) {
      const { model, settings } = order;
      const request = { customId: createCustomId(index, digest), model, prompt, settings };
      const answering = calls.run(async () => {
        events.beforeCall?.();
        const startedAt = performance.now();
        const answer = checkAnswer(await provider.generate(request, callSignal));
        meter.addCall(answer, performance.now() - startedAt);
        // Within the call's place in the queue: no more answers than workers wait for the disk.
        await Promise.all([storeInCache(prompt, answer), journal.add(index, answer)]);
        events.onAnswered?.(answer);
        return answer;
      });
      const result = await answering.catch(async (error: unknown) => {
        const failed = asFailedRow(request.customId, error);
        await journal.add(index, failed);
        return failed;
      });
      count(result);
    },
  });
  return { areShared };
}

/** A refusal of one row, or one that did not pass, is that row's result; anything wider is thrown on. */
function asFailedRow(customId: string, error: unknown): RowResult {
  if (!(error instanceof ProviderError) || error.scope === 'run') throw error;
  return { customId, outcome: 'failed', error: { kind: error.code, message: error.message } };
}

/** Stores what is an answer, if it can; what the cache refuses is safe in the journal. */
function createCacheWriter({ cache, order, events, keepJournal }: SyncRun) {
  let troubled = false;
  return async (prompt: string, result: RowResult | undefined): Promise<void> => {
    if (!cache || result?.outcome !== 'succeeded') return;
    try {
      await cache.setAll([[prompt, selectCached(result, order.withUsage)]]);
    } catch (error) {
      if (troubled) return;
      troubled = true;
      events.onCacheTrouble?.(error);
      await keepJournal();
    }
  };
}
