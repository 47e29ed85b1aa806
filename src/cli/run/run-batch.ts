/** `loom run` as a batch: what is told of a submission, and with --wait of its end. */

import type { FetchBatchesEvent } from '../../api/fetch-log.ts';
import { locateHome } from '../../api/options/reach.ts';
import { type SubmitBatchOptions, submitBatch } from '../../api/submit-batch.ts';
import type { WrittenDocument } from '../../core/documents/documents.ts';
import { quoteShell } from '../../core/shell.ts';
import { documentFetch } from '../documents/fetch-document.ts';
import { documentOutput } from '../documents/output-document.ts';
import { exitCodeOfFetch, waitAndTell } from '../fetch/wait.ts';
import { describeHalved } from '../fetch/words.ts';
import { describeRun } from '../options/orders.ts';
import { askOverwrite } from '../options/overwrite.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { tellCalls } from '../words/calls.ts';
import { describeSkipped, tellForeignReasons } from '../words/failures.ts';
import { loom } from '../words/proposed-command.ts';
import { openShortLives } from '../words/short-lives.ts';
import { tellSchemaEvent } from '../words/told-schemas.ts';
import { type StartedRun, tellDone } from './done.ts';

/** A job whose output is to be written, and whether a file in the way may go. */
export interface AwaitedJob {
  readonly id: string;
  readonly mayReplace: boolean;
}

/** What a run came to before it waits. */
export interface SubmittedRun {
  readonly code: number;
  /** With --wait, and when there is something to wait for. */
  readonly awaited?: AwaitedJob;
}

/** Submits, or writes the output when the cache has every answer. */
export async function submitRun(started: StartedRun): Promise<SubmittedRun> {
  const { options, context, reach, document } = started;
  const { terminal } = context;
  const { batchSize, maxCost, once, wait } = options;
  const canRepeat = !wait && !once && terminal.canAsk;
  const overwrite = askOverwrite(options, terminal);
  let mayReplace = options.force;
  const submitted = await submitBatch({
    ...reach,
    ...(await describeRun(options, context)),
    batchSize,
    maxCost,
    once,
    again: options.again || (canRepeat && ((id) => confirmAgain(id, terminal))),
    asksFirst: wait,
    async overwrite(path) {
      const answer = overwrite === true ? 'yes' : await overwrite(path);
      mayReplace ||= answer === 'yes';
      return answer;
    },
    onEvent: tellSubmission(started),
  });
  if (submitted.kind === 'declined') return { code: 0 };
  document.kind = submitted.kind;
  if (submitted.kind === 'answered') {
    const { written } = submitted;
    document.output = documentOutput({ ...written, id: undefined }, options.sandbox);
    return { code: tellDone(written, terminal, terminal.print) };
  }
  const { id } = submitted;
  if (submitted.kind === 'pending') tellPending(id, started);
  return { code: 0, ...(wait && { awaited: { id, mayReplace } }) };
}

/** What `loom fetch --id … --wait` does for the job that was submitted just now. */
export async function waitForRun(
  { id, mayReplace }: AwaitedJob,
  { options, context, reach, document, log }: StartedRun,
): Promise<number> {
  const outputs: WrittenDocument[] = [];
  const fetched = { outputs, errors: document.errors, damaged: [] };
  const documentEvent = documentFetch(fetched, options.sandbox);
  const note = (event: FetchBatchesEvent) => {
    log.note(event);
    documentEvent(event);
    document.output = outputs[0] ?? null;
  };
  const overwrite = askOverwrite({ force: mayReplace }, context.terminal);
  const order = { ...reach, id, overwrite, isOwn: true };
  return exitCodeOfFetch(await waitAndTell(order, { ...options, keep: false }, context.terminal, note));
}

/** Whether a person wants to pay for pending work once more. */
async function confirmAgain(id: string, terminal: Terminal): Promise<boolean> {
  const question = `The same work is pending already as ${id}. Submit it once more?`;
  return (await terminal.confirm(question)) === 'yes';
}

function tellPending(id: string, { options, context: { terminal }, document }: StartedRun): void {
  document.id = id;
  terminal.print(`Nothing sent: the same work is pending already as ${id}.`);
  if (options.wait) return;
  const fetch = loom(`fetch --id ${quoteShell(id)}`, options);
  terminal.note(`${fetch} brings its answers. To pay for them once more, pass --again.`);
}

type SubmissionEvent = Parameters<NonNullable<SubmitBatchOptions['onEvent']>>[0];

const sharedOutput = 'The one that is fetched later will find the other in its way, and stay pending.';

function tellSubmission(started: StartedRun): (event: SubmissionEvent) => void {
  const { terminal } = started.context;
  const { document, log } = started;
  const tellCall = tellCalls(terminal);
  const begin = () => {
    terminal.note('Spinning the threads... submitting batch.');
    if (started.options.retryMisfits)
      terminal.note('Note: --retry-misfits is for --sync; a batch asks for each answer once.');
  };
  return (event) => {
    switch (event.type) {
      case 'planned':
        begin();
        if (event.blankRows > 0) terminal.note(describeSkipped(event.blankRows));
        if (event.cachedRows > 0 && event.parts > 0) {
          terminal.note(
            `Rows with their answer in the cache: ${event.cachedRows}; only the others are sent.`,
          );
        }
        return;
      case 'resumed':
        begin();
        return terminal.note(`Going on with job ${event.id}, which was cut off.`);
      case 'pending':
        return terminal.note(
          `Note: the same work is pending already as ${event.id}; it is submitted once more.`,
        );
      case 'shared_output':
        return terminal.note(
          `Note: ${event.id}, which is pending, has the same output: ${event.outputPath}. ${sharedOutput}`,
        );
      case 'output_in_the_way':
        return terminal.note(
          `Note: ${event.outputPath} is there already. ${loom('fetch', started.options)} asks before it replaces it, and where nobody can be asked it needs --force.`,
        );
      case 'submitted':
        log.note(event);
        return terminal.print(
          `Batch submitted. id=${event.record.batch_id} provider=${event.record.provider}`,
        );
      case 'announced':
        document.id = event.id;
        for (const part of event.waiting) log.note({ type: 'queued', ...part });
        return tellSubmitted(event, started);
      case 'halved':
        return terminal.warn(describeHalved(event));
      case 'schema_known':
      case 'schema_refused':
        return tellSchemaEvent(event, terminal);
      case 'foreign_reasons':
        return tellForeignReasons(event, terminal);
      default:
        return tellCall(event);
    }
  };
}

function tellSubmitted(
  { id, rows, parts, waiting }: Extract<SubmissionEvent, { type: 'announced' }>,
  { options, reach, context: { terminal } }: StartedRun,
): void {
  if (parts > 1) terminal.print(`Job submitted. id=${id} parts=${parts} rows=${rows}`);
  if (waiting.length > 0) {
    terminal.note(
      `${waiting.length} of ${parts} parts wait for room in the provider's queue; ${loom('fetch', options)} submits them.`,
    );
    for (const { name, reason } of waiting) if (reason !== undefined) terminal.warn(`${name}: ${reason}`);
  }
  terminal.print(
    `Metadata saved to ${locateHome(reach).label}/batches/. Run ${loom(`fetch --id ${quoteShell(id)}`, options)} later.`,
  );
  if (!options.wait) openShortLives(terminal, options)(options.provider);
}
