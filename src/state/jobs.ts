/** Job records under `jobs/`: what one `loom run` set out to do, and how far each of its parts is. */

import { randomBytes } from 'node:crypto';
import * as z from 'zod/mini';
import { LoomError } from '../core/errors.ts';
import { datasetShape, failureGroupSchema, generationSettingsSchema } from '../core/models.ts';
import { providerNames } from '../core/names.ts';
import { fileIdentitySchema } from '../storage/file-identity.ts';
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

const jobPartSchema = z.object({
  /** From 1. */
  part: z.number(),
  /**
   * planned: its request file is written, and the provider has no batch of it. submitting: the provider may have a
   * batch under its tag. submitted: its batch record is written. downloaded: its results are on disk. dropped: it was
   * cancelled before the provider had it, and is never sent.
   */
  state: z.enum(['planned', 'submitting', 'submitted', 'downloaded', 'dropped']),
  tag: z.string(),
  /** 0 where that is not known, as of a record alone. */
  requests: z.number(),
  bytes: z.number(),
  file_id: z.optional(z.string()),
  batch_id: z.optional(z.string()),
  /** When `submitting` began, by the provider's clock where batches are found by their time. */
  submitting_since: z.optional(z.string()),
  /** With `submitting`: until when its creation may be going on at the provider, though nobody waits for it. */
  may_go_on_until: z.optional(z.string()),
  /** The batch was found without a tag: its results must prove that it is this part. */
  provisional: z.optional(z.boolean()),
  /**
   * This home did not send it, and can't send it again. What was sent is what the provider counts: the input may hold
   * more.
   */
  adopted: z.optional(z.boolean()),
  /** The results that are on disk, by their bytes: a file that differs is downloaded again. */
  results: z.optional(z.object({ size: z.number(), sha256: z.string() })),
  /** Batches that were taken for this part, and were not. */
  mistaken_ids: z.optional(z.array(z.string())),
  /** The number in the names of its files, where it is not its own: it is a half of what was one part. */
  files: z.optional(z.number()),
  /** Batches of it that a full queue gave back: people may call the job by their ids. */
  former_ids: z.optional(z.array(z.string())),
  /** With `submitted`: the provider has taken on another batch of this home meanwhile, which may fill its queue. */
  beside_taken: z.optional(z.boolean()),
  /**
   * Why its batch was given back the last time, how often a full queue did so with nothing else of this home waiting
   * there, and whether its size was the reason.
   */
  queue: z.optional(
    z.object({ reason: z.string(), times: z.number(), is_too_large: z.optional(z.boolean()) }),
  ),
  /** With `dropped`: why the provider never takes it. */
  refusal: z.optional(z.string()),
});
export type JobPart = z.infer<typeof jobPartSchema>;

const jobOutputSchema = z.extend(fileIdentitySchema, {
  rows: z.number(),
  answered: z.number(),
  /** Answers that ended at a limit of tokens; older versions left it out. */
  cut_off: z.optional(z.number()),
  blank_rows: z.number(),
  failed: z.number(),
  failures: z.array(failureGroupSchema),
  unknown_results: z.number(),
});

const jobRecordSchema = z.object({
  version: z.literal(jobVersion),
  /** Part of file names: nothing else may come from a file that somebody wrote. */
  job_id: z.string().check(z.regex(/^job_\w+$/)),
  created_at: z.string(),
  provider: z.enum(providerNames),
  model: z.string(),
  original_file_path: z.string(),
  ...datasetShape,
  input_sha256: z.string(),
  /** Rows of the input that were picked, those without a prompt included. */
  rows: z.number(),
  blank_rows: z.number(),
  /** Rows whose answer was in the cache, kept since in a file of the job's own. */
  cached_rows: z.number(),
  output_path: z.string(),
  with_meta: z.boolean(),
  with_error: z.boolean(),
  /** Not in jobs of older versions. */
  with_usage: z.optional(z.boolean()),
  /** Answers go to and come from the cache, and equal prompts are asked once. */
  use_cache: z.boolean(),
  /** How to generate; absent when nothing was set. */
  params: z.optional(generationSettingsSchema),
  /** Where the cache is that it reads and fills; absent: that of the home. */
  cache_dir: z.optional(z.string()),
  base_url: z.nullable(z.string()),
  /** Whose answers these are: an address, or a name in its place. Not in jobs of older versions. */
  server: z.optional(z.string()),
  /** Its `Batch submitted.` lines were printed. */
  announced: z.boolean(),
  /**
   * writing: the output is complete in a temporary file, which may be in place already. merged: the output is in
   * place, what the job no longer needs is being cleared away. kept: the same, and its records stay. forgotten: all
   * that there is of it is being removed.
   */
  state: z.enum(['pending', 'writing', 'merged', 'kept', 'forgotten']),
  /** With `writing` and `merged`: how to know the output again, and what is told of it. */
  output: z.optional(jobOutputSchema),
  /** The most tokens that the provider's queue holds, as it said when it was full. */
  queue_limit: z.optional(z.number()),
  /** No part of it is sent any more: one that the provider does not have, or gives back, is dropped. */
  cancelled: z.optional(z.boolean()),
  /** With `merged`: what --keep was. */
  keep: z.optional(z.boolean()),
  parts: z.array(jobPartSchema),
});
export type JobRecord = z.infer<typeof jobRecordSchema>;

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
  return requireFields(jobRecordSchema, value);
}

export async function deleteJob(home: LoomHome, jobId: string): Promise<void> {
  await deleteHeld(home, home.jobs, jobName(jobId));
}
