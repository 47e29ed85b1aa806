/** Batches of OpenAI's form: created from an uploaded file, checked while `validating`, with one file for answers and one for errors. */
import { draftAnswer } from './answers.ts';
import { cancelled, countFailed, isQueueFull, newBatch } from './batches.ts';
import { type ChatRequest, readChat } from './chat.ts';
import { type Answer, type Call, isObject, type Operation, pageSize, parseJson, readText } from './http.ts';
import type { Line } from './lines.ts';
import { checkRequestFile, type FileCheck, type LineError } from './openai-check.ts';
import { hoursOf, type OpenaiDialect, type OpenaiWorkshop } from './openai-dialect.ts';
import { completion, listObject, type OpenaiFile, openaiError, openaiJson } from './openai-forms.ts';
import { resultFile } from './results.ts';
import { newId } from './store.ts';
import {
  byOwnClock,
  doneAtEnd,
  injectedRefusal,
  isHidden,
  progressOf,
  resultFault,
  type StoredBatch,
} from './timeline.ts';
import { isRefusal, type Refusal, unixSeconds } from './vendor.ts';

/** A batch on disk. */
interface OpenaiBatch extends StoredBatch {
  readonly endpoint: string;
  readonly model: string | undefined;
  readonly inputFileId: string;
  readonly completionWindow: string;
  readonly metadata: Record<string, string> | null;
  readonly errors: readonly LineError[];
  readonly removed?: { readonly [File in ResultKind]?: boolean };
}

type ResultKind = 'output' | 'errors';

const hourMs = 3600 * 1000;

/** What a call under `/v1/batches` asks for. */
export function openaiBatchOperation(workshop: OpenaiWorkshop, call: Call): Operation | undefined {
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

async function create(workshop: OpenaiWorkshop, call: Call): Promise<Answer> {
  const body = parseJson(await readText(call.request, workshop.limits.bodyBytes));
  const { store, dialect } = workshop;
  const refusal = refuseCreate(body, dialect);
  if (refusal !== undefined) return openaiError(refusal);
  const request = body as {
    input_file_id: string;
    endpoint: string;
    completion_window: string;
    metadata?: Record<string, string> | null;
  };
  const file = await store.read<OpenaiFile>(workshop.files, request.input_file_id);
  if (file === undefined || file.purpose !== 'batch') {
    const message = `Cannot find file ${request.input_file_id} for a batch: no such file, or not of purpose 'batch'.`;
    return openaiError({ status: 400, message, field: 'input_file_id' });
  }
  const batch = await createBatch(workshop, file, {
    endpoint: request.endpoint,
    inputFileId: file.id,
    completionWindow: request.completion_window,
    metadata: request.metadata ?? null,
  });
  await store.linkBody({ shelf: workshop.files, id: file.id }, { shelf: workshop.batches, id: batch.id });
  await store.write(workshop.batches, batch.id, batch);
  workshop.statistics.batchCreated(dialect.vendor);
  return openaiJson(batchObject(batch, dialect, batch.createdAt));
}

function refuseCreate(body: unknown, dialect: OpenaiDialect): Refusal | undefined {
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
  const hours = hoursOf(body.completion_window as string);
  if (hours === undefined || hours < 24 || hours > dialect.longestWindowHours) {
    const range = dialect.longestWindowHours > 24 ? ` to '${dialect.longestWindowHours}h'` : '';
    const message = `Invalid value: '${body.completion_window}'. Value must be '24h'${range}.`;
    return { status: 400, message, code: 'invalid_value', field: 'completion_window' };
  }
  return refuseMetadata(body.metadata, dialect);
}

/** 16 pairs, keys of up to 64 characters, values of up to 512 (OpenAI's API reference, `metadata`). */
function refuseMetadata(metadata: unknown, { longestMetadata }: OpenaiDialect): Refusal | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  const pairs = isObject(metadata) ? Object.entries(metadata) : undefined;
  const ok =
    pairs !== undefined &&
    pairs.length <= 16 &&
    pairs.every(
      ([key, value]) =>
        key.length <= 64 && typeof value === 'string' && value.length <= (longestMetadata[key] ?? 512),
    );
  if (ok) return undefined;
  const wanted = 'at most 16 pairs, keys of at most 64 and text values of at most 512 characters';
  return { status: 400, message: `Invalid 'metadata': expected ${wanted}.`, field: 'metadata' };
}

