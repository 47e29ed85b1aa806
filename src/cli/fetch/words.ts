/** What `loom fetch` says on its way. */

import type { FetchBatchesEvent, FetchEvent, QueuedPart, WrittenOutput } from '../../api/fetch-batches.ts';
import type { DamagedFile } from '../../api/list-batches.ts';
import { titleOf } from '../../api/providers.ts';
import type { BatchRecord, BatchStatus } from '../../core/models.ts';
import { quoteShell } from '../../core/shell.ts';
import { withoutStop } from '../../core/words.ts';
import { nameProvider } from '../options/reach.ts';
import { linkPath } from '../terminal/hyperlinks.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { tellCalls } from '../words/calls.ts';
import { reportUsage } from '../words/costs.ts';
import { countOf } from '../words/counts.ts';
import { describeError } from '../words/describe-error.ts';
import { describeUnknownResults, describeUnwritten, reportRows } from '../words/failures.ts';
import { loom, type OfHome } from '../words/proposed-command.ts';
import { openShortLives } from '../words/short-lives.ts';
import { tellSchemaEvent } from '../words/told-schemas.ts';

/** One sentence per status, as people and scripts know them. */
export const explanations: Readonly<Record<BatchStatus | 'queued', string>> = {
  queued: "The provider's queue is full; a later loom fetch submits this part.",
  validating: 'Provider has accepted the batch and is queueing/preparing it; no work has started yet.',
  in_progress: 'Provider is actively running the prompts; check back later.',
  completed: 'All prompts finished and results were downloaded.',
  failed: 'Provider reported the batch as failed; results are not available.',
  expired: "Batch exceeded the provider's time limit (typically 24h) before completing.",
  cancelled: "Batch was cancelled — either by you on the provider's dashboard, or by the provider itself.",
  unknown: 'Last fetch attempt raised an error (e.g. invalid id, auth, or network); re-run to retry.',
};

const goneResults = 'The provider still has the batch, but no longer its results.';

/** Whether a batch may still give results. */
export function isWaitedFor(status: BatchStatus | 'queued'): boolean {
  return ['queued', 'validating', 'in_progress', 'unknown'].includes(status);
}

/** What these sentences depend on. */
export interface FetchVoice {
  readonly keep: boolean;
  readonly sandbox: boolean;
}

export function tellFetch(voice: FetchVoice, terminal: Terminal): (event: FetchBatchesEvent) => void {
  const tellCall = tellCalls(terminal);
  const warnOfShortLife = openShortLives(terminal, voice);
  return (event) => {
    switch (event.type) {
      case 'status': {
        const { record, reason } = event;
        const isGone = reason?.startsWith('results_gone') ?? false;
        printStatus(record.batch_id, record.status, terminal, isGone ? goneResults : undefined);
        if (reason) terminal.warn(`batch ${record.batch_id}: ${reason}`);
        if (isWaitedFor(record.status)) warnOfShortLife(record.provider);
        return;
      }
      case 'stuck':
        return terminal.warn(describeStuck(event, voice));
      case 'queued':
        printStatus(event.name, 'queued', terminal, explainQueued(event));
        return tellFullQueue(event, terminal);
      case 'halved':
        return terminal.warn(describeHalved(event));
      case 'schema_known':
      case 'schema_refused':
        return tellSchemaEvent(event, terminal);
      case 'submitted':
        return terminal.print(
          `Batch submitted. id=${event.record.batch_id} provider=${event.record.provider}`,
        );
      case 'parts':
        return terminal.print(`Job ${event.id}: ${event.partsIn} of ${event.parts} parts are in.`);
      case 'merged':
        return printMerged(event.output, voice, terminal);
      case 'kept':
        return event.answer === 'nobody'
          ? terminal.warn(
              `output file ${event.outputPath} already exists; batch ${event.id} stays pending. Pass --force to overwrite it, or move it.`,
            )
          : terminal.note('Skipped. Re-run with --force to overwrite, or move the existing file.');
      case 'ended': {
        const { record } = event;
        terminal.note(describeKept(record, event, voice));
        return reportUsage(event, { ...record, isRehearsal: voice.sandbox }, terminal);
      }
      case 'short': {
        const sentence = 'Some of its results are missing; what came is kept, and a later fetch asks again.';
        printStatus(event.record.batch_id, 'completed', terminal, sentence);
        warnOfShortLife(event.record.provider);
        return terminal.fail(`batch ${event.record.batch_id}: ${describeError(event.error)}`);
      }
      case 'restored':
        return terminal.note(
          `The record of batch ${event.record.batch_id} was gone; a new one is made from its job.`,
        );
      case 'miscount':
        return terminal.warn(
          `batch ${event.record.batch_id}: the provider counts ${event.counted} results, and its files hold ${event.held}.`,
        );
      case 'busy':
        return terminal.note(`Another process is working on ${event.id}; it is skipped.`);
      case 'damaged':
        return terminal.warn(describeDamaged(event.file, voice));
      case 'failed':
        return terminal.fail(
          `batch ${event.id}: ${describeError(nameProvider(event.provider, event.error))}`,
        );
      // A wait has its own words for these.
      case 'ready':
      case 'watch':
      case 'trouble':
      case 'gone':
        return;
      default:
        return tellCall(event);
    }
  };
}

