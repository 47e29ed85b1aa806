/** OpenAI's Batch API, there and at vendors that have copied it: an uploaded JSONL file of chat completions, an output file and an error file. */
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { ProviderError } from '../../core/errors.ts';
import type { RowResult } from '../../core/models.ts';
import type { VendorConnection } from '../connection.ts';
import { asCount, asId, asList, asObject, asText, type WireObject } from '../network/wire.ts';
import {
  aboutResults,
  checkId,
  ignoreStatus,
  lookThrough,
  openBatchCalls,
  readEach,
  readId,
  requireList,
  requireOver,
} from '../protocol/batch-calls.ts';
import { readNext } from '../protocol/list-pages.ts';
import { readReason } from '../protocol/reasons.ts';
import { readStatus, type StatusWords } from '../protocol/statuses.ts';
import { openObject, saysSomething } from '../protocol/wrappings.ts';
import type { BatchCheck, BatchProvider, SentBatch } from '../provider.ts';
import { chatBody, findCompletion, openOpenAiClient, readChatAnswer } from './chat.ts';
import type { BatchProfile, Profile } from './profile.ts';

/** An input file lives for 30 days, so a batch that is older holds nothing that is still to be found. */
const findWithinMs = 30 * 24 * 3_600_000;
const pageSize = 100;

export async function openBatch(
  connection: VendorConnection,
  profile: Profile & { readonly batches: BatchProfile },
): Promise<BatchProvider> {
  const { limits, graceMs, tagField, listsByTag, repeatField, lineForm, modelAt, waitsForFile, cancels } =
    profile.batches;
  const { purpose = 'batch', endpoint = '/v1/chat/completions', window = '24h' } = profile.batches;
  const { client, transport } = await openOpenAiClient(connection, profile);
  const { retrieve, check, cancel } = openBatchCalls(
    transport.call,
    {
      look: (batchId, call) => client.batches.retrieve(batchId, call.options),
      cancel: (batchId, call) => client.batches.cancel(batchId, call.options),
    },
    readCheck,
  );

  return {
    limits,
    graceMs,
    isCreateRepeatable: repeatField !== undefined,
    framing: { before: '', between: '\n', after: '\n' },
    encode(request) {
      const { model, ...rest } = chatBody(profile, request);
      const line = lineForm === 'body' ? {} : { method: 'POST', url: endpoint };
      const body = modelAt === 'batch' ? rest : { model, ...rest };
      return JSON.stringify({ custom_id: request.customId, ...line, body });
    },

    upload: (file, signal) =>
      transport
        .call(
          signal,
          async (call) => {
            // A File over a blob of the disk is sent with its length; a bare Blob is dropped from the form.
            const upload = new File([await openAsBlob(file.path)], basename(file.path));
            const form = { file: upload, purpose: purpose as 'batch' };
            const answer = await client.files.create(form, call.options);
            // LM Studio says 200 to an address that it does not have.
            if (asText(asObject(answer).error)) throw noBatchApi(client.baseURL);
            return readId(answer, 'id');
          },
          'upload',
        )
        .catch(refuseMissingFiles(client.baseURL)),

    create: ({ fileId = '' }, { model, tag }, signal) =>
      transport.call(signal, async (call) => {
        if (waitsForFile)
          requireProcessed(asObject(await client.files.retrieve(checkId(fileId), call.options)));
        const creation = {
          input_file_id: fileId,
          endpoint: endpoint as '/v1/chat/completions',
          completion_window: window as '24h',
          ...(modelAt === 'batch' && { model }),
          ...(tagField !== undefined && { metadata: { [tagField]: tag } }),
          ...(repeatField !== undefined && { [repeatField]: tag }),
        };
        return readId(await client.batches.create(creation, call.options), 'id');
      }),

    check,

    async *results(batchId, signal, requests = limits.requests) {
      const batch = await retrieve(batchId, signal);
      requireOver(batchId, readCheck(batch));
      // Either file may be missing, null or an empty text; rows that failed are in the error file only.
      let gone: unknown;
      for (const fileId of [asText(batch.output_file_id), asText(batch.error_file_id)]) {
        if (!fileId) continue;
        const lines = transport.lines(signal, requests, (call) =>
          client.files.content(checkId(fileId), call.options).asResponse(),
        );
        try {
          for await (const some of aboutResults(batchId, lines)) yield readEach(some, readResult);
        } catch (error) {
          // Either file can be deleted by itself: what the other has is taken all the same.
          if (!(error instanceof ProviderError) || error.code !== 'results_gone') throw error;
          gone = error;
        }
      }
      if (gone) throw gone;
    },

    decode: (lines) => readEach(lines, readResult),

    find: (sent, signal) =>
      transport.call(signal, async (call) => {
        let field = 'after';
        const openPage = async (next: string | undefined) => {
          const query = {
            limit: pageSize,
            ...(listsByTag && tagField !== undefined && { [tagField]: sent.tag }),
            ...(next !== undefined && { [field]: next }),
          };
          const { body } = asObject(await client.batches.list(query, call.options));
          requireList(body);
          const { data, has_more, paging } = asObject(body);
          const batches = asList(data).map(asObject);
          const times = batches.map((batch) => readSeconds(batch.created_at));
          // Groq's list has a cursor in place of `has_more` (its page on batches).
          const cursor = asText(asObject(paging).next_cursor);
          field = cursor ? 'cursor' : 'after';
          return {
            batches,
            times,
            next: cursor || readNext('batches', has_more, asText(batches.at(-1)?.id)),
          };
        };
        return lookThrough(new Date(Date.now() - findWithinMs), openPage, ({ batches }) => {
          const found = batches.find((batch) => isSentBatch(batch, tagField, sent));
          return found && readId(found, 'id');
        });
      }),

    ...(cancels !== false && { cancel }),

    deleteFile: (fileId, signal) =>
      transport
        .call(signal, async (call) => {
          await client.files.delete(checkId(fileId), call.options);
        })
        .catch(ignoreStatus(404)),
  };
}

