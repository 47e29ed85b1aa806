/**
 * The story of `loom run --sync`: check the input whole, answer each row at once or from the cache, write the output.
 * The input is read for each of these steps. Every answer keeps the digest of the prompt that it was asked with, and is
 * written only beside a row that has this prompt at the end: an input that was changed in between stops the run there,
 * and the next one uses what was paid for.
 */

import { randomBytes } from 'node:crypto';
import { type BackgroundCache, openBackgroundCache } from '../../cache/background-cache.ts';
import { ensurePlaces } from '../../cache/cache.ts';
import { contentOf, digestContent } from '../../core/request/content.ts';
import type { SyncProvider } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import { checkSettings } from '../../providers/settings.ts';
import type { Journal } from '../../state/journal.ts';
import { nameJob } from '../../state/stored-jobs.ts';
import { WrittenBytes } from '../../storage/file-identity.ts';
import { ensurePrivateFolder, removeFile } from '../../storage/files.ts';
import { deleteHeld, holdHome, type LoomHome } from '../../storage/home.ts';
import { waitForLock } from '../../storage/locks.ts';
import { openAnswerCheck } from '../answers/answer-check.ts';
import { findTwinsOfInput } from '../batch/parts/claim-work.ts';
import { describeServer } from '../calls/answer-server.ts';
import { createCustomId } from '../dataset/custom-ids.ts';
import { drawRows, readDataset } from '../dataset/dataset.ts';
import { PromptIndex } from '../dataset/first-rows.ts';
import { checkFreeSpace } from '../dataset/free-space.ts';
import { leaveOutSpent, openRunJournals, type RunJournals } from '../journals/run-journals.ts';
import {
  listKeptJournals,
  listUncachedJournals,
  nameCachedRun,
  nameUncachedRun,
} from '../journals/run-names.ts';
import { workOf } from '../orders/same-work.ts';
import { claimOutput } from '../output/claim-output.ts';
import { mergeAnswers } from '../output/merge.ts';
import { reasonsPathFor } from '../output/reasons-file.ts';
import type { MergeSummary } from '../output/row-tally.ts';
import { sweepHome } from '../sweep/sweep-home.ts';
import { leaveHistory, RunMeter } from '../usage/leave-history.ts';
import { answerRows } from './answer-rows.ts';
import { mergeCachedAnswers } from './merge-cached.ts';
import type { SyncContext, SyncEvent, SyncOrder } from './sync-order.ts';

export interface SyncSummary extends MergeSummary {
  readonly outputPath: string;
  readonly cacheHits: number;
  /** Of a sample: from how many rows it was drawn. */
  readonly drawnFrom?: number | undefined;
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
  onEvent: (event: SyncEvent) => void,
): Promise<SyncSummary> {
  checkSettings(providerEntry(syncOrder.provider), syncOrder.settings);
  const checkAnswer = await openAnswerCheck(syncOrder.settings);
  await checkFreeSpace(home.root, syncOrder.dataset);
  const order = { ...syncOrder, dataset: await drawRows(syncOrder.dataset, signal) };
  ensurePlaces(home, order.useCache);
  await sweepHome(home);
  await ensurePrivateFolder(home.results.locate(''));
  const meter = new RunMeter();
  const run = { home, order, openProvider, checkAnswer, meter, signal, onEvent };
  const summary = await (order.useCache ? runWithCache(run) : runWithoutCache(run));
  if (!order.deliver && summary.isWritten)
    await leaveHistory(home, { ...order, ...meter, mode: 'live', summary, cachedRows: summary.cacheHits });
  const { pick } = order.dataset;
  return pick && 'of' in pick ? { ...summary, drawnFrom: pick.of } : summary;
}

interface SyncRun extends SyncContext {
  readonly openProvider: () => Promise<SyncProvider>;
}

/** What an earlier run paid for is in the cache, and in journals what the cache refused. */
async function runWithCache(run: SyncRun): Promise<SyncSummary> {
  const { home, order, onEvent } = run;
  const runName = nameCachedRun(order);
  return underLock(run, runName, async (held) => {
    const kept = await dropSpent(held, await listKeptJournals(home, runName));
    const server = describeServer(order.provider, order.server);
    const cache = openBackgroundCache(home.cache, order.provider, order.model, order.settings, server);
    try {
      const { rows, prompts, summary } = await mergeCachedAnswers(describeMerge(held), cache, held);
      if (summary) {
        await deliverOutput(held);
        await dropJournals(held, kept);
        const counts = { done: prompts, total: prompts, cacheHits: prompts, errors: summary.failed };
        onEvent({ type: 'progress', ...counts });
        return { ...summary, outputPath: order.outputPath, cacheHits: prompts };
      }
      const provider = await run.openProvider();
      return await answerAndMerge(held, { kept, rows, prompts, provider, cache });
    } finally {
      await cache.close();
    }
  });
}

/** The journals have what earlier runs were answered, until the output is written. */
async function runWithoutCache(run: SyncRun): Promise<SyncSummary> {
  const { home, order } = run;
  const { rows, blankRows, sha256 } = await readDataset(order.dataset, run.signal);
  const provider = await run.openProvider();
  return underLock(run, nameUncachedRun(order), async (held) => {
    const kept = await dropSpent(held, await listUncachedJournals(home, order, sha256));
    const prompts = rows - blankRows;
    return answerAndMerge(held, { kept, rows, prompts, provider, cache: undefined });
  });
}

