/**
 * OpenRouter's Batch API: the requests travel in the call that creates a batch, and its results come in pages, or within the
 * batch. The forms are those of its reference, its SDKs and other clients; nothing was tried live.
 */
import { openAsBlob } from 'node:fs';
import { ProviderError } from '../../core/errors.ts';
import { endSentence } from '../../core/words.ts';
import type { VendorConnection } from '../connection.ts';
import { mostLinesFor } from '../network/limits.ts';
import { asCount, asList, asObject, asText, asTime, type WireObject } from '../network/wire.ts';
import { apiOf } from '../openai/api.ts';
import { openOpenAiClient } from '../openai/chat.ts';
import type { Profile } from '../openai/profile.ts';
import { readResult } from '../openai/read-result.ts';
import {
  aboutResults,
  lookThrough,
  openBatchLooks,
  readEach,
  readId,
  requireList,
  requireOver,
} from '../protocol/batch-calls.ts';
import { readNext, unreadList } from '../protocol/list-pages.ts';
import { readReason } from '../protocol/reasons.ts';
import { readStatus, type StatusWords } from '../protocol/statuses.ts';
import { findHeld } from '../protocol/wrappings.ts';
import type { BatchCandidate, BatchCheck, BatchProvider } from '../provider.ts';
import { JsonListReading } from '../transport/json-list.ts';

const batchesPath = '/batches';
const limits = { requests: 5_000, bytes: 200_000_000 };
/** A batch was not to be found in the first moments after its creation (maximhq/bifrost#7429). */
const graceMs = 2 * 60_000;
const resultsKeptMs = 30 * 24 * 3_600_000;
const pageSize = 100;
const resultsPageSize = 1_000;

