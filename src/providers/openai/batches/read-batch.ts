/** What servers that speak like OpenAI say of a batch, in whichever accent: its status, times, files and reasons. */
import { asCount, asList, asObject, asText, firstText, type WireObject } from '../../network/wire.ts';
import { readReason } from '../../protocol/reasons.ts';
import { readStatus, type StatusWords } from '../../protocol/statuses.ts';
import type { BatchCheck } from '../../provider.ts';

/** OpenAI's own words, and those of servers that speak alike. */
const statusWords: StatusWords = {
  validating: ['validating', 'queued', 'in_queue', 'pending', 'submitted', 'created', 'scheduled'],
  in_progress: ['in_progress', 'progress', 'processing', 'running', 'finalizing', 'cancelling', 'canceling'],
  completed: ['completed', 'complete', 'success', 'succeeded', 'done', 'finished'],
  failed: ['failed'],
  expired: ['expired', 'timeout_exceeded'],
  cancelled: ['cancelled', 'canceled'],
};

export function readCheck(batch: WireObject): BatchCheck {
  const counts = asObject(batch.request_counts);
  const total = asCount(counts.total);
  const rawStatus = asText(batch.status);
  const status = readStatus(statusWords, rawStatus);
  const error = readBatchError(batch);
  return {
    batchId: asText(batch.id),
    status,
    rawStatus,
    // All three are 0 until the file is validated.
    counts: total
      ? { total, succeeded: asCount(counts.completed), failed: asCount(counts.failed) }
      : undefined,
    times: {
      created: readTime(batch.created_at),
      started: readTime(batch.in_progress_at),
      cancelRequested: readTime(batch.cancelling_at),
      ended: [batch.completed_at, batch.failed_at, batch.expired_at, batch.cancelled_at]
        .map(readTime)
        .find(Boolean),
      expires: readTime(batch.expires_at),
    },
    // The create call succeeds all the same (openai/openai-python#2084).
    queueFull: status === 'failed' && isQueueFull(error),
    error,
  };
}

/** Servers that copied the words have other codes for them. */
function isQueueFull(error: BatchCheck['error']): boolean {
  const words = /enqueued token limit|enqueued tokens has surpassed/i;
  return error?.code === 'token_limit_exceeded' || words.test(error?.message ?? '');
}

/** From here on a number is one of milliseconds: as seconds it would be in the year 5138. */
const leastMilliseconds = 1e11;

/** Unix seconds, also as text or in milliseconds, or a time in words; 0, null and an empty text are no time. */
export function readTime(value: unknown): Date | undefined {
  const number = asCount(value);
  const milliseconds =
    number === undefined
      ? Date.parse(inUtc(asText(value)))
      : number * (number < leastMilliseconds ? 1000 : 1);
  return milliseconds > 0 ? new Date(milliseconds) : undefined;
}

/** Servers in Python write their own time without a zone, and mean UTC. */
function inUtc(text: string): string {
  return /^\d{4}-\d\d-\d\d[T ][\d:.]+$/.test(text) ? `${text.replace(' ', 'T')}Z` : text;
}

/** The ids of the files that a batch was made of, or whose lines are its answers or its errors, each once. */
export function readFileIds(batch: WireObject, kind: 'input' | 'output' | 'error'): readonly string[] {
  const several = [batch[`${kind}_file_ids`], batch[`${kind}_files`]].flatMap(asList);
  const places = [batch[`${kind}_file_id`], batch[`${kind}_file`], ...several];
  const ids = places.map((place) => firstText(place, asObject(place).id));
  return [...new Set(ids)].filter((id) => id !== '');
}

/** The first of them; empty without one. */
export function readFileId(batch: WireObject, kind: 'input'): string {
  return readFileIds(batch, kind)[0] ?? '';
}

/** OpenAI lists what is wrong with the lines of the file; others say one thing of the whole. */
function readBatchError(batch: WireObject): BatchCheck['error'] {
  const listed = asObject(batch.errors).data ?? batch.errors;
  const { code, message } = readReason(asList(listed).map(withLine), batch.error, batch.errors);
  return code || message ? { code: code || 'failed', message } : undefined;
}

function withLine(value: unknown): unknown {
  const line = asCount(asObject(value).line);
  if (line === undefined) return value;
  return { ...asObject(value), message: `line ${line}: ${readReason(value).message}` };
}
