/** `loom run --dry-run`, and the estimate that `--max-cost` is held against. */

import { findPrice } from '../../cache/prices.ts';
import type { RunDocument } from '../../core/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { limitParts } from '../../orchestrator/batch/parts/plan-batches.ts';
import { findServer } from '../../orchestrator/calls/answer-server.ts';
import { CostLimit } from '../../orchestrator/estimate/cost-limit.ts';
import {
  type BatchCut,
  type EstimateOrder,
  estimateRun,
  type RunEstimate,
} from '../../orchestrator/estimate/estimate-run.ts';
import { type PricedModel, priceUsage } from '../../orchestrator/usage/price-usage.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { readVariables, resolveBaseUrl } from '../../state/keys.ts';
import type { LoomHome } from '../../storage/home.ts';
import { checkOutputPath } from '../../storage/output-file.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import { describeOrder, goesToStdout, type RunOrder } from '../options/orders.ts';
import { withInput } from '../options/stdin.ts';
import { openHome } from '../options/story-reach.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { formatDollars, noPriceFor, type ToldModel } from '../words/costs.ts';
import { formatCount } from '../words/counts.ts';

/** Tells what the run would send, and what its input would cost. Returns the exit code. */
export async function dryRun(
  options: RunOptions,
  entry: ProviderEntry,
  context: CommandContext,
  document: DocumentFields<RunDocument>,
): Promise<number> {
  const home = openHome(options, context);
  return withInput(options, home, context, async (inputPath) => {
    const order = await describeOrder(options, inputPath, context);
    return printEstimate(home, options, entry, order, context, document);
  });
}

async function printEstimate(
  home: LoomHome,
  options: RunOptions,
  entry: ProviderEntry,
  order: RunOrder,
  context: CommandContext,
  document: DocumentFields<RunDocument>,
): Promise<number> {
  const { terminal, signal } = context;
  const variables = readVariables(context.environment, context.workingFolder);
  const baseUrl = resolveBaseUrl(entry, options.baseUrl, undefined, variables);
  const isInTheWay =
    !goesToStdout(options) && (await checkOutputPath(order.outputPath)) && options.sync && !options.force;
  const apiKey = options.apiKey ?? variables[entry.keyVariable];
  const server = findServer(home, entry.name, { baseUrl, serverName: options.serverName, apiKey });
  const estimate = await estimatePlanned(home, options, entry, { ...order, server }, signal);
  const priced = { entry, model: order.model, batch: !options.sync };
  document.estimate = { ...(await documentEstimate(estimate, priced)), would_cost: home.isSandbox };
  terminal.printResult('Dry run: nothing was sent, and nothing was written.');
  for (const line of describeRequests(estimate)) terminal.printResult(`  ${line}`);
  terminal.printResult(`  ${describeInput(estimate)}`);
  terminal.printResult(
    `  ${await describeEstimatedCost(estimate, order, { ...priced, isRehearsal: home.isSandbox })}`,
  );
  if (isInTheWay) terminal.warn(`output file ${order.outputPath} already exists: the run needs --force.`);
  return 0;
}

/** Refuses a run whose input alone would cost more than it may. LoomError `cost`; nothing is sent then. */
export async function openCostLimit(
  home: LoomHome,
  maxCost: number,
  options: RunOptions,
  entry: ProviderEntry,
  order: RunOrder & Pick<EstimateOrder, 'server'>,
  signal: AbortSignal,
): Promise<CostLimit> {
  const priced = { entry, model: order.model, batch: !options.sync };
  const price = await findPrice(entry.priceListName, order.model);
  if (!price) {
    throw new LoomError('cost', `${noPriceFor(priced)}, so --max-cost can't be kept; nothing was sent.`, {
      hint: 'Run without --max-cost, or set a limit at the provider.',
    });
  }
  const { usage, most } = await estimatePlanned(home, options, entry, order, signal);
  const cost = (await priceUsage(usage, priced)) ?? 0;
  // A live run is stopped by what it costs; a batch can't be.
  const mostCost = (priced.batch && most && (await priceUsage(most, priced))) || cost;
  if (mostCost <= maxCost) return new CostLimit(maxCost, price);
  const what =
    cost > maxCost
      ? `the input alone costs about ${formatDollars(cost)}`
      : `with answers of ${order.settings?.max_tokens} tokens the batch costs about ${formatDollars(mostCost)}`;
  throw new LoomError('cost', `${what}, and --max-cost is ${formatDollars(maxCost)}; nothing was sent.`, {
    hint: 'Take fewer rows, another model, or a higher --max-cost.',
  });
}

