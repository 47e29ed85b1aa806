/** What a line of a file of results says of its row. */
import type { RowResult } from '../../core/models.ts';
import { asCount, asId, type WireObject } from '../network/wire.ts';
import { readReason } from '../protocol/reasons.ts';
import { openObject, saysSomething } from '../protocol/wrappings.ts';
import { findAnswer, readAnswer } from './api.ts';

/** Whether a line with an answer says, by its status or an error, that there is none. */
function saysNo(line: WireObject, answer: WireObject): boolean {
  const response = openObject(line.response);
  const status = asCount(response.status_code) || asCount(line.status_code) || 200;
  const errors = [line.error, response.error, answer.error];
  return status < 200 || status > 299 || errors.some(saysSomething);
}

/** One line of the output file or the error file; `undefined` when it belongs to no row. */
export function readResult(line: WireObject): RowResult | undefined {
  const customId = asId(line.custom_id);
  if (!customId) return undefined;
  const answer = findAnswer(line);
  if (answer && !saysNo(line, answer)) return readAnswer(customId, answer);
  const response = openObject(line.response);
  const status = asCount(response.status_code) ?? 0;
  const reason = readReason(line.error, response.error, response.body, response, line.errors, line.message);
  const message = reason.message || `The request got no answer (status ${status}).`;
  const { code } = reason;
  if (code === 'batch_expired') return { customId, outcome: 'expired', error: { kind: code, message } };
  if (code === 'batch_cancelled') return { customId, outcome: 'cancelled', error: { kind: code, message } };
  const httpStatus = [status, reason.number ?? 0].find((number) => number >= 400);
  const kind = code || (httpStatus ? `http_${httpStatus}` : 'not_processed');
  return { customId, outcome: 'failed', error: { kind, message } };
}