export async function openBatch(connection: VendorConnection, profile: Profile): Promise<BatchProvider> {
  const { client, transport } = await openOpenAiClient(connection, profile);
  const pathOf = (batchId: string) => `${batchesPath}/${encodeURIComponent(batchId)}`;

  /** What is read of one download, element by element: it may be larger than memory. */
  const readList = (
    list: JsonListReading,
    path: string,
    signal: AbortSignal,
    requests: number,
    query: Record<string, string | number> = {},
  ) =>
    transport.lines(
      signal,
      requests,
      (call) => client.get(path, { ...call.options, query }).asResponse(),
      (body, most) => list.read(body, most),
    );

  const { retrieve, check } = openBatchLooks(
    transport.call,
    {
      // A batch that is over holds its results too: the rest of it is not waited for.
      async look(batchId, { signal }) {
        const list = new JsonListReading('results');
        for await (const _ of readList(list, pathOf(batchId), signal, limits.requests)) {
          if (list.hasList && tellsEnough(list.outside())) break;
        }
        return list.outside();
      },
      kind: 'inline',
    },
    readCheck,
  );

  /** The results that stand within the batch. */
  async function* readInline(batchId: string, signal: AbortSignal, requests: number, orElse: ProviderError) {
    const list = new JsonListReading('results');
    yield* readList(list, pathOf(batchId), signal, requests);
    // One that failed has none; of one that completed the pages say what is the matter.
    if (!list.hasList && readCheck(asObject(list.outside())).status === 'completed') throw orElse;
  }

  async function* readPages(batchId: string, signal: AbortSignal, requests: number) {
    const asked = new Set<string>();
    let next: string | undefined;
    let left = mostLinesFor(requests);
    do {
      const list = new JsonListReading('data');
      const query = { limit: resultsPageSize, ...(next !== undefined && { cursor: next }) };
      for await (const results of readList(list, `${pathOf(batchId)}/results`, signal, requests, query)) {
        left -= results.length;
        if (left < 0) throw unreadList('results', 'is much longer than its requests');
        yield results;
      }
      if (!list.hasList) throw noPages;
      const { has_more, next_cursor } = asObject(findHeld(list.outside(), ({ data }) => Array.isArray(data)));
      next = asText(next_cursor) || readNext('results', has_more, '');
      if (next !== undefined && asked.has(next))
        throw unreadList('results', 'gives the same page again and again');
      if (next !== undefined) asked.add(next);
    } while (next !== undefined);
  }

  /** What the list is answered with, and when. */
  const askForPage = (query: Record<string, string | number>, signal: AbortSignal) =>
    transport.call(signal, async (call) => {
      const options = { ...call.options, query };
      const { response } = await client.get<unknown>(batchesPath, options).withResponse();
      return { page: call.answer(), now: readDate(response.headers.get('date')) };
    });

  return {
    limits,
    graceMs,
    framing: { before: '[', between: ',\n', after: ']' },
    encode(request) {
      const { model: _, ...body } = apiOf(request.settings).body(profile, request);
      return JSON.stringify({ custom_id: request.customId, body });
    },

    create: ({ file }, { model, settings }, signal) =>
      transport
        .call(
          signal,
          async (call) => {
            // It reads the body as it comes, and refuses one whose requests stand ahead of what they are for.
            const endpoint = apiOf(settings).endpoint('/v1/chat/completions');
            const order = { endpoint, model, completion_window: '24h' };
            const head = `${JSON.stringify(order).slice(0, -1)},"requests":`;
            const body = new Blob([head, await openAsBlob(file.path), '}'], { type: 'application/json' });
            const headers = { 'content-type': 'application/json' };
            return readId(await client.post(batchesPath, { body, headers, ...call.options }), 'id');
          },
          'upload',
        )
        .catch((error: unknown) => {
          throw adviseOnModel(error, model);
        }),

    check,

    async *results(batchId, signal, requests = limits.requests) {
      const check = readCheck(await retrieve(batchId, signal));
      requireOver(batchId, check);
      const pages = readPages(batchId, signal, requests);
      const { ended, created } = check.times;
      const isNew = Date.now() - (ended ?? created ?? new Date(0)).getTime() < assemblyMs;
      const inline = (refusal: ProviderError) => {
        const isLate = isNew && refusal.status !== 410;
        return readInline(batchId, signal, requests, isLate ? notAssembled(batchId) : refusal);
      };
      for await (const some of aboutResults(batchId, orInstead(pages, inline))) {
        if (some.length > 0) yield readEach(some, readResult);
      }
    },

    async listCandidates(since, requests, signal, model) {
      const candidates: BatchCandidate[] = [];
      let now: Date | undefined;
      const openPage = async (after: string | undefined) => {
        const asked = await askForPage({ limit: pageSize, ...(after !== undefined && { after }) }, signal);
        requireList(asked.page);
        now ??= asked.now;
        const { data, has_more, last_id } = asObject(asked.page);
        const batches = asList(data).map(asObject);
        const times = batches.map((batch) => readTime(batch.created_at));
        const last = asText(last_id) || asText(batches.at(-1)?.id);
        return { batches, times, next: readNext('batches', has_more, last) };
      };
      await lookThrough(since, openPage, ({ batches, times }) => {
        for (const [index, batch] of batches.entries()) {
          const createdAt = times[index];
          const isOld = createdAt !== undefined && createdAt < since;
          if (isOld || !mayHold(batch, requests) || isOfAnother(batch, model)) continue;
          candidates.push({ batchId: asText(batch.id), createdAt: createdAt ?? new Date(0) });
        }
      });
      candidates.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
      return { candidates, now: now ?? new Date() };
    },

    readClock: async (signal) => (await askForPage({ limit: 1 }, signal)).now,
  };
}

/** For so long after the end of a batch its results may not be there yet. */
const assemblyMs = 60 * 60_000;

/** They are asked for again, by this fetch and by later ones: a batch whose results are gone would be paid for anew. */
function notAssembled(batchId: string): ProviderError {
  return new ProviderError(
    'retry',
    'results_not_there',
    `The results of batch ${batchId} are not there yet.`,
  );
}

/** A server that knows no pages may answer with something else. */
const noPages = new ProviderError('run', 'http_404', 'There is no page of results.', { status: 404 });

