/**
 * A part that a provider can never take has a way out: it is halved, until its halves are taken. Which part that is, a
 * provider says by a size that it refuses, with the creation or after it, by the limit of a queue that is smaller than the part, or by refusing it twice
 * for a full queue in which nothing else of this home waits. A single request that is still too much is never sent, and
 * the words of the provider tell why.
 */
import { LongWaitError, ProviderError } from '../../../core/errors.ts';
import type { BatchRecord } from '../../../core/models.ts';
import type { BatchCheck, BatchLimits } from '../../../providers/provider.ts';
import type { HomeBatches } from '../../../state/home-batches.ts';
import type { Job, JobPart } from '../../../state/jobs.ts';
import { loadRecords } from '../../../state/records.ts';
import { hasEnded } from '../../../state/stored-jobs.ts';
import type { LoomHome } from '../../../storage/home.ts';
import { isAtSamePlace } from './find-batch.ts';

/** What is to be done with a part that waits to be sent. */
export type PartFate = 'send' | 'halve' | 'refuse';

/** So often may an empty queue refuse a part before that counts as a refusal for good. */
const mostRefusals = 2;

/** Whether the halves of a part are batches still. */
export function canBeHalved({ requests }: JobPart, { least = 1 }: BatchLimits): boolean {
  return requests >= 2 * least;
}

export function judgePart({ queue_limit: limit }: Job, part: JobPart, limits: BatchLimits): PartFate {
  const { queue, requests, bytes } = part;
  if (queue?.is_too_large) return canBeHalved(part, limits) ? 'halve' : 'refuse';
  const times = queue?.times ?? 0;
  const isLarger = limit !== undefined && estimateTokens({ requests, bytes }) > limit;
  if (canBeHalved(part, limits)) return isLarger || times >= mostRefusals ? 'halve' : 'send';
  // One that is smaller than the limit has its turn when others leave room for it.
  const isHopeless = limit === undefined ? times >= mostRefusals : isLarger && times > 0;
  return isHopeless ? 'refuse' : 'send';
}

/** Of a request, roughly: its JSON beside the prompt. */
const frameBytes = 150;
/** Of English, roughly. */
const bytesPerToken = 4;

function estimateTokens({ requests, bytes }: Pick<JobPart, 'requests' | 'bytes'>): number {
  return Math.max(0, bytes - requests * frameBytes) / bytesPerToken;
}

/** What a batch that failed for a full queue says, or the refusal of its creation. */
type QueueRefusal = Pick<ProviderError, 'code' | 'message'> & Partial<Pick<ProviderError, 'limit'>>;

/** Whether the provider refused a file or a batch for its size, which no later try changes. */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return false;
  if (error.status === 413 || error.code === 'request_too_large') return true;
  return [400, 422].includes(error.status ?? 0) && saysTooLarge(error.message);
}

/** Whether a batch that was taken failed before it started, and for its size: not for what one of its lines holds. */
export function hasFailedForSize({ status, counts, error }: BatchCheck): boolean {
  if (status !== 'failed' || counts?.succeeded || !error || /^line \d+:/.test(error.message)) return false;
  return /^(?:batch|file|request|payload)_too_large$/.test(error.code) || saysTooLarge(error.message);
}

function saysTooLarge(message: string): boolean {
  return sizeWords.some((words) => words.test(message));
}

const sizeWords = [
  /\b(?:file|batch|payload|body|upload)\b[^.]{0,60}\b(?:too (?:large|big|many)|exceed\w*|larger than|more than)\b/i,
  /\b(?:too many|more than|maximum (?:number )?of) [^.]{0,30}\b(?:requests|lines|rows|records|tasks)\b/i,
];

/**
 * Notes that a full queue refused a part, in the provider's words: to be saved. It says something of the part's size only
 * where the part was alone there, from when it was sent on: what filled the queue may be over when the refusal is seen. Nor
 * does a limit that ends by itself.
 */
export function noteFullQueue(job: Job, part: JobPart, refusal: QueueRefusal, wasAlone: boolean): void {
  const isOfTime = refusal instanceof LongWaitError || refusal.limit?.isOfDay;
  const isCounted = !isOfTime && wasAlone;
  part.queue = {
    reason: `${refusal.code}: ${refusal.message}`,
    times: (part.queue?.times ?? 0) + (isCounted ? 1 : 0),
  };
  const limit = readLimit(refusal.message);
  if (limit !== undefined) job.queue_limit = limit;
}

/** Notes that the provider took a part and found it too large, in its words: to be saved. */
export function noteTooLarge(part: JobPart, { code, message }: NonNullable<BatchCheck['error']>): void {
  part.queue = { reason: `${code}: ${message}`, times: part.queue?.times ?? 0, is_too_large: true };
}

/** `Limit: 90,000 enqueued tokens` */
function readLimit(message: string): number | undefined {
  const [, digits] = /\blimit\b[^\d.]{0,20}(\d[\d,_]*) (?:enqueued )?tokens/i.exec(message) ?? [];
  const limit = Number(digits?.replace(/[,_]/g, ''));
  return limit > 0 ? limit : undefined;
}

/** Whether no other batch of this home waits or runs at the same provider and address, as of now. */
export async function isAlone(home: LoomHome, job: Job, part: JobPart): Promise<boolean> {
  const { records } = await loadRecords(home.batches);
  const others = leaveOutPart(records, job, part);
  return others.every(({ status }) => hasEnded(status));
}

/** Whether another batch of this home runs there, as far as its record knows. */
export async function isBesideTaken(known: HomeBatches, job: Job, part: JobPart): Promise<boolean> {
  const others = leaveOutPart(await known.listRecords(), job, part);
  return others.some(({ status }) => status === 'in_progress');
}

/** Notes that the provider has taken on a part: to be saved where it says so. What else waits there is refused for its sake. */
export function noteTaken(job: Job, part: JobPart): boolean {
  const beside = job.parts.filter(
    (other) => other !== part && other.state === 'submitted' && !other.beside_taken,
  );
  for (const other of beside) other.beside_taken = true;
  return beside.length > 0;
}

/** The other batches at the same provider and address. */
function leaveOutPart(records: readonly BatchRecord[], job: Job, part: JobPart): BatchRecord[] {
  return records.filter(
    (record) => isAtSamePlace(record, job) && !(record.job_id === job.job_id && record.part === part.part),
  );
}
