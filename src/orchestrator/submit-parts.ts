/** Hands the parts of a job to the provider, one after the other, so that no part is ever submitted twice. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { LoomError, ProviderError } from '../errors.ts';
import type { BatchRecord } from '../models.ts';
import type { BatchProvider, RequestFile } from '../providers/provider.ts';
import { describeDiskError } from '../utils/files.ts';
import type { LoomHome } from '../utils/home.ts';
import { type JobPart, type JobRecord, saveJob } from '../utils/jobs.ts';
import { saveRecord } from '../utils/storage.ts';
import { idMapPath, requestFilePath } from './part-writer.ts';
import { type CallQueue, isRateLimit, sleep } from './retry.ts';

export interface Submission {
  readonly home: LoomHome;
  readonly job: JobRecord;
  readonly provider: BatchProvider;
  readonly calls: CallQueue;
  readonly signal: AbortSignal;
}

/** Gateways that answer for a server whose own answer was lost. */
const ambiguousStatuses = new Set([408, 502, 504]);
const createAttempts = 4;
const createPauseMs = 2_000;

/**
 * Submits every part that is not yet at the provider and reports each batch as soon as its record is on disk.
 * Stops at a full queue: the parts that are left stay `planned`, for a later command.
 */
export async function submitParts(
  submission: Submission,
  onSubmitted: (record: BatchRecord) => void,
): Promise<'all_submitted' | 'queue_full'> {
  for (const part of submission.job.parts) {
    if (part.state !== 'planned') continue;
    const batchId = await submitPart(submission, part);
    if (batchId === undefined) return 'queue_full';
    onSubmitted(await recordPart(submission, part, batchId));
  }
  return 'all_submitted';
}

/** The id of the part's new batch, or undefined when the provider's queue is full. */
async function submitPart(submission: Submission, part: JobPart): Promise<string | undefined> {
  const { home, job } = submission;
  const file = await describeRequestFile(requestFilePath(home, job.job_id, part.part), part);
  await uploadPart(submission, part, file);
  await markPart(submission, part, { state: 'submitting' });
  try {
    return await createBatch(submission, part, file);
  } catch (error) {
    // The provider has no batch of this part for certain: a later command may submit it.
    if (!mayHaveBeenCreated(error)) await markPart(submission, part, { state: 'planned' });
    if (isRateLimit(error)) return undefined;
    throw error;
  }
}

async function uploadPart(submission: Submission, part: JobPart, file: RequestFile): Promise<void> {
  const { calls, signal } = submission;
  const upload = submission.provider.upload?.bind(submission.provider);
  if (!upload || part.file_id !== undefined) return;
  const fileId = await calls.run(() => upload(file, signal));
  await markPart(submission, part, { file_id: fileId });
}

function mayHaveBeenCreated(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return true;
  return error.status === undefined || ambiguousStatuses.has(error.status);
}

async function describeRequestFile(path: string, part: JobPart): Promise<RequestFile> {
  const state = await stat(path).catch((error: unknown) => {
    throw new LoomError('state', `can't read the request file ${path}: ${describeDiskError(error)}.`, {
      hint: 'Submit the input again with loom run.',
      cause: error,
    });
  });
  return { path, bytes: state.size, requests: part.requests };
}

async function markPart(submission: Submission, part: JobPart, change: Partial<JobPart>): Promise<void> {
  Object.assign(part, change);
  await saveJob(submission.home.jobs, submission.job);
}

/** Creates the batch; after an answer that was lost, looks for it by its tag before it tries again. */
async function createBatch(submission: Submission, part: JobPart, file: RequestFile): Promise<string> {
  const { job, provider, calls, signal } = submission;
  const find = provider.find?.bind(provider);
  for (let attempt = 1; ; attempt++) {
    try {
      return await provider.create(
        { file, fileId: part.file_id },
        { model: job.model, tag: part.tag },
        signal,
      );
    } catch (error) {
      if (!(error instanceof ProviderError) || error.scope !== 'retry' || signal.aborted) throw error;
      if (mayHaveBeenCreated(error)) {
        if (!find) throw describeLostReply(part, error);
        const batchId = await calls.run(() => find(part.tag, signal));
        if (batchId !== undefined) return batchId;
      }
      if (attempt >= createAttempts) throw error;
      await sleep(error.retryAfterMs ?? Math.random() * createPauseMs * 2 ** attempt, signal);
    }
  }
}

function describeLostReply(part: JobPart, error: ProviderError): ProviderError {
  return new ProviderError(
    'run',
    error.code,
    `the reply to the creation of part ${part.part} was lost (${error.message}); the provider may have the batch. Look at its console before you run this again.`,
    { cause: error },
  );
}

/** Writes the batch's record, then notes in the job that the part is there. */
async function recordPart(submission: Submission, part: JobPart, batchId: string): Promise<BatchRecord> {
  const { home, job } = submission;
  const record: BatchRecord = {
    batch_id: batchId,
    provider: job.provider,
    model: job.model,
    original_file_path: job.original_file_path,
    file_type: job.file_type,
    prompt_column: job.prompt_column,
    created_at: new Date().toISOString(),
    status: 'validating',
    output_path: job.output_path,
    with_meta: job.with_meta,
    job_id: job.job_id,
    part: part.part,
    parts: job.parts.length,
    tag: part.tag,
    base_url: job.base_url,
    file_id: part.file_id ?? null,
    counts: null,
    last_error: null,
  };
  const idMembers = createReadStream(idMapPath(home, job.job_id, part.part)) as AsyncIterable<Buffer>;
  await saveRecord(home.batches, record, idMembers);
  await markPart(submission, part, { state: 'submitted', batch_id: batchId });
  return record;
}
