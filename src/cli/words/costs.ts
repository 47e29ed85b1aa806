/** How tokens and money are told. */
import { titleOf } from '../../api/providers.ts';
import type { PaidUsage, Spent, TierUsage, WholeCost } from '../../api/run-sync.ts';
import type { ProviderName } from '../../core/names.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { countOf, formatCount, formatDollars } from './counts.ts';

/** Whose answers are told of. */
export interface ToldModel {
  readonly provider: ProviderName;
  readonly model: string;
  /** Nothing is paid for: what it would cost is told. */
  readonly isRehearsal: boolean;
}

/** Tells what the answers that were paid for cost, or in a rehearsal would cost, and what may have been paid for twice. */
export function reportUsage(
  { usage, madeAgain = 0, misfits }: Pick<Spent, 'usage'> & Partial<Spent>,
  told: ToldModel,
  terminal: Terminal,
): void {
  warnOfPrices(usage?.priceError, terminal);
  if (misfits?.askedAgain) terminal.note(describeMisfits(misfits));
  if (usage) terminal.note(describeTokens(usage, told));
  if (madeAgain === 0) return;
  const calls = countOf(
    madeAgain,
    'call broke off after it was sent and was made again',
    'calls broke off after they were sent and were made again',
  );
  terminal.note(`${calls}; the provider may bill both.`);
}

/** `2 calls asked again for answers that did not fit: 1 fits now.` */
function describeMisfits({ askedAgain, mended }: Spent['misfits']): string {
  const calls = countOf(askedAgain, 'call asked again for an answer', 'calls asked again for answers');
  return `${calls} that did not fit; ${countOf(mended, 'of the answers that came fits', 'of the answers that came fit')}.`;
}

const warned = new WeakSet<Terminal>();

/** Tells what is wrong in own prices, if anything is; once for all that a command tells of costs. */
export function warnOfPrices(priceError: string | undefined, terminal: Terminal): void {
  if (priceError === undefined || warned.has(terminal)) return;
  terminal.warn(`${priceError} Costs are by the lists alone until it is mended.`);
  warned.add(terminal);
}

function describeTokens(usage: PaidUsage, told: ToldModel): string {
  const { inputTokens, outputTokens, cost, untold, priceError, tiers = [] } = usage;
  const unpriced = tiers.find(({ isPriced }) => !isPriced);
  const noPrice = unpriced
    ? `no price is known for the tier ${unpriced.tier} of ${titleOf(told.provider)}`
    : noPriceFor(told);
  const why = priceError === undefined ? noPrice : 'the prices of your own are in error';
  const price = cost === undefined ? `cost unknown: ${why}` : describeCost(cost, told);
  const rest = untold ? ` ${formatCount(untold)} answers came without a count of tokens.` : '';
  return `Tokens: ${formatCount(inputTokens)} in, ${formatCount(outputTokens)} out; ${price}.${describeTiers(tiers)}${rest}`;
}

/** ` Answers by tier: 9 flex, 1 default.` */
function describeTiers(tiers: readonly TierUsage[]): string {
  if (tiers.length === 0) return '';
  const counts = tiers.map(
    ({ tier, answers, isAssumed }) =>
      `${formatCount(answers)} ${tier}${isAssumed ? ' (asked for; not told)' : ''}`,
  );
  return ` Answers by tier: ${counts.join(', ')}.`;
}

/** `All 5,000 rows would cost about $1.20 live, $0.60 as a batch, by the 20 answers of this sample.` */
export function describeWhole({ rows, sampled, liveCost, batchCost }: WholeCost): string {
  const asBatch = batchCost === undefined ? '' : `, ${formatDollars(batchCost)} as a batch`;
  const ground = sampled === 1 ? 'the one answer' : `the ${formatCount(sampled)} answers`;
  return `All ${formatCount(rows)} rows would cost about ${formatDollars(liveCost)} live${asBatch}, by ${ground} of this sample.`;
}

/** `no price is known for m of OpenAI` */
export function noPriceFor({ provider, model }: Pick<ToldModel, 'provider' | 'model'>): string {
  return `no price is known for ${model} of ${titleOf(provider)}`;
}

/** `cost about $0.0123` */
function describeCost(cost: number, { isRehearsal }: ToldModel): string {
  return cost === 0 ? 'no cost' : `${isRehearsal ? 'would cost' : 'cost'} about ${formatDollars(cost)}`;
}