async function createBatch(
  workshop: OpenaiWorkshop,
  file: OpenaiFile,
  order: Pick<OpenaiBatch, 'endpoint' | 'inputFileId' | 'completionWindow' | 'metadata'>,
): Promise<OpenaiBatch> {
  const { dialect } = workshop;
  const path = workshop.store.bodyPath(workshop.files, file.id);
  const check = await checkRequestFile(path, file.bytes, order.endpoint, workshop.taken);
  const errors = check.errors.length > 0 ? check.errors : await queueErrors(workshop, check);
  const id = `batch_${newId()}`;
  const own = { ...order, model: check.model };
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
  const common = newBatch(workshop, dialect.vendor, id, check.requests);
  const batch: OpenaiBatch = { ...common, ...own, errors: failure(common.fault) };
  const judge = (line: Line) => readRow(batch, dialect, line).request;
  return { ...batch, failed: await countFailed(workshop, dialect.vendor, path, batch, judge) };
}

function failure(fault: StoredBatch['fault']): LineError[] {
  if (fault?.end !== 'failed') return [];
  const message = fault.message ?? 'The batch failed because of an error on the side of the sandbox.';
  return [{ code: fault.code ?? 'server_error', line: null, message, param: null }];
}

/** A full queue does not refuse the call: the batch is created and then fails. */
async function queueErrors(workshop: OpenaiWorkshop, check: FileCheck): Promise<LineError[]> {
  const { vendor } = workshop.dialect;
  if (!(await isQueueFull(workshop, vendor, workshop.batches, check.requests))) return [];
  const message =
    `Enqueued token limit reached for ${check.model} in organization org-sandbox. ` +
    `Limit: ${workshop.faults.queueLimit(vendor)} enqueued requests. ` +
    'Please try again once some in_progress batches have been completed.';
  return [{ code: 'token_limit_exceeded', line: null, message, param: null }];
}

async function list(workshop: OpenaiWorkshop, call: Call): Promise<Answer> {
  const query = new URLSearchParams(call.query);
  const limit = pageSize(query, 'limit', 20, 100);
  const after = query.get('after');
  const { nameField } = workshop.dialect;
  const name = nameField === undefined ? null : query.get(nameField);
  const now = Date.now();
  const batches: OpenaiBatch[] = [];
  for await (const batch of workshop.store.recordsNewestFirst<OpenaiBatch>(workshop.batches)) {
    if (isHidden(batch, now) || (after !== null && batch.id >= after)) continue;
    if (name !== null && !batch.metadata?.[nameField as string]?.includes(name)) continue;
    batches.push(batch);
    if (batches.length > limit) break;
  }
  const page = batches.slice(0, limit);
  return openaiJson(
    listObject(
      page.map((batch) => batchObject(batch, workshop.dialect, now)),
      page,
      batches.length > limit,
    ),
  );
}

async function retrieve(workshop: OpenaiWorkshop, id: string): Promise<Answer> {
  const batch = await workshop.store.read<OpenaiBatch>(workshop.batches, id);
  if (batch === undefined || isHidden(batch, Date.now())) return notFound(id);
  return openaiJson(batchObject(batch, workshop.dialect, Date.now()));
}

async function cancel(workshop: OpenaiWorkshop, id: string): Promise<Answer> {
  const batch = await workshop.store.read<OpenaiBatch>(workshop.batches, id);
  const now = Date.now();
  if (batch === undefined || isHidden(batch, now)) return notFound(id);
  if (progressOf(batch, now).phase === 'ended') {
    const message = `Cannot cancel a batch with status '${batchObject(batch, workshop.dialect, now).status}'.`;
    return openaiError({ status: 409, message });
  }
  if (batch.cancel !== undefined) return openaiJson(batchObject(batch, workshop.dialect, now));
  const path = workshop.store.bodyPath(workshop.batches, id);
  const judge = (line: Line) => readRow(batch, workshop.dialect, line).request;
  const stopped = await cancelled(workshop, workshop.dialect.vendor, path, batch, judge);
  await workshop.store.write(workshop.batches, id, stopped);
  return openaiJson(batchObject(stopped, workshop.dialect, now));
}

function notFound(id: string): Answer {
  return openaiError({ status: 404, message: `No batch found with id '${id}'.` });
}

