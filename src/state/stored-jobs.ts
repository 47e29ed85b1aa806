/**
 * What lies in the loom home, as jobs: records of one `loom run` together, the Python tool's each on its own. A command
 * reads all of it once, and what it works on once more under the lock of the job, as it may have changed since: not once a
 * job, nor once a part. test/stories/state/state-reads.test.ts counts it.
 */
import { basename } from 'node:path';
import { LoomError } from '../core/errors.ts';
import { type BatchRecord, type BatchStatus, leaveOutUnset, type ProviderName } from '../core/models.ts';
import { safeFileId } from '../storage/file-ids.ts';
import { deleteHeld, type LoomHome } from '../storage/home.ts';
import { type DamagedFile, nameDamagedJob, nameDamagedRecord } from './damaged-files.ts';
import { attachedFilesName, cachedAnswersName, removeRequestFiles } from './job-files.ts';
import { deleteJob, type Job, type JobPart, type JobRecord, loadJob, loadJobs, saveJob } from './jobs.ts';
import { deleteRecord, loadRecord, loadRecords, resultsName } from './records.ts';

/** One job and the records of those of its parts that are batches. */
export interface StoredJob {
  /** What people call it: the batch id when it is one batch, else the job id. */
  readonly id: string;
  /** Undefined for a record of the Python tool. */
  readonly jobId: string | undefined;
  readonly provider: ProviderName;
  readonly job: Job;
  /** By part. */
  readonly records: readonly BatchRecord[];
}

/** A job that has a file, with the records that there are of it. */
export function storedJob(job: Job, records: readonly BatchRecord[]): StoredJob {
  return { id: nameJob(job), jobId: job.job_id, provider: job.provider, job, records };
}

/** A record that no job has, as the job of its one batch. What is found out of its server is noted in the record. */
function jobOfRecord(record: BatchRecord): StoredJob {
  const { batch_id, provider, model, created_at, original_file_path, file_type, with_meta } = record;
  const {
    prompt_template,
    prompt_holds,
    attach,
    pick,
    row_id_field,
    layout,
    part = 1,
    tag = '',
    file_id,
  } = record;
  const params = leaveOutUnset(record.params);
  const job: Job = {
    version: undefined,
    // A record may have been written by anybody: what is named by it stays in its folder.
    job_id: record.job_id ? safeFileId(record.job_id) : batchLockName(provider, batch_id),
    ...{ provider, model, created_at, original_file_path, file_type, with_meta },
    prompt_column: record.prompt_column ?? null,
    ...(prompt_template !== undefined && { prompt_template }),
    ...(prompt_holds !== undefined && { prompt_holds }),
    ...(attach !== undefined && { attach }),
    ...(pick && { pick }),
    ...(row_id_field !== undefined && { row_id_field }),
    ...(layout && { layout }),
    ...(params && { params }),
    ...(record.cache_dir && { cache_dir: record.cache_dir }),
    ...{ input_sha256: undefined, rows: undefined, blank_rows: undefined },
    output_path: record.output_path || undefined,
    ...{ with_error: false, cached_rows: 0, announced: true },
    use_cache: record.use_cache ?? true,
    base_url: record.base_url ?? null,
    ...(record.headers && { headers: record.headers }),
    get server() {
      return record.server ?? undefined;
    },
    set server(name) {
      record.server = name;
    },
    state: isWrittenAlone(record) ? 'kept' : 'pending',
    parts: [
      {
        part,
        state: 'submitted',
        tag,
        requests: 0,
        bytes: 0,
        batch_id,
        adopted: true,
        ...(file_id && { file_id }),
      },
    ],
  };
  return { ...storedJob(job, [record]), jobId: record.job_id };
}

/** The part of a job that is this batch. */
export function findPart({ job }: Pick<StoredJob, 'job'>, batch: Pick<BatchRecord, 'batch_id'>): JobPart {
  const found = job.parts.find((part) => part.batch_id === batch.batch_id);
  if (!found) throw new Error(`No part of ${job.job_id} is the batch ${batch.batch_id}.`);
  return found;
}

