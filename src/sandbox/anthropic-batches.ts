/** Anthropic's message batches: one call carries the requests, and the results come from an address of their own. */
import { draftAnswer } from './answers.ts';
import {
  anthropicError,
  anthropicErrorBody,
  anthropicJson,
  anthropicRefusalIn,
  type MessageRequest,
  message,
  readMessage,
  refuseShape,
  takesSampling,
} from './anthropic-forms.ts';
import { cancelled, countFailed, isQueueFull, newBatch } from './batches.ts';
import { BrokenJson, ElementReader } from './elements.ts';
import { type Answer, type Call, chunksOf, isObject, type Operation, pageSize, parseJson } from './http.ts';
import type { Line } from './lines.ts';
import { resultFile } from './results.ts';
import { type FileSink, newId } from './store.ts';
import {
  byOwnClock,
  doneAtEnd,
  injectedRefusal,
  isHidden,
  progressOf,
  resultFault,
  type StoredBatch,
} from './timeline.ts';
import { isoTime, isRefusal, type Refusal, type Workshop } from './vendor.ts';

const shelf = 'anthropic/batches';
const dayMs = 24 * 3600 * 1000;

/** What a call under `/v1/messages/batches` asks for. */
export function anthropicBatchOperation(workshop: Workshop, call: Call): Operation | undefined {
  const found = /^\/v1\/messages\/batches(?:\/([^/]+)(?:\/(cancel|results))?)?$/.exec(call.path);
  if (found === null) return undefined;
  const [, id, action] = found;
  const asked = `${call.method} ${id === undefined ? 'all' : (action ?? 'one')}`;
  if (asked === 'POST all') return { kind: 'createBatch', run: () => create(workshop, call) };
  if (asked === 'GET all') return { kind: 'listBatches', run: () => list(workshop, call) };
  if (id === undefined) return undefined;
  if (asked === 'GET one') return { kind: 'getBatch', run: () => retrieve(workshop, call, id) };
  if (asked === 'POST cancel') return { kind: 'cancelBatch', run: () => cancel(workshop, call, id) };
  if (asked === 'DELETE one') return { kind: 'deleteBatch', run: () => remove(workshop, id) };
  if (asked === 'GET results') return { kind: 'download', run: () => results(workshop, id) };
  return undefined;
}

