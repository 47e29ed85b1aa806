/** `loom tokens`: count the input tokens of every prompt. */
import {
  countTokens,
  estimateTokens,
  type TokenEstimate,
  type TokenProgress,
  type TokenSummary,
} from '../../api/count-tokens.ts';
import { checkOwnPrices } from '../../api/models.ts';
import type { ReachOptions } from '../../api/options/options.ts';
import type { TokensDocument } from '../../core/documents/documents.ts';
import { LoomError } from '../../core/errors.ts';
import { describeInput } from '../options/input.ts';
import type { CommandContext, TokensOptions } from '../options/options.ts';
import { nameProvider, placeOf, withProviders } from '../options/reach.ts';
import { readSettings } from '../options/settings.ts';
import { checkInputFlags } from '../options/stdin.ts';
import { tellFileNames } from '../options/text-flag.ts';
import { startProgress } from '../terminal/progress.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { tellCalls } from '../words/calls.ts';
import { noPriceFor, warnOfPrices } from '../words/costs.ts';
import { describeUncounted, formatCount, formatDollars } from '../words/counts.ts';
import { describeSkipped } from '../words/failures.ts';

export async function tokens(options: TokensOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const document = beginDocument(options, context);
  checkInputFlags(options);
  tellFileNames(options, context);
  if (options.estimate) {
    const place = placeOf(options, context);
    warnOfPrices(checkOwnPrices(place), terminal);
    const estimate = await estimateTokens({ ...place, ...(await describeInputOf(options, context)) });
    return printEstimate(estimate, options, terminal, document);
  }
  try {
    const summary = await withProviders(options, context, (reach) => countFile(reach, options, context));
    return printSummary(summary, options, terminal, document);
  } catch (error) {
    throw nameProvider(options.provider, error);
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
  reach: ReachOptions,
  options: TokensOptions,
  context: CommandContext,
): Promise<TokenSummary> {
  const { workers, patience: patienceMs } = options;
  const tellCall = tellCalls(context.terminal);
  let progress: ReturnType<typeof startProgress> | undefined;
  try {
    return await countTokens({
      ...reach,
      ...(await describeInputOf(options, context)),
      workers,
      patienceMs,
      onEvent(event) {
        if (event.type !== 'progress') return tellCall(event);
        progress ??= startProgress(context.terminal, 'Counting tokens');
        progress.update({ ...event, details: describeProgress(event) });
      },
    });
  } finally {
    progress?.stop();
  }
}

async function describeInputOf(options: TokensOptions, context: CommandContext) {
  const { system } = options;
  const settings = await readSettings({ ...(system !== undefined && { system }) }, context.workingFolder);
  return { ...describeInput(options, context), settings };
}

/** Counted without the provider; the sentence is the usual one, and says that it is an estimate. */
function printEstimate(
  { rows, blankRows, inputTokens, encoding, liveCost, batchCost }: TokenEstimate,
  { provider, model, ...options }: TokensOptions,
  terminal: CommandContext['terminal'],
  document: DocumentFields<TokensDocument>,
): number {
  Object.assign(document, {
    rows,
    blank: blankRows,
    input_tokens: inputTokens,
    failed: 0,
    estimated_with: encoding,
    live_cost_usd: liveCost ?? null,
    batch_cost_usd: batchCost ?? null,
  });
  if (blankRows > 0) terminal.note(describeSkipped(blankRows));
  const uncounted = describeUncounted(options);
  if (uncounted !== undefined) terminal.note(uncounted);
  const count = `${formatCount(inputTokens)} across ${rows} prompts`;
  const about = `provider=${provider}, model=${model}, errors=0`;
  terminal.printResult(`Total input tokens: ${count} (${about}), an estimate with the tokenizer ${encoding}`);
  if (liveCost === undefined) {
    terminal.printResult(`Input cost: unknown, ${noPriceFor({ provider, model })}`);
    return 0;
  }
  const asBatch = batchCost !== undefined ? `, about ${formatDollars(batchCost)} as a batch` : '';
  terminal.printResult(`Input cost: about ${formatDollars(liveCost)} live${asBatch} (an estimate)`);
  return 0;
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
