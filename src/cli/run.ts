/** `loom run`: submit a batch, or answer at once with --sync. */
import { resolve } from 'node:path';
import { LoomError } from '../errors.ts';
import { type Dataset, defaultOutputPath, describeDataset } from '../orchestrator/dataset.ts';
import { runSync, type SyncOrder, type SyncProgress, type SyncSummary } from '../orchestrator/run-sync.ts';
import { type SubmittedJob, submitBatch } from '../orchestrator/submit-batch.ts';
import type { BatchEntry, ProviderEntry } from '../providers/provider.ts';
import { providerEntry } from '../providers/registry.ts';
import { checkOutputPath } from '../utils/files.ts';
import { describeSkipped, exitCodeOf, reportRows } from './failures.ts';
import type { CommandContext, RunOptions } from './options.ts';
import { startProgress } from './progress.ts';
import { nameProvider, openReach, type Reach } from './reach.ts';
import { noteRetry } from './retries.ts';

export async function run(options: RunOptions, context: CommandContext): Promise<number> {
  const entry = providerEntry(options.provider);
  if (!options.sync && !entry.openBatch) {
    throw new LoomError('provider', `${entry.title} has no batch API.`, { hint: 'Re-run with --sync.' });
  }
  const dataset = describeDataset(resolve(context.workingFolder, options.file), options.col);
  const outputPath = options.output
    ? resolve(context.workingFolder, options.output)
    : defaultOutputPath(dataset, options.provider, options.model);
  const reach = await openReach(options, context);
  try {
    return entry.openBatch && !options.sync
      ? await submit(options, context, reach, entry as BatchEntry, dataset, outputPath)
      : await answer(options, context, reach, entry, dataset, outputPath);
  } catch (error) {
    throw nameProvider(entry, error);
  } finally {
    await reach.close();
  }
}

async function submit(
  options: RunOptions,
  { terminal, signal }: CommandContext,
  reach: Reach,
  entry: BatchEntry,
  dataset: Dataset,
  outputPath: string,
): Promise<number> {
  const connection = reach.connect(entry);
  const order = {
    dataset,
    provider: entry.name,
    model: options.model,
    outputPath,
    withMeta: options.withMeta,
    useCache: options.cache,
    baseUrl: options.baseUrl,
    batchSize: options.batchSize,
  };
  terminal.note('Spinning the threads... submitting batch.');
  const submitted = await submitBatch(reach.home, order, entry, connection, signal, {
    onPlanned: (job) => {
      if (job.blank_rows > 0) terminal.note(describeSkipped(job.blank_rows));
    },
    onSubmitted: (record) =>
      terminal.print(`Batch submitted. id=${record.batch_id} provider=${record.provider}`),
    onRetry: (notice) => noteRetry(terminal, entry, notice),
  });
  printSubmitted(submitted, options, terminal);
  return 0;
}

function printSubmitted(
  { job, queued }: SubmittedJob,
  options: RunOptions,
  terminal: CommandContext['terminal'],
): void {
  const [only, ...others] = job.parts;
  const id = others.length === 0 && only?.batch_id ? only.batch_id : job.job_id;
  if (others.length > 0) terminal.print(`Job submitted. id=${id} parts=${job.parts.length} rows=${job.rows}`);
  if (queued > 0)
    terminal.note(
      `${queued} of ${job.parts.length} parts wait for room in the provider's queue; loom fetch submits them.`,
    );
  const sandbox = options.sandbox ? ' --sandbox' : '';
  terminal.print(`Metadata saved to ~/.loom/batches/. Run loom fetch --id ${id}${sandbox} later.`);
}

async function answer(
  options: RunOptions,
  context: CommandContext,
  reach: Reach,
  entry: ProviderEntry,
  dataset: Dataset,
  outputPath: string,
): Promise<number> {
  const { terminal, signal } = context;
  const connection = reach.connect(entry);
  if (!(await mayWrite(outputPath, options, terminal))) return 0;
  const cache = options.cache ? 'on' : 'off';
  terminal.note(
    `Weaving live... provider=${entry.name} model=${options.model} workers=${options.workers} cache=${cache}`,
  );
  const order: SyncOrder = {
    dataset,
    provider: entry.name,
    model: options.model,
    outputPath,
    withMeta: options.withMeta,
    useCache: options.cache,
    workers: options.workers,
  };
  const progress = await startProgress(terminal, 'Generating');
  let summary: SyncSummary;
  try {
    summary = await runSync(reach.home, order, () => entry.openSync(connection), signal, {
      onProgress: (state) => progress.update({ ...state, details: describeProgress(state) }),
      onCacheTrouble: (error) => terminal.warn(`${(error as Error).message} Answers go to the output only.`),
    });
  } finally {
    progress.stop();
  }
  reportRows(summary, terminal);
  terminal.print(
    `Done. wrote ${summary.outputPath} (${summary.rows} prompts, ${summary.cacheHits} cache hits, ${summary.failed} errors)`,
  );
  return exitCodeOf(summary);
}

function describeProgress({ cacheHits, errors }: SyncProgress): string {
  return `cache=${cacheHits}  errors=${errors}`;
}

/** Whether the output may be written, asked before the first call is paid for. LoomError when there is nobody to ask. */
async function mayWrite(
  outputPath: string,
  options: RunOptions,
  terminal: CommandContext['terminal'],
): Promise<boolean> {
  const exists = await checkOutputPath(outputPath);
  if (!exists || options.force) return true;
  if (!terminal.canAsk) {
    throw new LoomError('output', `output file ${outputPath} already exists.`, {
      hint: 'Pass --force to overwrite it, or --output to write elsewhere.',
    });
  }
  terminal.warn(`output file ${outputPath} already exists.`);
  const answered = await terminal.confirm('Overwrite?');
  if (answered === 'no') terminal.note('Aborted. Re-run with --force to overwrite.');
  return answered === 'yes';
}
