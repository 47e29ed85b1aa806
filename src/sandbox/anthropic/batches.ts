/** Anthropic's message batches: one call carries the requests, and the results come from an address of their own. */
import { Batches, type Row } from '../engine/batches.ts';
import type { StoredBatch } from '../engine/standing.ts';
import type { FileSink } from '../engine/store.ts';
import { isoTime, type Limits, type SandboxContext } from '../engine/vendor.ts';
import { ElementReader } from '../http/elements.ts';
import {
  type Answer,
  type Call,
  chunksOf,
  isObject,
  pageSize,
  parseJson,
  Refused,
  type Route,
} from '../http/http.ts';
import {
  anthropicErrorBody,
  anthropicJson,
  checkShape,
  invalid,
  messageForm,
  readMessage,
  takesSampling,
} from './messages.ts';

const dayMs = 24 * 3600 * 1000;
const idPrefix = 'msgbatch_';
/** Anthropic's guide on batch processing. */
const usualLimits = { requests: 100_000, batchBytes: 256_000_000 };

/** What a call under `/v1/messages/batches` asks for. */
export function anthropicBatchRoutes(context: SandboxContext): Route[] {
  const limits = { ...usualLimits, ...context.limits.anthropic };
  const batches = new Batches<StoredBatch>(context, {
    vendor: 'anthropic',
    form: messageForm,
    idPrefix,
    idField: 'custom_id',
    words: {
      validating: 'in_progress',
      running: 'in_progress',
      finalizing: 'in_progress',
      cancelling: 'canceling',
      completed: 'ended',
      failed: 'ended',
      expired: 'ended',
      cancelled: 'ended',
    },
    failsByRow: true,
    readRequest: ({ params }) => readMessage(params as Record<string, unknown>),
    notFound: (id) => new Refused(404, `Batch not found: ${id}`),
  });

  async function create(call: Call): Promise<Answer> {
    const sink = await batches.stored.newBody();
    try {
      const requests = await takeRequests(call, sink, limits);
      const { isFull, limit } = await batches.queue(requests);
      if (isFull) {
        const message = `This request would exceed the limit of ${limit} batch requests in the processing queue.`;
        throw new Refused(429, message);
      }
      const id = batches.newId();
      await sink.keep(batches.stored.bodyPath(id));
      const batch = await batches.create(id, requests, {});
      return show(batch, call, batch.createdAt);
    } finally {
      await sink.discard();
    }
  }

  async function list(call: Call): Promise<Answer> {
    const place = { after: call.query.get('after_id'), before: call.query.get('before_id') };
    const { records, hasMore } = await batches.list(pageSize(call, 'limit', 20, 1000), place);
    return anthropicJson({
      data: records.map((batch) => batchObject(batch, call)),
      first_id: records[0]?.id ?? null,
      last_id: records.at(-1)?.id ?? null,
      has_more: hasMore,
    });
  }

  async function remove(id: string): Promise<Answer> {
    if (batches.standing(await batches.find(id)).end === undefined)
      throw invalid(`Batch ${id} cannot be deleted while it is in progress. Cancel it first.`);
    await batches.stored.remove(id);
    return anthropicJson({ id, type: 'message_batch_deleted' });
  }

  async function download(id: string): Promise<Answer> {
    const batch = await batches.find(id);
    const { end } = batches.standing(batch);
    if (end === undefined) throw new Refused(404, `Batch ${id} has no results yet.`);
    if (batch.fault?.archived) throw new Refused(404, `Batch ${id} is archived.`);
    const unreached = end === 'cancelled' ? 'canceled' : 'expired';
    const body = batches.resultFile(batch, (row) => ({
      custom_id: row.line.custom_id,
      result: resultOf(batch, row) ?? { type: unreached },
    }));
    return { status: 200, headers: { 'content-type': 'application/x-jsonl' }, body };
  }

  function resultOf(batch: StoredBatch, { index, result }: Row): object | undefined {
    if (result === undefined) return undefined;
    const requestId = `req_${batch.id.slice(idPrefix.length)}${index}`;
    return result instanceof Refused
      ? { type: 'errored', error: anthropicErrorBody(result, requestId) }
      : { type: 'succeeded', message: batches.answer(batch, index, result) };
  }

  function batchObject(batch: StoredBatch, { origin }: Call, at?: number): object {
    const { end, word, createdAt, cancelledAt, endedAt, ...counts } = batches.standing(batch, at);
    const isOver = end !== undefined;
    const isArchived = isOver && (batch.fault?.archived ?? false);
    return {
      id: batch.id,
      type: 'message_batch',
      processing_status: word,
      // All requests are `processing` until the whole batch ends.
      request_counts: {
        processing: isOver ? 0 : batch.requests,
        succeeded: isOver ? counts.done - counts.failed : 0,
        errored: isOver ? counts.failed : 0,
        canceled: end === 'cancelled' ? counts.unreached : 0,
        expired: end === 'expired' ? counts.unreached : 0,
      },
      created_at: isoTime(createdAt),
      expires_at: isoTime(createdAt + dayMs),
      ended_at: isOver ? isoTime(endedAt) : null,
      cancel_initiated_at: cancelledAt === undefined ? null : isoTime(cancelledAt),
      archived_at: isArchived ? isoTime(endedAt) : null,
      results_url: isOver && !isArchived ? `${origin}/v1/messages/batches/${batch.id}/results` : null,
    };
  }

  const show = (batch: StoredBatch, call: Call, at?: number) => anthropicJson(batchObject(batch, call, at));

  return [
    ['createBatch', 'POST /v1/messages/batches', create],
    ['listBatches', 'GET /v1/messages/batches', list],
    [
      'getBatch',
      'GET /v1/messages/batches/{id}',
      async (call, id = '') => show(await batches.find(id), call),
    ],
    [
      'cancelBatch',
      'POST /v1/messages/batches/{id}/cancel',
      async (call, id = '') => show(await batches.cancel(id), call),
    ],
    ['deleteBatch', 'DELETE /v1/messages/batches/{id}', (_call, id = '') => remove(id)],
    ['download', 'GET /v1/messages/batches/{id}/results', (_call, id = '') => download(id)],
  ];
}

