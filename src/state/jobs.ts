/** Job records under `jobs/`: what one `loom run` set out to do, and how far each of its parts is. */

import { randomBytes } from 'node:crypto';
import { LoomError } from '../core/errors.ts';
import {
  columnNamesShape,
  datasetShape,
  failureGroupShape,
  generationSettingsShape,
} from '../core/models.ts';
import { providerNamePattern } from '../core/names.ts';
import {
  arrayOf,
  boolean,
  nullable,
  number,
  object,
  oneOf,
  optional,
  string,
  stringLike,
  type ValueOf,
} from '../core/shapes/shapes.ts';
import { fileIdentityShape } from '../storage/file-identity.ts';
import { deleteHeld, type LoomHome } from '../storage/home.ts';
import type { Store } from '../storage/store.ts';
import {
  type DamagedRecord,
  parseStateJson,
  readStateFile,
  readStateFiles,
  requireFields,
  writeStateFile,
} from './state-files.ts';

/** The version of the job format that this program writes, and the newest that it reads. */
export const jobVersion = 1;

const jobPartShape = object({
  /** From 1. */
  part: number,
  /**
   * planned: its request file is written, and the provider has no batch of it. submitting: the provider may have a
   * batch under its tag. submitted: its batch record is written. downloaded: its results are on disk. dropped: it was
   * cancelled before the provider had it, and is never sent.
   */
  state: oneOf(['planned', 'submitting', 'submitted', 'downloaded', 'dropped']),
  tag: string,
  /** 0 where that is not known, as of a record alone. */
  requests: number,
  bytes: number,
  file_id: optional(string),
  batch_id: optional(string),
  /** When `submitting` began, by the provider's clock where batches are found by their time. */
  submitting_since: optional(string),
  /** With `submitting`: until when its creation may be going on at the provider, though nobody waits for it. */
  may_go_on_until: optional(string),
  /** The batch was found without a tag: its results must prove that it is this part. */
  provisional: optional(boolean),
  /**
   * This home did not send it, and can't send it again. What was sent is what the provider counts: the input may hold
   * more.
   */
  adopted: optional(boolean),
  /** The results that are on disk, by their bytes: a file that differs is downloaded again. */
  results: optional(object({ size: number, sha256: string })),
  /** Batches that were taken for this part, and were not. */
  mistaken_ids: optional(arrayOf(string)),
  /** The number in the names of its files, where it is not its own: they were written anew, as a half or with the schema in words. */
  files: optional(number),
  /** Batches of it that a full queue gave back: people may call the job by their ids. */
  former_ids: optional(arrayOf(string)),
  /** With `submitted`: the provider has taken on another batch of this home meanwhile, which may fill its queue. */
  beside_taken: optional(boolean),
  /**
   * Why its batch was given back the last time, how often a full queue did so with nothing else of this home waiting
   * there, and whether its size was the reason.
   */
  queue: optional(object({ reason: string, times: number, is_too_large: optional(boolean) })),
  /** With `dropped`: why the provider never takes it. */
  refusal: optional(string),
  /** Its requests have the schema in their system text; false: they can't be read, to write it there. */
  schema_told: optional(boolean),
});
export type JobPart = ValueOf<typeof jobPartShape>;

const jobOutputShape = object({
  ...fileIdentityShape.fields,
  rows: number,
  answered: number,
  /** Answers that ended at a limit of tokens; older versions left it out. */
  cut_off: optional(number),
  blank_rows: number,
  failed: number,
  failures: arrayOf(failureGroupShape),
  unknown_results: number,
});

