/** What `loom fetch` says on its way. */
import type { BatchRecord, BatchStatus, ProviderName } from '../../core/models.ts';
import { quoteShell } from '../../core/shell.ts';
import { describeShort } from '../../orchestrator/batch/fetch/batch-account.ts';
import type { FetchEvents, KeptAnswers } from '../../orchestrator/batch/fetch/fetch-run.ts';
import { windowOf } from '../../orchestrator/batch/list/list-batches.ts';
import type { MergedJob } from '../../orchestrator/batch/merge/merge-job.ts';
import type { UsageTally } from '../../orchestrator/usage/usage-tally.ts';
import { providerEntry } from '../../providers/registry.ts';
import type { DamagedFile } from '../../state/damaged-files.ts';
import type { Job } from '../../state/jobs.ts';
import { namePart } from '../../state/stored-jobs.ts';
import type { FetchOptions } from '../options/options.ts';
import { nameProvider } from '../options/reach.ts';
import { linkPath } from '../terminal/hyperlinks.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { reportUsage } from '../words/costs.ts';
import { describeError } from '../words/describe-error.ts';
import { describeUnwritten, reportRows } from '../words/failures.ts';
import { loom, type OfHome } from '../words/proposed-command.ts';
import { tellRetriesOf } from '../words/retries.ts';

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

const goneResults = 'The provider has the batch still, and its results no longer.';

/** What these sentences depend on. */
export type FetchVoice = Pick<FetchOptions, 'keep' | 'sandbox'>;

export function printEvents(voice: FetchVoice, terminal: Terminal): FetchEvents {
  return {
    onStatus(record, reason) {
      const isGone = reason?.startsWith('results_gone') ?? false;
      printStatus(record.batch_id, record.status, terminal, isGone ? goneResults : undefined);
      if (reason) terminal.warn(`batch ${record.batch_id}: ${reason}`);
    },
    onStuck: (record) => terminal.warn(describeStuck(record, voice)),
    onQueued(job, part) {
      printStatus(namePart(job, part), 'queued', terminal, explainQueued(job, part));
      tellFullQueue(job, part, terminal);
    },
    onHalved: (name, requests, reason) => terminal.warn(describeHalved(name, requests, reason)),
    onSubmitted: (record) =>
      terminal.print(`Batch submitted. id=${record.batch_id} provider=${record.provider}`),
    onParts: (jobId, partsIn, parts) => terminal.print(`Job ${jobId}: ${partsIn} of ${parts} parts are in.`),
    onMerged: (merged) => printMerged(merged, voice, terminal),
    onKept: (id, outputPath, answer) => {
      if (answer === 'nobody') {
        terminal.warn(
          `output file ${outputPath} already exists; batch ${id} stays pending. Pass --force to overwrite it, or move it.`,
        );
      } else {
        terminal.note('Skipped. Re-run with --force to overwrite, or move the existing file.');
      }
    },
    async onEnded(record, kept) {
      terminal.note(describeKept(record, kept, voice));
      await tellUsage(kept.usage, record, voice, terminal);
    },
    onShort(record, short) {
      const sentence = 'Its results are not all there; what came is kept, and a later fetch asks again.';
      printStatus(record.batch_id, 'completed', terminal, sentence);
      terminal.fail(
        `batch ${record.batch_id}: ${describeError(describeShort(record, short, voice.sandbox))}`,
      );
    },
    onRestored: ({ batch_id: id }) =>
      terminal.note(`The record of batch ${id} was gone; it is made anew from its job.`),
    onMiscount: (record, counted, held) =>
      terminal.warn(
        `batch ${record.batch_id}: the provider counts ${counted} results, and its files hold ${held}.`,
      ),
    onBusy: (id) => terminal.note(`Another process is working on ${id}; it is passed over.`),
    onDamaged: (damaged) => terminal.warn(describeDamaged(damaged, voice)),
    onError: (id, provider, error) =>
      terminal.fail(`batch ${id}: ${describeError(nameProvider(provider, error))}`),
    onRetry: tellRetriesOf(terminal),
  };
}

