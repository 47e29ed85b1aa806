/**
 * The steps of a fetch that bring in results. What came once is never lost again: each download is added to what is on
 * disk, and a file that is not the one that was written is downloaded anew. A batch counts as in when its account says so
 * (batch-account.ts), whatever its provider calls it.
 */
import { LoomError, ProviderError } from '../../../core/errors.ts';
import type { BatchRecord } from '../../../core/models.ts';
import { type JobPart, saveJob } from '../../../state/jobs.ts';
import { resultsName, updateRecord } from '../../../state/records.ts';
import { countResults, isSameFile, type KeptResults, keepResults } from '../../../state/results.ts';
import { findPart, hasEndedBadly } from '../../../state/stored-jobs.ts';
import { deleteHeld, type LoomHome } from '../../../storage/home.ts';
import { noteSandbox } from '../../calls/answer-server.ts';
import { sleep } from '../../calls/sleep.ts';
import { describeRecord } from '../list/list-batches.ts';
import { accountFor, describeShort, describeUnread, dueTime, readSentRows } from './batch-account.ts';
import { deleteUpload } from './delete-uploads.ts';
import type { BatchAccount } from './fetch-run.ts';
import { countMissingParts, forgetRecord, isDownloaded, type JobFetch, noteError } from './job-fetch.ts';
import { keepAnswers, noteGoneResults } from './keep-answers.ts';
import { noteRefusedRows } from './note-refused.ts';

/** Completed batches by what came of them. */
export interface BroughtIn {
  /** Every row that was sent is answered or refused, or it is written without those that are missing. */
  readonly ready: BatchRecord[];
  /** Their results are gone at the provider; what came before is kept. */
  readonly gone: BatchRecord[];
}

/**
 * Brings in the results of completed batches, and notes how these are. LoomError `results_unread` at the end where none of
 * one can be read. `isLast` says that the output is written next: files are proved then.
 */
export async function downloadBatches(
  fetching: JobFetch,
  records: readonly BatchRecord[],
  isLast: boolean,
): Promise<BroughtIn> {
  const brought: BroughtIn = { ready: [], gone: [] };
  let unread: LoomError | undefined;
  for (const record of records) {
    const isIn = (await isDownloaded(fetching, record)) && !(isLast && !(await isProved(fetching, record)));
    if (isIn) await updateRecord(fetching.run.home, record);
    const fate = isIn ? 'ready' : await bringIn(fetching, record);
    if (fate instanceof LoomError) unread ??= fate;
    else if (fate !== 'short') brought[fate].push(record);
  }
  if (unread) throw unread;
  return brought;
}

/** Whether the results on disk are those that were downloaded; those of older versions, whether they are all there. */
async function isProved(fetching: JobFetch, record: BatchRecord): Promise<boolean> {
  const { home } = fetching.run;
  const part = findPart(fetching, record);
  if (part.results) return hasSameResults(home, record, part);
  const sent = await readSentRows(home, record, part);
  return accountFor(await countResults(home.results, resultsName(record), sent.slotOf), sent).missing === 0;
}

async function hasSameResults({ results }: LoomHome, record: BatchRecord, part: JobPart): Promise<boolean> {
  return part.results !== undefined && isSameFile(results, resultsName(record), part.results);
}

async function bringIn(
  fetching: JobFetch,
  record: BatchRecord,
): Promise<'ready' | 'short' | 'gone' | LoomError> {
  const { run, job } = fetching;
  let download = await downloadBatch(fetching, record);
  // What is missing now is given up: a download may have been cut on its way.
  if (download.account.missing > 0 && isGivenUp(fetching, record, download.account)) {
    await sleep(secondLookMs, run.signal);
    download = await downloadBatch(fetching, record);
  }
  noteSandbox(job, fetching.provider);
  const { account, trouble } = download;
  const part = findPart(fetching, record);
  await confirmPart(fetching, record, account);
  if (part.adopted && !run.order.partial) refuseForeign(record, account);
  if (trouble?.code === 'results_gone') {
    await noteGoneResults(fetching, record, trouble);
    return 'gone';
  }
  if (isDoomed(fetching)) await keepAnswers(fetching, [record]);
  const isWhole = account.missing === 0;
  const isIn = isWhole || isGivenUp(fetching, record, account);
  const isNews = part.state !== 'downloaded' && record.missing !== account.missing;
  if (isIn && isNews) await noteRefusedRows(fetching, record, account);
  record.missing = isWhole ? null : account.missing;
  if (account.unread > 0) noteError(record, `unreadable: ${account.unread} of ${account.sent} results`);
  else if (!isWhole) noteError(record, `short: ${account.missing} of ${account.sent} results are missing`);
  part.state = isWhole ? 'downloaded' : 'submitted';
  if (isWhole) await deleteUpload(fetching, record);
  await updateRecord(run.home, record);
  await saveJob(run.home, job);
  if (isIn) return 'ready';
  if (account.unread > 0) return describeUnread(record, account, run.home.isSandbox);
  run.outcome.troubled = true;
  run.outcome.short = true;
  const batch = describeRecord(run.home, { ...record, status: 'completed' });
  const error = describeShort(record, { account, due: dueTime(record), trouble }, run.home.isSandbox);
  run.onEvent({ type: 'short', record, batch, account, error });
  return 'short';
}