const jobRecordShape = object({
  version: oneOf([jobVersion]),
  /** Part of file names: nothing else may come from a file that somebody wrote. */
  job_id: stringLike(/^job_\w+$/),
  created_at: string,
  provider: stringLike(providerNamePattern),
  model: string,
  original_file_path: string,
  ...datasetShape,
  input_sha256: string,
  /** Of what its rows ask with files, by which the same input asks something else once a file is another. */
  contents_sha256: optional(string),
  /** Rows of the input that were picked, those without a prompt included. */
  rows: number,
  blank_rows: number,
  /** Rows whose answer was in the cache, kept since in a file of the job's own. */
  cached_rows: number,
  output_path: string,
  with_meta: boolean,
  with_error: boolean,
  /** Not in jobs of older versions. */
  with_usage: optional(boolean),
  columns: optional(columnNamesShape),
  /** Answers go to and come from the cache, and equal prompts are asked once. */
  use_cache: boolean,
  /** How to generate; absent when nothing was set. */
  params: optional(generationSettingsShape),
  /** Where the cache is that it reads and fills; absent: that of the home. */
  cache_dir: optional(string),
  base_url: nullable(string),
  /**
   * Where the provider was asked, without user and query. Absent where the server has a name, which may move, in
   * rehearsals, and in jobs of older versions.
   */
  address: optional(string),
  /** Names of the headers that it was submitted with. */
  headers: optional(arrayOf(string)),
  /** Whose answers these are: an address, or a name in its place. Not in jobs of older versions. */
  server: optional(string),
  /** Its `Batch submitted.` lines were printed. */
  announced: boolean,
  /**
   * writing: the output is complete in a temporary file, which may be in place already. merged: the output is in
   * place, what the job no longer needs is being cleared away. kept: the same, and its records stay. forgotten: all
   * that there is of it is being removed.
   */
  state: oneOf(['pending', 'writing', 'merged', 'kept', 'forgotten']),
  /** With `writing` and `merged`: how to know the output again, and what is told of it. */
  output: optional(jobOutputShape),
  /** Structured output was refused: what is sent from here on has the schema in the system text. */
  schema_told: optional(boolean),
  /** The most tokens that the provider's queue holds, as it said when it was full. */
  queue_limit: optional(number),
  /** No part of it is sent any more: one that the provider does not have, or gives back, is dropped. */
  cancelled: optional(boolean),
  /** With `merged`: what --keep was. */
  keep: optional(boolean),
  parts: arrayOf(jobPartShape),
});
export type JobRecord = ValueOf<typeof jobRecordShape>;

/** What only a job file tells. */
type ToldByFile = 'version' | 'input_sha256' | 'rows' | 'blank_rows' | 'output_path';

/**
 * A job as it is worked on. One that is known by a record alone, as the Python tool leaves it, has no file and gets
 * none: it has no `version`, its id names nothing but its lock, and its one part counts as adopted.
 */
export type Job = Omit<JobRecord, ToldByFile> & { [Name in ToldByFile]: JobRecord[Name] | undefined };

/** How a part goes on that the provider turns out not to have. */
export function stateWithoutBatch({ cancelled }: Job): 'planned' | 'dropped' {
  return cancelled ? 'dropped' : 'planned';
}

/** Notes that the provider gave a batch back unstarted: to be saved. */
export function giveBackPart(job: Job, part: JobPart): void {
  part.state = stateWithoutBatch(job);
  if (part.batch_id !== undefined) part.former_ids = [...(part.former_ids ?? []), part.batch_id];
  delete part.batch_id;
  delete part.results;
  delete part.beside_taken;
  part.tag = renewTag(part.tag);
}

/** A batch of an earlier try still has the old tag: under a new one it can't be taken for the next. */
export function renewTag(tag: string): string {
  return `${tag.replace(/\.\d+$/, '')}.${Math.max(Date.now(), renewalOf(tag) + 1)}`;
}

/** When a tag of a part was made new: a later one is a larger number, and the first one 0. */
export function renewalOf(tag = ''): number {
  return Number(/\.(\d+)$/.exec(tag)?.[1] ?? 0);
}

export interface StoredJobs {
  readonly jobs: JobRecord[];
  readonly damaged: DamagedRecord[];
}

/** A new job id: sorts by time, and can't be taken for any provider's batch id. */
export function createJobId(now = new Date()): string {
  const time = now.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return `job_${time}_${randomBytes(3).toString('hex')}`;
}

function jobName(jobId: string): string {
  return `${jobId}.json`;
}

/**
 * Writes the file of a job that has one, durable when it returns, if its lock is still held. LoomError `state` names the
 * file when the disk refuses.
 */
export async function saveJob(home: LoomHome, job: Job): Promise<void> {
  if (job.version === undefined) return;
  const text = `${JSON.stringify(job, null, 2)}\n`;
  await writeStateFile(home, home.jobs, 'job', jobName(job.job_id), text);
}

/** The job as it is now; undefined when it is gone. LoomError `state` when it is damaged. */
export async function loadJob(jobs: Store, jobId: string): Promise<JobRecord | undefined> {
  return readStateFile(jobs, 'job', jobName(jobId), (name) => readJob(jobs, name));
}

export async function loadJobs(store: Store): Promise<StoredJobs> {
  const { items: jobs, damaged } = await readStateFiles(store, (name) => readJob(store, name));
  return { jobs, damaged };
}

async function readJob(jobs: Store, name: string): Promise<JobRecord | undefined> {
  const text = await jobs.read(name);
  if (text === undefined) return undefined;
  const value = parseStateJson(text);
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === 'number' && version > jobVersion) {
    throw new LoomError('state', `it was written by a newer version of loom (format ${version})`);
  }
  return requireFields(jobRecordShape, value);
}

export async function deleteJob(home: LoomHome, jobId: string): Promise<void> {
  await deleteHeld(home, home.jobs, jobName(jobId));
}
