/** xAI's files and batches: counts in place of a status word, and pages of results. */
import { Batches, type Row } from '../engine/batches.ts';
import type { AnswerForm } from '../engine/live.ts';
import type { StoredBatch } from '../engine/standing.ts';
import { newId } from '../engine/store.ts';
import { isoTime, type SandboxContext } from '../engine/vendor.ts';
import { type Answer, type Call, invalid, isObject, parseJson, Refused, type Route } from '../http/http.ts';
import { readForm } from '../http/multipart.ts';
import { openaiJson, readChat } from '../openai/chat.ts';
import { checkRequestFile, usualEndpoint } from '../openai/request-file.ts';

/** A batch on disk. */
interface XaiBatch extends StoredBatch {
  readonly name: string;
  readonly fileId: string;
  /** What is wrong with its file. */
  readonly failure?: string;
}

/** An uploaded file on disk. */
interface XaiFile {
  readonly id: string;
  readonly bytes: number;
}

/** xAI names no limit of the file. */
const usualLimits = {
  requests: 1_000_000,
  batchBytes: 512_000_000,
  fileBytes: 512_000_000,
  lineBytes: Number.POSITIVE_INFINITY,
};
const idPrefix = 'batch_';
const hourMs = 3600 * 1000;

/** google.rpc.Code of an HTTP status. */
const rpcCodes: Readonly<Record<number, number>> = { 400: 3, 403: 7, 404: 5, 429: 8, 503: 14 };

