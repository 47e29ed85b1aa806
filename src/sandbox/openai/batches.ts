/** Batches of OpenAI's form: created from an uploaded file, checked while `validating`, with one file for answers and one for errors. */
import type { ModelRequest } from '../engine/answers.ts';
import { Batches, type Row } from '../engine/batches.ts';
import type { AnswerForm } from '../engine/live.ts';
import { type BatchEnd, resultFault, type Standing, type StoredBatch } from '../engine/standing.ts';
import type { Collection } from '../engine/store.ts';
import { type SandboxContext, unixSeconds } from '../engine/vendor.ts';
import {
  type Answer,
  type Call,
  isObject,
  pageSize,
  parseJson,
  Refused,
  type Route,
  readText,
} from '../http/http.ts';
import type { CompatibleName } from '../vendors.ts';
import { listObject, notJson, openaiJson } from './chat.ts';
import type { BatchDialect } from './dialects.ts';
import { checkRequestFile, endpoint, type FileCheck, type LineError } from './request-file.ts';

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

/** An uploaded file on disk. */
export interface OpenaiFile {
  readonly id: string;
  readonly bytes: number;
  readonly createdAt: number;
  readonly name: string;
  readonly purpose: string;
  readonly expiresAfter: number | undefined;
}

type ResultKind = 'output' | 'errors';

const hourMs = 3600 * 1000;
const idPrefix = 'batch_';

export class OpenaiBatches {
  readonly files: Collection<OpenaiFile>;
  readonly dialect: BatchDialect;
  readonly limits: BatchDialect['limits'];
  readonly #context: SandboxContext;
  readonly #batches: Batches<OpenaiBatch>;

