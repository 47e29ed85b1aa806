/** `loom run --dry-run`: what a run would send, and what its input would cost. */
import { previewRun, type RunPreview } from '../../api/preview/preview-run.ts';
import type { RunDocument } from '../../core/documents/documents.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import { describeRun, goesToStdout } from '../options/orders.ts';
import { placeOf } from '../options/reach.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { noPriceFor } from '../words/costs.ts';
import { countOf, describeUncounted, formatCount, formatDollars } from '../words/counts.ts';

/** Returns the exit code. */
export async function dryRun(
  options: RunOptions,
  context: CommandContext,
  document: DocumentFields<RunDocument>,
): Promise<number> {
  const { terminal } = context;
  const { apiKey, baseUrl, batchSize, tier, sync: live } = options;
  const place = { ...placeOf(options, context), apiKey, baseUrl };
  const order = await describeRun(options, context);
  const preview = await previewRun({
    ...place,
    ...order,
    tier,
    live,
    batchSize,
    deliver: goesToStdout(options),
  });
  document.estimate = { ...documentPreview(preview), would_cost: options.sandbox };
  terminal.printSentence('Dry run: nothing was sent, and nothing was written.');
  for (const line of describeRequests(preview)) terminal.printSentence(`  ${line}`);
  terminal.printSentence(
    `  Input tokens: about ${formatCount(preview.inputTokens)} (an estimate with the tokenizer ${preview.encoding})`,
  );
  const uncounted = describeUncounted(options);
  if (uncounted !== undefined) terminal.printSentence(`  ${uncounted}`);
  terminal.printSentence(`  ${describeEstimatedCost(preview, options, order.settings?.max_tokens)}`);
  const { firstPrompt } = preview;
  if (firstPrompt)
    terminal.printSentence(`  The prompt of row ${firstPrompt.row}: ${shorten(firstPrompt.prompt ?? '')}`);
  if (preview.outputExists && live && !options.force)
    terminal.warn(`output file ${preview.outputPath} already exists: the run needs --force.`);
  return 0;
}

const longestPrompt = 500;

/** On one line, as far as people read it; `--preview` has the whole. */
function shorten(prompt: string): string {
  const line = prompt.replace(/\s+/g, ' ').trim();
  return line.length > longestPrompt ? `${line.slice(0, longestPrompt)}…` : line;
}

function documentPreview(preview: RunPreview): Omit<NonNullable<RunDocument['estimate']>, 'would_cost'> {
  return {
    rows: preview.rows,
    blank: preview.blankRows,
    cached: preview.cachedRows,
    kept: preview.keptRows,
    equal: preview.equalRows,
    too_large: preview.tooLargeRows,
    requests: preview.requests,
    batches: preview.batches ?? null,
    input_tokens: preview.inputTokens,
    input_cost_usd: preview.cost ?? null,
    answers_cost_usd: preview.answers?.cost ?? null,
    sampled_answers: preview.answers?.sampled ?? 0,
    most_cost_usd: preview.mostCost ?? null,
  };
}

function describeRequests(estimate: RunPreview): string[] {
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

function describeEstimatedCost(
  { cost, answers, mostCost }: RunPreview,
  { provider, model, sync, sandbox, tier }: RunOptions,
  maxTokens: number | undefined,
): string {
  const word = sandbox ? 'Would cost' : 'Cost';
  if (cost === undefined)
    return `${word}: unknown, ${noPriceFor({ provider, model })}${tier ? ` in the tier ${tier}` : ''}`;
  const input = `about ${formatDollars(cost)} for the input, at the price of ${sync ? `live calls${tier ? ` in the tier ${tier}` : ''}` : 'a batch'}`;
  const output = answers
    ? `about ${formatDollars(answers.cost)} for the answers, from ${countOf(answers.sampled, 'answer')} of a sample in the cache`
    : undefined;
  const most =
    mostCost === undefined
      ? undefined
      : `at most ${formatDollars(mostCost)} with the output (--max-tokens ${maxTokens})`;
  const known = [output, most].filter((part) => part !== undefined);
  const rest = known.length > 0 ? known : ['the output comes on top, and is not known before the run'];
  return [`${word}: ${input}`, ...rest].join('; ');
}
