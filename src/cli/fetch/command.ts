/** `loom fetch`: check batches, write the outputs that are complete. */
import type { FetchDocument } from '../../core/documents.ts';
import { InterruptedError, LoomError } from '../../core/errors.ts';
import { fetchBatches } from '../../orchestrator/batch/fetch/fetch-batches.ts';
import type { FetchEvents, FetchOrder, FetchSummary } from '../../orchestrator/batch/fetch/fetch-run.ts';
import type { LoomHome } from '../../storage/home.ts';
import { documentFetch, tellBoth } from '../documents/fetch-document.ts';
import type { CommandContext, FetchOptions } from '../options/options.ts';
import { standardStream } from '../options/stdin.ts';
import { openReach } from '../options/story-reach.ts';
import { loom } from '../words/proposed-command.ts';
import { describeFetch } from './fetch-order.ts';
import { checkWaitFlags, exitCodeOfFetch, waitAndTell } from './wait.ts';
import { printEvents } from './words.ts';

export async function fetch(options: FetchOptions, context: CommandContext): Promise<number> {
  const document = context.document.begin<FetchDocument>({
    command: 'fetch',
    batches: [],
    outputs: [],
    errors: [],
    damaged: [],
  });
  if (options.id === undefined && !options.all) {
    throw new LoomError('usage', '--no-all leaves nothing to fetch.', { hint: 'Name a batch with --id.' });
  }
  if (options.file !== undefined && options.id === undefined) {
    throw new LoomError('usage', '--file is about one batch.', { hint: 'Name it with --id.' });
  }
  if (options.file === standardStream) {
    throw new LoomError('usage', "loom fetch can't take the input from stdin.", {
      hint: 'What came through stdin is kept until it is fetched; for any other input pass its path.',
    });
  }
  checkWaitFlags(options);
  const reach = await openReach({ ...options, cache: options.cacheDir !== undefined }, context);
  try {
    const order = describeFetch(options, reach, context);
    const listeners = documentFetch(document, reach.home);
    const summary = options.wait
      ? await waitAndTell(reach.home, order, options, context, listeners)
      : await fetchOnce(reach.home, order, options, context, listeners);
    if (summary.jobs === 0) context.terminal.note(`No pending batches. See ${loom('list', options)}.`);
    return exitCodeOfFetch(summary);
  } finally {
    await reach.close();
  }
}

async function fetchOnce(
  home: LoomHome,
  order: FetchOrder,
  options: FetchOptions,
  { terminal, signal }: CommandContext,
  listeners: FetchEvents,
): Promise<FetchSummary> {
  const voice = { keep: options.keep, sandbox: options.sandbox };
  try {
    return await fetchBatches(home, order, signal, tellBoth(listeners, printEvents(voice, terminal)));
  } catch (error) {
    if (error instanceof InterruptedError) {
      terminal.note('What is in is kept, and nothing half-written: the next loom fetch goes on from there.');
    }
    throw error;
  }
}