function batchObject(
  stored: OpenaiBatch,
  dialect: OpenaiDialect,
  at: number,
): { status: string } & Record<string, unknown> {
  const { batch, now } = byOwnClock(stored, at);
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
    completion_window: batch.completionWindow,
    status,
    ...resultIds(batch, dialect, ended, now),
    created_at: unixSeconds(batch.createdAt),
    in_progress_at: reached(progress.startedAt),
    expires_at: unixSeconds(batch.createdAt + (hoursOf(batch.completionWindow) ?? 24) * hourMs),
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
function resultIds(
  batch: OpenaiBatch,
  { fileIds }: OpenaiDialect,
  end: StoredBatch['end'] | undefined,
  now: number,
): object {
  if (end === undefined || end === 'failed') return { output_file_id: null, error_file_id: null };
  const done = doneAtEnd(batch);
  const failed = batch.cancel?.failed ?? batch.failed;
  const inErrorFile = failed + (end === 'expired' ? batch.requests - done : 0);
  const suffix = batch.id.slice('batch_'.length);
  const none = batch.fault?.blankFileIds ? '' : null;
  return {
    ...(done > failed && !resultFault(batch, now)?.onlyErrors
      ? { output_file_id: `${fileIds.output}${suffix}` }
      : {}),
    error_file_id: inErrorFile > 0 ? `${fileIds.errors}${suffix}` : none,
  };
}

/** The result file of an ended batch that has this id. */
export async function openaiResultFile(
  workshop: OpenaiWorkshop,
  fileId: string,
): Promise<
  { name: string; createdAt: number; content(): AsyncGenerator<string>; remove(): Promise<void> } | undefined
> {
  const { store, dialect } = workshop;
  const kind: ResultKind = fileId.startsWith(dialect.fileIds.errors) ? 'errors' : 'output';
  if (!fileId.startsWith(dialect.fileIds[kind])) return undefined;
  const batchId = `batch_${fileId.slice(dialect.fileIds[kind].length)}`;
  const batch = await store.read<OpenaiBatch>(workshop.batches, batchId);
  if (batch === undefined || batch.removed?.[kind]) return undefined;
  const now = Date.now();
  const progress = progressOf(batch, now);
  if (progress.end === undefined) return undefined;
  if (!Object.values(resultIds(batch, dialect, progress.end, now)).includes(fileId)) return undefined;
  const path = store.bodyPath(workshop.batches, batch.id);
  const writer = (line: Line): string | undefined =>
    resultLine(batch, dialect, progress.end as StoredBatch['end'], kind, line);
  return {
    name: `${batch.id}_${kind === 'output' ? 'output' : 'error'}.jsonl`,
    createdAt: progress.endedAt,
    content: () => resultFile(path, resultFault(batch, now), 'custom_id', writer),
    remove: () =>
      store.write(workshop.batches, batch.id, { ...batch, removed: { ...batch.removed, [kind]: true } }),
  };
}

function resultLine(
  batch: OpenaiBatch,
  dialect: OpenaiDialect,
  end: StoredBatch['end'],
  kind: ResultKind,
  line: Line,
): string | undefined {
  if (line.index >= doneAtEnd(batch)) {
    return end === 'expired' && kind === 'errors' ? expiredLine(batch, line) : undefined;
  }
  const row = readRow(batch, dialect, line);
  if (isRefusal(row.request)) {
    if (kind === 'output') return undefined;
    const { body, error } = dialect.failedRow(row.request);
    const answer = { ...response(row.request.status, batch, line), body };
    return JSON.stringify({ ...rowHead(batch, line, row.customId), response: answer, error });
  }
  if (kind === 'errors') return undefined;
  const draft = draftAnswer(row.request.model, row.request.prompt, row.request.wish);
  const body = completion(
    row.request,
    draft,
    `chatcmpl-${batch.id}-${line.index}`,
    batch.createdAt,
    dialect.thoughtsField,
  );
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
function readRow(batch: OpenaiBatch, dialect: OpenaiDialect, line: Line): Row {
  const { custom_id: customId, body } = JSON.parse(line.text) as { custom_id: string; body: unknown };
  const injected = injectedRefusal(batch.fault, line.index);
  if (injected !== undefined) return { customId, request: injected };
  const request = readChat(body, dialect.fields);
  if (isRefusal(request) || !request.prompt.includes('[[sandbox:')) return { customId, request };
  const draft = draftAnswer(request.model, request.prompt, request.wish);
  const asked = dialect.refusalIn(draft);
  if (asked === undefined) return { customId, request };
  return { customId, request: draft.status === 0 ? { ...asked, status: 0 } : asked };
}

function rowHead(batch: OpenaiBatch, line: Line, customId: string): object {
  return { id: `batch_req_${batch.id.slice('batch_'.length)}${line.index}`, custom_id: customId };
}

function response(status: number, batch: OpenaiBatch, line: Line): object {
  return { status_code: status, request_id: `req_${batch.id.slice('batch_'.length)}${line.index}` };
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
