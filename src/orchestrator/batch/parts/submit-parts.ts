/** Hands the parts of a job to the provider, one after the other, so that no part is ever submitted twice. */

import { stat } from 'node:fs/promises';
import { forgetSchemaRefusal } from '../../../cache/schema-refusals.ts';
import type { CodeWithFacts } from '../../../core/error-facts.ts';
import { isRefusedKey, LoomError, ProviderError } from '../../../core/errors.ts';
import type { BatchRecord, EventOf } from '../../../core/models.ts';
import { unreadableAnswer } from '../../../providers/protocol/refusal.ts';
import type { RequestFile } from '../../../providers/provider.ts';
import { providerEntry } from '../../../providers/registry.ts';
import { requestFilePath } from '../../../state/job-files.ts';
import { type JobPart, renewalOf, saveJob, stateWithoutBatch } from '../../../state/jobs.ts';
import { deleteRecord } from '../../../state/records.ts';
import { namePart } from '../../../state/stored-jobs.ts';
import { diskFailure } from '../../../storage/files.ts';
import { isSchemaRefusal } from '../../answers/told-schema.ts';
import { noteSandbox } from '../../calls/answer-server.ts';
import { findLongWait, isRateLimit } from '../../calls/long-waits.ts';
import { defaultPatience } from '../../calls/retry-policy.ts';
import { sleep } from '../../calls/sleep.ts';
import { describeRecord, type ListedBatch } from '../list/list-batches.ts';
import {
  findLeftBatch,
  findNewBatch,
  goesOnUntil,
  isClearRefusal,
  isOfAnotherPart,
  mayGoOn,
  UnsettledPartError,
} from './find-batch.ts';
import { halvePart } from './halve-part.ts';
import { isAboutOneBatch, type Submission } from './job-reach.ts';
import { saveNewRecord } from './new-record.ts';
import { canBeHalved, isAlone, isBesideTaken, isTooLarge, judgePart, noteFullQueue } from './queue-room.ts';
import { recallRefusal, type SchemaEvent, tellRefusal } from './refused-schema.ts';
import { canBeTold, schemaAskedBy, settingsOfPart, tellPart } from './tell-part.ts';

const createAttempts = 4;
const createPauseMs = 2_000;

/** What submitting parts comes to, told on the way. */
export type PartEvent =
  /** A batch is at the provider, and its record on disk. */
  | EventOf<'submitted', { record: BatchRecord; batch: ListedBatch }>
  /** A part that the provider does not take was cut in two: its name before, and the most requests of a half. */
  | EventOf<'halved', { name: string; requests: number; reason: string | undefined }>
  | SchemaEvent;

/**
 * Submits every part that is not yet at the provider, in order, and reports each batch as soon as its record is on
 * disk. A part whose creation was cut off is looked for first, and one that the provider can't take (queue-room.ts) is
 * halved. Stops at a full queue: the parts that are left stay `planned`, for a later command. LoomError `provider` when a
 * part of a single request can't be taken, after the others were sent. UnsettledPartError when it could not be told what
 * became of a part: an earlier one of another command holds up no other part, one of this command is the last that is sent.
 */
export async function submitParts(
  submission: Submission,
  onEvent: (event: PartEvent) => void,
): Promise<'all_submitted' | 'queue_full'> {
  const { home } = submission;
  const tell = (record: BatchRecord) =>
    onEvent({ type: 'submitted', record, batch: describeRecord(home, record) });
  await recallRefusal(submission, onEvent);
  let end: 'all_submitted' | 'queue_full' = 'all_submitted';
  let trouble: LoomError | undefined;
  // Halves that come on the way have their turn too.
  for (const part of submission.job.parts) {
    if (part.state === 'submitting') {
      const settled = await trySettlePart(submission, part);
      if (settled instanceof UnsettledPartError) trouble ??= settled;
      else if (settled) tell(settled);
    }
    if (part.state !== 'planned') continue;
    const recorded = await takeRecorded(submission, part);
    if (recorded) {
      tell(recorded);
      continue;
    }
    submission.signal.throwIfAborted();
    const sent = await sendPart(submission, part, onEvent);
    if (sent === 'queue_full') {
      end = sent;
      break;
    }
    if (sent instanceof LoomError) {
      trouble ??= sent;
      continue;
    }
    tell(await recordPart(submission, part, sent));
  }
  if (trouble) throw trouble;
  return end;
}