/** What can't be read, which paid batches wait for it, and what to do. */
export function describeDamaged({ path, reason, batchIds, mend }: DamagedFile, home: OfHome): string {
  const what = `can't read ${path}: ${reason}.`;
  if (batchIds.length === 0) return `${what} Repair it, or rebuild a record with ${loom('adopt', home)}.`;
  const [first] = batchIds;
  const batches = batchIds.length === 1 ? `The batch ${first} is` : `The batches ${batchIds.join(', ')} are`;
  const next = {
    job: `move it away: the next ${loom('fetch', home)} makes a new one from its job`,
    records: `move it away: the next ${loom('fetch', home)} goes on with the records that it has`,
    adopt: `rebuild it with ${loom('adopt', home)}`,
  }[mend];
  return `${what} ${batches} paid for. Repair it, or ${next}.`;
}

/** How a batch is, and a sentence on that. */
export function printStatus(
  id: string,
  status: BatchStatus | 'queued',
  terminal: Terminal,
  sentence = explanations[status],
): void {
  terminal.print(`Checking the loom... id=${id} status=${status}`);
  terminal.print(`  ${sentence}`);
}

/** Undefined for the usual reason, a full queue. */
export function explainQueued({ isTooLarge }: QueuedPart): string | undefined {
  return isTooLarge ? 'It is more than the provider takes: this part is sent in halves.' : undefined;
}

/** Why a part waits, in the provider's words. */
export function tellFullQueue({ name, reason }: QueuedPart, terminal: Terminal): void {
  if (reason !== undefined) terminal.warn(`${name}: ${reason}`);
}

/** What became of a part that the provider can't take. */
export function describeHalved({ name, requests, reason }: Extract<FetchEvent, { type: 'halved' }>): string {
  const why = reason === undefined ? '' : ` ${withoutStop(reason)}.`;
  return `${name} is more than the provider takes at once: it is sent as two parts, of at most ${countOf(requests, 'request')}.${why} --batch-size ${requests} makes such parts from the start.`;
}

/** Why a batch is called stuck, and what to do about it. */
function describeStuck(
  { record, windowHours }: Extract<FetchEvent, { type: 'stuck' }>,
  home: OfHome,
): string {
  const { batch_id: id, provider, created_at } = record;
  const title = titleOf(provider);
  const hours = Math.floor((Date.now() - Date.parse(created_at)) / 3_600_000);
  const what = `batch ${id} has been pending for ${hours} h, longer than ${title}'s window of ${Math.round(windowHours)} h: it is stuck.`;
  return `${what} See it at the provider, or cancel it with ${loom(`cancel --id ${quoteShell(id)}`, home)} and run the same command again; answers it gave are kept.`;
}

/** What a job gave that has no output by itself, and the two ways to go on. */
function describeKept(
  { batch_id: id, status }: BatchRecord,
  { answers, inCache }: Pick<Extract<FetchEvent, { type: 'ended' }>, 'answers' | 'inCache'>,
  home: OfHome,
): string {
  const sends = inCache && answers > 0 ? 'only the rest' : 'all rows';
  const again = `${status === 'failed' ? 'Once its cause is mended, the' : 'The'} same loom run command again`;
  const partial = loom(`fetch --id ${quoteShell(id)} --partial`, home);
  return `  ${countOf(answers, 'answer is', 'answers are')} kept. ${again} sends ${sends}; ${partial} writes what there is.`;
}

function printMerged(output: WrittenOutput, { keep, sandbox }: FetchVoice, terminal: Terminal): void {
  const { id, outputPath, summary, unknownResults, cacheTrouble } = output;
  reportRows(summary, outputPath, terminal);
  reportUsage(output, { ...output, isRehearsal: sandbox }, terminal);
  if (cacheTrouble) terminal.warn(`${(cacheTrouble as Error).message} The answers are in the output only.`);
  if (unknownResults > 0) terminal.warn(`batch ${id}: ${describeUnknownResults(unknownResults)}`);
  const removed = keep ? '' : ' (metadata removed)';
  if (!summary.isWritten) {
    terminal.fail(`batch ${id}: ${describeUnwritten(outputPath)}${removed}.`);
    return;
  }
  const line = `Fabric complete. id=${id} -> ${outputPath}${removed}`;
  terminal.print(linkPath(line, outputPath, terminal.results, terminal.environment));
}
