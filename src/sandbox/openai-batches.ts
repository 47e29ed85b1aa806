/** OpenAI's batches: created from an uploaded file, checked while `validating`, with one file for answers and one for errors. */
import { draftAnswer } from './answers.ts';
import { cancelled, countFailed, isQueueFull, newBatch } from './batches.ts';
import { type ChatRequest, readChat } from './chat.ts';
import { openaiFields } from './chat-fields.ts';
import { type Answer, type Call, isObject, type Operation, pageSize, parseJson, readText } from './http.ts';
import type { Line } from './lines.ts';
import { checkRequestFile, type FileCheck, type LineError } from './openai-check.ts';
import {
  completion,
  listObject,
  type OpenaiFile,
  openaiError,
  openaiErrorBody,
  openaiJson,
  refusalIn,
} from './openai-forms.ts';
import { resultFile } from './results.ts';
import { newId } from './store.ts';
import { doneAtEnd, injectedStatus, isHidden, progressOf, type StoredBatch } from './timeline.ts';
import { isRefusal, type Refusal, unixSeconds, type Workshop } from './vendor.ts';

/** A batch on disk. */
interface OpenaiBatch extends StoredBatch {
  readonly endpoint: string;
  readonly model: string | undefined;
  readonly inputFileId: string;
  readonly metadata: Record<string, string> | null;
  readonly errors: readonly LineError[];
  readonly removed?: { readonly [File in ResultKind]?: boolean };
}

type ResultKind = 'output' | 'errors';

const shelf = 'openai/batches';
const dayMs = 24 * 3600 * 1000;

/** What a call under `/v1/batches` asks for. */
export function openaiBatchOperation(workshop: Workshop, call: Call): Operation | undefined {
  const found = /^\/v1\/batches(?:\/([^/]+)(\/cancel)?)?$/.exec(call.path);
  if (found === null) return undefined;
  const [, id, cancelling] = found;
  if (id === undefined) {
    if (call.method === 'POST') return { kind: 'createBatch', run: () => create(workshop, call) };
    if (call.method === 'GET') return { kind: 'listBatches', run: () => list(workshop, call) };
    return undefined;
  }
  if (cancelling !== undefined && call.method === 'POST') {
    return { kind: 'cancelBatch', run: () => cancel(workshop, id) };
  }
  if (cancelling === undefined && call.method === 'GET') {
    return { kind: 'getBatch', run: () => retrieve(workshop, id) };
  }
  return undefined;
}

async function create(workshop: Workshop, call: Call): Promise<Answer> {
  const body = parseJson(await readText(call.request, workshop.limits.bodyBytes));
  const refusal = refuseCreate(body);
  if (refusal !== undefined) return openaiError(refusal);
  const request = body as {
    input_file_id: string;
    endpoint: string;
    metadata?: Record<string, string> | null;
  };
  const file = await workshop.store.read<OpenaiFile>('openai/files', request.input_file_id);
  if (file === undefined || file.purpose !== 'batch') {
    const message = `Cannot find file ${request.input_file_id} for a batch: no such file, or not of purpose 'batch'.`;
    return openaiError({ status: 400, message, field: 'input_file_id' });
  }
  const batch = await createBatch(workshop, file, request.endpoint, request.metadata ?? null);
  await workshop.store.linkBody({ shelf: 'openai/files', id: file.id }, { shelf, id: batch.id });
  await workshop.store.write(shelf, batch.id, batch);
  workshop.statistics.batchCreated('openai');
  return openaiJson(batchObject(batch, batch.createdAt));
}

function refuseCreate(body: unknown): Refusal | undefined {
  if (!isObject(body)) return { status: 400, message: 'We could not parse the JSON body of your request.' };
  for (const field of ['input_file_id', 'endpoint', 'completion_window']) {
    if (typeof body[field] === 'string') continue;
    return {
      status: 400,
      message: `Missing required parameter: '${field}'.`,
      code: 'missing_required_parameter',
      field,
    };
  }
  if (body.endpoint !== '/v1/chat/completions') {
    const message = `Invalid value: '${body.endpoint}'. The sandbox runs batches of '/v1/chat/completions' only.`;
    return { status: 400, message, code: 'invalid_value', field: 'endpoint' };
  }
  if (body.completion_window !== '24h') {
    const message = `Invalid value: '${body.completion_window}'. Value must be '24h'.`;
    return { status: 400, message, code: 'invalid_value', field: 'completion_window' };
  }
  return refuseMetadata(body.metadata);
}

