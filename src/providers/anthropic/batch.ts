/** Anthropic's Message Batches: the requests travel in the create call, the results are one JSONL stream. */
import { openAsBlob } from 'node:fs';
import type { BatchStatus, RowResult } from '../../core/models.ts';
import type { VendorConnection } from '../connection.ts';
import { asCount, asId, asList, asObject, asText, asTime, type WireObject } from '../network/wire.ts';
import {
  aboutResults,
  lookThrough,
  openBatchCalls,
  readEach,
  readId,
  requireList,
  requireOver,
} from '../protocol/batch-calls.ts';
import { readNext } from '../protocol/list-pages.ts';
import { readReason } from '../protocol/reasons.ts';
import { isOver, readStatus, type StatusWords } from '../protocol/statuses.ts';
import { openObject, saysSomething } from '../protocol/wrappings.ts';
import type { BatchCandidate, BatchCheck, BatchProvider } from '../provider.ts';
import {
  classifyAnthropic,
  findMessage,
  messageBody,
  openAnthropicClient,
  readMessage,
  versionHeaders,
} from './messages.ts';

const limits = { requests: 100_000, bytes: 256_000_000 };
const batchesPath = '/v1/messages/batches';

export async function openBatch(connection: VendorConnection): Promise<BatchProvider> {
  const { client, transport, baseUrl } = await openAnthropicClient(connection, classifyAnthropic);
  const { retrieve, check, cancel } = openBatchCalls(
    transport.call,
    {
      look: (batchId, call) => client.messages.batches.retrieve(batchId, {}, call.options),
      cancel: (batchId, call) => client.messages.batches.cancel(batchId, {}, call.options),
    },
    readCheck,
  );

  /** What the list is answered with, and when: a clock tells the time whatever else it says. */
  const askForPage = (query: object, signal: AbortSignal, check: (page: unknown) => void = () => {}) =>
    transport.call(signal, async (call) => {
      const { data, response } = await client.messages.batches.list(query, call.options).withResponse();
      check(asObject(data).body);
      return { data, now: readDate(response.headers.get('date')) };
    });

  /** A page of the account's batches, newest first, and the server's clock. */
  async function listPage(afterId: string | undefined, signal: AbortSignal) {
    const query = { limit: 100, ...(afterId !== undefined && { after_id: afterId }) };
    const { data, now } = await askForPage(query, signal, requireList);
    const batches = asList(data.data).map(asObject);
    const times = batches.map((batch) => asTime(batch.created_at));
    const next = readNext('batches', data.has_more, asText(batches.at(-1)?.id));
    return { batches, times, next, now };
  }

  return {
    limits,
    framing: { before: '{"requests":[', between: ',\n', after: ']}' },
    encode: (request) => JSON.stringify({ custom_id: request.customId, params: messageBody(request) }),

    create: ({ file }, { settings }, signal) =>
      transport.call(
        signal,
        async (call) => {
          // The file is the JSON body already; batches.create would hold all requests as objects.
          const body = await openAsBlob(file.path, { type: 'application/json' });
          const headers = versionHeaders(settings);
          return readId(await client.post(batchesPath, { body, headers, ...call.options }), 'id');
        },
        'upload',
      ),

    check,

    async *results(batchId, signal, requests = limits.requests) {
      const batch = await retrieve(batchId, signal);
      requireOver(batchId, readCheck(batch));
      const address = resultsAddress(baseUrl, batchId, asText(batch.results_url));
      const lines = transport.lines(signal, requests, (call) =>
        client.get(address, { ...call.options, headers: { accept: 'application/binary' } }).asResponse(),
      );
      // An ended batch has an address of its results until these are archived.
      const isArchived = asText(batch.archived_at) !== '' || batch.results_url === null;
      for await (const some of aboutResults(batchId, lines, { batchSaysSo: isArchived }))
        yield readEach(some, readResult);
    },

    decode: (lines) => readEach(lines, readResult),

    async listCandidates(since, requests, signal) {
      const candidates: BatchCandidate[] = [];
      let now: Date | undefined;
      const openPage = (afterId: string | undefined) => listPage(afterId, signal);
      await lookThrough(since, openPage, (page) => {
        now ??= page.now;
        for (const [index, batch] of page.batches.entries()) {
          const createdAt = page.times[index];
          const isOld = createdAt !== undefined && createdAt < since;
          if (isOld || readCounts(asObject(batch.request_counts)).total !== requests) continue;
          candidates.push({ batchId: asText(batch.id), createdAt: createdAt ?? new Date(0) });
        }
      });
      candidates.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
      return { candidates, now: now ?? new Date() };
    },

    readClock: async (signal) => (await askForPage({ limit: 1 }, signal)).now,

    cancel,
  };
}