/** A server that keeps no metadata still tells what a batch was made of; one that failed for a full queue has another tag. */
function isSentBatch(batch: WireObject, tagField: string | undefined, { tag, fileId }: SentBatch): boolean {
  const kept = tagField === undefined ? '' : asText(asObject(batch.metadata)[tagField]);
  return kept === '' ? fileId !== undefined && asText(batch.input_file_id) === fileId : kept === tag;
}

/** As clear a refusal as any: nothing was created, and a later try finds the file ready. */
function requireProcessed({ status }: WireObject): void {
  if (status === 'processed') return;
  const message = `The upload is not ready: its status is ${asText(status)}.`;
  throw new ProviderError(status === 'error' ? 'run' : 'retry', 'file_not_ready', message, { status: 400 });
}

/** Many servers speak OpenAI's chat protocol and nothing more: there is no place for files. */
function refuseMissingFiles(address: string) {
  return (error: unknown): never => {
    const isMissing = error instanceof ProviderError && [404, 405, 501].includes(error.status ?? 0);
    throw isMissing ? noBatchApi(address, error.status) : error;
  };
}

function noBatchApi(address: string, status = 200): ProviderError {
  return new ProviderError('run', 'no_batch_api', `The server has no batch API at ${address}.`, { status });
}

/** OpenAI's own words, and those of servers that speak alike. */
const statusWords: StatusWords = {
  validating: ['validating', 'queued', 'in_queue', 'pending', 'submitted'],
  in_progress: ['in_progress', 'progress', 'processing', 'running', 'finalizing', 'cancelling', 'canceling'],
  completed: ['completed', 'success', 'succeeded', 'done'],
  failed: ['failed'],
  expired: ['expired', 'timeout_exceeded'],
  cancelled: ['cancelled', 'canceled'],
};

function readCheck(batch: WireObject): BatchCheck {
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
      created: readSeconds(batch.created_at),
      started: readSeconds(batch.in_progress_at),
      cancelRequested: readSeconds(batch.cancelling_at),
      ended: [batch.completed_at, batch.failed_at, batch.expired_at, batch.cancelled_at]
        .map(readSeconds)
        .find(Boolean),
      expires: readSeconds(batch.expires_at),
    },
    // The create call succeeds all the same (openai/openai-python#2084).
    queueFull: status === 'failed' && isQueueFull(error),
    error,
  };
}

/** Servers that copied the words have other codes for them. */
function isQueueFull(error: BatchCheck['error']): boolean {
  return error?.code === 'token_limit_exceeded' || /enqueued token limit/i.test(error?.message ?? '');
}

/** Unix seconds; 0, null and an empty text are no time. */
function readSeconds(value: unknown): Date | undefined {
  const time = new Date((asCount(value) ?? 0) * 1000);
  return time.getTime() > 0 ? time : undefined;
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

/** Whether a line with an answer says, by its status or an error, that there is none. */
function saysNo(line: WireObject, completion: WireObject): boolean {
  const response = openObject(line.response);
  const status = asCount(response.status_code) || asCount(line.status_code) || 200;
  const errors = [line.error, response.error, completion.error];
  return status < 200 || status > 299 || errors.some(saysSomething);
}

/** One line of the output file or the error file; `undefined` when it belongs to no row. */
export function readResult(line: WireObject): RowResult | undefined {
  const customId = asId(line.custom_id);
  if (!customId) return undefined;
  const completion = findCompletion(line);
  if (completion && !saysNo(line, completion)) return readChatAnswer(customId, completion);
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
