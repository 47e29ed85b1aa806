/** What `--output-format json` tells of an output. */
import type { WrittenOutput } from '../../api/fetch-batches.ts';
import type { Spent, TierUsage } from '../../api/run-sync.ts';
import type { WrittenDocument } from '../../core/documents/documents.ts';
import type { ProviderName } from '../../core/names.ts';

function documentTier({ tier, answers, isAssumed }: TierUsage) {
  return { tier, answers, assumed: isAssumed };
}

/** An output that was written; without an id for a live run, without a path for stdout. */
export function documentOutput(
  written: Pick<WrittenOutput, 'summary' | 'cacheHits' | 'usage'> & {
    readonly id: string | undefined;
    readonly provider: ProviderName;
    readonly model: string;
    readonly outputPath: string | undefined;
    readonly madeAgain?: number;
    readonly misfits?: Spent['misfits'];
  },
  /** Nothing was paid for: what it would cost is told. */
  isRehearsal: boolean,
): WrittenDocument {
  const { id, provider, model, outputPath, summary, cacheHits, usage, madeAgain = 0, misfits } = written;
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
    made_again: madeAgain,
    misfits_asked_again: misfits?.askedAgain ?? 0,
    misfits_mended: misfits?.mended ?? 0,
    cached: cacheHits,
    failures: summary.failures.map(({ rowIds, rows, ...group }) => ({ ...group, row_ids: rowIds, rows })),
    usage: usage
      ? {
          input_tokens: usage.inputTokens,
          output_tokens: usage.outputTokens,
          cost_usd: usage.cost ?? null,
          would_cost: isRehearsal,
          ...(usage.tiers && { tiers: usage.tiers.map(documentTier) }),
        }
      : null,
  };
}
