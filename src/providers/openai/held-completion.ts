/** An answer on a line of results, at vendors whose batches are their own and whose answers are OpenAI's. */
import type { RowResult } from '../../core/models.ts';
import type { WireObject } from '../network/wire.ts';
import { type Reason, readReason } from '../protocol/reasons.ts';
import { saysSomething } from '../protocol/wrappings.ts';
import { findAnswer, readAnswer } from './api.ts';

/**
 * The result of a row: its answer, unless one of `errors` says that there is none. `kindOf` is the word for a reason that
 * has a number and no word.
 */
export function readHeldCompletion(
  customId: string,
  answer: WireObject,
  errors: readonly unknown[],
  kindOf: (reason: Reason) => string,
): RowResult {
  const held = findAnswer(answer);
  const saysNo = [...errors, held?.error].some(saysSomething);
  if (held && !saysNo) return readAnswer(customId, held);
  const reason = readReason(...errors, held?.error);
  const kind = kindOf(reason);
  const error = { kind, message: reason.message || 'The request got no answer.' };
  if (kind === 'batch_cancelled') return { customId, outcome: 'cancelled', error };
  if (kind === 'batch_expired') return { customId, outcome: 'expired', error };
  return { customId, outcome: 'failed', error };
}

/** google.rpc.Code in words; of others the HTTP status. */
export function kindOfRpcCode({ code, number }: Reason): string {
  if (code !== '') return code;
  if (number === undefined) return 'not_processed';
  return number >= 400 ? `http_${number}` : (rpcWords[number] ?? `code_${number}`);
}

const rpcWords: Readonly<Record<number, string>> = {
  1: 'batch_cancelled',
  3: 'INVALID_ARGUMENT',
  4: 'batch_expired',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
};