  constructor(
    context: SandboxContext,
    vendor: CompatibleName,
    dialect: BatchDialect,
    form: AnswerForm,
    read: (body: unknown) => ModelRequest,
  ) {
    this.#context = context;
    this.dialect = dialect;
    this.limits = { ...dialect.limits, ...context.limits[vendor] };
    this.files = context.store.collection(vendor, 'files');
    this.#batches = new Batches(context, {
      vendor,
      form,
      idPrefix,
      idField: 'custom_id',
      words: {
        validating: 'validating',
        running: 'in_progress',
        finalizing: 'finalizing',
        cancelling: 'cancelling',
        completed: 'completed',
        failed: 'failed',
        expired: 'expired',
        cancelled: 'cancelled',
      },
      readRequest: ({ body }) => read(body),
      notFound: (id) => new Refused(404, `No batch found with id '${id}'.`),
    });
  }

  routes(): Route[] {
    const show = async (id: string) => openaiJson(this.#batchObject(await this.#batches.find(id)));
    return [
      ['createBatch', 'POST /v1/batches', (call) => this.#create(call)],
      ['listBatches', 'GET /v1/batches', (call) => this.#list(call)],
      ['getBatch', 'GET /v1/batches/{id}', (_call, id = '') => show(id)],
      ['cancelBatch', 'POST /v1/batches/{id}/cancel', (_call, id = '') => this.#cancel(id)],
    ];
  }

  async #create(call: Call): Promise<Answer> {
    const body = parseJson(await readText(call.request, this.#context.limits.bodyBytes));
    const order = readOrder(body, this.dialect);
    const file = await this.files.read(order.inputFileId);
    if (file?.purpose !== 'batch') {
      const message = `Cannot find file ${order.inputFileId} for a batch: no such file, or not of purpose 'batch'.`;
      throw new Refused(400, message, { field: 'input_file_id' });
    }
    const id = this.#batches.newId();
    await this.#batches.stored.linkBody(this.files.bodyPath(file.id), id);
    const check = await checkRequestFile(this.#batches.stored.bodyPath(id), file.bytes, this.limits);
    const errors = check.errors.length > 0 ? check.errors : await this.#queueErrors(check);
    const own = { ...order, endpoint, model: check.model, errors };
    const batch = await (errors.length > 0
      ? this.#batches.createFailing(id, own)
      : this.#batches.create(id, check.requests, own));
    return openaiJson(this.#batchObject(batch, batch.createdAt));
  }

  /** A full queue does not refuse the call: the batch is created and then fails. */
  async #queueErrors({ requests, model }: FileCheck): Promise<LineError[]> {
    const { isFull, limit } = await this.#batches.queue(requests);
    if (!isFull) return [];
    const message =
      `Enqueued token limit reached for ${model} in organization org-sandbox. ` +
      `Limit: ${limit} enqueued requests. Please try again once some in_progress batches have been completed.`;
    return [{ code: 'token_limit_exceeded', line: null, message, param: null }];
  }

  async #list(call: Call): Promise<Answer> {
    const { nameField } = this.dialect;
    const name = nameField === undefined ? null : call.query.get(nameField);
    const hasName = ({ metadata }: OpenaiBatch) =>
      name === null || (metadata?.[nameField as string]?.includes(name) ?? false);
    const place = { after: call.query.get('after') };
    const { records, hasMore } = await this.#batches.list(pageSize(call, 'limit', 20, 100), place, hasName);
    return listObject(records, (batch) => this.#batchObject(batch), hasMore);
  }

  async #cancel(id: string): Promise<Answer> {
    const { end, word } = this.#batches.standing(await this.#batches.find(id));
    if (end !== undefined) throw new Refused(409, `Cannot cancel a batch with status '${word}'.`);
    return openaiJson(this.#batchObject(await this.#batches.cancel(id)));
  }

  #batchObject(batch: OpenaiBatch, at?: number): object {
    const standing = this.#batches.standing(batch, at);
    const { end, now, createdAt, startedAt, finalizingAt, cancelledAt, endedAt } = standing;
    const reached = (time: number) => (now >= time && end !== 'failed' ? unixSeconds(time) : null);
    const endedAs = (way: BatchEnd) => (end === way ? unixSeconds(endedAt) : null);
    return {
      id: batch.id,
      object: 'batch',
      endpoint: batch.endpoint,
      model: batch.model ?? null,
      errors: end === 'failed' ? { object: 'list', data: errorsOf(batch) } : null,
      input_file_id: batch.inputFileId,
      completion_window: batch.completionWindow,
      status: standing.word,
      ...this.#resultIds(batch, standing),
      created_at: unixSeconds(createdAt),
      in_progress_at: reached(startedAt),
      expires_at: unixSeconds(createdAt + (hoursOf(batch.completionWindow) ?? 24) * hourMs),
      finalizing_at: cancelledAt === undefined ? reached(finalizingAt) : null,
      completed_at: endedAs('completed'),
      failed_at: endedAs('failed'),
      expired_at: endedAs('expired'),
      cancelling_at: cancelledAt === undefined ? null : unixSeconds(cancelledAt),
      cancelled_at: endedAs('cancelled'),
      request_counts: requestCounts(batch, standing),
      metadata: batch.metadata,
    };
  }

  /** A batch without any success has no output file at all; the word for no error file is null, or has been "". */
  #resultIds(batch: OpenaiBatch, { end, done, failed, unreached }: Standing) {
    if (end === undefined || end === 'failed') return { output_file_id: null, error_file_id: null };
    const { fileIds } = this.dialect;
    const suffix = batch.id.slice(idPrefix.length);
    const hasErrors = failed + (end === 'expired' ? unreached : 0) > 0;
    const hasOutput = done > failed && !resultFault(batch)?.onlyErrors;
    return {
      ...(hasOutput && { output_file_id: `${fileIds.output}${suffix}` }),
      error_file_id: hasErrors ? `${fileIds.errors}${suffix}` : batch.fault?.blankFileIds ? '' : null,
    };
  }

  /** The result file of an ended batch that has this id. */
  async resultFile(fileId: string): Promise<
    | {
        readonly name: string;
        readonly createdAt: number;
        content(): AsyncGenerator<string>;
        remove(): Promise<void>;
      }
    | undefined
  > {
    const { fileIds } = this.dialect;
    const kind: ResultKind = fileId.startsWith(fileIds.errors) ? 'errors' : 'output';
    const { stored } = this.#batches;
    const batch = await stored.read(`${idPrefix}${fileId.slice(fileIds[kind].length)}`);
    if (batch === undefined || batch.removed?.[kind]) return undefined;
    const standing = this.#batches.standing(batch);
    if (!Object.values(this.#resultIds(batch, standing)).includes(fileId)) return undefined;
    return {
      name: `${batch.id}_${kind === 'output' ? 'output' : 'error'}.jsonl`,
      createdAt: standing.endedAt,
      content: () =>
        this.#batches.resultFile(batch, (row) =>
          kind === 'output' ? this.#outputLine(batch, row) : this.#errorLine(batch, row, standing.end),
        ),
      remove: () => stored.write({ ...batch, removed: { ...batch.removed, [kind]: true } }),
    };
  }

  #outputLine(batch: OpenaiBatch, row: Row): object | undefined {
    if (row.result === undefined || row.result instanceof Refused) return undefined;
    const body = this.#batches.answer(batch, row.index, row.result);
    return resultLine(batch, row, { status_code: 200, body }, null);
  }

  #errorLine(batch: OpenaiBatch, row: Row, end: BatchEnd | undefined): object | undefined {
    if (row.result instanceof Refused) {
      const { body, error } = this.dialect.failedRow(row.result);
      return resultLine(batch, row, { status_code: row.result.status, body }, error);
    }
    if (row.result !== undefined || end !== 'expired') return undefined;
    const message = 'This request could not be executed before the completion window expired.';
    return resultLine(batch, row, null, { code: 'batch_expired', message });
  }
}

function resultLine(
  batch: OpenaiBatch,
  { index, line }: Row,
  response: { status_code: number; body: object | null } | null,
  error: object | null,
): object {
  const id = `${batch.id.slice(idPrefix.length)}${index}`;
  return {
    id: `batch_req_${id}`,
    custom_id: line.custom_id,
    response: response && { ...response, request_id: `req_${id}` },
    error,
  };
}

function errorsOf({ errors, fault }: OpenaiBatch): readonly LineError[] {
  if (errors.length > 0) return errors;
  const message = fault?.message ?? 'The batch failed because of an error on the side of the sandbox.';
  return [{ code: fault?.code ?? 'server_error', line: null, message, param: null }];
}

function requestCounts({ requests }: OpenaiBatch, { state, end, done, failed, unreached }: Standing): object {
  if (state === 'validating' || end === 'failed') return { total: 0, completed: 0, failed: 0 };
  return {
    total: requests,
    completed: done - failed,
    failed: failed + (end === 'expired' ? unreached : 0),
  };
}

/** The order of a batch that is in order itself. */
function readOrder(
  body: unknown,
  dialect: BatchDialect,
): Pick<OpenaiBatch, 'inputFileId' | 'completionWindow' | 'metadata'> {
  if (!isObject(body)) throw notJson;
  for (const field of ['input_file_id', 'endpoint', 'completion_window']) {
    if (typeof body[field] === 'string') continue;
    const message = `Missing required parameter: '${field}'.`;
    throw new Refused(400, message, { code: 'missing_required_parameter', field });
  }
  const refuseValue = (field: string, wanted: string) =>
    new Refused(400, `Invalid value: '${body[field]}'. ${wanted}`, { code: 'invalid_value', field });
  if (body.endpoint !== endpoint)
    throw refuseValue('endpoint', `The sandbox runs batches of '${endpoint}' only.`);
  const { longestWindowHours: most } = dialect;
  const hours = hoursOf(String(body.completion_window)) ?? 0;
  if (hours < 24 || hours > most)
    throw refuseValue('completion_window', `Value must be '24h'${most > 24 ? ` to '${most}h'` : ''}.`);
  return {
    inputFileId: String(body.input_file_id),
    completionWindow: String(body.completion_window),
    metadata: readMetadata(body.metadata ?? null, dialect),
  };
}

/** 16 pairs, keys of up to 64 characters, values of up to 512 (OpenAI's API reference, `metadata`). */
function readMetadata(metadata: unknown, { longestMetadata }: BatchDialect): OpenaiBatch['metadata'] {
  if (metadata === null) return null;
  const pairs = isObject(metadata) ? Object.entries(metadata) : undefined;
  const fits = ([key, value]: [string, unknown]) =>
    key.length <= 64 && typeof value === 'string' && value.length <= (longestMetadata[key] ?? 512);
  if (pairs !== undefined && pairs.length <= 16 && pairs.every(fits))
    return metadata as OpenaiBatch['metadata'];
  const wanted = 'at most 16 pairs, keys of at most 64 and text values of at most 512 characters';
  throw new Refused(400, `Invalid 'metadata': expected ${wanted}.`, { field: 'metadata' });
}

/** The hours of a completion window such as `24h` or `2d`. */
function hoursOf(window: string): number | undefined {
  const [, count, unit] = /^(\d+)([hd])$/.exec(window) ?? [];
  return count === undefined ? undefined : Number(count) * (unit === 'd' ? 24 : 1);
}
