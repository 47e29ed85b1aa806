/** Gemini's Batch API: an uploaded JSONL file, a long-running operation, and a file of responses. */

import { openAsBlob } from 'node:fs';
import { ProviderError } from '../../core/errors.ts';
import type { RowResult } from '../../core/models.ts';
import type { VendorConnection } from '../connection.ts';
import {
  asCount,
  asId,
  asList,
  asObject,
  asText,
  asTime,
  firstText,
  type WireObject,
} from '../network/wire.ts';
import {
  aboutResults,
  checkId,
  ignoreStatus,
  lookThrough,
  openBatchCalls,
  readEach,
  readId,
  requireOver,
} from '../protocol/batch-calls.ts';
import { unreadList } from '../protocol/list-pages.ts';
import { readReason } from '../protocol/reasons.ts';
import { unreadableAnswer } from '../protocol/refusal.ts';
import { readStatus, type StatusWords } from '../protocol/statuses.ts';
import { openObject, saysSomething } from '../protocol/wrappings.ts';
import type { BatchCheck, BatchProvider } from '../provider.ts';
import {
  checkModel,
  classifyGoogle,
  configOf,
  contentBody,
  findContent,
  kindOf,
  openGoogleClient,
  readContent,
} from './content.ts';

/** Google names no number of requests. */
const limits = { requests: 100_000, bytes: 2_000_000_000 };
const mimeType = 'application/jsonl';
const pageSize = 100;

const listFields = ['operations', 'batches', 'nextPageToken', 'unreachable'];

export async function openBatch(connection: VendorConnection): Promise<BatchProvider> {
  const { client, openClient, transport, get } = await openGoogleClient(connection, classifyGoogle);
  // The SDK leaves out a batch's counts and its error (googleapis/python-genai#1323), so the raw answer is read. A batch
  // that was made without a file holds its results.
  const { retrieve, check, cancel } = openBatchCalls(
    transport.call,
    {
      look: async (batchId, call) => {
        await get(batchPath(batchId), call);
        return call.answer();
      },
      cancel: (batchId, call) => client.batches.cancel({ name: batchPath(batchId), config: configOf(call) }),
      kind: 'inline',
    },
    readCheck,
  );

  return {
    limits,
    framing: { before: '', between: '\n', after: '\n' },
    encode: (request) => JSON.stringify({ key: request.customId, request: contentBody(request) }),

    upload: (file, signal) =>
      transport.call(
        signal,
        async (call) => {
          // Given a path, the SDK copies every piece into memory; slices of a blob of the disk stay there.
          const upload = await openAsBlob(file.path, { type: mimeType });
          return readId(await openClient(call).files.upload({ file: upload, config: { mimeType } }), 'name');
        },
        'upload',
      ),

    create: ({ fileId }, { model, tag }, signal) =>
      transport.call(signal, async (call) => {
        const config = { displayName: tag, ...configOf(call) };
        await client.batches.create({ model: checkModel(model), src: { fileName: fileId ?? '' }, config });
        return readId(call.answer(), 'name');
      }),

    check,

    decode: (lines) => readEach(lines, readEntry),

    async *results(batchId, signal, requests = limits.requests) {
      const operation = await retrieve(batchId, signal);
      requireOver(batchId, readCheck(operation));
      const { inlined, fileName } = readOutput(operation);
      const entries = fileName
        ? aboutResults(
            batchId,
            transport.lines(signal, requests, (call) =>
              get(`${encodePath(fileName)}:download?alt=media`, call),
            ),
            { says: isMissingFile },
          )
        : [inlined];
      yield* readEntries(entries);
    },

    async find({ tag }, signal) {
      const openPage = async (pageToken: string | undefined) => {
        const query = new URLSearchParams({ pageSize: String(pageSize), ...(pageToken && { pageToken }) });
        const listed = await transport.call(signal, async (call) => {
          await get(`batches?${query}`, call);
          return readList(call.answer());
        });
        const operations = [...asList(listed.operations), ...asList(listed.batches)].map(asObject);
        const isWhole = asList(listed.unreachable).length === 0;
        return { operations, isWhole, times: [], next: asText(listed.nextPageToken) || undefined };
      };
      let isWhole = true;
      const found = await lookThrough(new Date(0), openPage, (page) => {
        isWhole &&= page.isWhole;
        const operation = page.operations.find((listed) => readDisplayName(listed) === tag);
        return operation && readId(operation, 'name');
      });
      if (found === undefined && !isWhole)
        throw unreadList('batches', 'leaves out places that it could not reach');
      return found;
    },

    cancel,

    deleteFile: (fileId, signal) =>
      transport
        .call(signal, async (call) => {
          await client.files.delete({ name: checkId(fileId), config: configOf(call) });
        })
        // Google says 403 for a file that doesn't exist.
        .catch(ignoreStatus(403, 404)),
  };
}

