/** How tokens and money are told. */
import type { UsageTally } from '../orchestrator/usage-tally.ts';
import type { ProviderEntry } from '../providers/provider.ts';
import { findPrice } from '../utils/prices.ts';
import type { Terminal } from './terminal.ts';

/** What answers are priced by. */
export interface PricedModel {
  readonly entry: ProviderEntry;
  readonly model: string;
  /** At the price of a batch, where the provider has one. */
  readonly batch: boolean;
}

/** Tells what the answers that were paid for cost; nothing where no tokens are known. */
export async function reportUsage(usage: UsageTally, priced: PricedModel, terminal: Terminal): Promise<void> {
  if (usage.answers === 0) return;
  const price = await findPrice(priced.entry.priceListName, priced.model);
  const cost = scaleCost(usage.cost(price), priced);
  const tokens = `${group(usage.inputTokens)} in, ${group(usage.outputTokens)} out`;
  const rest = usage.untold === 0 ? '' : ` ${group(usage.untold)} answers came without a count of tokens.`;
  terminal.note(`Tokens: ${tokens}; ${describeCost(cost, priced)}.${rest}`);
}

/** `12,345`, whatever the locale. */
export function group(number: number): string {
  return number.toLocaleString('en-US');
}

/** US dollars at the price that this model is used at. */
export function scaleCost(liveCost: number | undefined, { entry, batch }: PricedModel): number | undefined {
  return liveCost === undefined ? undefined : liveCost * (batch ? entry.batchPriceShare : 1);
}

/** `cost about $0.0123` */
function describeCost(cost: number | undefined, { entry, model }: PricedModel): string {
  if (cost === undefined) return `cost unknown: no price is known for ${model} of ${entry.title}`;
  return cost === 0 ? 'no cost' : `cost ${formatDollars(cost)}`;
}

/** `about $0.0123`; four decimals, from a dollar on two. */
export function formatDollars(dollars: number): string {
  if (dollars > 0 && dollars < 0.00005) return 'less than $0.0001';
  const decimals = dollars >= 1 ? 2 : 4;
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return `about $${dollars.toLocaleString('en-US', digits)}`;
}
