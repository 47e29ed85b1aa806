/** How tokens and money are told. */
import { type PricedModel, priceUsage } from '../../orchestrator/usage/price-usage.ts';
import type { UsageTally } from '../../orchestrator/usage/usage-tally.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countOf, formatCount } from './counts.ts';

/** Whose answers are told of. */
export interface ToldModel extends PricedModel {
  /** Nothing is paid for: what it would cost is told. */
  readonly isRehearsal: boolean;
}

/** Tells what the answers that were paid for cost, or in a rehearsal would cost, and what may have been paid for twice. */
export async function reportUsage(usage: UsageTally, priced: ToldModel, terminal: Terminal): Promise<void> {
  if (usage.answers > 0) await reportTokens(usage, priced, terminal);
  if (usage.madeAgain === 0) return;
  const calls = countOf(
    usage.madeAgain,
    'call broke off after it was sent and was made again',
    'calls broke off after they were sent and were made again',
  );
  terminal.note(`${calls}; the provider may bill both.`);
}

async function reportTokens(usage: UsageTally, priced: ToldModel, terminal: Terminal): Promise<void> {
  const cost = await priceUsage(usage, priced);
  const told = cost === undefined ? `cost unknown: ${noPriceFor(priced)}` : describeCost(cost, priced);
  const rest =
    usage.untold === 0 ? '' : ` ${formatCount(usage.untold)} answers came without a count of tokens.`;
  terminal.note(
    `Tokens: ${formatCount(usage.inputTokens)} in, ${formatCount(usage.outputTokens)} out; ${told}.${rest}`,
  );
}

/** `no price is known for m of OpenAI` */
export function noPriceFor({ entry, model }: Omit<PricedModel, 'batch'>): string {
  return `no price is known for ${model} of ${entry.title}`;
}

/** `cost about $0.0123` */
function describeCost(cost: number, { isRehearsal }: ToldModel): string {
  return cost === 0 ? 'no cost' : `${isRehearsal ? 'would cost' : 'cost'} about ${formatDollars(cost)}`;
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
