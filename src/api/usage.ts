/** What answers cost, as the library tells it. */
import { type PricedModel, priceUsage } from '../orchestrator/usage/price-usage.ts';
import type { UsageTally } from '../orchestrator/usage/usage-tally.ts';

export interface PaidUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars, about; undefined when no price is known for the model. */
  readonly cost: number | undefined;
}

/** Undefined when the provider told no tokens. */
export async function describeUsage(
  usage: UsageTally | undefined,
  priced: PricedModel,
): Promise<PaidUsage | undefined> {
  if (!usage || usage.answers === 0) return undefined;
  const { inputTokens, outputTokens } = usage;
  return { inputTokens, outputTokens, cost: await priceUsage(usage, priced) };
}