async function create(workshop: Workshop, call: Call): Promise<Answer> {
  const sink = await workshop.store.newBody(shelf);
  try {
    const intake = new RequestIntake(sink, workshop.limits.anthropic, takesSampling(call));
    for await (const chunk of chunksOf(call.request)) await intake.push(chunk);
    const refusal = intake.end() ?? (await refuseQueue(workshop, intake.requests));
    if (refusal !== undefined) {
      await sink.discard();
      return anthropicError(refusal);
    }
    return await keep(workshop, call, sink, intake.requests);
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function refuseQueue(workshop: Workshop, requests: number): Promise<Refusal | undefined> {
  if (!(await isQueueFull(workshop, 'anthropic', shelf, requests))) return undefined;
  const limit = workshop.faults.queueLimit('anthropic');
  const message = `This request would exceed the limit of ${limit} batch requests in the processing queue.`;
  return { status: 429, message };
}

async function keep(workshop: Workshop, call: Call, sink: FileSink, requests: number): Promise<Answer> {
  const planned = newBatch(workshop, 'anthropic', `msgbatch_${newId()}`, requests);
  const path = workshop.store.bodyPath(shelf, planned.id);
  await sink.keep(path);
  const batch = planned.end === 'failed' ? allErrored(planned) : planned;
  const failed = await countFailed(
    workshop,
    'anthropic',
    path,
    batch,
    (line) => readRow(batch, line).request,
  );
  const counted: StoredBatch = { ...batch, failed };
  await workshop.store.write(shelf, batch.id, counted);
  workshop.statistics.batchCreated('anthropic');
  return anthropicJson(batchObject(counted, call, batch.createdAt));
}

/** Anthropic knows no failed batch: every row of it is errored. */
function allErrored(batch: StoredBatch): StoredBatch {
  return {
    ...batch,
    end: 'completed',
    done: batch.requests,
    fault: { ...batch.fault, end: 'completed', failedShare: 1 },
  };
}

/** Takes the body of a create call, checks each request as it comes and writes it to disk as a line. */
class RequestIntake {
  requests = 0;
  readonly #sink: FileSink;
  readonly #limits: { readonly requests: number; readonly batchBytes: number };
  readonly #sampling: boolean;
  readonly #reader = new ElementReader('requests');
  readonly #customIds = new Set<string>();
  #bytes = 0;
  #refusal: Refusal | undefined;

  constructor(sink: FileSink, limits: { requests: number; batchBytes: number }, sampling: boolean) {
    this.#sink = sink;
    this.#limits = limits;
    this.#sampling = sampling;
  }

  /** After the first refusal the rest is let through unread: the client hears of it when it has sent everything. */
  async push(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.batchBytes) {
      this.#refusal ??= { status: 413, message: 'Request exceeds the maximum allowed number of bytes.' };
    }
    if (this.#refusal !== undefined) return;
    const lines = this.#read(chunk).map((element) => this.#take(element));
    if (this.#refusal === undefined && lines.length > 0) await this.#sink.write(Buffer.from(lines.join('')));
  }

  end(): Refusal | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    try {
      const outside = this.#reader.end();
      const extra = Object.keys(outside).find((name) => name !== 'requests');
      if (extra !== undefined) return invalid(`${extra}: Extra inputs are not permitted`);
      if (!Array.isArray(outside.requests)) return invalid('requests: Field required');
      return this.requests === 0
        ? invalid('requests: List should have at least 1 item after validation, not 0')
        : undefined;
    } catch {
      return invalid('The request body is not valid JSON');
    }
  }

  #read(chunk: Buffer): string[] {
    try {
      return this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof BrokenJson)) throw error;
      this.#refusal = invalid('The request body is not valid JSON');
      return [];
    }
  }

  #take(element: string): string {
    const request = parseJson(element);
    const place = `requests.${this.requests}`;
    this.requests += 1;
    const wrong =
      request === undefined ? 'The request body is not valid JSON' : this.#wrongIn(request, place);
    if (wrong !== undefined) this.#refusal ??= invalid(wrong);
    return `${element.includes('\n') ? JSON.stringify(request) : element}\n`;
  }

  #wrongIn(request: unknown, place: string): string | undefined {
    if (this.requests > this.#limits.requests) {
      return `requests: List should have at most ${this.#limits.requests} items after validation`;
    }
    if (!isObject(request)) return `${place}: Input should be a valid dictionary`;
    const id = request.custom_id;
    if (id === undefined) return `${place}.custom_id: Field required`;
    if (typeof id !== 'string' || id === '')
      return `${place}.custom_id: String should have at least 1 character`;
    if (id.length > 64) return `${place}.custom_id: String should have at most 64 characters`;
    if (!/^[a-zA-Z0-9_-]+$/.test(id))
      return `${place}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`;
    if (this.#customIds.has(id)) return `${place}.custom_id: custom_id '${id}' is not unique in this batch`;
    this.#customIds.add(id);
    if (request.params === undefined) return `${place}.params: Field required`;
    const shape = refuseShape(request.params, this.#sampling, true);
    return shape === undefined ? undefined : `${place}.params.${shape.message}`;
  }
}

function invalid(text: string): Refusal {
  return { status: 400, message: text };
}

async function list(workshop: Workshop, call: Call): Promise<Answer> {
  const query = new URLSearchParams(call.query);
  const limit = pageSize(query, 'limit', 20, 1000);
  const after = query.get('after_id');
  const before = query.get('before_id');
  const now = Date.now();
  let ids = await workshop.store.idsNewestFirst(shelf);
  if (after !== null) ids = ids.filter((id) => id < after);
  if (before !== null) ids = ids.filter((id) => id > before);
  // `before_id` asks for the page that ends just before it.
  const page = before === null ? ids.slice(0, limit) : ids.slice(-limit);
  const batches = await Promise.all(page.map((id) => workshop.store.read<StoredBatch>(shelf, id)));
  const seen = batches.filter((batch) => batch !== undefined).filter((batch) => !isHidden(batch, now));
  return anthropicJson({
    data: seen.map((batch) => batchObject(batch, call, now)),
    first_id: seen[0]?.id ?? null,
    last_id: seen.at(-1)?.id ?? null,
    has_more: ids.length > page.length,
  });
}

async function find(workshop: Workshop, id: string): Promise<StoredBatch | undefined> {
  const batch = await workshop.store.read<StoredBatch>(shelf, id);
  return batch === undefined || isHidden(batch, Date.now()) ? undefined : batch;
}

async function retrieve(workshop: Workshop, call: Call, id: string): Promise<Answer> {
  const batch = await find(workshop, id);
  return batch === undefined ? notFound(id) : anthropicJson(batchObject(batch, call, Date.now()));
}

async function cancel(workshop: Workshop, call: Call, id: string): Promise<Answer> {
  const batch = await find(workshop, id);
  if (batch === undefined) return notFound(id);
  if (batch.cancel !== undefined || progressOf(batch, Date.now()).phase === 'ended') {
    return anthropicJson(batchObject(batch, call, Date.now()));
  }
  const path = workshop.store.bodyPath(shelf, id);
  const stopped = await cancelled(workshop, 'anthropic', path, batch, (line) => readRow(batch, line).request);
  await workshop.store.write(shelf, id, stopped);
  return anthropicJson(batchObject(stopped, call, Date.now()));
}

