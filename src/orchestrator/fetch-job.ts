/** The steps of a fetch that talk to the provider: submit what was queued, ask how batches are, bring in results. */
import { stat } from 'node:fs/promises';
import { LoomError, ProviderError } from '../errors.ts';
import type { BatchRecord } from '../models.ts';
import type { BatchCheck, BatchProvider } from '../providers/provider.ts';
import { providerEntry } from '../providers/registry.ts';
import { saveResults } from '../utils/answers.ts';
import { ensurePrivateFolder } from '../utils/files.ts';
import { type JobPart, type JobRecord, saveJob } from '../utils/jobs.ts';
import { deleteRecord, resultsPath, updateRecord } from '../utils/storage.ts';
import type { FetchRun } from './fetch-batches.ts';
import { type CallQueue, createCallQueue } from './retry.ts';
import { hasEndedBadly, type StoredJob } from './stored-jobs.ts';
import { submitParts } from './submit-parts.ts';

/** One job under fetch. */
export interface JobFetch {
  readonly run: FetchRun;
  readonly job: JobRecord | undefined;
  /** The job's batches; grows as queued parts are submitted. */
  readonly records: BatchRecord[];
  readonly parts: number;
  readonly provider: BatchProvider;
  readonly calls: CallQueue;
}

export async function openJob(run: FetchRun, stored: StoredJob): Promise<JobFetch> {
  const { job, records } = stored;
  const entry = providerEntry(stored.provider);
  if (!entry.openBatch)
    throw new LoomError('state', `${entry.title} has no batch API, but the record says so.`);
  const baseUrl = job?.base_url ?? records[0]?.base_url ?? undefined;
  const onRetry = run.events.onRetry?.bind(run.events, stored.provider);
  return {
    run,
    job,
    records: [...records],
    parts: job?.parts.length ?? 1,
    provider: await entry.openBatch(run.order.connect(stored.provider, baseUrl)),
    calls: createCallQueue({ workers: 1, signal: run.signal, onRetry }),
  };
}

/** Submits parts that had to wait, as far as the provider's queue takes them. */
export async function submitQueuedParts({ run, job, records, provider, calls }: JobFetch): Promise<void> {
  if (!job?.parts.some((part) => part.state === 'planned')) return;
  const { home, signal, events } = run;
  await submitParts({ home, job, provider, calls, signal }, (record) => {
    records.push(record);
    events.onSubmitted?.(record);
  });
  for (const { part, state } of job.parts) if (state === 'planned') events.onQueued?.(job, part);
}

/** Asks the provider how each batch is, notes and tells it; returns the batches whose results can be had. */
export async function checkBatches(fetching: JobFetch): Promise<BatchRecord[]> {
  const ready: BatchRecord[] = [];
  for (const record of [...fetching.records]) {
    const inAlready = fetching.run.order.id === undefined && (await isDownloaded(fetching, record));
    if (inAlready || (await checkBatch(fetching, record))) ready.push(record);
  }
  return ready;
}

function partOf({ job }: JobFetch, record: BatchRecord): JobPart | undefined {
  return job?.parts.find((part) => part.batch_id === record.batch_id);
}

async function isDownloaded(fetching: JobFetch, record: BatchRecord): Promise<boolean> {
  if (partOf(fetching, record)?.state !== 'downloaded') return false;
  const file = await stat(resultsPath(fetching.run.home.results, record)).catch(() => undefined);
  return file?.isFile() ?? false;
}

async function checkBatch(fetching: JobFetch, record: BatchRecord): Promise<boolean> {
  const { run, job } = fetching;
  const check = await askStatus(fetching, record.batch_id);
  const part = partOf(fetching, record);
  if (check.queueFull && job && part) {
    await requeuePart(fetching, job, part, record);
    return false;
  }
  const completed = check.status === 'completed';
  const reason = check.error && `${check.error.code}: ${check.error.message}`;
  // A record without a job is done as soon as it says so, which is not before its output is written.
  if (!completed || job) record.status = check.status;
  record.counts = check.counts ?? null;
  noteError(record, reason);
  await updateRecord(run.home.batches, record);
  if (completed) return true;
  if (check.status === 'unknown' || hasEndedBadly(check.status)) run.troubled = true;
  run.events.onStatus?.(record, reason);
  return false;
}

/** The head of a record stays small, whatever a provider says. */
const longestError = 2_000;

function noteError(record: BatchRecord, reason: string | undefined): void {
  record.last_error = reason?.slice(0, longestError) ?? null;
}

async function askStatus({ run, provider, calls }: JobFetch, batchId: string): Promise<BatchCheck> {
  try {
    return await calls.run(() => provider.check(batchId, run.signal));
  } catch (error) {
    if (!(error instanceof ProviderError) || run.signal.aborted) throw error;
    return { status: 'unknown', rawStatus: '', error: { code: error.code, message: error.message } };
  }
}

/** The provider's queue was full, and it gave the batch back unstarted: the part waits for a later fetch. */
async function requeuePart(
  { run, records }: JobFetch,
  job: JobRecord,
  part: JobPart,
  record: BatchRecord,
): Promise<void> {
  part.state = 'planned';
  delete part.batch_id;
  // The refused batch still has the old tag: under a new one it can't be taken for the next try.
  part.tag = `${part.tag.replace(/\.\d+$/, '')}.${Date.now()}`;
  await saveJob(run.home.jobs, job);
  await deleteRecord(run.home.batches, record);
  records.splice(records.indexOf(record), 1);
  run.events.onQueued?.(job, part.part);
}

/** Brings results to disk, but for those that are there from an earlier fetch. */
export async function downloadBatches(fetching: JobFetch, records: readonly BatchRecord[]): Promise<void> {
  const { run, job, provider, calls } = fetching;
  await ensurePrivateFolder(run.home.results);
  for (const record of records) {
    if (await isDownloaded(fetching, record)) continue;
    const path = resultsPath(run.home.results, record);
    try {
      await calls.run(() => saveResults(path, provider.results(record.batch_id, run.signal)));
    } catch (error) {
      if (error instanceof ProviderError && !run.signal.aborted) await noteFailedDownload(run, record, error);
      throw error;
    }
    const part = partOf(fetching, record);
    if (!job || !part) continue;
    part.state = 'downloaded';
    await saveJob(run.home.jobs, job);
  }
}

async function noteFailedDownload(run: FetchRun, record: BatchRecord, error: ProviderError): Promise<void> {
  record.status = 'unknown';
  noteError(record, `${error.code}: ${error.message}`);
  await updateRecord(run.home.batches, record);
}