/** Whether a batch is written without the rows that it lacks. */
function isGivenUp({ run }: JobFetch, record: BatchRecord, { unread }: BatchAccount): boolean {
  return run.order.partial || (unread === 0 && dueTime(record).getTime() <= Date.now());
}

interface Download {
  readonly account: BatchAccount;
  /** Why the last try of it broke off, when it did and the batch is there. */
  readonly trouble: ProviderError | undefined;
}

/** Troubles of the results themselves, as opposed to the way to them: what came counts, and the rest is missing. */
const resultTroubles = new Set(['unreadable', 'too_large', 'no_custom_ids', 'results_gone']);
const mostUnreadable = 3;
/** Before results count as gone, or rows as never to come, they are asked for once more. */
const secondLookMs = 1_000;

/** Adds what a batch has at its provider to what is on disk. Throws when there was no way to know. */
export async function downloadBatch(fetching: JobFetch, record: BatchRecord): Promise<Download> {
  const { run, job, provider, calls, callSignal } = fetching;
  const { home } = run;
  const part = findPart(fetching, record);
  const sent = await readSentRows(home, record, part);
  let isTrusted = await hasSameResults(home, record, part);
  let unreadable = 0;

  async function download(): Promise<KeptResults> {
    const results = provider.results(record.batch_id, callSignal, part.requests || undefined);
    const kept = await keepResults(home, resultsName(record), results, { slotOf: sent.slotOf, isTrusted });
    isTrusted ||= kept.trouble === undefined;
    part.results = kept.file;
    await saveJob(home, job);
    const { trouble } = kept;
    if (trouble?.code === 'unreadable') unreadable += 1;
    const isTried = trouble?.scope !== 'retry' || unreadable >= mostUnreadable;
    if (trouble && !(resultTroubles.has(trouble.code) && isTried)) throw trouble;
    return kept;
  }

  try {
    let kept = await calls.run(download);
    if (kept.trouble?.code === 'results_gone') {
      await sleep(secondLookMs, run.signal);
      kept = await calls.run(download);
    }
    const account = accountFor(kept, sent);
    if (account.missing === 0) tellMiscount(fetching, record, kept.downloaded);
    return { account, trouble: account.missing === 0 ? undefined : kept.trouble };
  } catch (error) {
    if (error instanceof ProviderError && !run.signal.aborted)
      await noteFailedDownload(fetching, record, error);
    throw error;
  }
}

function tellMiscount({ run }: JobFetch, record: BatchRecord, held: number): void {
  const { succeeded, failed } = record.counts ?? {};
  if (succeeded === undefined && failed === undefined) return;
  const counted = (succeeded ?? 0) + (failed ?? 0);
  if (counted !== held) run.onEvent({ type: 'miscount', record, counted, held });
}

async function noteFailedDownload(
  { run }: JobFetch,
  record: BatchRecord,
  error: ProviderError,
): Promise<void> {
  record.status = 'unknown';
  noteError(record, `${error.code}: ${error.message}`);
  await updateRecord(run.home, record);
}

/** Proves by its results that a batch which was found without a tag is its part; LoomError when it is another's. */
export async function confirmPart(
  fetching: JobFetch,
  record: BatchRecord,
  { answered, refused, unread, foreign }: BatchAccount,
): Promise<void> {
  const { run, job } = fetching;
  const part = findPart(fetching, record);
  if (!part.provisional) return;
  if (answered + refused + unread > 0) {
    part.provisional = false;
    return;
  }
  if (foreign === 0) return;
  part.mistaken_ids = [...(part.mistaken_ids ?? []), record.batch_id];
  part.state = 'submitting';
  delete part.batch_id;
  delete part.provisional;
  delete part.results;
  await saveJob(run.home, job);
  await forgetRecord(fetching, record);
  await deleteHeld(run.home, run.home.results, resultsName(record));
  throw new LoomError(
    'state',
    `the batch ${record.batch_id} is not part ${part.part} of job ${job.job_id}.`,
    {
      code: 'batch_mistaken',
      facts: { id: record.batch_id, job: job.job_id },
      hint: 'The next fetch looks for the right one.',
    },
  );
}

/** Where no job says what was sent, a batch of which no result fits was made of another input: it waits for that. */
function refuseForeign(record: BatchRecord, { answered, refused, unread, foreign }: BatchAccount): void {
  if (foreign === 0 || answered + refused + unread > 0) return;
  const what = `no result of ${record.batch_id} has an id of a row of ${record.original_file_path}; everything is kept.`;
  throw new LoomError('state', what, {
    code: 'batch_of_other_input',
    facts: { id: record.batch_id, path: record.original_file_path },
    hint: 'Was it adopted with another input, column or prompt? Forget it, and adopt it again.',
  });
}

/** Whether a part of the job ended early, was dropped, or lost its record: then the job has no output by itself. */
function isDoomed(fetching: JobFetch): boolean {
  return countMissingParts(fetching) > 0 || fetching.records.some((record) => hasEndedBadly(record.status));
}
