/** `loom run`: submit a batch, or answer at once with --sync. */
import type { RunDocument } from '../../core/documents.ts';
import { InterruptedError } from '../../core/errors.ts';
import type { ProviderEntry } from '../../providers/provider.ts';
import { providerEntry, requireBatchApi } from '../../providers/registry.ts';
import { checkWaitFlags } from '../fetch/wait.ts';
import type { CommandContext, RunOptions } from '../options/options.ts';
import { checkBatchStreams, checkDocumentStream, describeOrder } from '../options/orders.ts';
import { nameProvider } from '../options/reach.ts';
import { nameSchemaFile } from '../options/settings.ts';
import { checkInputFlags, withInput } from '../options/stdin.ts';
import { openReach, type Reach } from '../options/story-reach.ts';
import type { DocumentFields } from '../terminal/voice.ts';
import { dryRun } from './dry-run.ts';
import { type SubmittedRun, submitRun } from './run-batch.ts';
import { answerRun } from './run-live.ts';
import { waitForJob } from './run-wait.ts';

export async function run(options: RunOptions, context: CommandContext): Promise<number> {
  const document = beginDocument(options, context);
  const entry = providerEntry(options.provider);
  if (!options.sync) requireBatchApi(entry);
  checkInputFlags(options);
  if (!options.sync) checkBatchStreams(options, options.wait);
  checkWaitFlags(options, options.wait && !options.sync);
  checkDocumentStream(options, context.voice);
  if (options.dryRun) return dryRun(options, entry, context, document);
  const reach = await openReach(options, context);
  if (options.sandbox)
    context.terminal.note('A rehearsal in the sandbox: no model is asked, and nothing is paid for.');
  try {
    const { code, awaited } = await submitOrAnswer(options, context, reach, entry, document);
    return awaited ? await waitForJob(awaited, options, context, reach, document) : code;
  } finally {
    await reach.close();
  }
}

async function submitOrAnswer(
  options: RunOptions,
  context: CommandContext,
  reach: Reach,
  entry: ProviderEntry,
  document: DocumentFields<RunDocument>,
): Promise<SubmittedRun> {
  try {
    return await withInput(options, reach.home, context, async (inputPath) => {
      const order = await describeOrder(options, inputPath, context);
      const started = { options, context, reach, entry, order, document };
      return options.sync
        ? { code: await answerRun(started) }
        : submitRun({ ...started, entry: requireBatchApi(entry) });
    });
  } catch (error) {
    if (error instanceof InterruptedError) context.terminal.note(afterInterrupt(options));
    throw nameProvider(entry.name, nameSchemaFile(error, options, context.workingFolder));
  }
}

function beginDocument(
  { dryRun, sync, provider, model }: RunOptions,
  { document }: CommandContext,
): DocumentFields<RunDocument> {
  return document.begin<RunDocument>({
    command: 'run',
    mode: dryRun ? 'dry_run' : sync ? 'sync' : 'batch',
    provider,
    model,
    kind: null,
    id: null,
    batches: [],
    output: null,
    errors: [],
    estimate: null,
  });
}

function afterInterrupt(options: RunOptions): string {
  return options.sync
    ? 'Answers so far are kept, and no output is written: the same command goes on from there.'
    : `What was submitted is kept: the same command, or loom fetch${options.sandbox ? ' --sandbox' : ''}, goes on from there.`;
}
