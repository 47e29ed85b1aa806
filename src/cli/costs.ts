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

/** US dollars for these answers at the price that the model is used at; undefined when that is not known. */
export async function priceUsage(
  usage: UsageTally,
  { entry, model, batch }: PricedModel,
): Promise<number | undefined> {
  const cost = usage.cost(await findPrice(entry.priceListName, model));
  return cost === undefined ? undefined : cost * (batch ? entry.batchPriceShare : 1);
}

/** Tells what the answers that were paid for cost; nothing where no tokens are known. */
export async function reportUsage(usage: UsageTally, priced: PricedModel, terminal: Terminal): Promise<void> {
  if (usage.answers === 0) return;
  const cost = await priceUsage(usage, priced);
  const told = cost === undefined ? `cost unknown: ${noPriceFor(priced)}` : describeCost(cost);
  const rest = usage.untold === 0 ? '' : ` ${group(usage.untold)} answers came without a count of tokens.`;
  terminal.note(`Tokens: ${group(usage.inputTokens)} in, ${group(usage.outputTokens)} out; ${told}.${rest}`);
}

/** `no price is known for m of OpenAI` */
export function noPriceFor({ entry, model }: Omit<PricedModel, 'batch'>): string {
  return `no price is known for ${model} of ${entry.title}`;
}

/** `cost about $0.0123` */
function describeCost(cost: number): string {
  return cost === 0 ? 'no cost' : `cost about ${formatDollars(cost)}`;
}

/** `$1,234.50`, `$0.0123`, `$0.000012`: cents, or as many decimals as it takes to say something. */
export function formatDollars(dollars: number): string {
  const decimals = dollars >= 1 || dollars === 0 ? 2 : 4;
  const digits =
    dollars > 0 && dollars < 0.01
      ? { maximumSignificantDigits: 2 }
      : { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return `$${dollars.toLocaleString('en-US', digits)}`;
}

/** `12,345`, whatever the locale. */
export function group(number: number): string {
  return number.toLocaleString('en-US');
}