export interface StoredState {
  readonly home: LoomHome;
  /** Newest first. */
  readonly jobs: readonly StoredJob[];
  /** Jobs that were being forgotten: what they left can be cleared away. */
  readonly abandoned: readonly StoredJob[];
  readonly damaged: readonly DamagedFile[];
  /** All there are, whosever they are. */
  readonly records: readonly BatchRecord[];
}

export async function loadState(home: LoomHome): Promise<StoredState> {
  const { records, damaged: damagedRecords } = await loadRecords(home.batches);
  const { jobs: jobRecords, damaged: damagedJobs } = await loadJobs(home.jobs);
  const damaged = await Promise.all([
    ...damagedRecords.map((file) => nameDamagedRecord(home.batches, file, jobRecords)),
    ...damagedJobs.map((file) => nameDamagedJob(home.jobs, file, records)),
  ]);
  const abandoned: StoredJob[] = [];
  const jobs: StoredJob[] = [];
  const grouped = new Set<string>();
  const owned = new Set<string>();
  for (const job of jobRecords) {
    const own = recordsOf(job, records);
    (job.state === 'forgotten' ? abandoned : jobs).push(storedJob(job, own));
    grouped.add(job.job_id);
    for (const record of own) owned.add(record.batch_id);
  }
  // A job that can't be read is reported; its batches wait for it, and are not taken for jobs of their own.
  for (const { path } of damagedJobs) grouped.add(basename(path, '.json'));
  for (const record of records) {
    if (owned.has(record.batch_id) || (record.job_id && grouped.has(record.job_id))) continue;
    jobs.push(jobOfRecord(record));
  }
  jobs.sort((a, b) => creationTime(b) - creationTime(a));
  return { home, jobs, abandoned, damaged, records };
}

function recordsOf(job: JobRecord, records: readonly BatchRecord[]): BatchRecord[] {
  const parts = new Map(job.parts.map((part) => [part.batch_id, part]));
  const own = records.flatMap((record) => {
    const part = record.provider === job.provider ? parts.get(record.batch_id) : undefined;
    if (!part || (record.job_id !== undefined && record.job_id !== job.job_id)) return [];
    // The Python tool, asked how a batch is, writes its record anew without what it does not know.
    return record.job_id === undefined ? { ...record, ...describeOwnership(job, part) } : record;
  });
  return own.sort((a, b) => (a.part ?? 0) - (b.part ?? 0));
}

/** The fields of a record that are ours alone, as the job has them. */
export function describeOwnership(job: Job, part: JobPart) {
  return {
    prompt_template: job.prompt_template,
    prompt_holds: job.prompt_holds,
    attach: job.attach,
    pick: job.pick,
    row_id_field: job.row_id_field,
    layout: job.layout,
    use_cache: job.use_cache,
    ...(job.params && { params: job.params }),
    ...(job.cache_dir !== undefined && { cache_dir: job.cache_dir }),
    job_id: job.job_id,
    part: part.part,
    parts: job.parts.length,
    tag: part.tag,
    base_url: job.base_url,
    ...(job.headers && { headers: job.headers }),
    server: job.server ?? null,
    file_id: part.file_id ?? null,
  };
}

/** The submitted parts of a job whose record is out of sight: a fetch makes it anew. */
export function findLostParts({ job, records }: Pick<StoredJob, 'job' | 'records'>): JobPart[] {
  const ids = new Set(records.map((record) => record.batch_id));
  return job.parts.filter((part) => isSubmitted(part) && !ids.has(part.batch_id ?? ''));
}

/** Whether a job is there, or a record that belongs to it: its files are needed as long. */
export async function isKnownJob(home: LoomHome, jobId: string): Promise<boolean> {
  if ((await home.jobs.list(`${jobId}.json`)).length > 0) return true;
  const { records, damaged } = await loadRecords(home.batches);
  return damaged.length > 0 || records.some((record) => record.job_id === jobId);
}