/** A run that no other process does: its home may be changed while the lock is held, and its signal is aborted when that is lost. */
interface HeldRun extends SyncContext {
  readonly runName: string;
  /** Where the output is written: in its place, or where it waits to be delivered. */
  readonly outputPath: string;
}

/** Does the work of a run while no other process does the same, or writes its output; the lock stays only with a journal. */
async function underLock<Result>(
  run: SyncContext,
  runName: string,
  work: (held: HeldRun) => Promise<Result>,
): Promise<Result> {
  const { home, order, signal, onEvent } = run;
  const lock = await waitForLock(home.locks, runName, signal, () => onEvent({ type: 'waiting' }));
  try {
    const claim = order.deliver ? undefined : await claimOutput(home, order);
    try {
      const waiting = home.results.locate(`${runName}_output.${randomBytes(6).toString('hex')}`);
      return await work({
        ...run,
        runName,
        signal: AbortSignal.any([signal, lock.lost]),
        home: holdHome(home, lock),
        outputPath: order.deliver ? waiting : order.outputPath,
      });
    } finally {
      await claim?.forget();
    }
  } finally {
    if ((await listKeptJournals(home, runName)).length === 0) await lock.forget();
    await lock.release();
  }
}

async function dropSpent(held: HeldRun, journals: readonly string[]): Promise<readonly string[]> {
  const usable = await leaveOutSpent(held.home.results, journals);
  if (usable.length === 0) await dropJournals(held, journals);
  return usable;
}

async function dropJournals({ home }: HeldRun, journals: readonly string[]): Promise<void> {
  for (const name of journals) await deleteHeld(home, home.results, name);
}

async function deliverOutput({ order, outputPath }: HeldRun): Promise<void> {
  if (!order.deliver) return;
  try {
    await order.deliver(outputPath);
  } finally {
    await removeFile(outputPath);
    await removeFile(reasonsPathFor(outputPath));
  }
}

function describeMerge({ order, runName, home, outputPath }: HeldRun) {
  return {
    ...order,
    outputPath,
    changedRows: 'refuse',
    changeWords: {
      since: 'start',
      sent: 'asked',
      hint: 'What was answered is kept: the same run again asks only for what is new. No output was written.',
    },
    workTag: runName,
    ensureHeld: home.ensureHeld,
  } as const;
}

/** What a run has found out before its first call. */
interface CheckedInput {
  /** Journals that earlier tries left. */
  readonly kept: readonly string[];
  readonly rows: number;
  readonly prompts: number;
  readonly provider: SyncProvider;
  readonly cache: BackgroundCache | undefined;
}

async function answerAndMerge(
  run: HeldRun,
  { kept, rows, prompts, provider, cache }: CheckedInput,
): Promise<SyncSummary> {
  const { home, order, signal, onEvent } = run;
  const [twin] = await findTwinsOfInput(home, workOf(order), signal);
  if (twin) onEvent({ type: 'pending', id: nameJob(twin) });
  const journals = await openRunJournals(home, run.runName, kept);
  if (journals.kept > 0) onEvent({ type: 'resumed', answers: journals.kept });
  const progress = { done: 0, total: prompts, cacheHits: 0, errors: 0 };
  cache?.expectLive(prompts);
  try {
    const { areShared } = await answerRows({ ...run, provider, cache, journals, progress });
    await journals.journal.flush();
    // By the other thread, beside the merge.
    const settling = cache?.settleLive().catch(() => {});
    const summary = await mergeJournal(run, journals, { rows, areShared });
    await settling;
    if (summary.isWritten) await dropJournals(run, kept);
    await journals.remove();
    return { ...summary, outputPath: order.outputPath, cacheHits: progress.cacheHits };
  } finally {
    await journals.close();
  }
}

/** Notes in the journal how the output is known that its answers are in. */
function markSpent(journal: Journal, outputPath: string) {
  const written = new WrittenBytes();
  return {
    onBytes: (chunk: Buffer) => written.add(chunk),
    onComplete: async (draftPath: string) => journal.markSpent(await written.identify(draftPath), outputPath),
  };
}

async function mergeJournal(
  run: HeldRun,
  { journal }: RunJournals,
  { rows, areShared }: { readonly rows: number; readonly areShared: boolean },
): Promise<MergeSummary> {
  const { order, outputPath, checkAnswer } = run;
  const equalPrompts = areShared ? new PromptIndex() : undefined;
  const merge = {
    ...describeMerge(run),
    expectedRows: rows,
    // An output that is delivered is not safe before it is: until then its answers stay in the journal.
    ...(!order.deliver && markSpent(journal, outputPath)),
  };
  const summary = await mergeAnswers(merge, (row) => {
    const { index } = row;
    const content = contentOf(row);
    if (content === null) return journal.has(index) ? 'changed' : 'not_sent';
    const digest = digestContent(content);
    const slot = equalPrompts ? equalPrompts.firstRowWith(digest, index) : index;
    const result = journal.get({ slot, digest, customId: createCustomId(slot, digest) });
    return result ? checkAnswer(result) : 'changed';
  });
  await deliverOutput(run);
  return summary;
}