/** What can't be read, which paid batches wait for it, and what to do. */
export function describeDamaged({ path, reason, batchIds, mend }: DamagedFile, home: OfHome): string {
  const what = `can't read ${path}: ${reason}.`;
  if (batchIds.length === 0) return `${what} Repair it, or rebuild a record with ${loom('adopt', home)}.`;
  const [first] = batchIds;
  const batches = batchIds.length === 1 ? `The batch ${first} is` : `The batches ${batchIds.join(', ')} are`;
  const next = {
    job: `move it away: the next ${loom('fetch', home)} makes it anew from its job`,
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
export function explainQueued(job: Job, part: number): string | undefined {
  const isTooLarge = job.parts.find((other) => other.part === part)?.queue?.is_too_large;
  return isTooLarge ? 'It is more than the provider takes: this part is sent in halves.' : undefined;
}

/** Why a part waits, in the provider's words. */
export function tellFullQueue(job: Job, part: number, terminal: Terminal): void {
  const reason = job.parts.find((other) => other.part === part)?.queue?.reason;
  if (reason !== undefined) terminal.warn(`${namePart(job, part)}: ${reason}`);
}

/** What became of a part that the provider can't take. */
export function describeHalved(name: string, requests: number, reason: string | undefined): string {
  const why = reason === undefined ? '' : ` ${reason.replace(/[.!?…]*$/, '')}.`;
  const most = requests === 1 ? '1 request' : `${requests} requests`;
  return `${name} is more than the provider takes at once: it is sent as two parts, of at most ${most}.${why} --batch-size ${requests} makes such parts from the start.`;
}

/** Why a batch is called stuck, and what to do about it. */
function describeStuck(record: BatchRecord, home: OfHome): string {
  const { batch_id: id, provider, created_at } = record;
  const { title } = providerEntry(provider);
  const hours = Math.floor((Date.now() - Date.parse(created_at)) / 3_600_000);
  const what = `batch ${id} has been pending for ${hours} h, longer than ${title}'s window of ${Math.round(windowOf(record))} h: it is stuck.`;
  return `${what} See it at the provider, or cancel it with ${loom(`cancel --id ${quoteShell(id)}`, home)} and run the same command again; answers it gave are kept.`;
}

/** What a job gave that has no output by itself, and the two ways to go on. */
function describeKept(
  { batch_id: id, status }: BatchRecord,
  { answers, inCache }: KeptAnswers,
  voice: FetchVoice,
): string {
  const kept = answers === 1 ? '1 answer is kept' : `${answers} answers are kept`;
  const sends = inCache && answers > 0 ? 'only the rest' : 'all rows';
  const again = `${status === 'failed' ? 'With its cause mended, the' : 'The'} same loom run command again`;
  const partial = loom(`fetch --id ${quoteShell(id)} --partial`, voice);
  return `  ${kept}. ${again} sends ${sends}; ${partial} writes what there is.`;
}

function describeUnknown(results: number): string {
  if (results === 1) return '1 result has an id that was not sent; it is ignored.';
  return `${results} results have ids that were not sent; they are ignored.`;
}

async function printMerged(merged: MergedJob, voice: FetchVoice, terminal: Terminal): Promise<void> {
  const { keep } = voice;
  const { id, outputPath, summary, unknownResults, cacheTrouble } = merged;
  reportRows(summary, outputPath, terminal);
  await tellUsage(merged.usage, merged, voice, terminal);
  if (cacheTrouble) terminal.warn(`${(cacheTrouble as Error).message} The answers are in the output only.`);
  if (unknownResults > 0) terminal.warn(`batch ${id}: ${describeUnknown(unknownResults)}`);
  const removed = keep ? '' : ' (metadata removed)';
  if (!summary.isWritten) {
    terminal.fail(`batch ${id}: ${describeUnwritten(outputPath)}${removed}.`);
    return;
  }
  const line = `Fabric complete. id=${id} -> ${outputPath}${removed}`;
  terminal.print(linkPath(line, outputPath, terminal.results, terminal.environment));
}

async function tellUsage(
  usage: UsageTally | undefined,
  { provider, model }: { readonly provider: ProviderName; readonly model: string },
  { sandbox = false }: OfHome,
  terminal: Terminal,
): Promise<void> {
  const priced = { entry: providerEntry(provider), model, batch: true, isRehearsal: sandbox };
  if (usage) await reportUsage(usage, priced, terminal);
}
