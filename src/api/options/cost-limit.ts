/** What a run may cost, and what it would. */
import { LoomError } from '../../core/errors.ts';
import { limitParts } from '../../orchestrator/batch/parts/plan-batches.ts';
import { CostLimit } from '../../orchestrator/estimate/cost-limit.ts';
import { estimateRun, type RunEstimate } from '../../orchestrator/estimate/estimate-run.ts';
import type { RunOrder } from '../../orchestrator/orders/run-order.ts';
import { findPrice } from '../../orchestrator/usage/price-usage.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { LoomHome } from '../../storage/home.ts';

/** A run that is a batch, or several. */
export interface AsBatch {
  readonly batchSize: number | undefined;
}

/** What a run would send, and what its input would cost; US dollars. */
export interface PricedEstimate extends Omit<RunEstimate, 'usage' | 'lengths'> {
  readonly inputTokens: number;
  readonly cost: number | undefined;
  /** What the answers would cost, by those of a sample that are in the cache; undefined where none is, or no price is known. */
  readonly answers: EstimatedAnswers | undefined;
  /** With the longest answers that the settings allow, where they do. */
  readonly mostCost: number | undefined;
}

export interface EstimatedAnswers {
  /** Answers in the cache that are its ground. */
  readonly sampled: number;
  /** Of all answers that would be asked for. */
  readonly outputTokens: number;
  /** US dollars. */
  readonly cost: number;
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
  const { usage, lengths, ...counts } = await estimateRun(home, order, cut, signal);
  const priced = { ...order, home, batch: asBatch !== undefined };
  const { price } = await findPrice(priced);
  const cost = usage.cost(price);
  const costWith = (outputTokens: number) => usage.withOutput(outputTokens).cost(price);
  const longest = order.settings?.max_tokens;
  const mostCost = longest === undefined ? undefined : costWith(longest);
  const { inputTokens, answers: requests } = usage;
  if (!lengths || cost === undefined || requests === 0)
    return { ...counts, inputTokens, cost, answers: undefined, mostCost };
  const outputTokens = Math.round(requests * lengths.outputTokens);
  const answersCost = (costWith(lengths.outputTokens) ?? cost) - cost;
  const answers = { sampled: lengths.answers, outputTokens, cost: answersCost };
  return { ...counts, inputTokens, cost, answers, mostCost };
}

/**
 * Refuses a run whose input alone would cost more than it may. LoomError `cost`, or `state` for own prices that are wrong;
 * nothing is sent then.
 */
export async function openCostLimit(
  maxCost: number,
  home: LoomHome,
  order: RunOrder,
  signal: AbortSignal,
  asBatch?: AsBatch,
): Promise<CostLimit> {
  const { model, settings } = order;
  const { title } = providerEntry(order.provider);
  const { price, fault } = await findPrice({ ...order, home, batch: false });
  const isPriced = price?.costOf({ inputTokens: 1, outputTokens: 1 }) !== undefined;
  // A limit by other prices than the person's would be none.
  if (fault) throw fault;
  if (!price || !isPriced) {
    const asked = price ? `${model} in the tier that is asked for` : model;
    const what = `no price is known for ${asked} of ${title}, so maxCost can't be kept; nothing was sent.`;
    throw new LoomError('cost', what, {
      code: 'price_unknown',
      facts: { model: asked, title },
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
