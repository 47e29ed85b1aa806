/**
 * xAI's Batch API: an uploaded JSONL file of OpenAI's lines, a batch that counts its requests and has no word for how it
 * is, and pages of results. The forms are those of its SDK, its page on batches and other clients; nothing was tried live.
 */
import { ProviderError } from '../../core/errors.ts';
import type { RowResult } from '../../core/models.ts';
import type { VendorConnection } from '../connection.ts';
import { mostLinesFor } from '../network/limits.ts';
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
import { chatBody, openOpenAiClient } from '../openai/chat.ts';
import { kindOfRpcCode, readHeldCompletion } from '../openai/held-completion.ts';
import type { Profile } from '../openai/profile.ts';
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
import { unreadableAnswer } from '../protocol/refusal.ts';
import { openUploadFile } from '../protocol/upload-file.ts';
import { findHeld, openObject } from '../protocol/wrappings.ts';
import type { BatchCheck, BatchProvider, SentBatch } from '../provider.ts';

/** More may be slowed down, by its page on batches; of the file it names no limit, and OpenAI's is kept to. */
const limits = { requests: 100_000, bytes: 200_000_000 };
const findWithinMs = 30 * 24 * 3_600_000;
const listSize = 100;
/** A page is held in memory whole. */
const resultsSize = 100;

