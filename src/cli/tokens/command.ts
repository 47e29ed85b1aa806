/** `loom tokens`: count the input tokens of every prompt. */
import type { TokensDocument } from '../../core/documents.ts';
import { LoomError } from '../../core/errors.ts';
import type { GenerationSettings } from '../../core/models.ts';
import {
  countTokens,
  requireTokenCounting,
  type TokenProgress,
  type TokenSummary,
} from '../../orchestrator/estimate/count-tokens.ts';
import { estimateTokens } from '../../orchestrator/estimate/estimate-tokens.ts';
import { priceUsage } from '../../orchestrator/usage/price-usage.ts';
import type { UsageTally } from '../../orchestrator/usage/usage-tally.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { providerEntry } from '../../providers/registry.ts';
import { describeInput } from '../options/input.ts';
import type { CommandContext, TokensOptions } from '../options/options.ts';
import { nameProvider } from '../options/reach.ts';
import { readSettings } from '../options/settings.ts';
import { checkInputFlags, withInput } from '../options/stdin.ts';
import { openHome, openReach, type Reach } from '../options/story-reach.ts';
import { startProgress } from '../terminal/progress.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { formatDollars, noPriceFor } from '../words/costs.ts';
import { formatCount } from '../words/counts.ts';
import { describeSkipped } from '../words/failures.ts';
import { tellRetries } from '../words/retries.ts';

export async function tokens(options: TokensOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = beginDocument(options, context);
  const entry = providerEntry(options.provider);
  if (!options.estimate) requireTokenCounting(entry);
  checkInputFlags(options);
  if (options.estimate) return printEstimate(options, entry, context, document);
  const reach = await openReach(options, context);
  try {
    const summary = await withInput(options, reach.home, context, (path) =>
      countFile(path, options, context, reach, entry),
    );
    return printSummary(summary, options, terminal, document);
  } catch (error) {
    throw nameProvider(entry.name, error);
  } finally {
    await reach.close();
  }
}

function beginDocument(
  { provider, model }: TokensOptions,
  { document }: CommandContext,
): DocumentFields<TokensDocument> {
  return document.begin<TokensDocument>({
    command: 'tokens',
    provider,
    model,
    rows: null,
    blank: null,
    input_tokens: null,
    failed: null,
    estimated_with: null,
    live_cost_usd: null,
    batch_cost_usd: null,
  });
}

async function countFile(
  inputPath: string,
  options: TokensOptions,
  context: CommandContext,
  reach: Reach,
  entry: ProviderEntry,
): Promise<TokenSummary> {
  const { model, workers, patience: patienceMs } = options;
  const { terminal, signal, workingFolder } = context;
  const dataset = await describeInput(options, inputPath, context);
  const settings = readSystem(options, workingFolder);
  const connection = reach.connect(entry);
  const progress = startProgress(terminal, 'Counting tokens');
  try {
    const order = { dataset, provider: entry.name, model, workers, patienceMs, settings };
    return await countTokens(order, () => entry.openSync(connection), signal, {
      onProgress: (state) => progress.update({ ...state, details: describeProgress(state) }),
      onRetry: tellRetries(entry, terminal),
    });
  } finally {
    progress.stop();
  }
}

function readSystem({ system }: TokensOptions, workingFolder: string): GenerationSettings | undefined {
  return readSettings({ ...(system !== undefined && { system }) }, workingFolder);
}

/** Counts without the provider; the sentence is the usual one, and says that it is an estimate. */
async function printEstimate(
  options: TokensOptions,
  entry: ProviderEntry,
  context: CommandContext,
  document: DocumentFields<TokensDocument>,
): Promise<number> {
  const { provider, model } = options;
  const { terminal, signal, workingFolder } = context;
  const home = openHome(options, context);
  const { rows, blankRows, usage, encoding } = await withInput(options, home, context, async (path) => {
    const dataset = await describeInput(options, path, context);
    return estimateTokens(dataset, model, readSystem(options, workingFolder), entry, signal);
  });
  const { live, batch } = await priceInput(usage, entry, model);
  document.rows = rows;
  document.blank = blankRows;
  document.input_tokens = usage.inputTokens;
  document.failed = 0;
  document.estimated_with = encoding;
  document.live_cost_usd = live ?? null;
  document.batch_cost_usd = batch ?? null;
  if (blankRows > 0) terminal.note(describeSkipped(blankRows));
  const count = `${formatCount(usage.inputTokens)} across ${rows} prompts`;
  const about = `provider=${provider}, model=${model}, errors=0`;
  terminal.printResult(`Total input tokens: ${count} (${about}), an estimate with the tokenizer ${encoding}`);
  terminal.printResult(describeInputCost({ live, batch }, entry, model));
  return 0;
}

/** US dollars; undefined where no price is known, or there are no batches. */
interface InputCost {
  readonly live: number | undefined;
  readonly batch: number | undefined;
}

async function priceInput(usage: UsageTally, entry: ProviderEntry, model: string): Promise<InputCost> {
  const live = await priceUsage(usage, { entry, model, batch: false });
  const batch = entry.openBatch && (await priceUsage(usage, { entry, model, batch: true }));
  return { live, batch };
}

function describeInputCost({ live, batch }: InputCost, entry: ProviderEntry, model: string): string {
  if (live === undefined) return `Input cost: unknown, ${noPriceFor({ entry, model })}`;
  const asBatch = batch !== undefined ? `, about ${formatDollars(batch)} as a batch` : '';
  return `Input cost: about ${formatDollars(live)} live${asBatch} (an estimate)`;
}

function printSummary(
  summary: TokenSummary,
  options: TokensOptions,
  terminal: CommandContext['terminal'],
  document: DocumentFields<TokensDocument>,
): number {
  const { rows, blankRows, total, errors, firstError } = summary;
  document.rows = rows;
  document.blank = blankRows;
  document.input_tokens = summary.tokens;
  document.failed = errors;
  if (blankRows > 0) terminal.note(describeSkipped(blankRows));
  if (errors > 0) terminal.warn(`${errors} of ${rows} prompts could not be counted: ${firstError}`);
  if (errors === total)
    throw new LoomError('provider', 'no prompt could be counted.', { hint: 'See the reason above.' });
  terminal.printResult(
    `Total input tokens: ${formatCount(summary.tokens)} across ${rows} prompts (provider=${options.provider}, model=${options.model}, errors=${errors})`,
  );
  return errors > 0 ? 3 : 0;
}

/** The mean of the prompts so far, times the number of prompts. */
function describeProgress({ done, total, errors, tokens: counted }: TokenProgress): string {
  const answered = done - errors;
  const estimate = answered > 0 ? formatCount(Math.round((counted / answered) * total)) : '—';
  return `est_total≈${estimate}  errors=${errors}`;
}
