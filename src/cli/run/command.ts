/** `loom run`: submit a batch, or answer at once with --sync. */

import { FetchLog } from '../../api/fetch-log.ts';
import { checkOwnPrices, questionModel } from '../../api/models.ts';
import { refuseTier } from '../../api/options/checks.ts';
import { describeProvider } from '../../api/providers.ts';
import type { RunDocument } from '../../core/documents/documents.ts';
import { InterruptedError, LoomError } from '../../core/errors.ts';
import { documentBatch } from '../documents/batch-document.ts';
import { checkWaitFlags } from '../fetch/wait.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import { checkBatchStreams, checkDocumentStream } from '../options/orders.ts';
import { nameProvider, placeOf, withProviders } from '../options/reach.ts';
import { nameSchemaFile } from '../options/settings.ts';
import { checkInputFlags } from '../options/stdin.ts';
import { tellFileNames } from '../options/text-flag.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { warnOfPrices } from '../words/costs.ts';
import { describeUncounted } from '../words/counts.ts';
import { questionName } from '../words/model-names.ts';
import { loom } from '../words/proposed-command.ts';
import { dryRun } from './dry-run.ts';
import { preview } from './preview.ts';
import { submitRun, waitForRun } from './run-batch.ts';
import { answerRun } from './run-live.ts';

export async function run(options: RunOptions, context: CommandContext): Promise<number> {
  const log = new FetchLog();
  const document = beginDocument(options, context, log);
  checkInputFlags(options);
  tellFileNames(options, context);
  if (!options.sync) checkBatchStreams(options, options.wait);
  checkWaitFlags(options, options.wait && !options.sync);
  if (!options.sync) refuseTier(options);
  checkDocumentStream(options, context.voice);
  requireAsked(options, context);
  tellWrongPrices(options, context);
  await askAboutModel(options, context);
  tellUncounted(options, context);
  if (options.dryRun) return dryRun(options, context, document);
  if (options.preview) return preview(options, context, document);
  return withProviders(options, context, async (reach) => {
    const started = { options, context, reach, document, log };
    if (options.sandbox)
      context.terminal.note('A rehearsal in the sandbox: no model is asked, and nothing is paid for.');
    if (options.sync) return named(options, context, () => answerRun(started));
    const { code, awaited } = await named(options, context, () => submitRun(started));
    return awaited ? waitForRun(awaited, started) : code;
  });
}

/** Where most models take no batches, nobody gets one for want of --sync. */
function requireAsked(options: RunOptions, context: CommandContext): void {
  if (options.sync || options.batch) return;
  const { title, batchesWhenAsked } = describeProvider(options.provider, placeOf(options, context));
  if (!batchesWhenAsked) return;
  throw new LoomError('provider', `${title} has no batch API that is used unasked.`, {
    hint: 'Re-run with --sync, or with --batch.',
  });
}

/** Own prices that are wrong end no run, but one with a limit of its cost: that one ends by their error. */
function tellWrongPrices(options: RunOptions, context: CommandContext): void {
  const { maxCost, dryRun, preview } = options;
  if (maxCost !== undefined && !dryRun && !preview) return;
  warnOfPrices(checkOwnPrices(placeOf(options, context)), context.terminal);
}

/** A limit of costs is held against estimates, which know nothing of files. */
function tellUncounted(options: RunOptions, { terminal }: CommandContext): void {
  const uncounted = options.maxCost === undefined || options.dryRun ? undefined : describeUncounted(options);
  if (uncounted !== undefined) terminal.note(`--max-cost: ${uncounted}`);
}

/** A name that is most likely a mistake is told before anything is sent. Nobody waits for an answer. */
async function askAboutModel(options: RunOptions, context: CommandContext): Promise<void> {
  const { provider, model, baseUrl } = options;
  const meant = await questionModel({ ...placeOf(options, context), provider, model, baseUrl });
  if (meant) context.terminal.warn(questionName({ provider, model }, meant));
}

/** The errors of the work, with the names that people know. */
async function named<Result>(
  options: RunOptions,
  { terminal, workingFolder }: CommandContext,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InterruptedError) terminal.note(afterInterrupt(options));
    throw nameProvider(options.provider, nameSchemaFile(error, options, workingFolder));
  }
}

function beginDocument(
  { dryRun, preview, sync, provider, model }: RunOptions,
  { document }: CommandContext,
  log: FetchLog,
): DocumentFields<RunDocument> {
  return document.begin<RunDocument>({
    command: 'run',
    mode: dryRun ? 'dry_run' : preview ? 'preview' : sync ? 'sync' : 'batch',
    provider,
    model,
    kind: null,
    id: null,
    get batches() {
      return log.batches.map(documentBatch);
    },
    output: null,
    errors: [],
    estimate: null,
    whole: null,
    preview: null,
  });
}

function afterInterrupt(options: RunOptions): string {
  return options.sync
    ? 'Answers so far are kept, and no output is written: the same command goes on from there.'
    : `What was submitted is kept: the same command, or ${loom('fetch', options)}, goes on from there.`;
}
