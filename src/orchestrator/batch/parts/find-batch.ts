/**
 * What may have happened is never taken not to have: a creation of a batch that did not end in a clear refusal is looked
 * for at the provider before anything is sent again. A look-up that fails answers nothing, and settles nothing.
 */
import { isRefusedKey, LoomError, ProviderError } from '../../../core/errors.ts';
import { withoutStop } from '../../../core/words.ts';
import { providerEntry } from '../../../providers/registry.ts';
import { HomeBatches } from '../../../state/home-batches.ts';
import type { Job, JobPart } from '../../../state/jobs.ts';
import { loadRecord } from '../../../state/records.ts';
import { namePart } from '../../../state/stored-jobs.ts';
import { sleep } from '../../calls/sleep.ts';
import type { Submission } from './job-reach.ts';

/** Refusals that a gateway makes in the name of a server that may have gone on, or that come of an earlier creation. */
const doubtfulRefusals = new Set([408, 409, 425, 499]);
/** Answers of a gateway that gave up waiting. */
const gaveUpStatuses = new Set([408, 499, 504, 522, 524]);
/** How long after a creation a batch may take to show up in the provider's list: when the list is looked at again. */
const listingPausesMs = [3_000];
const longListingPausesMs = [3_000, 7_000];
/** By how much clocks may differ from the provider's, and the times of its batches from its own clock. */
const clockMarginMs = 2 * 60_000;
const longAgoMs = 60_000;
/** For how long a server may go on with a creation that nobody waits for any more. */
const goesOnMs = 60_000;

/** Whether the provider has no batch of a creation for certain: it said no, itself and to this very call. */
export function isClearRefusal(error: unknown): boolean {
  if (!(error instanceof ProviderError) || error.status === undefined) return false;
  return error.status >= 400 && error.status < 500 && !doubtfulRefusals.has(error.status);
}

/** Whether nobody waited for the end of a creation: the server may have the batch only after we looked. */
export function mayGoOn(error: ProviderError): boolean {
  return gaveUpStatuses.has(error.status ?? 0) || error.code === 'timeout';
}

/** Until when a part is not sent again whose creation may go on, by this machine's clock. */
export function goesOnUntil(): string {
  return new Date(Date.now() + goesOnMs).toISOString();
}

/** It is not known whether the provider has a batch of this part: the part stays `submitting` for the next command. */
export class UnsettledPartError extends LoomError {
  constructor(
    { job, home }: Submission,
    part: JobPart,
    reason: 'look_up_failed' | 'not_listed' | 'elsewhere',
    cause: ProviderError | LoomError,
  ) {
    const { title } = providerEntry(job.provider);
    const name = namePart(job, part.part);
    const why = withoutStop(cause.message);
    const whatElse =
      reason === 'not_listed'
        ? `its creation did not end clearly (${why}), and it is not listed yet.`
        : `its creation was cut off, and the look-up failed (${why}).`;
    const what = reason === 'elsewhere' ? `its creation was cut off, and ${why}.` : whatElse;
    super('provider', `it is not known whether ${title} has a batch of ${name}: ${what}`, {
      code: 'part_unsettled',
      facts: { part: name, title, sandbox: home.isSandbox },
      hint:
        reason === 'elsewhere'
          ? ((cause as LoomError).hint ?? '')
          : `Nothing of it is sent again before the next fetch has looked for it. Where ${title} lists no batches, see its dashboard: adopt a batch that is there, or forget the job.`,
      cause,
    });
    this.name = 'UnsettledPartError';
  }
}

/** The batch of a creation that was cut off by an earlier command, if the provider has it. UnsettledPartError when that can't be told. */
export async function findLeftBatch(submission: Submission, part: JobPart): Promise<string | undefined> {
  const { batchId, now } = await lookUp(submission, part);
  const age = now.getTime() - Date.parse(part.submitting_since ?? '');
  const found =
    batchId === undefined && age < longAgoMs ? await lookAgain(submission, part, listingPausesMs) : batchId;
  if (found === undefined && stillGoesOn(part)) {
    const why = 'nobody waited for its end, which may be less than a minute ago';
    throw new UnsettledPartError(submission, part, 'not_listed', new ProviderError('retry', 'timeout', why));
  }
  return found;
}

/** A clock that was set back meanwhile holds nothing up. */
function stillGoesOn({ may_go_on_until: until = '' }: JobPart): boolean {
  const left = Date.parse(until) - Date.now();
  return left > 0 && left <= goesOnMs;
}

