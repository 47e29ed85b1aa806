/** `loom run`: submit a batch, or answer at once with --sync. */
import { createReadStream } from 'node:fs';
import type { RunDocument } from '../documents.ts';
import { InterruptedError, LoomError } from '../errors.ts';
import { type CostLimit, CostLimitReached } from '../orchestrator/cost-limit.ts';
import { describeRecord, describeUnsentPart } from '../orchestrator/list-batches.ts';
import type { MergedJob } from '../orchestrator/merge-job.ts';
import { runSync, type SyncProgress, type SyncSummary } from '../orchestrator/run-sync.ts';
import { nameJob } from '../orchestrator/stored-jobs.ts';
import { type SubmitEvents, submitBatch } from '../orchestrator/submit-batch.ts';
import { UsageTally } from '../orchestrator/usage-tally.ts';
import type { BatchEntry, Connection, ProviderEntry } from '../providers/provider.ts';
import { providerEntry, requireBatchApi } from '../providers/registry.ts';
import { checkOutputPath } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import type { JobRecord } from '../utils/jobs.ts';
import { documentBatch } from './batch-document.ts';
import { formatDollars, reportUsage } from './costs.ts';
import { countOf } from './counts.ts';
import { dryRun, openCostLimit } from './dry-run.ts';
import { describeSkipped, exitCodeOf, reportRows } from './failures.ts';
import { linkPath } from './hyperlinks.ts';
import type { CommandContext, RunOptions } from './options.ts';
import {
  checkBatchStreams,
  checkDocumentStream,
  describeOrder,
  goesToStdout,
  type RunOrder,
} from './orders.ts';
import { documentOutput } from './output-document.ts';
import { mayWrite } from './overwrite.ts';
import { startProgress } from './progress.ts';
import { nameProvider, openReach, type Reach } from './reach.ts';
import { tellRetries } from './retries.ts';
import { type AwaitedJob, waitForJob } from './run-wait.ts';
import { nameSchemaFile } from './settings.ts';
import { checkInputFlags, withInput } from './stdin.ts';
import type { Terminal } from './terminal.ts';
import type { DocumentFields } from './voice.ts';
import { checkWaitFlags } from './wait.ts';

export async function run(options: RunOptions, context: CommandContext): Promise<number> {
  const document = beginDocument(options, context);
  const entry = providerEntry(options.provider);
  if (!options.sync) requireBatchApi(entry);
  checkInputFlags(options);
  if (!options.sync) checkBatchStreams(options, options.wait);
  checkWaitFlags(options, options.wait && !options.sync);
  checkDocumentStream(options, context.voice);
  if (options.dryRun) return dryRun(options, entry, context, document);
  const reach = await openReach(options, context);
  try {
    const { code, awaited } = await submitOrAnswer(options, context, reach, entry, document);
    return awaited ? await waitForJob(awaited, options, context, reach, document) : code;
  } finally {
    await reach.close();
  }
}

/** What a run came to before it waits. */
interface RunOutcome {
  readonly code: number;
  /** With --wait, and when there is something to wait for. */
  readonly awaited?: AwaitedJob;
}

async function submitOrAnswer(
  options: RunOptions,
  context: CommandContext,
  reach: Reach,
  entry: ProviderEntry,
  document: DocumentFields<RunDocument>,
): Promise<RunOutcome> {
  try {
    return await withInput(options, reach.home, context, async (inputPath) => {
      const order = describeOrder(options, inputPath, context.workingFolder);
      return options.sync
        ? { code: await answer(options, context, reach, entry, order, document) }
        : submit(options, context, reach, requireBatchApi(entry), order, document);
    });
  } catch (error) {
    if (error instanceof InterruptedError) context.terminal.note(afterInterrupt(options));
    throw nameProvider(entry, nameSchemaFile(error, options, context.workingFolder));
  }
}

function beginDocument(
  { dryRun, sync, provider, model }: RunOptions,
  { document }: CommandContext,
): DocumentFields<RunDocument> {
  return document.begin<RunDocument>({
    command: 'run',
    mode: dryRun ? 'dry_run' : sync ? 'sync' : 'batch',
    provider,
    model,
    id: null,
    batches: [],
    output: null,
    errors: [],
    estimate: null,
  });
}

function afterInterrupt(options: RunOptions): string {
  return options.sync
    ? 'Answers so far are kept, and no output is written: the same command goes on from there.'
    : 'What was submitted is kept: the same command, or loom fetch, goes on from there.';
}

async function submit(
  options: RunOptions,
  { terminal, signal }: CommandContext,
  reach: Reach,
  entry: BatchEntry,
  order: RunOrder,
  document: DocumentFields<RunDocument>,
): Promise<RunOutcome> {
  const connection = reach.connect(entry);
  const batchOrder = { ...order, baseUrl: options.baseUrl, batchSize: options.batchSize };
  const mayWriteOutput = () => mayWrite(order.outputPath, options, terminal);
  if (options.wait && !(await mayWriteOutput())) return { code: 0 };
  // Who said yes to a file that is there is not asked again; one that comes meanwhile is another matter.
  const mayReplace = options.force || (options.wait && (await checkOutputPath(order.outputPath)));
  const submitOptions = {
    once: options.once,
    mayWriteOutput: mayReplace ? async () => true : mayWriteOutput,
  };
  if (options.maxCost !== undefined)
    await openCostLimit(reach.home, options.maxCost, options, entry, order, signal);
  const events = printSubmission(options, entry, reach.home, terminal, document);
  const outcome = await submitBatch(reach.home, batchOrder, entry, connection, submitOptions, signal, events);
  if (outcome.kind === 'declined') return { code: 0 };
  if (outcome.kind !== 'answered')
    return { code: 0, ...(options.wait && { awaited: { job: outcome.job, mayReplace } }) };
  document.output = await documentOutput({ ...outcome.merged, id: undefined, batch: true });
  return { code: await printDone(outcome.merged, terminal, terminal.print) };
}

