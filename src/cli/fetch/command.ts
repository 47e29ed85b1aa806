/** `loom fetch`: check batches, write the outputs that are complete. */

import {
  type FetchBatchesEvent,
  type FetchBatchesOptions,
  type FetchedBatches,
  fetchBatches,
} from '../../api/fetch-batches.ts';
import { FetchLog } from '../../api/fetch-log.ts';
import type { FetchDocument } from '../../core/documents/documents.ts';
import { InterruptedError, LoomError } from '../../core/errors.ts';
import { documentBatch } from '../documents/batch-document.ts';
import { documentFetch } from '../documents/fetch-document.ts';
import type { CommandContext, FetchOptions } from '../options/options.ts';
import { askOverwrite } from '../options/overwrite.ts';
import { withProviders } from '../options/reach.ts';
import { standardStream } from '../options/stdin.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { loom } from '../words/proposed-command.ts';
import { checkWaitFlags, exitCodeOfFetch, waitAndTell } from './wait.ts';
import { tellFetch } from './words.ts';

export async function fetch(options: FetchOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const log = new FetchLog();
  const document = context.document.begin<FetchDocument>({
    command: 'fetch',
    get batches() {
      return log.batches.map(documentBatch);
    },
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
  const { id, keep, partial, file } = options;
  const documentEvent = documentFetch(document, options.sandbox);
  const note = (event: FetchBatchesEvent) => {
    log.note(event);
    documentEvent(event);
  };
  const fetched = await withProviders(options, context, (reach) => {
    const order = { ...reach, id, keep, partial, file, overwrite: askOverwrite(options, terminal) };
    return options.wait
      ? waitAndTell(order, options, terminal, note)
      : fetchOnce(order, options, terminal, note);
  });
  if (fetched.jobs === 0) terminal.note(`No pending batches. See ${loom('list', options)}.`);
  return exitCodeOfFetch(fetched);
}

async function fetchOnce(
  order: FetchBatchesOptions,
  options: FetchOptions,
  terminal: Terminal,
  note: (event: FetchBatchesEvent) => void,
): Promise<FetchedBatches> {
  const tell = tellFetch(options, terminal);
  try {
    return await fetchBatches({ ...order, onEvent });
  } catch (error) {
    if (error instanceof InterruptedError) {
      terminal.note(
        'What has arrived is kept, and no file is half written: the next loom fetch goes on from there.',
      );
    }
    throw error;
  }

  function onEvent(event: FetchBatchesEvent): void {
    note(event);
    tell(event);
  }
}