async function remove(workshop: Workshop, id: string): Promise<Answer> {
  const batch = await find(workshop, id);
  if (batch === undefined) return notFound(id);
  if (progressOf(batch, Date.now()).phase !== 'ended') {
    return anthropicError(invalid(`Batch ${id} cannot be deleted while it is in progress. Cancel it first.`));
  }
  await workshop.store.remove(shelf, id);
  return anthropicJson({ id, type: 'message_batch_deleted' });
}

function notFound(id: string): Answer {
  return anthropicError({ status: 404, message: `Batch not found: ${id}` });
}

async function results(workshop: Workshop, id: string): Promise<Answer> {
  const batch = await find(workshop, id);
  if (batch === undefined) return notFound(id);
  const now = Date.now();
  const { end } = progressOf(batch, now);
  if (end === undefined) return anthropicError({ status: 404, message: `Batch ${id} has no results yet.` });
  if (batch.fault?.archived) return anthropicError({ status: 404, message: `Batch ${id} is archived.` });
  const path = workshop.store.bodyPath(shelf, id);
  const fault = resultFault(batch, now);
  const body = resultFile(path, fault, 'custom_id', (line) =>
    resultLine(batch, end, line, fault?.onlyErrors ?? false),
  );
  return { status: 200, headers: { 'content-type': 'application/x-jsonl' }, body };
}

function batchObject(stored: StoredBatch, call: Call, at: number): object {
  const { batch, now } = byOwnClock(stored, at);
  const { phase, end, endedAt } = progressOf(batch, now);
  const ended = phase === 'ended';
  const archived = ended && (batch.fault?.archived ?? false);
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: statusWord(batch, now),
    request_counts: requestCounts(batch, end),
    created_at: isoTime(batch.createdAt),
    expires_at: isoTime(batch.createdAt + dayMs),
    ended_at: ended ? isoTime(endedAt) : null,
    cancel_initiated_at: batch.cancel === undefined ? null : isoTime(batch.cancel.at),
    archived_at: archived ? isoTime(endedAt) : null,
    results_url: ended && !archived ? `${call.origin}/v1/messages/batches/${batch.id}/results` : null,
  };
}

function statusWord(batch: StoredBatch, now: number): string {
  const { phase } = progressOf(batch, now);
  if (phase === 'ended') return batch.fault?.endedWord ?? 'ended';
  if (phase === 'cancelling') return 'canceling';
  return batch.fault?.runningWord ?? 'in_progress';
}

/** All requests are `processing` until the whole batch ends. */
function requestCounts(batch: StoredBatch, end: StoredBatch['end'] | undefined): object {
  if (end === undefined)
    return { processing: batch.requests, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  const done = doneAtEnd(batch);
  const errored = batch.cancel?.failed ?? batch.failed;
  return {
    processing: 0,
    succeeded: done - errored,
    errored,
    canceled: end === 'cancelled' ? batch.requests - done : 0,
    expired: end === 'expired' ? batch.requests - done : 0,
  };
}

function resultLine(
  batch: StoredBatch,
  end: StoredBatch['end'],
  line: Line,
  onlyErrors: boolean,
): string | undefined {
  const { customId, request } = readRow(batch, line);
  if (onlyErrors && !isRefusal(request)) return undefined;
  return JSON.stringify({ custom_id: customId, result: result(batch, end, line, request) });
}

function result(
  batch: StoredBatch,
  end: StoredBatch['end'],
  line: Line,
  request: MessageRequest | Refusal,
): object {
  if (line.index >= doneAtEnd(batch)) return { type: end === 'cancelled' ? 'canceled' : 'expired' };
  const suffix = `${batch.id.slice('msgbatch_'.length)}${line.index}`;
  if (isRefusal(request)) return { type: 'errored', error: anthropicErrorBody(request, `req_${suffix}`) };
  const draft = draftAnswer(request.model, request.prompt, request.wish);
  return { type: 'succeeded', message: message(request, draft, `msg_${suffix}`, 'batch') };
}

/** A row with what is wrong with it: the vendor's fault first, then the request itself, then what its prompt asked for. */
function readRow(batch: StoredBatch, line: Line): { customId: string; request: MessageRequest | Refusal } {
  const row = JSON.parse(line.text) as { custom_id: string; params: Record<string, unknown> };
  const customId = row.custom_id;
  const injected = injectedRefusal(batch.fault, line.index);
  if (injected !== undefined) return { customId, request: injected };
  const request = readMessage(row.params);
  if (isRefusal(request) || !request.prompt.includes('[[sandbox:')) return { customId, request };
  return {
    customId,
    request: anthropicRefusalIn(draftAnswer(request.model, request.prompt, request.wish)) ?? request,
  };
}