/** What the first gives; where it is not there at all, or not any more, what the second does, which is given the refusal. */
async function* orInstead<T>(
  first: AsyncIterable<T>,
  second: (refusal: ProviderError) => AsyncIterable<T>,
): AsyncGenerator<T> {
  try {
    yield* first;
  } catch (error) {
    if (!(error instanceof ProviderError) || ![404, 405, 410].includes(error.status ?? 0)) throw error;
    yield* second(error);
  }
}

const statusWords: StatusWords = {
  validating: ['validating'],
  in_progress: ['in_progress', 'finalizing', 'cancelling', 'canceling'],
  completed: ['completed'],
  failed: ['failed'],
  expired: ['expired'],
  cancelled: ['cancelled', 'canceled'],
};

/** Whether what was read of a batch is all that `readCheck` asks of one with results. */
function tellsEnough(batch: unknown): boolean {
  const { id, status, request_counts, created_at, expires_at, finalized_at } = asObject(batch);
  return [id, status, request_counts, created_at, expires_at, finalized_at].every(
    (field) => field !== undefined,
  );
}

function readCheck(batch: WireObject): BatchCheck {
  const counts = asObject(batch.request_counts);
  const total = asCount(counts.total);
  const rawStatus = asText(batch.status);
  const created = readTime(batch.created_at);
  const { code, message } = readReason(batch.error, batch.errors);
  const error = { code: code || 'failed', message };
  return {
    batchId: asText(batch.id),
    status: readStatus(statusWords, rawStatus),
    rawStatus,
    counts: total
      ? { total, succeeded: asCount(counts.completed), failed: asCount(counts.failed) }
      : undefined,
    times: {
      created,
      ended: readTime(batch.finalized_at),
      expires: readTime(batch.expires_at),
      resultsEnd: created && new Date(created.getTime() + resultsKeptMs),
    },
    error: code || message ? { ...error, message: withAdvice(message, asText(batch.model)) } : undefined,
  };
}

/** The slug of a model in batches has an end of its own, which the list may tell or not. */
function isOfAnother(batch: WireObject, model: string | undefined): boolean {
  const plain = (slug: string) => slug.replace(/:batch$/, '');
  const told = plain(asText(batch.model));
  return model !== undefined && told !== '' && told !== plain(model);
}

/** A batch that is still looked through may not tell yet how many requests it has. */
function mayHold(batch: WireObject, requests: number): boolean {
  const total = asCount(asObject(batch.request_counts).total) ?? 0;
  const isOpen = ['validating', 'in_progress'].includes(readStatus(statusWords, asText(batch.status)));
  return total === requests || (total === 0 && isOpen);
}

/** Unix seconds; text is taken too. */
function readTime(value: unknown): Date | undefined {
  const seconds = asCount(value);
  if (seconds === undefined) return asTime(value);
  return seconds > 0 ? new Date(seconds * 1000) : undefined;
}

/** The Date header has whole seconds, cut off, as the times of batches: one of the same second counts as created since. */
function readDate(header: string | null): Date {
  const time = Date.parse(header ?? '');
  return new Date(Number.isNaN(time) ? Date.now() : time);
}

/**
 * Its guide names models as they are, another client's notes from live calls want the variant (openrouter-batch 0.1.2, on
 * crates.io): what is refused for its model may be taken under the other name. Of one that has no such variant it says so.
 */
function withAdvice(message: string, model: string): string {
  const isOfModel = /\b(?:model|variant|slug)\b/i.test(message) && !message.includes(':batch');
  if (!isOfModel || model === '' || model.endsWith(':batch')) return message;
  return `${endSentence(message)} OpenRouter may want this model as ${model}:batch, where it has such a variant.`;
}

function adviseOnModel(error: unknown, model: string): unknown {
  if (!(error instanceof ProviderError) || ![400, 404, 422].includes(error.status ?? 0)) return error;
  const message = withAdvice(error.message, model);
  if (message === error.message) return error;
  const { scope, code, status, retryAfterMs, limit, inOwnForm } = error;
  return new ProviderError(scope, code, message, { status, retryAfterMs, limit, inOwnForm });
}