function isSubmitted(part: JobPart): boolean {
  return part.state === 'submitted' || part.state === 'downloaded';
}

/** Whether a part is still to be sent, or its sending was cut off. */
export function isUnsent({ state }: JobPart): boolean {
  return state === 'planned' || state === 'submitting';
}

/** Whether a part was cancelled before the provider had it. */
export function isDropped(part: JobPart): boolean {
  return part.state === 'dropped';
}

/** The same job as it is now on disk; undefined when it is gone, or was being forgotten. */
export async function reloadJob(home: LoomHome, stored: StoredJob): Promise<StoredJob | undefined> {
  if (stored.job.version === undefined) {
    const record = await loadRecord(home.batches, stored.provider, stored.id);
    return record && jobOfRecord(record);
  }
  const job = await loadJob(home.jobs, stored.job.job_id);
  if (!job || job.state === 'forgotten') return undefined;
  return storedJob(job, recordsOf(job, await loadRecordsOf(home, job)));
}

/** A job that is to be cleared away, as it is now on disk; undefined when there is no such job. */
export async function reloadAbandoned(home: LoomHome, jobId: string): Promise<StoredJob | undefined> {
  return (await loadState(home)).abandoned.find(({ job }) => job.job_id === jobId);
}

/** The records of a job's batches, without reading all others; a damaged one was told of when the state was loaded. */
async function loadRecordsOf(home: LoomHome, { provider, parts }: JobRecord): Promise<BatchRecord[]> {
  const records: BatchRecord[] = [];
  for (const { batch_id: batchId } of parts) {
    if (batchId === undefined) continue;
    const record = await loadRecord(home.batches, provider, batchId).catch(() => undefined);
    if (record) records.push(record);
  }
  return records;
}

/** What people call a job: a batch id when it is one batch, else the job id. */
export function nameJob(job: Job): string {
  const [only, ...others] = job.parts;
  return others.length === 0 && only?.batch_id ? only.batch_id : job.job_id;
}

/** A part that is no batch yet has no id of its own. */
export function namePart(job: Job, part: number): string {
  return job.parts.length > 1 ? `${job.job_id}/${part}` : job.job_id;
}

/** The lock on a batch that no job has, or not yet. */
export function batchLockName(provider: string, batchId: string): string {
  return `${provider}_${safeFileId(batchId)}`;
}

function creationTime({ job }: StoredJob): number {
  return Date.parse(job.created_at) || 0;
}

const endedBadly: ReadonlySet<BatchStatus> = new Set(['failed', 'expired', 'cancelled']);

/** Whether a batch ended without results that are merged by themselves. */
export function hasEndedBadly(status: BatchStatus): boolean {
  return endedBadly.has(status);
}

/** Whether a batch is no longer under way, however it ended. */
export function hasEnded(status: BatchStatus): boolean {
  return status === 'completed' || hasEndedBadly(status);
}

/** Whether a bare `loom fetch` has anything to do for this job. */
export function isPending({ job, records }: StoredJob): boolean {
  if (job.state === 'kept' || job.state === 'forgotten') return false;
  if (job.state === 'merged' || job.state === 'writing') return true;
  const statuses = new Map(records.map((record) => [record.batch_id, record.status]));
  const isOver = (part: JobPart) =>
    isDropped(part) || hasEndedBadly(statuses.get(part.batch_id ?? '') ?? 'unknown');
  const isIn = (part: JobPart) => part.state === 'downloaded';
  return job.parts.every(isIn) || !job.parts.every((part) => isIn(part) || isOver(part));
}

/**
 * Whether the output of a batch is written whose job is gone, or never was. The Python tool notes it as completed only
 * then; ours say so by `kept`, and those of versions without it have no `ended_at` either.
 */