/** Checks each request in the body as it comes and writes it to disk as a line; gives their number. */
async function takeRequests(
  call: Call,
  sink: FileSink,
  limits: Pick<Limits, 'requests' | 'batchBytes'>,
): Promise<number> {
  const reader = new ElementReader('requests');
  const customIds = new Set<string>();
  const sampling = takesSampling(call);
  let bytes = 0;
  let requests = 0;
  for await (const chunk of chunksOf(call.request)) {
    bytes += chunk.length;
    if (bytes > limits.batchBytes)
      throw new Refused(413, 'Request exceeds the maximum allowed number of bytes.');
    const lines = reader.push(chunk).map((element) => {
      const request = parseJson(element);
      if (request === undefined) throw invalid('The request body is not valid JSON');
      checkRequest(request, `requests.${requests}`, customIds, sampling);
      requests += 1;
      if (requests > limits.requests)
        throw invalid(`requests: List should have at most ${limits.requests} items after validation`);
      return `${element.includes('\n') ? JSON.stringify(request) : element}\n`;
    });
    await sink.write(lines.join(''));
  }
  const around = reader.end();
  if (around === undefined) throw invalid('The request body is not valid JSON');
  const extra = Object.keys(around).find((name) => name !== 'requests');
  if (extra !== undefined) throw invalid(`${extra}: Extra inputs are not permitted`);
  if (!Array.isArray(around.requests)) throw invalid('requests: Field required');
  if (requests > 0) return requests;
  throw invalid('requests: List should have at least 1 item after validation, not 0');
}

function checkRequest(request: unknown, place: string, customIds: Set<string>, takesSampling: boolean): void {
  if (!isObject(request)) throw invalid(`${place}: Input should be a valid dictionary`);
  const { custom_id: id, params } = request;
  const refuseId = (problem: string) => invalid(`${place}.custom_id: ${problem}`);
  if (id === undefined) throw refuseId('Field required');
  if (typeof id !== 'string' || id === '') throw refuseId('String should have at least 1 character');
  if (id.length > 64) throw refuseId('String should have at most 64 characters');
  if (!/^[a-zA-Z0-9_-]+$/.test(id)) throw refuseId("String should match pattern '^[a-zA-Z0-9_-]{1,64}$'");
  if (customIds.has(id)) throw refuseId(`custom_id '${id}' is not unique in this batch`);
  customIds.add(id);
  if (params === undefined) throw invalid(`${place}.params: Field required`);
  checkShape(params, `${place}.params.`, { takesSampling });
}
