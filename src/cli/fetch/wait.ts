/** `--wait` of `fetch` and `run`: the wait, what is told meanwhile, and how it ends. */

import {
  type FetchBatchesEvent,
  type FetchBatchesOptions,
  type FetchedBatches,
  fetchBatches,
} from '../../api/fetch-batches.ts';
import { InterruptedError, LoomError } from '../../core/errors.ts';
import type { BatchRecord, BatchStatus } from '../../core/models.ts';
import { quoteShell } from '../../core/shell.ts';
import { formatTimeSpan } from '../flags/flag-values.ts';
import type { WaitFlags } from '../options/options.ts';
import { nameProvider } from '../options/reach.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countDone } from '../words/counts.ts';
import { describeError } from '../words/describe-error.ts';
import { loom } from '../words/proposed-command.ts';
import { nameCount, startWaitView, type WaitView } from './wait-view.ts';
import {
  explainQueued,
  explanations,
  type FetchVoice,
  printStatus,
  tellFetch,
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
  order: FetchBatchesOptions,
  options: WaitFlags & FetchVoice,
  terminal: Terminal,
  note: (event: FetchBatchesEvent) => void,
): Promise<FetchedBatches> {
  const goOn = loom(`fetch${order.id === undefined ? '' : ` --id ${quoteShell(order.id)}`}`, options);
  const view = startWaitView(terminal, goOn);
  const tell = tellChanges(options, terminal, view);
  const wait = { intervalMs: options.interval, timeoutMs: options.timeout };
  const onEvent = (event: FetchBatchesEvent) => {
    note(event);
    tell(event);
  };
  try {
    const fetched = await fetchBatches({ ...order, wait, onEvent });
    if (!fetched.timedOut || !fetched.left) return fetched;
    const after = `timed out after ${formatTimeSpan(options.timeout ?? 0)}`;
    const { pending, total } = fetched.left;
    throw new LoomError(
      'timeout',
      `${after}: ${nameCount(pending, total)} pending; ${goOn} goes on from there.`,
    );
  } catch (error) {
    view.stop();
    if (error instanceof InterruptedError)
      terminal.note(
        `The batches go on at the provider, and what has arrived is kept: ${goOn} goes on from there.`,
      );
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

const earlyEnds: ReadonlySet<BatchStatus> = new Set(['failed', 'expired', 'cancelled']);

/** What a fetch says, where something changed; the view has what is on its way. */
function tellChanges(
  voice: FetchVoice,
  terminal: Terminal,
  view: WaitView,
): (event: FetchBatchesEvent) => void {
  const isViewed = terminal.drawsBars && terminal.showsResults;
  const tell = tellFetch(voice, terminal);
  const lastStatus = new Map<string, BatchStatus>();

  function tellStatus({ record, reason }: Extract<FetchBatchesEvent, { type: 'status' }>): void {
    const { batch_id: id, status } = record;
    const isNew = lastStatus.get(id) !== status;
    lastStatus.set(id, status);
    if (!isViewed || earlyEnds.has(status)) {
      if (isNew) printStatus(id, status, terminal, waitExplanations[status]);
      else terminal.print(describeProgress(record));
    }
    if (isNew && reason) terminal.warn(`batch ${id}: ${reason}`);
  }

  return (event) => {
    switch (event.type) {
      case 'watch':
        return view.update(event.watch);
      case 'status':
        return tellStatus(event);
      case 'queued':
        if (!isViewed)
          printStatus(event.name, 'queued', terminal, explainQueued(event) ?? waitExplanations.queued);
        return tellFullQueue(event, terminal);
      case 'trouble': {
        const told = describeError(nameProvider(event.provider, event.error));
        return terminal.warn(`batch ${event.id}: ${told} The next check tries again.`);
      }
      case 'gone':
        return terminal.note(
          `Batch ${event.id} is not pending any more: another process fetched it, or its record is gone.`,
        );
      case 'retry':
        // The next check is another try, and tells what lasts.
        return terminal.tellsDetails ? tell(event) : undefined;
      default:
        return tell(event);
    }
  };
}

/** `Checking the loom... id=… status=in_progress done=340/1000 failed=2` */
function describeProgress({ batch_id: id, status, counts }: BatchRecord): string {
  return `Checking the loom... id=${id} status=${status} done=${countDone(counts ?? {})} failed=${counts?.failed ?? 0}`;
}

/** The exit code of a fetch that ended. */
export function exitCodeOfFetch({ troubled, incomplete }: FetchedBatches): number {
  if (troubled) return 1;
  return incomplete ? 3 : 0;
}