/** The id of the part's new batch, or of that of its first half; an error when the provider never takes it. */
async function sendPart(
  submission: Submission,
  part: JobPart,
  onEvent: (event: PartEvent) => void,
): Promise<string | 'queue_full' | LoomError> {
  if (submission.misreach) return submission.misreach;
  const fate = judgePart(submission.job, part, submission.provider.limits);
  if (fate === 'refuse') return refusePart(submission, part, part.queue?.reason ?? '');
  if (fate === 'halve') {
    await cutPart(submission, part, onEvent, part.queue?.reason);
    return sendPart(submission, part, onEvent);
  }
  if (submission.job.schema_told) await tellInWords(submission, part);
  try {
    return (await submitPart(submission, part)) ?? 'queue_full';
  } catch (error) {
    if (isSchemaRefusal(error) && (await tellInWords(submission, part))) {
      await tellRefusal(submission, part, error.message, onEvent);
      return sendPart(submission, part, onEvent);
    }
    if (isSchemaRefusal(error) && part.schema_told)
      await forgetSchemaRefusal(submission.home, schemaAskedBy(submission.job));
    if (!(error instanceof ProviderError) || !isTooLarge(error)) throw error;
    const reason = `${error.code}: ${error.message}`;
    if (!canBeHalved(part, submission.provider.limits)) return refusePart(submission, part, reason);
    await cutPart(submission, part, onEvent, reason);
    return sendPart(submission, part, onEvent);
  }
}

async function cutPart(
  submission: Submission,
  part: JobPart,
  onEvent: (event: PartEvent) => void,
  reason: string | undefined,
): Promise<void> {
  const { home, job, provider } = submission;
  const name = namePart(job, part.part);
  await describeRequestFile(submission, part);
  if (part.file_id !== undefined) await dropUpload(submission, part);
  await halvePart(home, job, part, provider.framing);
  onEvent({ type: 'halved', name, requests: part.requests, reason });
}

/** Whether the requests of a part, which asked for structured output, have the schema in words now. */
async function tellInWords(submission: Submission, part: JobPart): Promise<boolean> {
  const { home, job, provider } = submission;
  if (!canBeTold(job, part)) return false;
  await describeRequestFile(submission, part);
  if (part.file_id !== undefined) await dropUpload(submission, part);
  return tellPart(home, job, part, provider);
}

/** What can't be taken, and can't be halved, which is a single request mostly: it is never sent, and the job goes on without it. */
async function refusePart(submission: Submission, part: JobPart, reason: string): Promise<LoomError> {
  const { home, job } = submission;
  if (part.file_id !== undefined) await dropUpload(submission, part);
  await markPart(submission, part, { state: 'dropped', refusal: reason });
  const { title } = providerEntry(job.provider);
  const name = namePart(job, part.part);
  const what = `${title} does not take ${part.requests === 1 ? 'a single request of ' : ''}${name}: ${reason}`;
  const others = job.parts.length > 1;
  return new LoomError('provider', what, {
    code: 'request_refused',
    facts: { job: job.job_id, others, sandbox: home.isSandbox },
    hint: others
      ? 'The others go on; a fetch with partial writes them without it.'
      : 'Shorten its prompt, or choose another model.',
  });
}

/** The same as `settlePart`, with the error of a part of which it can't be told what became of it as the result. */
export async function trySettlePart(
  submission: Submission,
  part: JobPart,
): Promise<BatchRecord | UnsettledPartError | undefined> {
  try {
    return await settlePart(submission, part);
  } catch (error) {
    if (error instanceof UnsettledPartError) return error;
    throw error;
  }
}

/**
 * Settles a part that was cut off while its batch was created: its record, when a batch is found, or undefined, and
 * then the part is `planned` again, or `dropped` where the job was cancelled.
 */
async function settlePart(submission: Submission, part: JobPart): Promise<BatchRecord | undefined> {
  const recorded = await takeRecorded(submission, part);
  if (recorded) return recorded;
  const { misreach } = submission;
  if (misreach) throw new UnsettledPartError(submission, part, 'elsewhere', misreach);
  const settle = submission.provider.isCreateRepeatable ? repeatCreation : findLeftBatch;
  const batchId = await settle(submission, part);
  if (batchId !== undefined) return recordPart(submission, part, batchId);
  await markPart(submission, part, { state: stateWithoutBatch(submission.job) });
  return undefined;
}