async function estimatePlanned(
  home: LoomHome,
  options: RunOptions,
  entry: ProviderEntry,
  order: EstimateOrder,
  signal: AbortSignal,
): Promise<RunEstimate> {
  const cut = options.sync ? undefined : await cutAsBatch(options, entry);
  return estimateRun(home, order, entry, cut, signal);
}

/** How the provider takes batches. Its adapter is opened, which sends nothing, with a key that is none. */
async function cutAsBatch({ batchSize }: RunOptions, entry: ProviderEntry): Promise<BatchCut | undefined> {
  const provider = await entry.openBatch?.({ apiKey: 'none', timeoutMs: 0, environment: {} });
  return provider && { provider, limits: limitParts(provider.limits, batchSize) };
}

async function documentEstimate(
  estimate: RunEstimate,
  priced: PricedModel,
): Promise<Omit<NonNullable<RunDocument['estimate']>, 'would_cost'>> {
  const { usage, most } = estimate;
  const cost = await priceUsage(usage, priced);
  const mostCost = most && (await priceUsage(most, priced));
  return {
    rows: estimate.rows,
    blank: estimate.blankRows,
    cached: estimate.cachedRows,
    kept: estimate.keptRows,
    equal: estimate.equalRows,
    too_large: estimate.tooLargeRows,
    requests: estimate.requests,
    batches: estimate.batches ?? null,
    input_tokens: usage.inputTokens,
    input_cost_usd: cost ?? null,
    most_cost_usd: mostCost ?? null,
  };
}

function describeRequests(estimate: RunEstimate): string[] {
  const { rows, blankRows, cachedRows, keptRows, equalRows, tooLargeRows, requests, batches } = estimate;
  const lines = [
    `Rows: ${formatCount(rows)}`,
    `Empty prompts, which are skipped: ${formatCount(blankRows)}`,
    `Answered from the cache: ${formatCount(cachedRows)}`,
    ...(keptRows > 0 ? [`Kept from a run that was cut off: ${formatCount(keptRows)}`] : []),
    `Equal to an earlier prompt: ${formatCount(equalRows)}`,
  ];
  if (tooLargeRows > 0) lines.push(`Too large for a batch: ${formatCount(tooLargeRows)}`);
  lines.push(`Requests to send: ${formatCount(requests)}`);
  if (batches !== undefined) lines.push(`Batches: ${formatCount(batches)}`);
  return lines;
}

function describeInput({ usage, encoding }: RunEstimate): string {
  return `Input tokens: about ${formatCount(usage.inputTokens)} (an estimate with the tokenizer ${encoding})`;
}

async function describeEstimatedCost(
  { usage, most }: RunEstimate,
  { settings }: RunOrder,
  { isRehearsal, ...priced }: ToldModel,
): Promise<string> {
  const cost = await priceUsage(usage, priced);
  const word = isRehearsal ? 'Would cost' : 'Cost';
  if (cost === undefined) return `${word}: unknown, ${noPriceFor(priced)}`;
  const input = `about ${formatDollars(cost)} for the input, at the price of ${priced.batch ? 'a batch' : 'live calls'}`;
  const mostCost = most && (await priceUsage(most, priced));
  return mostCost === undefined
    ? `${word}: ${input}; the output comes on top, and is not known before the run`
    : `${word}: ${input}; at most ${formatDollars(mostCost)} with the output (--max-tokens ${settings?.max_tokens})`;
}
