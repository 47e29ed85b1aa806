/** `loom run --sync`: what is told of a live run. */
import { createReadStream } from 'node:fs';
import { LongWaitError, LoomError } from '../../core/errors.ts';
import { findServer } from '../../orchestrator/calls/answer-server.ts';
import { type CostLimit, CostLimitReached } from '../../orchestrator/estimate/cost-limit.ts';
import { runSync, type SyncSummary } from '../../orchestrator/live/run-sync.ts';
import type { SyncOrder, SyncProgress } from '../../orchestrator/live/sync-order.ts';
import { UsageTally } from '../../orchestrator/usage/usage-tally.ts';
import type { Connection } from '../../providers/connection.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { nameJob } from '../../state/stored-jobs.ts';
import type { Placing } from '../../storage/output-file.ts';
import { documentOutput } from '../documents/output-document.ts';
import { goesToStdout, type RunOrder } from '../options/orders.ts';
import { choosePlacing, warnOfForeignReasons } from '../options/overwrite.ts';
import { startProgress } from '../terminal/progress.ts';
import { formatDollars, reportUsage } from '../words/costs.ts';
import { countOf } from '../words/counts.ts';
import { tellRetries } from '../words/retries.ts';
import { openCostLimit } from './dry-run.ts';
import { type StartedRun, tellDone } from './started-run.ts';

/** Answers every row and writes the output; returns the exit code. */
export async function answerRun(started: StartedRun): Promise<number> {
  const { options, context, reach, entry, order, document } = started;
  const { terminal } = context;
  const connection = reach.connect(entry);
  const { baseUrl, serverName } = options;
  const server = findServer(reach.home, entry.name, { ...connection, serverName });
  const liveOrder = { ...order, baseUrl, server };
  const toStdout = goesToStdout(options);
  const placing = toStdout ? 'new' : await choosePlacing(order.outputPath, options, terminal);
  if (!placing) return 0;
  if (!toStdout) await warnOfForeignReasons(order, terminal);
  const limit =
    options.maxCost === undefined
      ? undefined
      : await openCostLimit(reach.home, options.maxCost, options, entry, liveOrder, context.signal);
  const { provider, model, workers } = options;
  terminal.note(
    `Weaving live... provider=${provider} model=${model} workers=${workers} cache=${options.cache ? 'on' : 'off'}`,
  );
  const usage = new UsageTally();
  const isRehearsal = reach.home.isSandbox;
  const tellUsage = () => reportUsage(usage, { entry, model, batch: false, isRehearsal }, terminal);
  try {
    const summary = await generate({
      ...started,
      order: liveOrder,
      connection,
      toStdout,
      placing,
      usage,
      limit,
    });
    const done = { ...summary, outputPath: toStdout ? undefined : summary.outputPath, summary };
    if (summary.isWritten) {
      document.kind = 'answered';
      document.output = await documentOutput({
        ...done,
        id: undefined,
        provider,
        model,
        usage,
        batch: false,
        isRehearsal,
      });
    }
    return await tellDone(done, terminal, toStdout ? terminal.note : terminal.print, tellUsage);
  } catch (error) {
    await tellUsage();
    if (error instanceof CostLimitReached && limit) throw describeStop(limit);
    throw error instanceof LongWaitError ? describeLimit(entry, error) : error;
  }
}

/** What a live run needs beside its flags. */
interface LiveRun extends StartedRun {
  readonly order: RunOrder & Pick<SyncOrder, 'baseUrl' | 'server'>;
  readonly connection: Connection;
  readonly toStdout: boolean;
  readonly placing: Placing;
  /** Grows with each answer. */
  readonly usage: UsageTally;
  readonly limit: CostLimit | undefined;
}

async function generate(live: LiveRun): Promise<SyncSummary> {
  const { options, context, reach, entry, connection, order, toStdout, placing, usage, limit } = live;
  const { terminal, signal } = context;
  const progress = startProgress(terminal, 'Generating');
  const tellRetry = tellRetries(entry, terminal);
  const deliver = (path: string) => {
    progress.stop();
    return terminal.writeBytes(createReadStream(path));
  };
  const syncOrder = {
    ...order,
    placing,
    workers: options.workers,
    patienceMs: options.patience,
    deliver: toStdout ? deliver : undefined,
  };
  try {
    return await runSync(reach.home, syncOrder, () => entry.openSync(connection), signal, {
      onProgress: (state) => progress.update({ ...state, details: describeProgress(state) }),
      beforeCall: () => limit?.check(),
      onAnswered(result) {
        usage.add(result);
        limit?.add(result);
      },
      onRetry(notice) {
        usage.addRetry(notice);
        tellRetry(notice);
      },
      onPending: (job) =>
        terminal.note(
          `Note: the same work is pending already as ${nameJob(job)}, a batch; its answers are paid for once more.`,
        ),
      onWait: () => terminal.note('Another process is doing the same run; waiting for it.'),
      onResumed: (answers) =>
        terminal.note(`${countOf(answers, 'answer is', 'answers are')} kept from a run that was cut off.`),
      onCacheTrouble: (error) => terminal.warn(`${(error as Error).message} Answers go to the output only.`),
    });
  } finally {
    progress.stop();
  }
}

function describeStop({ most, spent }: CostLimit): LoomError {
  const what = `--max-cost ${formatDollars(most)} is reached: this run has spent about ${formatDollars(spent)}.`;
  return new LoomError('cost', what, {
    hint: 'The answers so far are kept, and no output is written: the same command with a higher --max-cost goes on from there.',
  });
}

function describeLimit({ title }: ProviderEntry, error: LongWaitError): LoomError {
  return new LoomError('limit', `${title}: ${error.message}`, {
    hint: 'The answers so far are kept, and no output is written: the same command goes on from there. See --patience.',
    cause: error,
  });
}

function describeProgress({ cacheHits, errors }: SyncProgress): string {
  return `cache=${cacheHits}  errors=${errors}`;
}
