/** What the calls about a batch have in common at all vendors. */
import { ProviderError } from '../errors.ts';
import { longestId } from './limits.ts';
import type { BatchCheck } from './provider.ts';
import { unreadableAnswer } from './refusal.ts';
import { asObject, firstText } from './wire.ts';

/**
 * The id of what was just created, as it stands; without one, or with one that is longer than any address, the call may
 * have taken effect all the same.
 */
export function readId(answer: unknown, field: 'id' | 'name'): string {
  const id = firstText(asObject(answer)[field]);
  if (!id) throw unreadableAnswer(`it has no ${field}`);
  if (id.length > longestId) throw unreadableAnswer(`its ${field} is longer than ${longestId} characters`);
  return id;
}

/** A gateway without a list of batches may answer with a 200 and anything: that says nothing about what there is. */
export function requireList(page: unknown): void {
  const { data, object } = asObject(page);
  if (!Array.isArray(data) && !(object === 'list' && data === null))
    throw unreadableAnswer('it is no list of batches');
}

/**
 * Whether an id can stand in an address: `..` would lead elsewhere, however it is written, and half of a character can't
 * be written at all.
 */
function isAddressable(id: string): boolean {
  const isRelative = id.split('/').some((step) => step === '.' || step === '..');
  return id !== '' && !id.endsWith('/') && !isRelative && !/\p{Surrogate}/u.test(id);
}

/** Refuses a file's or batch's id that no address can hold, before a call goes somewhere else. */
export function checkId(id: string): string {
  if (isAddressable(id)) return id;
  throw new ProviderError('run', 'invalid_id', `No address can hold the id ${showId(id)}.`);
}

/** An id in a sentence. */
function showId(id: string): string {
  const longestShown = 100;
  return id.length > longestShown ? `${id.slice(0, longestShown)}…` : id;
}

/** A 404 on a batch is about that batch, not about a model. */
export async function aboutBatch<T>(batchId: string, call: () => Promise<T>): Promise<T> {
  checkId(batchId);
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProviderError) || error.status !== 404) throw error;
    const message = `There is no batch ${showId(batchId)} at the provider for this key: ${error.message}`;
    throw new ProviderError('run', 'not_found', message, { status: 404 });
  }
}

/**
 * The results of a batch that was found just now. A 404 or 410 on them in the provider's own form says that they are
 * gone: `results_gone`. Where the batch itself says so, any refusal of them does.
 */
export async function* aboutResults<T>(
  batchId: string,
  results: AsyncIterable<T>,
  batchSaysGone = false,
): AsyncGenerator<T> {
  try {
    yield* results;
  } catch (error) {
    if (!(error instanceof ProviderError) || !goneStatuses.has(error.status ?? 0)) throw error;
    if (!error.inOwnForm && !batchSaysGone) throw error;
    const message = `The results of batch ${batchId} are gone at the provider: ${error.message}`;
    throw new ProviderError('run', 'results_gone', message, { status: error.status });
  }
}

const goneStatuses = new Set([404, 410]);

/** For a deletion: what is gone already is no error. */
export function ignoreStatus(...statuses: number[]) {
  return (error: unknown): void => {
    if (!(error instanceof ProviderError) || !statuses.includes(error.status ?? 0)) throw error;
  };
}

/** What vendors say to the cancel of a batch that is over, or is being cancelled: OpenAI 409, others 400 or 200. */
const tooLateStatuses = new Set([400, 409]);

/** Cancels, then looks how the batch is; a refusal that comes of its being over is none. */
export async function cancelThenCheck(
  cancel: () => Promise<unknown>,
  check: () => Promise<BatchCheck>,
): Promise<BatchCheck> {
  try {
    await cancel();
  } catch (error) {
    if (!(error instanceof ProviderError) || !tooLateStatuses.has(error.status ?? 0)) throw error;
    const seen = await check();
    const isPending = ['validating', 'in_progress', 'unknown'].includes(seen.status);
    if (isPending && !/cancell?ing/i.test(seen.rawStatus)) throw error;
    return seen;
  }
  return check();
}
