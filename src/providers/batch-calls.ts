/** What the calls about a batch have in common at all vendors. */
import { ProviderError } from '../errors.ts';
import type { BatchCheck } from './provider.ts';
import { unreadableAnswer } from './refusal.ts';
import { asObject, firstText } from './wire.ts';

/** The id of what was just created; without one the call may have taken effect all the same. */
export function readId(answer: unknown, field: 'id' | 'name'): string {
  const id = firstText(asObject(answer)[field]);
  if (!id) throw unreadableAnswer(`it has no ${field}`);
  return id;
}

/** A gateway without a list of batches may answer with a 200 and anything: that says nothing about what there is. */
export function requireList(page: unknown): void {
  const { data, object } = asObject(page);
  if (!Array.isArray(data) && !(object === 'list' && data === null))
    throw unreadableAnswer('it is no list of batches');
}

/** A 404 on a batch is about that batch, not about a model. */
export async function aboutBatch<T>(batchId: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ProviderError) || error.status !== 404) throw error;
    const message = `There is no batch ${batchId} at the provider for this key: ${error.message}`;
    throw new ProviderError('run', 'not_found', message, { status: 404 });
  }
}

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
