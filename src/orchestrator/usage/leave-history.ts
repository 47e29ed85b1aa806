/** What a run leaves behind for later reports on its output: a small file, whatever the run's size. */
import { dirname } from 'node:path';
import { LogHistogram } from '../../core/log-histogram.ts';
import type { GenerationSettings, ProviderName, RowOutcome } from '../../core/models.ts';
import { type HistoryFacts, loadHistory, saveHistory } from '../../state/history.ts';
import type { LoomHome } from '../../storage/home.ts';
import { type Dataset, recordDataset } from '../dataset/dataset.ts';
import { type ColumnChoice, recordColumns } from '../output/columns.ts';
import { type MergeSummary, recordFailure } from '../output/row-tally.ts';
import { describeUsage } from './price-usage.ts';
import { UsageTally } from './usage-tally.ts';

/** What a run measures on its way, in constant memory. */
export class RunMeter {
  readonly startedAt = new Date();
  readonly usage = new UsageTally();
  readonly latencies = new LogHistogram();

  /** An answer that was paid for, and how long its call took. */
  addCall(outcome: RowOutcome, elapsedMs: number): void {
    this.usage.add(outcome);
    this.latencies.add(elapsedMs);
  }
}

/** An output that was written, and all that is known of how. */
export interface WrittenRun {
  readonly outputPath: string;
  readonly dataset: Dataset;
  readonly provider: ProviderName;
  readonly model: string;
  readonly mode: 'live' | 'batch';
  readonly columns: ColumnChoice;
  readonly settings?: GenerationSettings | undefined;
  /** That was asked for, of live calls. */
  readonly tier?: string | undefined;
  readonly jobId?: string | undefined;
  readonly batchIds?: readonly string[];
  readonly startedAt: Date;
  readonly summary: MergeSummary;
  readonly cachedRows: number;
  /** undefined: a command that was cut off had written the output, and noted it or not. */
  readonly usage: UsageTally | undefined;
  readonly latencies: LogHistogram;
}

const mostGroups = 20;
const longestMessage = 500;
const mostBatchIds = 1_000;

/** Notes a written output in the history. The output is what counts: this never throws. */
export async function leaveHistory(home: LoomHome, run: WrittenRun): Promise<void> {
  try {
    if (!run.usage && (await loadHistory(home.history, run.outputPath))) return;
    await saveHistory(home, run.outputPath, await describeRun(home, run));
  } catch {
    // A report tells what the output alone says.
  }
}

async function describeRun(home: LoomHome, run: WrittenRun): Promise<HistoryFacts> {
  const { dataset, provider, model, mode, summary, latencies, settings } = run;
  const { columns } = recordColumns(run.columns);
  return {
    input_path: dirname(dataset.path) === home.inputs ? null : dataset.path,
    file_type: dataset.format.fileType,
    ...recordDataset(dataset),
    provider,
    model,
    mode,
    sandbox: home.isSandbox,
    ...(columns && { columns }),
    ...(settings && { params: settings }),
    ...(run.jobId !== undefined && { job_id: run.jobId }),
    batch_ids: (run.batchIds ?? []).slice(0, mostBatchIds),
    created_at: run.startedAt.toISOString(),
    ended_at: new Date().toISOString(),
    rows: summary.rows,
    answered: summary.answered,
    blank_rows: summary.blankRows,
    failed: summary.failed,
    cached_rows: run.cachedRows,
    failures: summary.failures.slice(0, mostGroups).map((group) => {
      const failure = recordFailure(group);
      return { ...failure, message: failure.message.slice(0, longestMessage) };
    }),
    ...(await recordUsage(home, run)),
    latencies: latencies.summarize(),
  };
}

async function recordUsage(home: LoomHome, { usage, mode, ...run }: WrittenRun) {
  const paid = await describeUsage(usage, { ...run, home, batch: mode === 'batch' });
  return paid && { input_tokens: paid.inputTokens, output_tokens: paid.outputTokens, cost: paid.cost };
}
