/** What `--output-format json` tells of an output. */
import type { UsageDocument, WrittenDocument } from '../../core/documents.ts';
import type { ProviderName } from '../../core/models.ts';
import type { MergeSummary } from '../../orchestrator/output/row-tally.ts';
import { priceUsage } from '../../orchestrator/usage/price-usage.ts';
import type { UsageTally } from '../../orchestrator/usage/usage-tally.ts';
import { providerEntry } from '../../providers/registry.ts';

/** An output that was written; without an id for a live run, without a path for stdout. */
export async function documentOutput(written: {
  readonly id: string | undefined;
  readonly provider: ProviderName;
  readonly model: string;
  readonly outputPath: string | undefined;
  readonly summary: MergeSummary;
  readonly cacheHits: number;
  readonly usage: UsageTally | undefined;
  /** Whether the answers were paid for as a batch. */
  readonly batch: boolean;
  /** Whether nothing was paid for: what it would cost is told. */
  readonly isRehearsal: boolean;
}): Promise<WrittenDocument> {
  const { id, provider, model, outputPath, summary, cacheHits, usage, batch, isRehearsal } = written;
  return {
    id: id ?? null,
    provider,
    model,
    output_path: outputPath ?? null,
    rows: summary.rows,
    answered: summary.answered,
    cut_off: summary.cutOff,
    failed: summary.failed,
    blank: summary.blankRows,
    made_again: usage?.madeAgain ?? 0,
    cached: cacheHits,
    failures: summary.failures.map(({ rowIds, rows, ...group }) => ({
      ...group,
      row_ids: rowIds,
      rows,
    })),
    usage:
      usage && usage.answers > 0 ? await documentUsage(usage, { provider, model, batch, isRehearsal }) : null,
  };
}

async function documentUsage(
  usage: UsageTally,
  {
    provider,
    model,
    batch,
    isRehearsal,
  }: { provider: ProviderName; model: string; batch: boolean; isRehearsal: boolean },
): Promise<UsageDocument> {
  const cost = await priceUsage(usage, { entry: providerEntry(provider), model, batch });
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cost_usd: cost ?? null,
    would_cost: isRehearsal,
  };
}
