/** What a line of a file of results says of its row. */
import type { RowResult } from '../../core/models.ts';
import { asCount, asId, type WireObject } from '../network/wire.ts';
import { readReason } from '../protocol/reasons.ts';
import { unreadableAnswer } from '../protocol/refusal.ts';
import { cutText } from '../protocol/words.ts';
import { findObject, openObject, saysSomething } from '../protocol/wrappings.ts';
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
  // A line of words alone says why there is no answer.
  const isSaid = typeof line.message === 'string' && !('response' in line);
  const isRefused =
    isSaid || code !== '' || (reason.number ?? 0) >= 400 || saysNo(line, openObject(response.body));
  if (!isRefused && holdsMore(line)) return failUnread(customId, line.response ?? line);
  if (code === 'batch_expired') return { customId, outcome: 'expired', error: { kind: code, message } };
  if (code === 'batch_cancelled') return { customId, outcome: 'cancelled', error: { kind: code, message } };
  const httpStatus = [status, reason.number ?? 0].find((number) => number >= 400);
  const kind = code || (httpStatus ? `http_${httpStatus}` : 'not_processed');
  return { customId, outcome: 'failed', error: { kind, message } };
}

/** What stands around an answer, or tells of it, and is none. */
const frameFields = new Set([
  ...['id', 'custom_id', 'request_id', 'object', 'status', 'status_code', 'error', 'errors'],
  ...['method', 'url', 'headers', 'model', 'created', 'usage', 'metadata'],
]);

/** Whether a line has anything that may be an answer, in a form that nobody knows. */
function holdsMore(value: unknown): boolean {
  const object = findObject(value);
  if (!object) return saysSomething(value);
  return Object.entries(object).some(([name, member]) => !frameFields.has(name) && holdsMore(member));
}

const longestStart = 120;

/** A success that is paid for, and can't be read. */
function failUnread(customId: string, said: unknown): RowResult {
  const text = typeof said === 'string' ? said : JSON.stringify(said);
  const { code, message } = unreadableAnswer('it holds no answer in a known form');
  const error = { kind: code, message: `${message} It begins: ${cutText(text, longestStart)}` };
  return { customId, outcome: 'failed', error };
}