/** The batch of a creation that was cut off, where a second one gives it; undefined where that is refused, and sent again. */
async function repeatCreation(submission: Submission, part: JobPart): Promise<string | undefined> {
  try {
    return await createBatch(submission, part, await describeRequestFile(submission, part));
  } catch (error) {
    // Of a job that was cancelled nothing is sent again: the batch of the first creation would run on.
    if (isClearRefusal(error) && !submission.job.cancelled) return undefined;
    if (!(error instanceof ProviderError) || isRefusedKey(error)) throw error;
    throw new UnsettledPartError(submission, part, 'look_up_failed', error);
  }
}

/**
 * The record of a part's batch of which its job does not know: that was cut off, or is an older copy, whose tag may be
 * older too. One under an earlier tag is of a batch that a full queue gave back, and was left when a fetch was cut off
 * just then: it goes.
 */
export async function takeRecorded(
  submission: Pick<Submission, 'home' | 'job' | 'known'>,
  part: JobPart,
): Promise<BatchRecord | undefined> {
  const { home, job, known } = submission;
  const records = await known.listRecords();
  const own = records.filter((record) => record.job_id === job.job_id && record.part === part.part);
  const isEarlier = ({ tag }: BatchRecord) => renewalOf(tag) < renewalOf(part.tag);
  for (const record of own) if (isEarlier(record)) await deleteRecord(home, record);
  const [recorded] = own
    .filter((record) => !isEarlier(record))
    .sort((a, b) => renewalOf(b.tag) - renewalOf(a.tag));
  if (!recorded) return undefined;
  const { batch_id, tag = part.tag } = recorded;
  await markPart(submission, part, { state: 'submitted', batch_id, tag });
  return recorded;
}

/** The id of the part's new batch, or undefined when the provider's queue is full. */
async function submitPart(submission: Submission, part: JobPart): Promise<string | undefined> {
  const { home, job, provider, calls, callSignal } = submission;
  const file = await describeRequestFile(submission, part);
  const wasUploaded = part.file_id !== undefined;
  await uploadPart(submission, part, file);
  const readClock = provider.readClock?.bind(provider);
  const since = readClock ? await calls.run(() => readClock(callSignal)) : new Date();
  await markPart(submission, part, { state: 'submitting', submitting_since: since.toISOString() });
  try {
    return await createBatch(submission, part, file);
  } catch (error) {
    // The provider has no batch of this part, by its own word or because it was looked for: a later command may submit it.
    const isFull = error instanceof ProviderError && isRateLimit(error);
    if (isFull) noteFullQueue(job, part, error, await isAlone(home, job, part));
    if (isFull || isClearRefusal(error)) await markPart(submission, part, { state: 'planned' });
    if (isFull) return undefined;
    if (isTooLarge(error)) throw error;
    if (!wasUploaded || !mayBeAboutUpload(error)) throw error;
    await dropUpload(submission, part);
    return submitPart(submission, part);
  }
}

/** Providers keep uploads for some days, and a part may have waited for longer. Each has another word for that. */
function mayBeAboutUpload(error: unknown): boolean {
  return (
    error instanceof ProviderError && !isRefusedKey(error) && isAboutOneBatch(error) && isClearRefusal(error)
  );
}

/** The upload of an earlier command is of no use any more: the next try uploads anew. */
async function dropUpload(submission: Submission, part: JobPart): Promise<void> {
  const { provider, callSignal, signal } = submission;
  const { file_id: fileId } = part;
  await submission.home.ensureHeld();
  // It may be there all the same. Where it can't be deleted it expires by itself.
  if (fileId !== undefined) await provider.deleteFile?.(fileId, callSignal).catch(() => {});
  signal.throwIfAborted();
  delete part.file_id;
  await markPart(submission, part, {});
}

async function uploadPart(submission: Submission, part: JobPart, file: RequestFile): Promise<void> {
  const { home, provider, calls, callSignal } = submission;
  const upload = provider.upload?.bind(provider);
  if (!upload || part.file_id !== undefined) return;
  const fileId = await calls.run(async () => {
    await home.ensureHeld();
    return upload(file, callSignal);
  });
  await markPart(submission, part, { file_id: fileId });
}