/** 16 pairs, keys of up to 64 characters, values of up to 512 (OpenAI's API reference, `metadata`). */
function refuseMetadata(metadata: unknown): Refusal | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  const pairs = isObject(metadata) ? Object.entries(metadata) : undefined;
  const ok =
    pairs !== undefined &&
    pairs.length <= 16 &&
    pairs.every(([key, value]) => key.length <= 64 && typeof value === 'string' && value.length <= 512);
  if (ok) return undefined;
  const wanted = 'at most 16 pairs, keys of at most 64 and text values of at most 512 characters';
  return { status: 400, message: `Invalid 'metadata': expected ${wanted}.`, field: 'metadata' };
}

async function createBatch(
  workshop: Workshop,
  file: OpenaiFile,
  endpoint: string,
  metadata: Record<string, string> | null,
): Promise<OpenaiBatch> {
  const path = workshop.store.bodyPath('openai/files', file.id);
  const check = await checkRequestFile(path, file.bytes, endpoint, workshop.limits.openai);
  const errors = check.errors.length > 0 ? check.errors : await queueErrors(workshop, check);
  const id = `batch_${newId()}`;
  const own = { endpoint, model: check.model, inputFileId: file.id, metadata };
  if (errors.length > 0) {
    const { turnaroundMs } = workshop;
    return {
      id,
      createdAt: Date.now(),
      turnaroundMs,
      requests: 0,
      end: 'failed',
      done: 0,
      failed: 0,
      ...own,
      errors,
    };
  }
  const common = newBatch(workshop, 'openai', id, check.requests);
  const batch: OpenaiBatch = { ...common, ...own, errors: failure(common.fault) };
  const judge = (line: Line) => readRow(batch, line).request;
  return { ...batch, failed: await countFailed(workshop, 'openai', path, batch, judge) };
}

function failure(fault: StoredBatch['fault']): LineError[] {
  if (fault?.end !== 'failed') return [];
  const message = fault.message ?? 'The batch failed because of an error on the side of the sandbox.';
  return [{ code: fault.code ?? 'server_error', line: null, message, param: null }];
}

/** A full queue does not refuse the call: the batch is created and then fails. */
async function queueErrors(workshop: Workshop, check: FileCheck): Promise<LineError[]> {
  if (!(await isQueueFull(workshop, 'openai', shelf, check.requests))) return [];
  const message =
    `Enqueued token limit reached for ${check.model} in organization org-sandbox. ` +
    `Limit: ${workshop.faults.queueLimit('openai')} enqueued requests. ` +
    'Please try again once some in_progress batches have been completed.';
  return [{ code: 'token_limit_exceeded', line: null, message, param: null }];
}

async function list(workshop: Workshop, call: Call): Promise<Answer> {
  const query = new URLSearchParams(call.query);
  const limit = pageSize(query, 'limit', 20, 100);
  const after = query.get('after');
  const now = Date.now();
  const batches: OpenaiBatch[] = [];
  for await (const batch of workshop.store.recordsNewestFirst<OpenaiBatch>(shelf)) {
    if (isHidden(batch, now) || (after !== null && batch.id >= after)) continue;
    batches.push(batch);
    if (batches.length > limit) break;
  }
  const page = batches.slice(0, limit);
  return openaiJson(
    listObject(
      page.map((batch) => batchObject(batch, now)),
      page,
      batches.length > limit,
    ),
  );
}

async function retrieve(workshop: Workshop, id: string): Promise<Answer> {
  const batch = await workshop.store.read<OpenaiBatch>(shelf, id);
  if (batch === undefined || isHidden(batch, Date.now())) return notFound(id);
  return openaiJson(batchObject(batch, Date.now()));
}