export async function openBatch(connection: VendorConnection, profile: Profile): Promise<BatchProvider> {
  const { client, transport } = await openOpenAiClient(connection, profile);
  const { retrieve, check, cancel } = openBatchCalls(
    transport.call,
    {
      look: (batchId, call) => client.get(batchPath(batchId), call.options),
      cancel: (batchId, call) => client.post(`${batchPath(batchId)}:cancel`, call.options),
    },
    readCheck,
  );

  return {
    limits,
    framing: { before: '', between: '\n', after: '\n' },
    encode: (request) =>
      JSON.stringify({
        custom_id: request.customId,
        method: 'POST',
        url: '/v1/chat/completions',
        body: chatBody(profile, request),
      }),

    upload: (file, signal) =>
      transport.call(
        signal,
        async (call) => {
          const upload = await openUploadFile(file.path);
          // Without a purpose: that is how xAI takes it.
          return readId(await client.files.create({ file: upload } as never, call.options), 'id');
        },
        'upload',
      ),

    create: ({ fileId = '' }, { tag }, signal) =>
      transport.call(signal, async (call) => {
        const body = { name: tag, input_file_id: fileId };
        return readBatchId(await client.post('/batches', { body, ...call.options }));
      }),

    check,

    async *results(batchId, signal, requests = limits.requests) {
      requireOver(batchId, readCheck(await retrieve(batchId, signal)));
      const pages = readResultPages((token) =>
        transport
          .call(
            signal,
            async (call) => {
              const query = { limit: resultsSize, ...(token !== undefined && { pagination_token: token }) };
              await client.get(`${batchPath(batchId)}/results`, { query, ...call.options });
              return readResultPage(call.answer());
            },
            'inline',
          )
          .catch(askAgain),
      );
      let seen = 0;
      for await (const results of aboutResults(batchId, pages)) {
        seen += results.length;
        if (seen > mostLinesFor(requests)) throw endless(`more than ${mostLinesFor(requests)} results`);
        yield readEach(results, readResult);
      }
    },

    find: (sent, signal) =>
      transport.call(signal, async (call) => {
        const openPage = async (token: string | undefined) => {
          const query = { limit: listSize, ...(token !== undefined && { pagination_token: token }) };
          await client.get('/batches', { query, ...call.options });
          const page = readList(call.answer());
          const batches = asList(page.batches).map(asObject);
          const times = batches.map((batch) => asTime(batch.create_time));
          // The last page may have a token too, to one that has nothing.
          return {
            batches,
            times,
            next: batches.length > 0 ? asText(page.pagination_token) || undefined : undefined,
          };
        };
        return lookThrough(new Date(Date.now() - findWithinMs), openPage, ({ batches }) => {
          const found = batches.find((batch) => isSentBatch(batch, sent));
          return found && readBatchId(found);
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

function batchPath(batchId: string): string {
  return `/batches/${encodeURIComponent(batchId)}`;
}

function readBatchId(batch: unknown): string {
  return readId(batch, findHeld(batch, ({ batch_id }) => asText(batch_id) !== '') ? 'batch_id' : 'id');
}

function isSentBatch(batch: WireObject, { tag, fileId }: SentBatch): boolean {
  const name = asText(batch.name);
  return name === '' ? fileId !== undefined && asText(batch.input_file_id) === fileId : name === tag;
}

/** An empty list may have no field for its batches. */
function readList(answer: WireObject | undefined): WireObject {
  const isList =
    answer &&
    (Array.isArray(answer.batches) || Object.keys(answer).length === 0 || 'pagination_token' in answer);
  if (isList) return answer;
  throw unreadableAnswer('it is not a list of batches');
}

/**
 * How a batch is, from its counts: none yet while its file is looked through, none pending once it is over. One that xAI
 * ended itself, with nothing done, had a file that is not in order.
 */
function readWord(batch: WireObject): { readonly status: BatchCheck['status']; readonly word: string } {
  const state = openObject(batch.state);
  const [total, pending, succeeded] = [state.num_requests, state.num_pending, state.num_success].map(asCount);
  const isEnded = asText(batch.cancel_time) !== '' || asText(batch.cancel_by_xai_message) !== '';
  if (isEnded && (pending ?? 0) > 0) return { status: 'in_progress', word: 'cancelling' };
  if (isEnded && asText(batch.cancel_by_xai_message) !== '' && !succeeded)
    return { status: 'failed', word: 'failed' };
  if (isEnded) return { status: 'cancelled', word: 'cancelled' };
  if (Object.keys(state).length === 0) return { status: 'unknown', word: '' };
  if (!total) return { status: 'validating', word: 'validating' };
  if (pending === undefined) return { status: 'unknown', word: '' };
  return pending > 0
    ? { status: 'in_progress', word: 'in_progress' }
    : { status: 'completed', word: 'completed' };
}

function readCheck(batch: WireObject): BatchCheck {
  const { status, word } = readWord(batch);
  const state = openObject(batch.state);
  const total = asCount(state.num_requests);
  const message = asText(batch.cancel_by_xai_message);
  return {
    batchId: firstText(batch.batch_id, batch.id),
    status,
    rawStatus: word,
    counts: total
      ? {
          total,
          succeeded: asCount(state.num_success) ?? 0,
          failed: (asCount(state.num_error) ?? 0) + (asCount(state.num_cancelled) ?? 0),
        }
      : undefined,
    // Over HTTP these may be days without a time of day.
    times: { created: asTime(batch.create_time), cancelRequested: asTime(batch.cancel_time) },
    error: message ? { code: 'failed', message } : undefined,
  };
}

interface ResultPage {
  readonly results: readonly unknown[];
  readonly token: string | undefined;
}

/** The pages to the one without a token, or without results. One that begins as an earlier one did is no new one. */
async function* readResultPages(
  openPage: (token: string | undefined) => Promise<ResultPage>,
): AsyncGenerator<readonly unknown[]> {
  const tokens = new Set<string>();
  const beginnings = new Set<string>();
  let token: string | undefined;
  do {
    const page = await openPage(token);
    if (page.results.length === 0) return;
    const first = asId(openObject(page.results[0]).batch_request_id);
    if (beginnings.has(first) || (page.token !== undefined && tokens.has(page.token)))
      throw endless('the same page again and again');
    if (first !== '') beginnings.add(first);
    yield page.results;
    token = page.token;
    if (token !== undefined) tokens.add(token);
  } while (token !== undefined);
}

function endless(what: string): ProviderError {
  return new ProviderError('run', 'too_large', `The provider's results hold ${what}, and were not read on.`);
}

function readResultPage(answer: WireObject | undefined): ResultPage {
  const page = findHeld(answer, ({ results }) => results === null || Array.isArray(results));
  const isEmpty = answer !== undefined && Object.keys(answer).every((field) => field === 'pagination_token');
  if (!page && !isEmpty) throw unreadableAnswer('it is not a page of results');
  return { results: asList(page?.results), token: asText(page?.pagination_token) || undefined };
}

/** Results cost nothing a second time. */
function askAgain(error: unknown): never {
  if (!(error instanceof ProviderError) || error.code !== 'unreadable') throw error;
  throw new ProviderError('retry', error.code, error.message);
}

/** `batch_result` has a `response`, by the kind of request, or an `error` as google.rpc.Status has it. */
function readResult(item: WireObject): RowResult | undefined {
  const customId = asId(item.batch_request_id) || asId(item.custom_id);
  if (!customId) return undefined;
  const result = openObject(item.batch_result);
  const response = openObject(result.response);
  const answer = openObject(response.chat_get_completion);
  const held = Object.keys(answer).length > 0 ? answer : response;
  return readHeldCompletion(customId, held, [result.error, item.error_message, item.error], kindOfRpcCode);
}