/** The file of a part's requests. LoomError `state` where it is gone or not whole: what is sent of it is paid for. */
async function describeRequestFile({ home, job }: Submission, part: JobPart): Promise<RequestFile> {
  const path = requestFilePath(home, job.job_id, part);
  const told = {
    code: 'requests_damaged',
    facts: { job: job.job_id, path, sandbox: home.isSandbox },
    hint: 'Nothing of it is sent. Cancel the job, then submit the input again.',
  } as const;
  const { size } = await stat(path).catch((error: unknown) => {
    throw diskFailure('state', `read the request file ${path}`, error, told);
  });
  if (size !== part.bytes) {
    const what = `the request file ${path} is damaged: it has ${size} bytes, and ${part.bytes} were written.`;
    throw new LoomError('state', what, told);
  }
  return { path, bytes: size, requests: part.requests };
}

async function markPart(
  submission: Pick<Submission, 'home' | 'job'>,
  part: JobPart,
  change: Partial<JobPart>,
): Promise<void> {
  Object.assign(part, change);
  await saveJob(submission.home, submission.job);
}

/**
 * Creates the batch; after anything but a clear refusal, looks for it before it tries again, unless the provider makes no
 * second one.
 */
async function createBatch(submission: Submission, part: JobPart, file: RequestFile): Promise<string> {
  const { home, job, provider, signal, callSignal } = submission;
  for (let attempt = 1; ; attempt++) {
    try {
      await home.ensureHeld();
      const batchId = await provider.create(
        { file, fileId: part.file_id },
        { model: job.model, tag: part.tag, settings: settingsOfPart(job, part) },
        callSignal,
      );
      // A gateway that answers from memory: what became of this creation is not said.
      if (await isOfAnotherPart(submission, batchId, part.tag))
        throw unreadableAnswer(`${batchId} is the id of another batch`);
      return batchId;
    } catch (error) {
      if (!(error instanceof ProviderError) || signal.aborted) throw error;
      const isDoubtful = !isClearRefusal(error);
      const isSearched = isDoubtful && !provider.isCreateRepeatable;
      const batchId = isSearched ? await findNewBatch(submission, part, error) : undefined;
      if (batchId !== undefined) return batchId;
      const goesOn = isSearched && mayGoOn(error);
      if (goesOn) await markPart(submission, part, { may_go_on_until: goesOnUntil() });
      const isLast = goesOn || error.scope !== 'retry' || isUnreadable(error) || attempt >= createAttempts;
      if (isDoubtful && isLast && !isRateLimit(error))
        throw new UnsettledPartError(submission, part, 'not_listed', error);
      const longWait = findLongWait(error, 'retry', defaultPatience);
      if (longWait) throw longWait;
      if (isLast) throw error;
      await sleep(error.retryAfterMs ?? Math.random() * createPauseMs * 2 ** attempt, signal);
    }
  }
}

/** Whether the provider answered a creation with a success that does not say of what: it has the batch, most likely. */
function isUnreadable({ code }: ProviderError): boolean {
  return code === 'unreadable';
}

/** Writes the batch's record, then notes in the job that the part is there. */
async function recordPart(submission: Submission, part: JobPart, batchId: string): Promise<BatchRecord> {
  const { home, job, known, provider } = submission;
  noteSandbox(job, provider);
  try {
    const record = await saveNewRecord(home, job, part, batchId);
    const beside = (await isBesideTaken(known, job, part)) && { beside_taken: true };
    await markPart(submission, part, { state: 'submitted', batch_id: batchId, ...beside });
    return record;
  } catch (error) {
    throw nameUnrecordedBatch(error, submission, batchId);
  }
}

/** A paid batch whose record can't be written is named, whatever happens to the disk. */
function nameUnrecordedBatch(error: unknown, { home, job }: Submission, batchId: string): unknown {
  if (!(error instanceof LoomError)) return error;
  const what = `${error.message} The batch ${batchId} is at ${job.provider} and paid for.`;
  // Without its id map a record can be made from the input alone: the error says so.
  if (error.kind === 'input') {
    const { code, facts, hint } = error;
    return new LoomError('state', what, { code, facts, hint, cause: error } as CodeWithFacts);
  }
  return new LoomError('state', what, {
    code: 'batch_unrecorded',
    facts: { id: batchId, sandbox: home.isSandbox },
    hint: 'Mend the disk, then fetch: the batch is found again.',
    cause: error,
  });
}
