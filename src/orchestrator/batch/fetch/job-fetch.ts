/** One job under fetch: what its steps share. */

import type { BatchRecord } from '../../../core/models.ts';
import { HomeBatches } from '../../../state/home-batches.ts';
import type { Job, JobPart } from '../../../state/jobs.ts';
import { deleteRecord, resultsName } from '../../../state/records.ts';
import { sizeOfResults } from '../../../state/results.ts';
import { findLostParts, findPart, isDropped, type StoredJob } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { nameServer } from '../../calls/answer-server.ts';
import { type JobReach, openJobReach } from '../parts/job-reach.ts';
import type { FetchRun } from './fetch-run.ts';

/** One job under fetch. */
export interface JobFetch extends JobReach {
  readonly run: FetchRun;
  readonly stored: StoredJob;
  readonly job: Job;
  /** The job's batches; grows as queued parts are submitted. */
  readonly records: BatchRecord[];
  readonly known: HomeBatches;
}

export async function openJob(run: FetchRun, stored: StoredJob): Promise<JobFetch> {
  const { job, records, provider } = stored;
  const { home, order, signal, retryPolicy: policy, onEvent, providers: reached } = run;
  const { connection, ...reach } = await openJobReach(stored, order.connect, {
    signal,
    policy,
    onEvent,
    reached,
  });
  // Older builds, and the Python tool, noted no server where the environment named it: it is the one of this fetch.
  job.server ??= nameServer(home, provider, { baseUrl: connection.baseUrl });
  return { run, stored, job, records: [...records], known: new HomeBatches(home), ...reach };
}

/** Parts from which nothing comes: dropped ones, and those that were submitted and whose record is gone. */
export function countMissingParts(fetching: JobFetch): number {
  return findLostParts(fetching).length + fetching.job.parts.filter(isDropped).length;
}

/** Whether a batch's results are on disk, whole, as far as their length tells. */
export function isDownloaded(fetching: JobFetch, record: BatchRecord): Promise<boolean> {
  return hasWholeResults(fetching.run.home, record, findPart(fetching, record));
}

/** The same outside of a fetch. */
export async function hasWholeResults(home: LoomHome, record: BatchRecord, part: JobPart): Promise<boolean> {
  if (part.state !== 'downloaded') return false;
  const size = await sizeOfResults(home.results, resultsName(record));
  return size !== undefined && size === (part.results?.size ?? size);
}

/** The head of a record stays small, whatever a provider says. */
const longestError = 2_000;

/** Notes why a batch is not in, for `loom list` and people who look. */
export function noteError(record: BatchRecord, reason: string | undefined): void {
  record.last_error = reason?.slice(0, longestError) ?? null;
}

/** Removes a record, of a batch that is not this job's any more. */
export async function forgetRecord({ run, records }: JobFetch, record: BatchRecord): Promise<void> {
  await deleteRecord(run.home, record);
  records.splice(records.indexOf(record), 1);
}