const statusWords: StatusWords = {
  in_progress: ['in_progress', 'canceling', 'cancelling'],
  completed: ['ended'],
};

/** `ended` says nothing about the rows: a batch of which nothing but expired rows is left has expired. */
function statusOf(
  raw: string,
  { total, succeeded, canceled, expired }: ReturnType<typeof readCounts>,
): BatchStatus {
  const status = readStatus(statusWords, raw);
  if (status !== 'completed' || total === 0 || succeeded > 0 || canceled + expired < total) return status;
  return canceled > 0 ? 'cancelled' : 'expired';
}

/** The Date header has whole seconds, cut off: a batch of the same second counts as created since. */
function readDate(header: string | null): Date {
  const time = Date.parse(header ?? '');
  return new Date(Number.isNaN(time) ? Date.now() : time);
}

/** The key goes to no other host than the API's own, whatever the batch says. */
function resultsAddress(baseUrl: string, batchId: string, resultsUrl: string): string {
  const ownAddress = `${baseUrl}${batchesPath}/${encodeURIComponent(batchId)}/results`;
  if (!resultsUrl || !URL.canParse(resultsUrl, `${baseUrl}/`)) return ownAddress;
  const given = new URL(resultsUrl, `${baseUrl}/`);
  return given.origin === new URL(baseUrl).origin ? given.href : ownAddress;
}

function readCounts(counts: WireObject) {
  const [processing, succeeded, errored, canceled, expired] = [
    counts.processing,
    counts.succeeded,
    counts.errored,
    counts.canceled,
    counts.expired,
  ].map((count) => asCount(count) ?? 0) as [number, number, number, number, number];
  return {
    total: processing + succeeded + errored + canceled + expired,
    succeeded,
    errored,
    canceled,
    expired,
  };
}

function readCheck(batch: WireObject): BatchCheck {
  const rawStatus = asText(batch.processing_status);
  const counts = readCounts(asObject(batch.request_counts));
  const { total, succeeded, errored, canceled, expired } = counts;
  const status = statusOf(rawStatus, counts);
  return {
    batchId: asText(batch.id),
    status,
    rawStatus,
    // Until the end every row counts as processing.
    counts:
      total === 0
        ? undefined
        : isOver(status)
          ? { total, succeeded, failed: errored + canceled + expired }
          : { total },
    times: {
      created: asTime(batch.created_at),
      cancelRequested: asTime(batch.cancel_initiated_at),
      ended: asTime(batch.ended_at),
      expires: asTime(batch.expires_at),
      resultsEnd: lastDayOf(asTime(batch.created_at)),
    },
  };
}

/** From its creation, by Anthropic's guide to batch processing. */
const resultsKeptMs = 29 * 24 * 3_600_000;

function lastDayOf(created: Date | undefined): Date | undefined {
  return created && new Date(created.getTime() + resultsKeptMs);
}

/** What a result is called that has no message. */
const unanswered = ['errored', 'canceled', 'expired'];

type Failure = Omit<Extract<RowResult, { outcome: 'failed' | 'expired' | 'cancelled' }>, 'customId'>;

const ownReasons: Readonly<Record<string, Failure>> = {
  succeeded: {
    outcome: 'failed',
    error: { kind: 'unreadable', message: 'The result has no message.' },
  },
  canceled: {
    outcome: 'cancelled',
    error: { kind: 'batch_cancelled', message: 'The batch was cancelled.' },
  },
  expired: { outcome: 'expired', error: { kind: 'batch_expired', message: 'The batch expired first.' } },
};

function readResult(line: WireObject): RowResult | undefined {
  const customId = asId(line.custom_id);
  if (!customId) return undefined;
  const result = openObject(line.result);
  const answer = findMessage(line);
  const saysNo = [result.error, line.error].some(saysSomething);
  if (answer && !saysNo && !unanswered.includes(asText(result.type))) return readMessage(customId, answer);
  const own = ownReasons[asText(result.type)];
  if (own) return { customId, ...own };
  const reason = readReason(result.error, line.error, result.message, result.reason, line.message);
  return {
    customId,
    outcome: 'failed',
    error: {
      kind: reason.code || (reason.number ? `http_${reason.number}` : 'not_processed'),
      message: reason.message || 'The request got no answer.',
    },
  };
}