function isWrittenAlone({ status, job_id, kept, ended_at }: BatchRecord): boolean {
  return status === 'completed' && (job_id === undefined || kept === true || !ended_at);
}

/** Whether the output of a job is in its place. */
export function isWritten({ job }: StoredJob): boolean {
  return job.state !== 'pending' && job.state !== 'writing';
}

/** How far the output of a job is, as its file says; undefined where there is none, or it is being forgotten. */
export function outputState({ job }: StoredJob): Exclude<Job['state'], 'forgotten'> | undefined {
  return job.version === undefined || job.state === 'forgotten' ? undefined : job.state;
}

/**
 * Notes how a batch is, to be saved. To the Python tool a completed one is done: of a record alone it is noted with its
 * output, by `clearMergedJob`.
 */
export function noteStatus({ job }: Pick<StoredJob, 'job'>, record: BatchRecord, status: BatchStatus): void {
  if (status !== 'completed' || job.version !== undefined) record.status = status;
}

/** Whether people may call a job so: by its own id, or by that of a batch of it, also of one that was given back. */
export function hasId({ job, records }: StoredJob, id: string): boolean {
  const isJobId = job.version !== undefined && job.job_id === id;
  if (isJobId || records.some((record) => record.batch_id === id)) return true;
  return job.parts.some((part) => part.batch_id === id || part.former_ids?.includes(id));
}

/** The job with this batch id or job id; LoomError `state` when there is none. */
export function findJob({ jobs, home }: Pick<StoredState, 'jobs' | 'home'>, id: string): StoredJob {
  const found = jobs.find((stored) => hasId(stored, id));
  if (found) return found;
  throw new LoomError('state', `no stored batch found for id=${id}.`, {
    code: 'batch_unknown',
    facts: { id, sandbox: home.isSandbox },
  });
}

/** The same, also for a job that was being forgotten. */
export function findAnyJob({ jobs, abandoned, home }: StoredState, id: string): StoredJob {
  return findJob({ jobs: [...jobs, ...abandoned], home }, id);
}

/** Removes a job and the files that are its own; the job itself last. A record alone has none. */
export async function forgetJob(home: LoomHome, job: Job): Promise<void> {
  if (job.version === undefined) return;
  for (const part of job.parts) await removeRequestFiles(home, job.job_id, part);
  await deleteHeld(home, home.results, cachedAnswersName(job.job_id));
  await deleteHeld(home, home.results, attachedFilesName(job.job_id));
  await deleteJob(home, job.job_id);
}

/**
 * Removes a job with its records and results. That it goes is noted first: what is left of it when this is cut off is
 * no job any more, and a later command clears it away. `opened` is of a command that removes several.
 */
export async function removeJob(home: LoomHome, stored: StoredJob, opened?: OpenedRecords): Promise<void> {
  const { job, records } = stored;
  await saveJob(home, Object.assign(job, { state: 'forgotten' }));
  const all = [...records, ...(await findUnnotedRecords(home, stored, opened))];
  for (const record of all) await deleteHeld(home, home.results, resultsName(record));
  for (const record of all) await deleteRecord(home, record);
  await forgetJob(home, job);
}

/** Records that a command has opened, by the name of their file. */
export type OpenedRecords = Map<string, BatchRecord>;

/** Records of a job that was cut off before it noted them. */
async function findUnnotedRecords(
  home: LoomHome,
  { job, records: noted }: StoredJob,
  opened?: OpenedRecords,
): Promise<BatchRecord[]> {
  if (job.version === undefined) return [];
  const ids = new Set(noted.map((record) => record.batch_id));
  const { records } = await loadRecords(home.batches, opened);
  return records.filter((record) => record.job_id === job.job_id && !ids.has(record.batch_id));
}

/** Whether the results of a completed batch have not accounted for every row yet. */
export function isShort({ status, missing }: Pick<BatchRecord, 'status' | 'missing'>): boolean {
  return (missing ?? 0) > 0 && !hasEndedBadly(status);
}
