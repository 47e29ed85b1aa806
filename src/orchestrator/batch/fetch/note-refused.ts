/**
 * The step of a fetch that tells of refused structured output: such rows have failed, and cost nothing. Where none came
 * through it is remembered, and the next run of the same work asks with the schema in words. A fetch sends nothing again
 * for it: what became of a batch since, in another job or by hand, is for a run to find out.
 */
import { forgetSchemaRefusal, noteSchemaRefusal } from '../../../cache/schema-refusals.ts';
import type { BatchRecord } from '../../../core/models.ts';
import type { BatchCheck } from '../../../providers/provider.ts';
import { resultsName } from '../../../state/records.ts';
import { readDecodedResults } from '../../../state/results.ts';
import { findPart } from '../../../state/stored-jobs.ts';
import { findSchemaRefusal, saysNoSchemas } from '../../answers/told-schema.ts';
import { asksForSchema, schemaAskedBy } from '../parts/tell-part.ts';
import type { BatchAccount } from './fetch-run.ts';
import type { JobFetch } from './job-fetch.ts';

interface Refused {
  readonly reason: string;
  readonly refused: number;
  readonly requests: number;
  readonly isRemembered: boolean;
}

/** Of a batch that failed before it started. */
export async function noteRefusedBatch(
  fetching: JobFetch,
  record: BatchRecord,
  { error }: BatchCheck,
): Promise<void> {
  const part = findPart(fetching, record);
  if (!error || !asksForSchema(fetching.job, part) || !saysNoSchemas(error.message)) return;
  const { requests } = part;
  await noteRefused(fetching, record, {
    reason: error.message,
    refused: requests,
    requests,
    isRemembered: true,
  });
}

/** Of rows of a batch whose results are on disk. Where the schema was told in words already it was not for that. */
export async function noteRefusedRows(
  fetching: JobFetch,
  record: BatchRecord,
  account: BatchAccount,
): Promise<void> {
  const { run, job } = fetching;
  if (account.refused === 0 || !job.params?.schema) return;
  const { refused, others, reason } = await countRefused(fetching, record);
  if (refused === 0) return;
  // A row or two may be an upstream's, or in words that mean something else: where something came through, it is not about the model.
  const isRemembered = account.answered === 0 && others === 0;
  if (asksForSchema(job, findPart(fetching, record)))
    await noteRefused(fetching, record, { reason, refused, requests: account.sent, isRemembered });
  else if (isRemembered) await forgetSchemaRefusal(run.home, schemaAskedBy(job));
}

async function noteRefused({ run, job }: JobFetch, record: BatchRecord, refused: Refused): Promise<void> {
  if (refused.isRemembered) await noteSchemaRefusal(run.home, schemaAskedBy(job), refused.reason);
  const useCache = job.use_cache;
  run.onEvent({ type: 'schema_refused', name: record.batch_id, ...refused, useCache, isSentAgain: false });
}

/** `others` failed for other reasons than that, or the end of their batch. */
async function countRefused({ run: { home } }: JobFetch, record: BatchRecord) {
  let refused = 0;
  let others = 0;
  let reason = '';
  for await (const results of readDecodedResults(home.results, resultsName(record))) {
    for (const result of results) {
      const found = findSchemaRefusal(result);
      if (found === undefined) {
        if (result.outcome === 'failed') others += 1;
        continue;
      }
      refused += 1;
      reason ||= found;
    }
  }
  return { refused, others, reason };
}
