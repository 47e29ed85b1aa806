/**
 * The account of a batch: what has come of each row that was sent. A batch that its provider calls completed is over
 * only when every row is answered or refused in its results. While some are missing, because a download was cut at a
 * line, a page stood in its middle, or only the file of errors was there yet, the batch is `short`: what came is kept,
 * its record and its upload stay, and each fetch asks again. A day after the batch's end it is written with what there is,
 * unless all that there is are answers that can't be read.
 * test/stories/batch/short-results.test.ts holds this at every provider.
 */

import { LoomError } from '../../../core/errors.ts';
import type { BatchRecord } from '../../../core/models.ts';
import type { BatchCheck } from '../../../providers/provider.ts';
import type { JobPart } from '../../../state/jobs.ts';
import { readCachedResponses, readCustomIds, readIdMap } from '../../../state/records.ts';
import type { HeldResults, SlotOf } from '../../../state/results.ts';
import { safeFileId } from '../../../storage/file-ids.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { SentIds } from '../../dataset/match-rows.ts';
import type { BatchAccount, ShortResults } from './fetch-run.ts';

/** How long results that are short are asked for again after the end of their batch. */
const patienceMs = 24 * 3_600_000;
/** No provider keeps results for so long: a time before that is none. */
const longestLifeMs = 60 * 24 * 3_600_000;

/** The rows that were sent in a batch. */
export interface SentRows {
  readonly count: number;
  readonly slotOf: SlotOf;
}

/** The rows of a batch by its id map. LoomError `state` names the batch where that is damaged. */
export async function readSentRows(home: LoomHome, record: BatchRecord, part: JobPart): Promise<SentRows> {
  if (record.job_id === undefined) return readMappedRows(home, record);
  const ids = new SentIds();
  for await (const some of readCustomIds(home.batches, record)) for (const id of some) ids.add(id);
  // A map that was made anew from the input has the rows of all parts.
  if (ids.count < part.requests) throw describeCutMap(record, ids.count, part.requests);
  const sent = part.requests || ids.count;
  const counted = part.adopted ? (record.counts?.total ?? sent) : sent;
  return { count: Math.min(sent, counted), slotOf: (customId) => ids.slotOf(customId) };
}

/** Of the Python tool, which maps the rows too that it had in its cache, and did not send. */
async function readMappedRows(home: LoomHome, record: BatchRecord): Promise<SentRows> {
  const cached = await readCachedResponses(home.batches, record);
  const ids = Object.keys(await readIdMap(home.batches, record)).filter((id) => !Object.hasOwn(cached, id));
  const slots = new Map(ids.map((id, slot) => [id, slot]));
  const count = Math.min(slots.size, record.counts?.total ?? slots.size);
  return { count, slotOf: (customId) => slots.get(customId) };
}

function describeCutMap({ batch_id: id, provider }: BatchRecord, has: number, sent: number): LoomError {
  const what = `the record of batch ${id} names ${has} of the ${sent} rows that were sent: it is damaged. The batch is at ${provider} and paid for.`;
  const file = `${provider}_${safeFileId(id)}.json`;
  return new LoomError('state', what, {
    code: 'record_short',
    facts: { id, file },
    hint: `Move ${file} away from batches/; the next fetch makes a new one from its job.`,
  });
}

/** Where nothing can be read of a batch but refusals, its successes are missing: it may be this version that can't read them. */
export function accountFor(held: HeldResults, sent: SentRows): BatchAccount {
  const { answered, refused, foreign, unreadReason } = held;
  const unread = answered === 0 ? held.unread : 0;
  return {
    answered,
    refused: refused - unread,
    unread,
    unreadReason,
    foreign,
    sent: sent.count,
    missing: Math.max(0, sent.count - answered - refused + unread),
  };
}

/** When the batch ended, for its record: as the provider says, else as it was first seen. */
export function noteEnd(record: BatchRecord, { times }: BatchCheck, now = new Date()): void {
  const told = times.ended?.getTime() ?? Number.NaN;
  const isPlausible = told > now.getTime() - longestLifeMs && told <= now.getTime();
  record.ended_at = isPlausible ? new Date(told).toISOString() : (record.ended_at ?? now.toISOString());
}

/** From when on a batch of which rows are missing is written without them. */
export function dueTime({ ended_at }: BatchRecord): Date {
  const ended = Date.parse(ended_at ?? '');
  return new Date((Number.isNaN(ended) ? Date.now() : ended) + patienceMs);
}

/** What is missing, what is kept, and what happens next. */
export function describeShort(
  { batch_id: id }: BatchRecord,
  { account, due, trouble }: ShortResults,
  sandbox: boolean,
): LoomError {
  const { sent, missing, answered, refused, foreign } = account;
  const strangers = foreign > 0 ? ` ${foreign} of its results have ids that were not sent.` : '';
  const why = trouble ? ` ${trouble.message}` : '';
  const what = `the results are short: of ${sent} rows that were sent ${missing} have none yet (${answered} answered, ${refused} refused); what came is kept.${strangers}${why}`;
  const from = `${due.toISOString().slice(0, 16)}Z`;
  return new LoomError('provider', what, {
    code: 'results_short',
    facts: { id, missing, due: from, sandbox },
    hint: `The next fetch asks for them again. From ${from} on it writes the output without them; with partial it does so at once.`,
  });
}

/** None of what a batch was paid for can be read: it is no matter of time, and nothing is written without being asked. */
export function describeUnread(
  { batch_id: id }: BatchRecord,
  { sent, unread, unreadReason = '' }: BatchAccount,
  sandbox: boolean,
): LoomError {
  const what = `of ${sent} rows that were sent ${unread} have an answer that can't be read, and none has one that can; the batch and its upload are kept. ${unreadReason}`;
  return new LoomError('provider', what, {
    code: 'results_unread',
    facts: { id, unread, sandbox },
    hint: 'A later version may read them, by a fetch of the same batch. With partial the rows are written as failed, and the batch is forgotten.',
  });
}