async function cancel(workshop: Workshop, id: string): Promise<Answer> {
  const batch = await workshop.store.read<OpenaiBatch>(shelf, id);
  const now = Date.now();
  if (batch === undefined || isHidden(batch, now)) return notFound(id);
  if (progressOf(batch, now).phase === 'ended') {
    const message = `Cannot cancel a batch with status '${batchObject(batch, now).status}'.`;
    return openaiError({ status: 409, message });
  }
  if (batch.cancel !== undefined) return openaiJson(batchObject(batch, now));
  const path = workshop.store.bodyPath(shelf, id);
  const stopped = await cancelled(workshop, 'openai', path, batch, (line) => readRow(batch, line).request);
  await workshop.store.write(shelf, id, stopped);
  return openaiJson(batchObject(stopped, now));
}

function notFound(id: string): Answer {
  return openaiError({ status: 404, message: `No batch found with id '${id}'.` });
}

function batchObject(batch: OpenaiBatch, now: number): { status: string } & Record<string, unknown> {
  const progress = progressOf(batch, now);
  const ended = progress.end;
  const status = statusWord(batch, now);
  const reached = (time: number): number | null =>
    now >= time && ended !== 'failed' ? unixSeconds(time) : null;
  const endedAs = (end: StoredBatch['end']): number | null =>
    ended === end ? unixSeconds(progress.endedAt) : null;
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    model: batch.model ?? null,
    errors: ended === 'failed' ? { object: 'list', data: batch.errors } : null,
    input_file_id: batch.inputFileId,
    completion_window: '24h',
    status,
    ...resultIds(batch, ended),
    created_at: unixSeconds(batch.createdAt),
    in_progress_at: reached(progress.startedAt),
    expires_at: unixSeconds(batch.createdAt + dayMs),
    finalizing_at: batch.cancel === undefined ? reached(progress.finalizingAt) : null,
    completed_at: endedAs('completed'),
    failed_at: endedAs('failed'),
    expired_at: endedAs('expired'),
    cancelling_at: batch.cancel === undefined ? null : unixSeconds(batch.cancel.at),
    cancelled_at: endedAs('cancelled'),
    request_counts: requestCounts(batch, now),
    metadata: batch.metadata,
  };
}

function statusWord(batch: OpenaiBatch, now: number): string {
  const { phase, end } = progressOf(batch, now);
  if (end !== undefined) return batch.fault?.endedWord ?? end;
  if (phase === 'validating' || batch.errors.length > 0) return 'validating';
  if (phase === 'running') return batch.fault?.runningWord ?? 'in_progress';
  return phase;
}

function requestCounts(batch: OpenaiBatch, now: number): object {
  const { phase, end, done, failed } = progressOf(batch, now);
  if (phase === 'validating' || batch.errors.length > 0) return { total: 0, completed: 0, failed: 0 };
  const unfinished = end === 'expired' ? batch.requests - done : 0;
  return { total: batch.requests, completed: done - failed, failed: failed + unfinished };
}

/** A batch without any success has no output file at all; the word for no error file is null, or has been "". */
function resultIds(batch: OpenaiBatch, end: StoredBatch['end'] | undefined): object {
  if (end === undefined || end === 'failed') return { output_file_id: null, error_file_id: null };
  const done = doneAtEnd(batch);
  const failed = batch.cancel?.failed ?? batch.failed;
  const inErrorFile = failed + (end === 'expired' ? batch.requests - done : 0);
  const suffix = batch.id.slice('batch_'.length);
  const none = batch.fault?.blankFileIds ? '' : null;
  return {
    ...(done > failed ? { output_file_id: `file-output${suffix}` } : {}),
    error_file_id: inErrorFile > 0 ? `file-errors${suffix}` : none,
  };
}

/** The result file of an ended batch that has this id. */
export async function openaiResultFile(
  workshop: Workshop,
  fileId: string,
): Promise<
  { name: string; createdAt: number; content(): AsyncGenerator<string>; remove(): Promise<void> } | undefined