function printSubmission(
  options: RunOptions,
  entry: ProviderEntry,
  home: LoomHome,
  terminal: Terminal,
  document: DocumentFields<RunDocument>,
): SubmitEvents {
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
      if (options.once) document.id = nameJob(job);
      const what = `the same work is pending already as ${nameJob(job)}`;
      terminal.note(options.once ? `Nothing sent: ${what}.` : `Note: ${what}; it is submitted once more.`);
    },
    onSubmitted(record) {
      document.batches.push(documentBatch(describeRecord(home, record)));
      terminal.print(`Batch submitted. id=${record.batch_id} provider=${record.provider}`);
    },
    onAnnounce(job, queued) {
      document.id = nameJob(job);
      const waiting = job.parts.filter(({ state }) => state === 'planned');
      for (const { part } of waiting)
        document.batches.push(documentBatch(describeUnsentPart(home, job, part)));
      printSubmitted(job, queued, options, home, terminal);
    },
    onRetry: tellRetries(entry, terminal),
  };
}

function printSubmitted(
  job: JobRecord,
  queued: number,
  options: RunOptions,
  home: LoomHome,
  terminal: Terminal,
): void {
  const id = nameJob(job);
  const parts = job.parts.length;
  if (parts > 1) terminal.print(`Job submitted. id=${id} parts=${parts} rows=${job.rows}`);
  if (queued > 0) {
    terminal.note(
      `${queued} of ${parts} parts wait for room in the provider's queue; loom fetch submits them.`,
    );
  }
  const sandbox = options.sandbox ? ' --sandbox' : '';
  terminal.print(`Metadata saved to ${home.label}/batches/. Run loom fetch --id ${id}${sandbox} later.`);
}

async function answer(
  options: RunOptions,
  context: CommandContext,
  reach: Reach,
  entry: ProviderEntry,
  order: RunOrder,
  document: DocumentFields<RunDocument>,
): Promise<number> {
  const { terminal } = context;
  const connection = reach.connect(entry);
  const toStdout = goesToStdout(options);
  if (!toStdout && !(await mayWrite(order.outputPath, options, terminal))) return 0;
  const limit =
    options.maxCost === undefined
      ? undefined
      : await openCostLimit(reach.home, options.maxCost, options, entry, order, context.signal);
  const { provider, model, workers } = options;
  terminal.note(
    `Weaving live... provider=${provider} model=${model} workers=${workers} cache=${options.cache ? 'on' : 'off'}`,
  );
  const usage = new UsageTally();
  const tellUsage = () => reportUsage(usage, { entry, model, batch: false }, terminal);
  try {
    const live = { reach, entry, connection, order, workers, toStdout, usage, limit };
    const summary = await generate(live, context);
    const done = { ...summary, outputPath: toStdout ? undefined : summary.outputPath, summary };
    document.output = await documentOutput({ ...done, id: undefined, provider, model, usage, batch: false });
    return await printDone(done, terminal, toStdout ? terminal.note : terminal.print, tellUsage);
  } catch (error) {
    await tellUsage();
    throw error instanceof CostLimitReached && limit ? describeStop(limit) : error;
  }
}

/** What a live run needs beside its context. */
interface LiveRun {
  readonly reach: Reach;
  readonly entry: ProviderEntry;
  readonly connection: Connection;
  readonly order: RunOrder;
  readonly workers: number;
  readonly toStdout: boolean;
  /** Grows with each answer. */
  readonly usage: UsageTally;
  readonly limit: CostLimit | undefined;
}

async function generate(live: LiveRun, { terminal, signal }: CommandContext): Promise<SyncSummary> {
  const { reach, entry, connection, order, workers, toStdout, usage, limit } = live;
  const progress = await startProgress(terminal, 'Generating');
  const deliver = (path: string) => {
    progress.stop();
    return terminal.writeBytes(createReadStream(path));
  };
  const syncOrder = { ...order, workers, deliver: toStdout ? deliver : undefined };
  try {
    return await runSync(reach.home, syncOrder, () => entry.openSync(connection), signal, {
      onProgress: (state) => progress.update({ ...state, details: describeProgress(state) }),
      beforeCall: () => limit?.check(),
      onAnswered(result) {
        usage.add(result);
        limit?.add(result);
      },
      onRetry: tellRetries(entry, terminal),
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

function describeProgress({ cacheHits, errors }: SyncProgress): string {
  return `cache=${cacheHits}  errors=${errors}`;
}

async function printDone(
  {
    outputPath,
    cacheHits,
    summary,
  }: Pick<MergedJob, 'cacheHits' | 'summary'> & { readonly outputPath: string | undefined },
  terminal: Terminal,
  print: (line: string) => void,
  tellUsage?: () => Promise<void>,
): Promise<number> {
  reportRows(summary, outputPath, terminal);
  await tellUsage?.();
  const counts = `${summary.rows} prompts, ${cacheHits} cache hits, ${summary.failed} errors`;
  const line = `Done. wrote ${outputPath ?? 'to stdout'} (${counts})`;
  print(outputPath === undefined ? line : linkPath(line, outputPath, terminal.results));
  return exitCodeOf(summary);
}
