/** `loom run` as a batch: what is told of a submission. */

import { quoteShell } from '../../core/shell.ts';
import { describeRecord, describeUnsentPart } from '../../orchestrator/batch/list/list-batches.ts';
import { type SubmitEvents, submitBatch } from '../../orchestrator/batch/submit/submit-batch.ts';
import { findServer } from '../../orchestrator/calls/answer-server.ts';
import type { BatchEntry } from '../../providers/provider.ts';
import type { Job } from '../../state/jobs.ts';
import { nameJob, namePart } from '../../state/stored-jobs.ts';
import type { LoomHome } from '../../storage/home.ts';
import { documentBatch } from '../documents/batch-document.ts';
import { documentOutput } from '../documents/output-document.ts';
import { describeHalved } from '../fetch/words.ts';
import { choosePlacing, warnOfForeignReasons } from '../options/overwrite.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { describeSkipped } from '../words/failures.ts';
import { loom } from '../words/proposed-command.ts';
import { tellRetries } from '../words/retries.ts';
import { openCostLimit } from './dry-run.ts';
import type { AwaitedJob } from './run-wait.ts';
import { type StartedRun, tellDone } from './started-run.ts';

/** What a run came to before it waits. */
export interface SubmittedRun {
  readonly code: number;
  /** With --wait, and when there is something to wait for. */
  readonly awaited?: AwaitedJob;
}

/** Submits, or writes the output when the cache has every answer. */
export async function submitRun(started: StartedRun<BatchEntry>): Promise<SubmittedRun> {
  const { options, context, reach, entry, order, document } = started;
  const { terminal, signal } = context;
  const connection = reach.connect(entry);
  const { baseUrl, batchSize, serverName } = options;
  const server = findServer(reach.home, entry.name, { ...connection, serverName });
  const batchOrder = { ...order, server, baseUrl, batchSize };
  const chooseNow = () => choosePlacing(order.outputPath, options, terminal);
  const chosen = options.wait ? await chooseNow() : undefined;
  if (options.wait && !chosen) return { code: 0 };
  // Who said yes to a file that is there is not asked again; one that comes meanwhile is another matter.
  const mayReplace = options.force || chosen === 'replace';
  const canRepeat = !options.wait && !options.once && terminal.canAsk;
  const submitOptions = {
    again: options.again,
    ...(canRepeat && { confirmAgain: (job: Job) => confirmAgain(job, terminal) }),
    choosePlacing: mayReplace ? async () => 'replace' as const : chooseNow,
  };
  await warnOfForeignReasons(order, terminal);
  if (options.maxCost !== undefined)
    await openCostLimit(reach.home, options.maxCost, options, entry, batchOrder, signal);
  const events = printSubmission(started);
  const outcome = await submitBatch(reach.home, batchOrder, entry, connection, submitOptions, signal, events);
  if (outcome.kind === 'declined') return { code: 0 };
  document.kind = outcome.kind;
  if (outcome.kind === 'pending') tellPending(outcome.job, started);
  if (outcome.kind !== 'answered')
    return { code: 0, ...(options.wait && { awaited: { job: outcome.job, mayReplace } }) };
  document.output = await documentOutput({
    ...outcome.merged,
    id: undefined,
    batch: true,
    isRehearsal: reach.home.isSandbox,
  });
  return { code: await tellDone(outcome.merged, terminal, terminal.print) };
}

/** Whether a person wants to pay for pending work once more. */
async function confirmAgain(job: Job, terminal: Terminal): Promise<boolean> {
  const question = `The same work is pending already as ${nameJob(job)}. Submit it once more?`;
  return (await terminal.confirm(question)) === 'yes';
}

function tellPending(job: Job, { options, context, reach, document }: StartedRun): void {
  const { terminal } = context;
  const id = nameJob(job);
  document.id = id;
  terminal.print(`Nothing sent: the same work is pending already as ${id}.`);
  if (options.wait) return;
  const fetch = loom(`fetch --id ${quoteShell(id)}`, { sandbox: reach.home.isSandbox });
  terminal.note(`${fetch} brings its answers. To pay for them once more, pass --again.`);
}

const sharedOutput = 'The one that is fetched later will find the other in its way, and stay pending.';

function printSubmission({ context, reach, entry, document }: StartedRun): SubmitEvents {
  const { terminal } = context;
  const { home } = reach;
  const begin = () => terminal.note('Spinning the threads... submitting batch.');
  return {
    onPlanned(job) {
      begin();
      if (job.blank_rows > 0) terminal.note(describeSkipped(job.blank_rows));
      if (job.cached_rows > 0 && job.parts.length > 0) {
        terminal.note(`Rows with their answer in the cache: ${job.cached_rows}; only the others are sent.`);
      }
    },
    onResumed(job) {
      begin();
      terminal.note(`Going on with job ${job.job_id}, which was cut off.`);
    },
    onPending(job) {
      terminal.note(`Note: the same work is pending already as ${nameJob(job)}; it is submitted once more.`);
    },
    onSharedOutput: (id, outputPath) =>
      terminal.note(`Note: ${id}, which is pending, has the same output: ${outputPath}. ${sharedOutput}`),
    onSubmitted(record) {
      document.batches.push(documentBatch(describeRecord(home, record)));
      terminal.print(`Batch submitted. id=${record.batch_id} provider=${record.provider}`);
    },
    onAnnounce(job, queued) {
      document.id = nameJob(job);
      const waiting = job.parts.filter(({ state }) => state === 'planned');
      for (const part of waiting) document.batches.push(documentBatch(describeUnsentPart(home, job, part)));
      printSubmitted(job, queued, home, terminal);
    },
    onHalved: (name, requests, reason) => terminal.warn(describeHalved(name, requests, reason)),
    onRetry: tellRetries(entry, terminal),
  };
}

function printSubmitted(job: Job, queued: number, home: LoomHome, terminal: Terminal): void {
  const id = nameJob(job);
  const parts = job.parts.length;
  if (parts > 1) terminal.print(`Job submitted. id=${id} parts=${parts} rows=${job.rows}`);
  if (queued > 0) {
    terminal.note(
      `${queued} of ${parts} parts wait for room in the provider's queue; ${loom('fetch', { sandbox: home.isSandbox })} submits them.`,
    );
    for (const { part, queue } of job.parts)
      if (queue) terminal.warn(`${namePart(job, part)}: ${queue.reason}`);
  }
  terminal.print(
    `Metadata saved to ${home.label}/batches/. Run ${loom(`fetch --id ${quoteShell(id)}`, { sandbox: home.isSandbox })} later.`,
  );
}
