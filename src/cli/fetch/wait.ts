/** `--wait` of `fetch` and `run`: the wait, what is told meanwhile, and how it ends. */
import { InterruptedError, LoomError } from '../../core/errors.ts';
import type { BatchRecord, BatchStatus } from '../../core/models.ts';
import { quoteShell } from '../../core/shell.ts';
import type { FetchEvents, FetchOrder, FetchSummary } from '../../orchestrator/batch/fetch/fetch-run.ts';
import { waitForBatches } from '../../orchestrator/batch/wait/wait-batches.ts';
import type { WaitEvents } from '../../orchestrator/batch/wait/wait-news.ts';
import { hasEndedBadly, namePart } from '../../state/stored-jobs.ts';
import type { LoomHome } from '../../storage/home.ts';
import { tellBoth } from '../documents/fetch-document.ts';
import { formatTimeSpan } from '../flags/flag-values.ts';
import type { CommandContext, WaitFlags } from '../options/options.ts';
import { nameProvider } from '../options/reach.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countDone } from '../words/counts.ts';
import { describeError } from '../words/describe-error.ts';
import { loom } from '../words/proposed-command.ts';
import { tellRetriesOf } from '../words/retries.ts';
import { nameCount, startWaitView } from './wait-view.ts';
import {
  explainQueued,
  explanations,
  type FetchVoice,
  printEvents,
  printStatus,
  tellFullQueue,
} from './words.ts';

/** LoomError `usage` for flags that are about a wait where there is none. */
export function checkWaitFlags({ wait, interval, timeout }: WaitFlags, waits = wait): void {
  const flag = interval !== undefined ? '--interval' : timeout !== undefined ? '--timeout' : undefined;
  if (flag === undefined || waits) return;
  throw wait
    ? new LoomError('usage', `${flag} is about waiting for a batch, and --sync has none.`, {
        hint: 'Leave one of them out.',
      })
    : new LoomError('usage', `${flag} is about --wait.`, { hint: 'Pass --wait too, or leave it out.' });
}

/** Waits until nothing is pending. LoomError `timeout` when --timeout is over before. */
export async function waitAndTell(
  home: LoomHome,
  order: FetchOrder,
  options: WaitFlags & Pick<FetchVoice, 'keep'>,
  { terminal, signal }: CommandContext,
  listeners: FetchEvents,
): Promise<FetchSummary> {
  const voice = { keep: options.keep, sandbox: home.isSandbox };
  const goOn = loom(`fetch${order.id === undefined ? '' : ` --id ${quoteShell(order.id)}`}`, voice);
  const view = startWaitView(terminal, goOn);
  const events = { ...tellBoth(listeners, printChanges(voice, terminal)), onWatch: view.update };
  const waiting = { intervalMs: options.interval, timeoutMs: options.timeout };
  try {
    const { timedOut, pending, total, ...summary } = await waitForBatches(
      home,
      order,
      waiting,
      signal,
      events,
    );
    if (!timedOut) return summary;
    const after = `timed out after ${formatTimeSpan(options.timeout ?? 0)}`;
    throw new LoomError(
      'timeout',
      `${after}: ${nameCount(pending, total)} pending; ${goOn} goes on from there.`,
    );
  } catch (error) {
    view.stop();
    if (error instanceof InterruptedError)
      terminal.note(`The batches go on at the provider, and what is in is kept: ${goOn} goes on from there.`);
    throw error;
  } finally {
    view.stop();
  }
}

/** Sentences that are otherwise true of a single look. */
const waitExplanations: typeof explanations = {
  ...explanations,
  queued: "The provider's queue is full; this part is submitted when there is room.",
  in_progress: 'Provider is actively running the prompts.',
  unknown: 'The provider could not be asked; the next check tries again.',
};

/** What a fetch says, where something changed; the view has what is on its way. */
function printChanges(voice: FetchVoice, terminal: Terminal): WaitEvents {
  const isViewed = terminal.drawsBars && terminal.showsResults;
  const tellRetry = tellRetriesOf(terminal);
  const lastStatus = new Map<string, BatchStatus>();
  const tellStatus = (id: string, status: BatchStatus | 'queued') =>
    printStatus(id, status, terminal, waitExplanations[status]);
  return {
    ...printEvents(voice, terminal),
    onStatus(record, reason) {
      const { batch_id: id, status } = record;
      const isNew = lastStatus.get(id) !== status;
      lastStatus.set(id, status);
      if (!isViewed || hasEndedBadly(status)) {
        if (isNew) tellStatus(id, status);
        else terminal.print(describeProgress(record));
      }
      if (isNew && reason) terminal.warn(`batch ${id}: ${reason}`);
    },
    onQueued(job, part) {
      if (!isViewed) {
        const sentence = explainQueued(job, part) ?? waitExplanations.queued;
        printStatus(namePart(job, part), 'queued', terminal, sentence);
      }
      tellFullQueue(job, part, terminal);
    },
    onTrouble(id, provider, error) {
      const told = describeError(nameProvider(provider, error));
      terminal.warn(`batch ${id}: ${told} The next check tries again.`);
    },
    onGone: (id) =>
      terminal.note(
        `Batch ${id} is not pending any more: another process fetched it, or its record is gone.`,
      ),
    // The next check is another try, and tells what lasts.
    onRetry(provider, notice) {
      if (terminal.tellsDetails) tellRetry(provider, notice);
    },
  };
}

/** `Checking the loom... id=… status=in_progress done=340/1000 failed=2` */
function describeProgress({ batch_id: id, status, counts }: BatchRecord): string {
  return `Checking the loom... id=${id} status=${status} done=${countDone(counts ?? {})} failed=${counts?.failed ?? 0}`;
}

/** The exit code of a fetch that ended. */
export function exitCodeOfFetch({ troubled, incomplete }: FetchSummary): number {
  if (troubled) return 1;
  return incomplete ? 3 : 0;
}
