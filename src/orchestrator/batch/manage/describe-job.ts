/** The story of `loom status`: all that is known of one job, here and at its provider. It changes nothing. */
import { dirname, resolve } from 'node:path';
import { LoomError, ProviderError } from '../../../core/errors.ts';
import type { BatchRecord, GenerationSettings, ProviderName } from '../../../core/models.ts';
import type { BatchCheck } from '../../../providers/provider.ts';
import { findJob, loadState, outputState, type StoredJob } from '../../../state/stored-jobs.ts';
import { hashFile, isFile } from '../../../storage/files.ts';
import type { LoomHome } from '../../../storage/home.ts';
import type { RetryEvent } from '../../calls/retry.ts';
import { defaultRetryPolicy } from '../../calls/retry-policy.ts';
import { type ListedBatch, listParts } from '../list/list-batches.ts';
import { planOutput } from '../merge/merge-job.ts';
import {
  type Connect,
  isAboutOneBatch,
  type JobReach,
  lookAtBatch,
  openJobReach,
  recordedBaseUrl,
} from '../parts/job-reach.ts';

/** Somebody waits for the answer: a provider that is out of reach is given up sooner than for a batch's results. */
const patience = { ...defaultRetryPolicy, attempts: 3, patienceMs: 20_000 };

export interface DescribeOrder {
  readonly id: string;
  /** undefined: nothing is asked, and the records tell what was seen last. */
  readonly connect: Connect | undefined;
  /** What relative paths in records of the Python tool are taken from. */
  readonly workingFolder: string;
}

export interface JobReport {
  readonly id: string;
  readonly jobId: string | undefined;
  readonly provider: ProviderName;
  readonly model: string;
  readonly baseUrl: string | undefined;
  /** ISO 8601. */
  readonly createdAt: string;
  /** How far its output is; undefined for a record of the Python tool. */
  readonly state: ReturnType<typeof outputState>;
  readonly rows: { readonly all: number; readonly blank: number; readonly cached: number } | undefined;
  readonly settings: GenerationSettings | undefined;
  readonly input: InputReport;
  readonly output: { readonly path: string; readonly exists: boolean };
  readonly parts: readonly PartReport[];
  /** Why the provider could not be asked, about some batches or all. */
  readonly trouble: unknown;
}

interface InputReport {
  readonly path: string;
  readonly isFromStdin: boolean;
  /** `unchecked`: it is there, and no record says what it was, or it can't be read. */
  readonly state: 'unchanged' | 'changed' | 'gone' | 'unchecked';
}

export interface PartReport extends ListedBatch {
  readonly requests: number | undefined;
  /** What the provider said just now; undefined when it was not asked, or did not answer. */
  readonly check: BatchCheck | undefined;
}

/** LoomError `state` for an id that there is not. */
export async function describeJob(
  home: LoomHome,
  order: DescribeOrder,
  signal: AbortSignal,
  onEvent: (event: RetryEvent) => void,
): Promise<JobReport> {
  const stored = findJob(await loadState(home), order.id);
  const { checks, trouble } = await askProvider(stored, order.connect, signal, onEvent);
  const { job } = stored;
  const { rows: all, blank_rows: blank = 0 } = job;
  const outputPath = planOutput(stored, {
    workingFolder: order.workingFolder,
    inputPath: undefined,
    changedRows: 'refuse',
  }).path;
  return {
    id: stored.id,
    jobId: stored.jobId,
    provider: stored.provider,
    model: job.model,
    baseUrl: recordedBaseUrl(stored),
    createdAt: job.created_at,
    state: outputState(stored),
    rows: all === undefined ? undefined : { all, blank, cached: job.cached_rows },
    settings: job.params,
    input: await describeInput(home, stored, order.workingFolder, signal),
    output: { path: outputPath, exists: await isFile(outputPath) },
    parts: describeParts(home, stored, checks),
    trouble,
  };
}

interface Asked {
  /** By batch id. */
  readonly checks: ReadonlyMap<string, BatchCheck>;
  readonly trouble: unknown;
}

async function askProvider(
  stored: StoredJob,
  connect: Connect | undefined,
  signal: AbortSignal,
  onEvent: (event: RetryEvent) => void,
): Promise<Asked> {
  const checks = new Map<string, BatchCheck>();
  let trouble: unknown;
  if (!connect || stored.records.length === 0) return { checks, trouble };
  try {
    const reach = await openJobReach(stored, connect, { signal, policy: patience, onEvent });
    for (const record of stored.records) {
      const answer = await askBatch(reach, record);
      if ('check' in answer) checks.set(record.batch_id, answer.check);
      else trouble ??= answer.trouble;
    }
  } catch (error) {
    if (signal.aborted || !isExpected(error)) throw error;
    trouble = error;
  }
  return { checks, trouble };
}

async function askBatch(
  reach: JobReach,
  record: BatchRecord,
): Promise<{ check: BatchCheck } | { trouble: unknown }> {
  try {
    return { check: await lookAtBatch(reach, record) };
  } catch (error) {
    if (!isAboutOneBatch(error)) throw error;
    return { trouble: error };
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof ProviderError || error instanceof LoomError;
}

function describeParts(home: LoomHome, stored: StoredJob, checks: Asked['checks']): PartReport[] {
  const records = stored.records.map((record) => {
    const check = checks.get(record.batch_id);
    return check ? { ...record, ...readCheck(check) } : record;
  });
  const requests = new Map(stored.job.parts.map((part) => [part.part, part.requests || undefined]));
  return listParts(home, { ...stored, records }).map((listed) => ({
    ...listed,
    requests: requests.get(listed.part),
    check: checks.get(listed.batchId ?? ''),
  }));
}

/** What a check says, as a record would hold it. */
function readCheck({ status, counts, error }: BatchCheck): Partial<BatchRecord> {
  return { status, counts: counts ?? null, last_error: error ? `${error.code}: ${error.message}` : null };
}

async function describeInput(
  home: LoomHome,
  { job }: StoredJob,
  workingFolder: string,
  signal: AbortSignal,
): Promise<InputReport> {
  const path = resolve(workingFolder, job.original_file_path);
  const isFromStdin = dirname(path) === home.inputs;
  return { path, isFromStdin, state: await compareInput(path, job.input_sha256, signal) };
}

async function compareInput(
  path: string,
  sha256: string | undefined,
  signal: AbortSignal,
): Promise<InputReport['state']> {
  if (!(await isFile(path))) return 'gone';
  if (sha256 === undefined) return 'unchecked';
  const now = await hashFile(path, signal).catch(() => undefined);
  signal.throwIfAborted();
  if (now === undefined) return 'unchecked';
  return now === sha256 ? 'unchanged' : 'changed';
}
