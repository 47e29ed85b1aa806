/** What a run may cost, and what it would. */
import { LoomError } from '../../core/errors.ts';
import { limitParts } from '../../orchestrator/batch/parts/plan-batches.ts';
import { CostLimit } from '../../orchestrator/estimate/cost-limit.ts';
import { estimateRun, type RunEstimate } from '../../orchestrator/estimate/estimate-run.ts';
import type { RunOrder } from '../../orchestrator/orders/run-order.ts';
import { findPrice, priceUsage } from '../../orchestrator/usage/price-usage.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { LoomHome } from '../../storage/home.ts';

/** A run that is a batch, or several. */
export interface AsBatch {
  readonly batchSize: number | undefined;
}

/** What a run would send, and what its input would cost; US dollars. */
export interface PricedEstimate extends Omit<RunEstimate, 'usage' | 'most'> {
  readonly inputTokens: number;
  readonly cost: number | undefined;
  /** With the longest answers that the settings allow, where they do. */
  readonly mostCost: number | undefined;
}

/** The adapter of a batch is opened with a key that is none, and sends nothing. */
export async function priceRun(
  home: LoomHome,
  order: RunOrder,
  asBatch: AsBatch | undefined,
  signal: AbortSignal,
): Promise<PricedEstimate> {
  const entry = providerEntry(order.provider);
  const provider = asBatch && (await entry.openBatch?.({ apiKey: 'none', timeoutMs: 0, environment: {} }));
  const cut = provider && { provider, limits: limitParts(provider.limits, asBatch?.batchSize) };
  const { usage, most, ...counts } = await estimateRun(home, order, cut, signal);
  const priced = { ...order, home, batch: asBatch !== undefined };
  const cost = await priceUsage(usage, priced);
  const { inputTokens } = usage;
  return { ...counts, inputTokens, cost, mostCost: most && (await priceUsage(most, priced)) };
}

/** Refuses a run whose input alone would cost more than it may. LoomError `cost`; nothing is sent then. */
export async function openCostLimit(
  maxCost: number,
  home: LoomHome,
  order: RunOrder,
  signal: AbortSignal,
  asBatch?: AsBatch,
): Promise<CostLimit> {
  const { model, settings } = order;
  const { title } = providerEntry(order.provider);
  const price = await findPrice({ ...order, home, batch: false });
  if (!price) {
    const what = `no price is known for ${model} of ${title}, so maxCost can't be kept; nothing was sent.`;
    throw new LoomError('cost', what, {
      code: 'price_unknown',
      facts: { model, title },
      hint: 'Run without maxCost, or set a limit at the provider.',
    });
  }
  const { cost = 0, mostCost } = await priceRun(home, order, asBatch, signal);
  // A live run is stopped by what it costs; a batch can't be.
  const most = (asBatch && mostCost) || cost;
  if (most <= maxCost) return new CostLimit(maxCost, price);
  const maxTokens = cost > maxCost ? undefined : settings?.max_tokens;
  const what =
    maxTokens === undefined
      ? `the input alone costs about $${cost}`
      : `with answers of ${maxTokens} tokens the batch costs about $${most}`;
  throw new LoomError('cost', `${what}, and maxCost is $${maxCost}; nothing was sent.`, {
    code: 'cost_too_high',
    facts: { cost: maxTokens === undefined ? cost : most, maxCost, maxTokens },
    hint: 'Take fewer rows, another model, or a higher maxCost.',
  });
}
