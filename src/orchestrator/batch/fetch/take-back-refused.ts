/**
 * The step of a fetch that deals with refused structured output. A batch of which no row came through for that cost
 * nothing: its part is taken back and sent again with the schema in words, by this fetch. Where some rows were answered
 * the others are failed rows, and the next run of the same work asks for them so.
 */

import { forgetSchemaRefusal, noteSchemaRefusal } from '../../../cache/schema-refusals.ts';
import type { BatchRecord } from '../../../core/models.ts';
import type { BatchCheck } from '../../../providers/provider.ts';
import { giveBackPart, saveJob } from '../../../state/jobs.ts';
import { resultsName } from '../../../state/records.ts';
import { readDecodedResults } from '../../../state/results.ts';
import { findPart, hasEndedBadly } from '../../../state/stored-jobs.ts';
import { deleteHeld } from '../../../storage/home.ts';
import { findSchemaRefusal, saysNoSchemas } from '../../answers/told-schema.ts';
import type { RefusedPart } from '../parts/refused-schema.ts';
import { asksForSchema, canBeTold, schemaAskedBy } from '../parts/tell-part.ts';
import type { BatchAccount } from './fetch-run.ts';
import { forgetRecord, type JobFetch } from './job-fetch.ts';

/**
 * Whether a batch that failed before it started is taken back. One that was known to have failed is not: the same work
 * may have been sent anew since.
 */
export async function takeBackFailed(
  fetching: JobFetch,
  record: BatchRecord,
  { status, counts, error }: BatchCheck,
): Promise<boolean> {
  const part = findPart(fetching, record);
  const { requests } = part;
  const isNews = !hasEndedBadly(record.status) && part.results === undefined && !part.provisional;
  if (status !== 'failed' || counts?.succeeded || !isNews || !canBeSentAgain(fetching, record)) return false;
  if (!error || !saysNoSchemas(error.message)) return false;
  await takeBack(fetching, record, {
    name: record.batch_id,
    reason: error.message,
    refused: requests,
    requests,
    isRemembered: true,
  });
  return true;
}

/** Whether a batch whose results are in is taken back; tells in any case of rows that were refused. */
export async function takeBackRefused(
  fetching: JobFetch,
  record: BatchRecord,
  account: BatchAccount,
): Promise<boolean> {
  const found = await findRefused(fetching, record, account);
  if (!found) return false;
  const isAll = account.refused === account.sent && found.refused >= account.sent;
  if (isAll && canBeSentAgain(fetching, record)) {
    await takeBack(fetching, record, found);
    return true;
  }
  await noteRefused(fetching, found);
  return false;
}

/** Tells of the rows of a batch that ended early which were refused: the next run of the same work asks for them. */
export async function tellRefused(
  fetching: JobFetch,
  record: BatchRecord,
  account: BatchAccount,
): Promise<void> {
  const found = await findRefused(fetching, record, account);
  if (found) await noteRefused(fetching, found);
}

type Refused = Omit<RefusedPart, 'isSentAgain'>;

async function noteRefused({ run, job }: JobFetch, refused: Refused): Promise<void> {
  if (refused.isRemembered) await noteSchemaRefusal(run.home, schemaAskedBy(job), refused.reason);
  run.onEvent({ type: 'schema_refused', ...refused, isSentAgain: false });
}

/** Rows that were refused for their schema, of a part that asked for it. A part that was told in words proves it wrong. */
async function findRefused(
  fetching: JobFetch,
  record: BatchRecord,
  account: BatchAccount,
): Promise<Refused | undefined> {
  const { run, job } = fetching;
  if (account.refused === 0 || !job.params?.schema) return undefined;
  const { refused, reason } = await countRefused(fetching, record);
  if (refused === 0) return undefined;
  // A row or two may be an upstream's, or in words that mean something else: it is about a model where nothing came through.
  const isRemembered = account.answered === 0;
  if (asksForSchema(job, findPart(fetching, record)))
    return { name: record.batch_id, reason, refused, requests: account.sent, isRemembered };
  if (isRemembered) await forgetSchemaRefusal(run.home, schemaAskedBy(job));
  return undefined;
}

/** Whether its part is this home's to be sent, and still is; whoever wants what there is by now waits for nothing more. */
function canBeSentAgain({ run, job }: JobFetch, record: BatchRecord): boolean {
  return (
    !run.order.partial &&
    job.state === 'pending' &&
    !job.cancelled &&
    canBeTold(job, findPart({ job }, record))
  );
}

async function countRefused({ run: { home } }: JobFetch, record: BatchRecord) {
  let refused = 0;
  let reason = '';
  for await (const results of readDecodedResults(home.results, resultsName(record))) {
    for (const result of results) {
      const found = findSchemaRefusal(result);
      if (found === undefined) continue;
      refused += 1;
      reason ||= found;
    }
  }
  return { refused, reason };
}

async function takeBack(fetching: JobFetch, record: BatchRecord, refused: Refused): Promise<void> {
  const { run, job } = fetching;
  const { home } = run;
  await noteSchemaRefusal(home, schemaAskedBy(job), refused.reason);
  job.schema_told = true;
  giveBackPart(job, findPart(fetching, record));
  await saveJob(home, job);
  await forgetRecord(fetching, record);
  await deleteHeld(home, home.results, resultsName(record));
  run.onEvent({ type: 'schema_refused', ...refused, isSentAgain: true });
}