/** The same for a creation of just now, which may itself have taken minutes, by the answer that it got. */
export async function findNewBatch(
  submission: Submission,
  part: JobPart,
  failure: unknown,
): Promise<string | undefined> {
  const { batchId } = await lookUp(submission, part);
  if (batchId !== undefined) return batchId;
  const status = failure instanceof ProviderError ? failure.status : undefined;
  const gaveUp = status === undefined || gaveUpStatuses.has(status);
  return lookAgain(submission, part, gaveUp ? longListingPausesMs : listingPausesMs);
}

/** A batch that was created a moment ago may not be listed yet. */
async function lookAgain(
  submission: Submission,
  part: JobPart,
  pausesMs: readonly number[],
): Promise<string | undefined> {
  for (const pauseMs of pausesMs) {
    await sleep(pauseMs, submission.signal);
    const { batchId } = await lookUp(submission, part);
    if (batchId !== undefined) return batchId;
  }
  return undefined;
}

/**
 * Batches at the same provider that are not the one that the part with this tag may have now, as far as records or jobs
 * know: those of other parts, and those that any part had before.
 */
async function listTakenIds(
  { job, known }: Pick<Submission, 'job' | 'known'>,
  tag: string,
): Promise<ReadonlySet<string>> {
  const records = await known.listRecords();
  const jobs = (await known.listJobs()).filter(({ job_id }) => job_id !== job.job_id);
  const others = records.filter((record) => isAtSamePlace(record, job) && record.tag !== tag);
  const parts = [job, ...jobs.filter((other) => isAtSamePlace(other, job))].flatMap((other) => other.parts);
  const former = parts.flatMap(({ former_ids = [] }) => former_ids);
  const now = [...others, ...parts.filter((part) => part.tag !== tag)];
  return new Set([...former, ...now.flatMap(({ batch_id: id }) => (id === undefined ? [] : [id]))]);
}

/** Whether a batch is that of another part than this tag's: also of one that another command has recorded just now. */
export async function isOfAnotherPart(
  submission: Pick<Submission, 'home' | 'job' | 'known'>,
  batchId: string,
  tag: string,
): Promise<boolean> {
  if ((await listTakenIds(submission, tag)).has(batchId)) return true;
  const { home, job } = submission;
  // A damaged one tells nothing.
  const record = await loadRecord(home.batches, job.provider, batchId).catch(() => undefined);
  return record !== undefined && isAtSamePlace(record, job) && record.tag !== tag;
}

/** Where a batch is: at a provider, at an address of its own or the provider's. */
interface Place extends Pick<Job, 'provider'> {
  readonly base_url?: string | null | undefined;
}

export function isAtSamePlace(one: Place, other: Place): boolean {
  return one.provider === other.provider && (one.base_url ?? null) === (other.base_url ?? null);
}

interface FoundBatch {
  readonly batchId: string | undefined;
  /** By the clock that `submitting_since` is of. */
  readonly now: Date;
}

async function lookUp(submission: Submission, part: JobPart): Promise<FoundBatch> {
  try {
    return await askForBatch(submission, part);
  } catch (error) {
    if (!(error instanceof ProviderError) || isRefusedKey(error) || submission.signal.aborted) throw error;
    throw new UnsettledPartError(submission, part, 'look_up_failed', error);
  }
}

async function askForBatch(submission: Submission, part: JobPart): Promise<FoundBatch> {
  const { provider, calls, callSignal } = submission;
  const find = provider.find?.bind(provider);
  if (find) {
    const sent = { tag: part.tag, fileId: part.file_id, formerIds: part.former_ids };
    const found = await calls.run(() => find(sent, callSignal));
    // A server that keeps no tag knows a batch by its upload, also one that a full queue gave back.
    const isFormer = found !== undefined && part.former_ids?.includes(found);
    return { batchId: isFormer ? undefined : found, now: new Date() };
  }
  const list = provider.listCandidates?.bind(provider);
  if (!list || part.submitting_since === undefined) return { batchId: undefined, now: new Date() };
  const since = Date.parse(part.submitting_since);
  const { candidates, now } = await calls.run(() =>
    list(new Date(since - clockMarginMs), part.requests, callSignal, submission.job.model),
  );
  // As of now: other commands look for batches of theirs too.
  const taken = await listTakenIds({ ...submission, known: new HomeBatches(submission.home) }, part.tag);
  const free = candidates.filter(
    ({ batchId }) => !taken.has(batchId) && !part.mistaken_ids?.includes(batchId),
  );
  // One from within the margin is more likely an earlier batch of the same size than one of a wrong clock.
  const found = free.find(({ createdAt }) => createdAt.getTime() >= since) ?? free.at(-1);
  if (found) part.provisional = true;
  return { batchId: found?.batchId, now };
}