/** An empty list has no field at all. */
function readList(answer: WireObject | undefined): WireObject {
  if (answer && (Object.keys(answer).length === 0 || listFields.some((field) => field in answer)))
    return answer;
  throw unreadableAnswer('it is not a list of batches');
}

/** Google says so of a file that is not there; to whoever may not see a file of others it says the same. */
function isMissingFile({ status, message }: ProviderError): boolean {
  return status === 403 && /permission to access the file .*may not exist/i.test(message);
}

const statusWords: StatusWords = {
  validating: ['queued', 'pending'],
  in_progress: ['running', 'cancelling', 'paused', 'updating'],
  completed: ['succeeded', 'partially_succeeded'],
  failed: ['failed'],
  cancelled: ['cancelled'],
  expired: ['expired'],
};

/** `batches/<id>`, also when the id came without its prefix. */
function batchPath(batchId: string): string {
  return `batches/${encodeURIComponent(batchId.slice(batchId.lastIndexOf('/') + 1))}`;
}

function readDisplayName(operation: WireObject): unknown {
  return asObject(operation.metadata).displayName ?? operation.displayName;
}

function encodePath(name: string): string {
  return checkId(name).split('/').map(encodeURIComponent).join('/');
}

function readCheck(operation: WireObject): BatchCheck {
  const metadata = asObject(operation.metadata);
  const rawStatus = firstText(metadata.state, operation.state);
  const stats = asObject(metadata.batchStats ?? operation.batchStats);
  const total = asCount(stats.requestCount);
  // A count of 0 is left out.
  const [succeeded, failed] = [
    asCount(stats.successfulRequestCount) ?? 0,
    asCount(stats.failedRequestCount) ?? 0,
  ];
  const reason = readReason(operation.error, metadata.error);
  return {
    batchId: asText(operation.name),
    // `JOB_STATE_RUNNING`, `BATCH_STATE_RUNNING`: only the last word counts.
    status: readStatus(statusWords, rawStatus.replace(/^(?:JOB|BATCH)[_-]STATE[_-]/i, '')),
    rawStatus,
    counts: total ? { total, succeeded, failed } : undefined,
    times: { created: asTime(metadata.createTime), ended: asTime(metadata.endTime) },
    error: operation.error || metadata.error ? { code: kindOf(reason), message: reason.message } : undefined,
  };
}

/** The output stands in the metadata, in the response, or in both. */
function readOutput(operation: WireObject) {
  const output = [asObject(operation.metadata).output, operation.response, operation.output].map(asObject);
  const fileName = firstText(...output.map((place) => place.responsesFile));
  const inlined = output.map((place) => {
    const wrapper = place.inlinedResponses;
    return asList(Array.isArray(wrapper) ? wrapper : asObject(wrapper).inlinedResponses);
  });
  return { fileName, inlined: inlined.find((entries) => entries.length > 0) ?? [] };
}

async function* readEntries(
  lists: AsyncIterable<readonly unknown[]> | Iterable<readonly unknown[]>,
): AsyncGenerator<readonly RowResult[]> {
  let named = 0;
  let nameless = 0;
  for await (const entries of lists) {
    const results = readEach(entries, readEntry);
    named += results.length;
    nameless += entries.length - results.length;
    yield results;
  }
  // Results may come in any order, so without ids they belong to nobody; to pass over them would lose them all.
  if (named === 0 && nameless > 0) {
    throw new ProviderError(
      'run',
      'no_custom_ids',
      `The batch's ${nameless} results carry no ids, so they can't be matched to rows.`,
    );
  }
}

/** `undefined` for one without an id. */
function readEntry(entry: WireObject): RowResult | undefined {
  const metadata = asObject(entry.metadata);
  const customId = [entry.key, metadata.custom_id, metadata.key].map(asId).find((id) => id !== '');
  return customId === undefined ? undefined : readResult(customId, entry);
}

function readResult(customId: string, entry: WireObject): RowResult {
  const content = saysSomething(entry.error) ? undefined : findContent(entry);
  if (content) return readContent(customId, content);
  const response = openObject(entry.response);
  const reason = readReason(entry.error, entry.status, response.error, response);
  const isTold = reason.code !== '' || reason.number !== undefined || reason.message !== '';
  return {
    customId,
    outcome: 'failed',
    error: {
      kind: isTold ? kindOf(reason) : 'not_processed',
      message: reason.message || 'The request got no answer.',
    },
  };
}
