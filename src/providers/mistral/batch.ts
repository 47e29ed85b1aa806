/**
 * Mistral's batch jobs: an uploaded JSONL file of bodies, a job that names their model, and files of answers and of errors.
 * The forms are those of its SDK and of notes on live calls that others made; nothing was tried live.
 */
import { ProviderError } from '../../core/errors.ts';
import type { VendorConnection } from '../connection.ts';
import { asCount, asList, asObject, asText, asTime, firstText, type WireObject } from '../network/wire.ts';
import { chatBody, openOpenAiClient } from '../openai/chat.ts';
import type { Profile } from '../openai/profile.ts';
import { readResult } from '../openai/read-result.ts';
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
import { readReason } from '../protocol/reasons.ts';
import { readStatus, type StatusWords } from '../protocol/statuses.ts';
import { openUploadFile } from '../protocol/upload-file.ts';
import type { BatchCheck, BatchProvider, SentBatch } from '../provider.ts';
import { limits, resultsKeptHours, windowHours } from './limits.ts';

const jobsPath = '/batch/jobs';
const tagField = 'loom_tag';
const hourMs = 3_600_000;
/** An input file lives for 30 days, so a job that is older holds nothing that is still to be found. */
const findWithinMs = 30 * 24 * hourMs;
const pageSize = 100;

export async function openBatch(connection: VendorConnection, profile: Profile): Promise<BatchProvider> {
  const { client, transport } = await openOpenAiClient(connection, profile);
  const pathOf = (batchId: string) => `${jobsPath}/${encodeURIComponent(batchId)}`;
  const { retrieve, check, cancel } = openBatchCalls(
    transport.call,
    {
      look: (batchId, call) => client.get(pathOf(batchId), call.options),
      cancel: (batchId, call) => client.post(`${pathOf(batchId)}/cancel`, call.options),
    },
    readCheck,
  );

  return {
    limits,
    framing: { before: '', between: '\n', after: '\n' },
    encode(request) {
      const { model: _, ...body } = chatBody(profile, request);
      return JSON.stringify({ custom_id: request.customId, body });
    },

    upload: (file, signal) =>
      transport.call(
        signal,
        async (call) => {
          const upload = await openUploadFile(file.path);
          return readId(await client.files.create({ file: upload, purpose: 'batch' }, call.options), 'id');
        },
        'upload',
      ),

    create: ({ fileId = '' }, { model, tag }, signal) =>
      transport.call(signal, async (call) => {
        const body = {
          input_files: [fileId],
          endpoint: '/v1/chat/completions',
          model,
          metadata: { [tagField]: tag },
          timeout_hours: windowHours,
        };
        return readId(await client.post(jobsPath, { body, ...call.options }), 'id');
      }),

    check,

    async *results(batchId, signal, requests = limits.requests) {
      const job = await retrieve(batchId, signal);
      const seen = readCheck(job);
      requireOver(batchId, seen);
      const { resultsEnd } = seen.times;
      const batchSaysSo = resultsEnd !== undefined && resultsEnd.getTime() < Date.now();
      const fileIds = [
        firstText(job.output_file, job.output_file_id),
        firstText(job.error_file, job.error_file_id),
      ];
      // Rows that failed are in the file of errors only.
      let gone: unknown;
      for (const fileId of fileIds) {
        if (!fileId) continue;
        const lines = transport.lines(signal, requests, (call) =>
          client.files.content(checkId(fileId), call.options).asResponse(),
        );
        try {
          for await (const some of aboutResults(batchId, lines, { batchSaysSo }))
            yield readEach(some, readResult);
        } catch (error) {
          // Either file can be deleted by itself: what the other has is taken all the same.
          if (!(error instanceof ProviderError) || error.code !== 'results_gone') throw error;
          gone = error;
        }
      }
      if (gone) throw gone;
    },

    decode: (lines) => readEach(lines, readResult),

    // The list has a filter by metadata, whose form is not told: one that is misread would hide what there is.
    find: (sent, signal) =>
      transport.call(signal, async (call) => {
        let listed = 0;
        const openPage = async (next = '0') => {
          const query = { page: Number(next), page_size: pageSize, order_by: '-created' };
          await client.get(jobsPath, { ...call.options, query });
          const page = call.answer();
          requireList(page);
          const batches = asList(asObject(page).data).map(asObject);
          const times = batches.map((batch) => readTime(batch.created_at));
          // A server may give less on a page than it is asked for.
          listed += batches.length;
          const isLast = batches.length === 0 || listed >= (asCount(asObject(page).total) ?? Infinity);
          return { batches, times, next: isLast ? undefined : String(query.page + 1) };
        };
        return lookThrough(new Date(Date.now() - findWithinMs), openPage, ({ batches }) => {
          const found = batches.find((batch) => isSentBatch(batch, sent));
          return found && readId(found, 'id');
        });
      }),

    cancel,

    deleteFile: (fileId, signal) =>
      transport
        .call(signal, async (call) => {
          await client.files.delete(checkId(fileId), call.options);
        })
        .catch(ignoreStatus(404)),
  };
}

/** A server that keeps no metadata still tells what a job was made of. */
function isSentBatch(batch: WireObject, { tag, fileId }: SentBatch): boolean {
  const kept = asText(asObject(batch.metadata)[tagField]);
  return kept === '' ? fileId !== undefined && asList(batch.input_files).includes(fileId) : kept === tag;
}

/** And those that gateways have for them. */
const statusWords: StatusWords = {
  validating: ['queued', 'validating'],
  in_progress: ['running', 'cancellation_requested', 'in_progress'],
  completed: ['success', 'completed'],
  failed: ['failed'],
  expired: ['timeout_exceeded'],
  cancelled: ['cancelled'],
};

function readCheck(job: WireObject): BatchCheck {
  const rawStatus = asText(job.status);
  const status = readStatus(statusWords, rawStatus);
  // 0 until the job was looked at.
  const total = asCount(job.total_requests);
  const ended = readTime(job.completed_at);
  // A job that went well names here what its failed rows have in common.
  const { code, message } =
    status === 'failed' || status === 'expired' ? readReason(job.errors) : { code: '', message: '' };
  return {
    batchId: asText(job.id),
    status,
    rawStatus,
    counts: total
      ? { total, succeeded: asCount(job.succeeded_requests), failed: asCount(job.failed_requests) }
      : undefined,
    times: {
      created: readTime(job.created_at),
      // It is told of jobs in the queue too.
      started: status === 'validating' ? undefined : readTime(job.started_at),
      ended,
      resultsEnd: ended && new Date(ended.getTime() + resultsKeptHours * hourMs),
    },
    error: code || message ? { code: code || 'failed', message } : undefined,
  };
}

/** Unix seconds; text is taken too. */
function readTime(value: unknown): Date | undefined {
  const seconds = asCount(value);
  if (seconds === undefined) return asTime(value);
  return seconds > 0 ? new Date(seconds * 1000) : undefined;
}
