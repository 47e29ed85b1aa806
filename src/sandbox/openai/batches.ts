/** Batches of OpenAI's form: created from an uploaded file, checked while `validating`, with one file for answers and one for errors. */
import type { ModelRequest } from '../engine/answers.ts';
import { Batches, type Row } from '../engine/batches.ts';
import type { AnswerForm } from '../engine/live.ts';
import { type BatchEnd, resultFault, type Standing, type StoredBatch } from '../engine/standing.ts';
import type { Collection } from '../engine/store.ts';
import { type SandboxContext, unixSeconds } from '../engine/vendor.ts';
import { type Answer, type Call, isObject, Refused, type Route } from '../http/http.ts';
import type { CompatibleName } from '../vendors.ts';
import { notJson, openaiJson } from './chat.ts';
import type { BatchDialect } from './dialects.ts';
import { checkRequestFile, type LineError, pathOfEndpoint, problemOf } from './request-file.ts';

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
}

/** How the body of a request is read, by the path that it is for. */
export type Readers = Readonly<Record<string, (body: unknown) => ModelRequest>>;

type ResultKind = 'output' | 'errors';

/** A file of results, made while it is read. */
interface ResultFile {
  content(): AsyncGenerator<string>;
  remove(): Promise<void>;
}

const hourMs = 3600 * 1000;
const idPrefix = 'batch_';

export class OpenaiBatches {
  readonly files: Collection<OpenaiFile>;
  readonly dialect: BatchDialect;
  readonly limits: BatchDialect['limits'];
  readonly #batches: Batches<OpenaiBatch>;
  /** Of the endpoints that it runs batches of. */
  readonly #paths: readonly string[];