/** What a call under `/v1/files` and `/v1/batches` asks for. */
export function xaiBatchRoutes(context: SandboxContext, form: AnswerForm): Route[] {
  const limits = { ...usualLimits, ...context.limits.xai };
  const files = context.store.collection<XaiFile>('xai', 'files');
  const batches = new Batches<XaiBatch>(context, {
    vendor: 'xai',
    form,
    idPrefix,
    idField: 'batch_request_id',
    word: (state) => state,
    readRequest: ({ body }) => readChat(body, false),
    notFound: (id) => new Refused(404, `Batch ${id} was not found.`),
  });

  async function upload(call: Call): Promise<Answer> {
    const file = await files.writeBody(async (write): Promise<XaiFile> => {
      let bytes = -1;
      await readForm(call, async () => {
        bytes = 0;
        return async (chunk) => {
          bytes += chunk.length;
          if (bytes <= limits.fileBytes) await write(chunk);
        };
      });
      if (bytes < 0) throw invalid('The form has no file.');
      if (bytes > limits.fileBytes) throw new Refused(413, 'The file is too large.');
      return { id: `file_${newId()}`, bytes };
    });
    await files.write(file);
    return openaiJson({ id: file.id, object: 'file', bytes: file.bytes });
  }

  async function removeFile(_call: Call, id = ''): Promise<Answer> {
    if ((await files.read(id)) === undefined) throw new Refused(404, `File ${id} was not found.`);
    await files.remove(id);
    return openaiJson({ id, deleted: true });
  }

  async function create(call: Call): Promise<Answer> {
    const order = await call.json();
    const { name, input_file_id: fileId } = isObject(order) ? order : {};
    if (typeof name !== 'string' || name === '') throw invalid('Missing field: name');
    const file = typeof fileId === 'string' ? await files.read(fileId) : undefined;
    if (file === undefined) throw invalid(`The input file ${fileId} was not found.`);
    const id = batches.newId();
    await batches.stored.linkBody(files.bodyPath(file.id), id);
    const { requests, errors } = await checkRequestFile(batches.stored.bodyPath(id), file.bytes, limits, {
      endpoint: usualEndpoint,
      takesAnyForm: false,
    });
    if ((await batches.queue(requests)).isFull) {
      await batches.stored.remove(id);
      throw new Refused(429, 'Too many requests are waiting in batches of this team.');
    }
    const [error] = errors;
    const own = { name, fileId: file.id, ...(error && { failure: `Line ${error.line}: ${error.message}` }) };
    return openaiJson(batchObject(await batches.create(id, error ? 0 : requests, own)));
  }

  /** The last page has a token too where its page is full. */
  async function list(call: Call): Promise<Answer> {
    const size = call.pageSize('limit', 100, 1000);
    const { records, hasMore } = await batches.list(size, call.query.get('pagination_token'));
    const token = hasMore ? records.at(-1)?.id : null;
    return openaiJson({ batches: records.map(batchObject), pagination_token: token });
  }

  async function cancel(_call: Call, id = ''): Promise<Answer> {
    return openaiJson(batchObject(await batches.cancel(id)));
  }

  /** The page behind a token, which is the number of results ahead of it. */
  async function listResults(call: Call, id = ''): Promise<Answer> {
    const batch = await batches.find(id);
    if (batches.standing(batch).end === undefined) throw invalid(`Batch ${id} has no results yet.`);
    const size = call.pageSize('limit', 100, 1000);
    const start = Number(call.query.get('pagination_token') ?? 0);
    const results: unknown[] = [];
    let seen = 0;
    for await (const piece of batches.resultFile(batch, (row) => resultOf(batch, row))) {
      for (const line of piece.split('\n')) {
        if (line === '') continue;
        if (seen++ >= start && results.length < size) results.push(parseJson(line) ?? line);
      }
      if (seen > start + size) break;
    }
    const token = seen > start + size ? String(start + size) : null;
    return openaiJson({ results, pagination_token: token });
  }

  function resultOf(batch: XaiBatch, { index, line, result }: Row): object | undefined {
    const written = (batch_result: object) => ({ batch_request_id: line.custom_id, batch_result });
    if (result instanceof Refused) {
      const { status, message, details } = result;
      return written({ error: { code: details.code ?? rpcCodes[status] ?? 13, message } });
    }
    if (result !== undefined)
      return written({ response: { chat_get_completion: batches.answer(batch, index, result) } });
    if (batches.standing(batch).end !== 'expired') return undefined;
    return written({ error: { code: 4, message: 'The request was not reached in time.' } });
  }

  function batchObject(batch: XaiBatch): object {
    const { state, end, done, failed, unreached, createdAt, cancelledAt, endedAt } = batches.standing(batch);
    const isRead = state !== 'validating' && end !== 'failed';
    const open = end === undefined ? Math.max(1, batch.requests - done) : 0;
    const lost = end === 'expired' ? unreached : 0;
    const cancelTime = cancelledAt ?? (end === 'cancelled' || end === 'failed' ? endedAt : undefined);
    const usual = 'The batch failed because of an error on the side of the sandbox.';
    return {
      batch_id: batch.id,
      name: batch.name,
      input_file_id: batch.fileId,
      create_time: isoTime(createdAt),
      expire_time: isoTime(createdAt + 30 * 24 * hourMs),
      cancel_time: cancelTime === undefined ? null : isoTime(cancelTime),
      cancel_by_xai_message: end === 'failed' ? (batch.failure ?? batch.fault?.message ?? usual) : null,
      state: {
        num_requests: isRead ? batch.requests : 0,
        num_pending: isRead ? open : 0,
        num_success: isRead ? Math.min(done, batch.requests - open) - failed : 0,
        num_error: isRead ? failed + lost : 0,
        num_cancelled: isRead && end === 'cancelled' ? unreached : 0,
      },
    };
  }

  return [
    ['uploadFile', 'POST /v1/files', upload],
    ['deleteFile', 'DELETE /v1/files/{id}', removeFile],
    ['createBatch', 'POST /v1/batches', create],
    ['listBatches', 'GET /v1/batches', list],
    [
      'getBatch',
      'GET /v1/batches/{id}',
      async (_call, id = '') => openaiJson(batchObject(await batches.find(id))),
    ],
    ['cancelBatch', 'POST /v1/batches/{id}:cancel', cancel],
    ['download', 'GET /v1/batches/{id}/results', listResults],
  ];
}