> {
  const found = /^file-(output|errors)([0-9a-f]+)$/.exec(fileId);
  if (found === null) return undefined;
  const kind = found[1] as ResultKind;
  const batch = await workshop.store.read<OpenaiBatch>(shelf, `batch_${found[2]}`);
  if (batch === undefined || batch.removed?.[kind]) return undefined;
  const progress = progressOf(batch, Date.now());
  if (progress.end === undefined || !Object.values(resultIds(batch, progress.end)).includes(fileId))
    return undefined;
  const path = workshop.store.bodyPath(shelf, batch.id);
  const writer = (line: Line): string | undefined =>
    resultLine(batch, progress.end as StoredBatch['end'], kind, line);
  return {
    name: `${batch.id}_${kind === 'output' ? 'output' : 'error'}.jsonl`,
    createdAt: progress.endedAt,
    content: () => resultFile(path, batch.fault, 'custom_id', writer),
    remove: () =>
      workshop.store.write(shelf, batch.id, { ...batch, removed: { ...batch.removed, [kind]: true } }),
  };
}

function resultLine(
  batch: OpenaiBatch,
  end: StoredBatch['end'],
  kind: ResultKind,
  line: Line,
): string | undefined {
  if (line.index >= doneAtEnd(batch)) {
    return end === 'expired' && kind === 'errors' ? expiredLine(batch, line) : undefined;
  }
  const row = readRow(batch, line);
  if (isRefusal(row.request)) {
    return kind === 'errors' ? JSON.stringify(failedRow(batch, line, row.customId, row.request)) : undefined;
  }
  if (kind === 'errors') return undefined;
  const draft = draftAnswer(row.request.model, row.request.prompt, row.request.wish);
  const body = completion(row.request, draft, `chatcmpl-${batch.id}-${line.index}`, batch.createdAt);
  return JSON.stringify({
    ...rowHead(batch, line, row.customId),
    response: { ...response(200, batch, line), body },
    error: null,
  });
}

interface Row {
  readonly customId: string;
  readonly request: ChatRequest | Refusal;
}

/** A row with what is wrong with it: the vendor's fault first, then the request itself, then what its prompt asked for. */
function readRow(batch: OpenaiBatch, line: Line): Row {
  const { custom_id: customId, body } = JSON.parse(line.text) as { custom_id: string; body: unknown };
  const injected = injectedStatus(batch.fault, line.index);
  if (injected !== undefined) {
    return {
      customId,
      request: { status: injected, message: 'The request failed on the side of the sandbox.' },
    };
  }
  const request = readChat(body, openaiFields);
  if (isRefusal(request) || !request.prompt.includes('[[sandbox:')) return { customId, request };
  const draft = draftAnswer(request.model, request.prompt, request.wish);
  const asked = refusalIn(draft);
  if (asked === undefined) return { customId, request };
  return { customId, request: draft.status === 0 ? { ...asked, status: 0 } : asked };
}

function rowHead(batch: OpenaiBatch, line: Line, customId: string): object {
  return { id: `batch_req_${batch.id.slice('batch_'.length)}${line.index}`, custom_id: customId };
}

function response(status: number, batch: OpenaiBatch, line: Line): object {
  return { status_code: status, request_id: `req_${batch.id.slice('batch_'.length)}${line.index}` };
}

/** A row that was refused: `error` is null and the refusal is in the body. Status 0 with nothing at all has been seen too. */
function failedRow(batch: OpenaiBatch, line: Line, customId: string, refusal: Refusal): object {
  const body = refusal.status === 0 ? {} : openaiErrorBody(refusal);
  const answer = { ...response(refusal.status, batch, line), body };
  return { ...rowHead(batch, line, customId), response: answer, error: null };
}

function expiredLine(batch: OpenaiBatch, line: Line): string {
  const { custom_id: customId } = JSON.parse(line.text) as { custom_id: string };
  const message = 'This request could not be executed before the completion window expired.';
  return JSON.stringify({
    ...rowHead(batch, line, customId),
    response: null,
    error: { code: 'batch_expired', message },
  });
}
