/** Anthropic's message batches: one call carries the requests, and the results come from an address of their own. */
import { Batches, type Row } from '../engine/batches.ts';
import type { StoredBatch } from '../engine/standing.ts';
import type { Write } from '../engine/store.ts';
import { isoTime, type Limits, type SandboxContext } from '../engine/vendor.ts';
import { ElementReader } from '../http/elements.ts';
import { type Answer, type Call, invalid, isObject, parseJson, Refused, type Route } from '../http/http.ts';
import {
  anthropicErrorBody,
  anthropicJson,
  checkShape,
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
    word(state) {
      if (['validating', 'running', 'finalizing'].includes(state)) return 'in_progress';
      return state === 'cancelling' ? 'canceling' : 'ended';
    },
    failsByRow: true,
    readRequest: ({ params }) => readMessage(params as Record<string, unknown>),
    notFound: (id) => new Refused(404, `Batch not found: ${id}`),
  });

  async function create(call: Call): Promise<Answer> {
    const { id, requests } = await batches.stored.writeBody(async (write) => {
      const requests = await takeRequests(call, write, limits);
      const { isFull, limit } = await batches.queue(requests);
      if (!isFull) return { id: batches.newId(), requests };
      const message = `This request would exceed the limit of ${limit} batch requests in the processing queue.`;
      throw new Refused(429, message);
    });
    const batch = await batches.create(id, requests, {});
    return anthropicJson(batchObject(batch, call, batch.createdAt));
  }

  async function list(call: Call): Promise<Answer> {
    const size = call.pageSize('limit', 20, 1000);
    const { records, hasMore } = await batches.list(size, call.query.get('after_id'));
    return anthropicJson({
      data: records.map((batch) => batchObject(batch, call)),
      first_id: records[0]?.id ?? null,
      last_id: records.at(-1)?.id ?? null,
      has_more: hasMore,
    });
  }

  async function show(call: Call, id = ''): Promise<Answer> {
    return anthropicJson(batchObject(await batches.find(id), call));
  }

  async function cancel(call: Call, id = ''): Promise<Answer> {
    return anthropicJson(batchObject(await batches.cancel(id), call));
  }

  async function remove(_call: Call, id = ''): Promise<Answer> {
    if (batches.standing(await batches.find(id)).end === undefined)
      throw invalid(`Batch ${id} cannot be deleted while it is in progress. Cancel it first.`);
    await batches.stored.remove(id);
    return anthropicJson({ id, type: 'message_batch_deleted' });
  }

  async function download(_call: Call, id = ''): Promise<Answer> {
    const batch = await batches.find(id);
    const { end } = batches.standing(batch);
    if (end === undefined) throw new Refused(404, `Batch ${id} has no results yet.`);
    if (batch.fault?.archived) throw new Refused(404, `Batch ${id} is archived.`);
    const unreached = { type: end === 'cancelled' ? 'canceled' : 'expired' };
    const body = batches.resultFile(batch, (row) => ({
      custom_id: row.line.custom_id,
      result: row.result === undefined ? unreached : resultOf(batch, row.index, row.result),
    }));
    return { status: 200, headers: { 'content-type': 'application/x-jsonl' }, body };
  }

  function resultOf(batch: StoredBatch, index: number, result: NonNullable<Row['result']>): object {
    if (!(result instanceof Refused))
      return { type: 'succeeded', message: batches.answer(batch, index, result) };
    const requestId = `req_${batch.id.slice(idPrefix.length)}${index}`;
    return { type: 'errored', error: anthropicErrorBody(result, requestId) };
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

  return [
    ['createBatch', 'POST /v1/messages/batches', create],
    ['listBatches', 'GET /v1/messages/batches', list],
    ['getBatch', 'GET /v1/messages/batches/{id}', show],
    ['cancelBatch', 'POST /v1/messages/batches/{id}/cancel', cancel],
    ['deleteBatch', 'DELETE /v1/messages/batches/{id}', remove],
    ['download', 'GET /v1/messages/batches/{id}/results', download],
  ];
}

/** Checks each request in the body as it comes and writes it to disk as a line; gives their number. */
async function takeRequests(
  call: Call,
  write: Write,
  limits: Pick<Limits, 'requests' | 'batchBytes'>,
): Promise<number> {
  const reader = new ElementReader('requests');
  const customIds = new Set<unknown>();
  const sampling = takesSampling(call);
  let bytes = 0;
  let requests = 0;
  for await (const chunk of call.chunks()) {
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
    await write(lines.join(''));
  }
  const around = reader.end();
  if (around === undefined) throw invalid('The request body is not valid JSON');
  const extra = Object.keys(around).find((name) => name !== 'requests');
  if (extra !== undefined) throw invalid(`${extra}: Extra inputs are not permitted`);
  if (requests > 0) return requests;
  throw invalid('requests: List should have at least 1 item after validation, not 0');
}

function checkRequest(request: unknown, place: string, ids: Set<unknown>, takesSampling: boolean): void {
  const { custom_id: id, params } = isObject(request) ? request : {};
  const refuseId = (problem: string) => invalid(`${place}.custom_id: ${problem}`);
  if (id === undefined) throw refuseId('Field required');
  if (typeof id !== 'string' || id === '') throw refuseId('String should have at least 1 character');
  if (id.length > 64) throw refuseId('String should have at most 64 characters');
  if (!/^[a-zA-Z0-9_-]+$/.test(id)) throw refuseId("String should match pattern '^[a-zA-Z0-9_-]{1,64}$'");
  if (ids.has(id)) throw refuseId(`custom_id '${id}' is not unique in this batch`);
  ids.add(id);
  if (params === undefined) throw invalid(`${place}.params: Field required`);
  checkShape(params, `${place}.params.`, { takesSampling });
}