  constructor(
    context: SandboxContext,
    vendor: CompatibleName,
    dialect: BatchDialect,
    form: AnswerForm,
    readers: Readers,
  ) {
    this.dialect = dialect;
    this.#paths = Object.keys(readers);
    this.limits = { ...dialect.limits, ...context.limits[vendor] };
    this.files = context.store.collection(vendor, 'files');
    this.#batches = new Batches(context, {
      vendor,
      form,
      idPrefix,
      idField: 'custom_id',
      word: (state) => (state === 'running' ? 'in_progress' : state),
      readRequest({ body }, { endpoint }) {
        const read = readers[pathOfEndpoint(endpoint, dialect.takesAnyForm) ?? ''];
        if (!read) throw new Refused(404, `Invalid URL (POST ${endpoint})`);
        return read(body);
      },
      notFound: (id) => new Refused(404, `No batch found with id '${id}'.`),
    });
  }

  /** Whether an upload has been looked through. */
  isReady({ createdAt }: OpenaiFile): boolean {
    return Date.now() >= createdAt + this.dialect.fileCheckMs;
  }

  routes(): Route[] {
    return [
      ['createBatch', 'POST /v1/batches', (call) => this.#create(call)],
      ['listBatches', 'GET /v1/batches', (call) => this.#list(call)],
      [
        'getBatch',
        'GET /v1/batches/{id}',
        async (_call, id = '') => this.#show(await this.#batches.find(id)),
      ],
      ['cancelBatch', 'POST /v1/batches/{id}/cancel', (_call, id = '') => this.#cancel(id)],
    ];
  }

  async #create(call: Call): Promise<Answer> {
    const order = readOrder(await call.json(), this.dialect, this.#paths);
    const file = await this.files.read(order.inputFileId);
    if (file?.purpose !== 'batch') {
      const message = `Cannot find file ${order.inputFileId} for a batch: no such file, or not of purpose 'batch'.`;
      throw new Refused(400, message, { field: 'input_file_id' });
    }
    if (!this.isReady(file)) throw new Refused(400, `The file ${file.id} is not ready: it is pending.`);
    const id = this.#batches.newId();
    await this.#batches.stored.linkBody(this.files.bodyPath(file.id), id);
    const { requests, model, errors } = await checkRequestFile(
      this.#batches.stored.bodyPath(id),
      file.bytes,
      this.limits,
      { endpoint: order.endpoint, ...this.dialect },
    );
    const { isFull, limit } = await this.#batches.queue(requests);
    if (errors.length === 0 && isFull) {
      // A full queue does not refuse the call: the batch is created and then fails.
      const message =
        `Enqueued token limit reached for ${model} in organization org-sandbox. Limit: ${limit} enqueued ` +
        'requests. Please try again once some in_progress batches have been completed.';
      errors.push(problemOf(null, 'token_limit_exceeded', message));
    }
    const own = { ...order, model, errors };
    const batch = await this.#batches.create(id, errors.length > 0 ? 0 : requests, own);
    return this.#show(batch, batch.createdAt);
  }

  async #list(call: Call): Promise<Answer> {
    const { nameField } = this.dialect;
    const name = nameField === undefined ? null : call.query.get(nameField);
    const { records, hasMore } = await this.#batches.list(
      call.pageSize('limit', 20, 100),
      call.query.get('after'),
      ({ metadata }) => name === null || (metadata?.[nameField as string] ?? '').includes(name),
    );
    return openaiJson({
      object: 'list',
      data: records.map((batch) => this.#batchObject(batch)),
      first_id: records[0]?.id ?? null,
      last_id: records.at(-1)?.id ?? null,
      has_more: hasMore,
    });
  }

  async #cancel(id: string): Promise<Answer> {
    const { end, word } = this.#batches.standing(await this.#batches.find(id));
    if (end !== undefined) throw new Refused(409, `Cannot cancel a batch with status '${word}'.`);
    return this.#show(await this.#batches.cancel(id));
  }

  #show(batch: OpenaiBatch, at?: number): Answer {
    return openaiJson(this.#batchObject(batch, at));
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
      expires_at: unixSeconds(createdAt + hoursOf(batch.completionWindow) * hourMs),
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
    const hasOutput = done > failed && !resultFault(batch)?.onlyErrors;
    const hasErrors = failed > 0 || (end === 'expired' && unreached > 0);
    return {
      ...(hasOutput && { output_file_id: `${fileIds.output}${suffix}` }),
      error_file_id: hasErrors ? `${fileIds.errors}${suffix}` : batch.fault?.blankFileIds ? '' : null,
    };
  }

  /** The result file of an ended batch that has this id. */
  async resultFile(fileId: string): Promise<ResultFile | undefined> {
    const { fileIds } = this.dialect;
    const kind: ResultKind = fileId.startsWith(fileIds.errors) ? 'errors' : 'output';
    const { stored } = this.#batches;
    const batch = await stored.read(`${idPrefix}${fileId.slice(fileIds[kind].length)}`);
    if (batch === undefined || batch.removed?.[kind]) return undefined;
    const standing = this.#batches.standing(batch);
    if (!Object.values(this.#resultIds(batch, standing)).includes(fileId)) return undefined;
    const write = (row: Row) =>
      kind === 'output' ? this.#outputLine(batch, row) : this.#errorLine(batch, row, standing.end);
    return {
      content: () => this.#batches.resultFile(batch, write),
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
  const suffix = `${batch.id.slice(idPrefix.length)}${index}`;
  return {
    id: `batch_req_${suffix}`,
    custom_id: line.custom_id,
    response: response && { ...response, request_id: `req_${suffix}` },
    error,
  };
}

function errorsOf({ errors, fault }: OpenaiBatch): readonly LineError[] {
  if (errors.length > 0) return errors;
  const usual = 'The batch failed because of an error on the side of the sandbox.';
  return [problemOf(null, fault?.code ?? 'server_error', fault?.message ?? usual)];
}

function requestCounts({ requests }: OpenaiBatch, { state, end, done, failed, unreached }: Standing): object {
  if (state === 'validating' || end === 'failed') return { total: 0, completed: 0, failed: 0 };
  return {
    total: requests,
    completed: done - failed,
    failed: failed + (end === 'expired' ? unreached : 0),
  };
}

/** The order of a batch, if it is in order itself. */
function readOrder(
  body: unknown,
  { longestWindowHours: most, longestMetadata, takesAnyForm }: BatchDialect,
  paths: readonly string[],
): Pick<OpenaiBatch, 'endpoint' | 'inputFileId' | 'completionWindow' | 'metadata'> {
  if (!isObject(body)) throw notJson;
  for (const field of ['input_file_id', 'endpoint', 'completion_window']) {
    if (typeof body[field] === 'string') continue;
    const message = `Missing required parameter: '${field}'.`;
    throw new Refused(400, message, { code: 'missing_required_parameter', field });
  }
  const refuseValue = (field: string, wanted: string) =>
    new Refused(400, `Invalid value: '${body[field]}'. ${wanted}`, { code: 'invalid_value', field });
  const endpoint = String(body.endpoint);
  if (!paths.includes(pathOfEndpoint(endpoint, takesAnyForm) ?? '')) {
    const known = paths.map((path) => `'/v1${path}'`).join(' and ');
    throw refuseValue('endpoint', `The sandbox runs batches of ${known} only.`);
  }
  const completionWindow = String(body.completion_window);
  const hours = hoursOf(completionWindow);
  if (hours < 24 || hours > most)
    throw refuseValue('completion_window', `Value must be '24h'${most > 24 ? ` to '${most}h'` : ''}.`);
  const metadata = (body.metadata ?? null) as OpenaiBatch['metadata'];
  // 16 pairs, keys of up to 64 characters, values of up to 512 (OpenAI's API reference, `metadata`).
  const pairs = Object.entries(metadata ?? {});
  const fits = ([key, value]: [string, unknown]) =>
    key.length <= 64 && typeof value === 'string' && value.length <= (longestMetadata[key] ?? 512);
  if (pairs.length > 16 || !pairs.every(fits)) {
    const wanted = 'at most 16 pairs, keys of at most 64 and text values of at most 512 characters';
    throw new Refused(400, `Invalid 'metadata': expected ${wanted}.`, { field: 'metadata' });
  }
  return { endpoint, inputFileId: String(body.input_file_id), completionWindow, metadata };
}

/** The hours of a completion window such as `24h` or `2d`; 0 for what is none. */
function hoursOf(window: string): number {
  const [, count = 0, unit] = /^(\d+)([hd])$/.exec(window) ?? [];
  return Number(count) * (unit === 'd' ? 24 : 1);
}
