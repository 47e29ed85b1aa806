/** Mistral's batch jobs: created from an uploaded file of bodies, with a file for answers and one for errors. */
import type { ModelRequest } from '../engine/answers.ts';
import { Batches, type Row } from '../engine/batches.ts';
import type { AnswerForm } from '../engine/live.ts';
import { type BatchState, resultFault, type StoredBatch } from '../engine/standing.ts';
import { type Collection, newId } from '../engine/store.ts';
import { type SandboxContext, unixSeconds } from '../engine/vendor.ts';
import { type Answer, type Call, isObject, json, parseJson, Refused, type Route } from '../http/http.ts';
import { lineBlocks } from '../http/lines.ts';
import { readForm } from '../http/multipart.ts';
import { mistralErrorBody } from './error-body.ts';

/** A job on disk. */
interface Job extends StoredBatch {
  readonly model: string;
  readonly inputFiles: readonly string[];
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly removed?: { readonly [Kind in ResultKind]?: boolean };
}

interface UploadedFile {
  readonly id: string;
  readonly bytes: number;
  readonly lines: number;
  readonly name: string;
  readonly createdAt: number;
}

type ResultKind = 'output' | 'errors';

const endpoint = '/v1/chat/completions';
/** Its page on limits. */
const usualLimits = { requests: 100_000, batchBytes: 512_000_000 };
/** From the end of a job, by the same. */
const resultsKeptMs = 24 * 3600 * 1000;

const words: Readonly<Record<BatchState, string>> = {
  validating: 'QUEUED',
  running: 'RUNNING',
  finalizing: 'RUNNING',
  cancelling: 'CANCELLATION_REQUESTED',
  completed: 'SUCCESS',
  failed: 'FAILED',
  expired: 'TIMEOUT_EXCEEDED',
  cancelled: 'CANCELLED',
};

/** What a call under `/v1/files` and `/v1/batch/jobs` asks for. */
export function mistralJobRoutes(
  context: SandboxContext,
  form: AnswerForm,
  read: (body: unknown) => ModelRequest,
): Route[] {
  const limits = { ...usualLimits, ...context.limits.mistral };
  const files: Collection<UploadedFile> = context.store.collection('mistral', 'files');
  const jobs = new Batches<Job>(context, {
    vendor: 'mistral',
    form,
    idPrefix: '',
    idField: 'custom_id',
    word: (state) => words[state],
    readRequest: ({ body }, { model }) => read(isObject(body) ? { ...body, model } : body),
    notFound: (id) => new Refused(404, `Batch job ${id} not found`),
  });

  async function upload(call: Call): Promise<Answer> {
    let name = '';
    let bytes = 0;
    let purpose: string | undefined;
    const file = await files.writeBody(async (write): Promise<UploadedFile> => {
      const fields = await readForm(call, async (fileName) => {
        name = fileName;
        return async (chunk) => {
          bytes += chunk.length;
          if (bytes <= limits.batchBytes) await write(chunk);
        };
      });
      purpose = fields.get('purpose');
      if (bytes > limits.batchBytes) throw new Refused(413, 'The file is larger than 512 MB.');
      if (name === '' || bytes === 0) throw new Refused(422, 'file: Field required');
      return { id: newId(), bytes, lines: 0, name, createdAt: Date.now() };
    });
    const problem =
      purpose === 'batch' ? await findProblem(files.bodyPath(file.id)) : "purpose: must be 'batch'";
    if (typeof problem === 'string') {
      await files.remove(file.id);
      throw new Refused(422, `Invalid file format. ${problem}`);
    }
    const whole = { ...file, lines: problem };
    await files.write(whole);
    return json(describeFile(whole));
  }

  async function findFile(id: string): Promise<UploadedFile> {
    const file = await files.read(id);
    if (file === undefined) throw new Refused(404, `File ${id} not found`);
    return file;
  }

  async function download(_call: Call, id = ''): Promise<Answer> {
    const { job, kind } = await findResults(id);
    const body = jobs.resultFile(job, (row) => writeRow(job, kind, row));
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
  }

  async function removeFile(_call: Call, id = ''): Promise<Answer> {
    if (/-(?:output|errors)$/.test(id)) {
      const { job, kind } = await findResults(id);
      await jobs.stored.write({ ...job, removed: { ...job.removed, [kind]: true } });
    } else await files.remove((await findFile(id)).id);
    return json({ id, object: 'file', deleted: true });
  }

  /** The job of a file of results that is there still. */
  async function findResults(id: string): Promise<{ job: Job; kind: ResultKind }> {
    const [, jobId = '', kind] = /^(.*)-(output|errors)$/.exec(id) ?? [];
    const job = kind === undefined ? undefined : await jobs.stored.read(jobId);
    const isThere = job && Object.values(resultIds(job)).includes(id) && !job.removed?.[kind as ResultKind];
    const { endedAt, now } = isThere ? jobs.standing(job) : { endedAt: 0, now: 0 };
    if (!isThere || job.fault?.archived || now > endedAt + resultsKeptMs)
      throw new Refused(404, `File ${id} not found`);
    return { job, kind: kind as ResultKind };
  }

  async function create(call: Call): Promise<Answer> {
    const { model, inputFiles, metadata } = readOrder(await call.json());
    const [fileId = ''] = inputFiles;
    const file = await findFile(fileId);
    read({ model, messages: [{ role: 'user', content: 'x' }] });
    if (file.lines > limits.requests) throw new Refused(422, `At most ${limits.requests} requests per job`);
    const { isFull, limit } = await jobs.queue(file.lines);
    if (isFull) throw new Refused(429, `This workspace may have ${limit} requests in open jobs.`);
    const id = jobs.newId();
    await jobs.stored.linkBody(files.bodyPath(file.id), id);
    const job = await jobs.create(id, file.lines, { model, inputFiles, metadata });
    return json(describe(job, job.createdAt));
  }

  async function list(call: Call): Promise<Answer> {
    const size = call.pageSize('page_size', 100, 100);
    const page = Number(call.query.get('page') ?? 0);
    const { records } = await jobs.list(Number.POSITIVE_INFINITY, null);
    const shown = records.slice(page * size, (page + 1) * size);
    return json({ object: 'list', data: shown.map((job) => describe(job)), total: records.length });
  }

  const show = async (_call: Call, id = '') => json(describe(await jobs.find(id)));

  async function cancel(_call: Call, id = ''): Promise<Answer> {
    if (jobs.standing(await jobs.find(id)).end !== undefined)
      throw new Refused(400, `Batch job ${id} is over and can't be cancelled`);
    return json(describe(await jobs.cancel(id)));
  }

  function resultIds(job: Job): { output_file: string | null; error_file: string | null } {
    const { end, done, failed } = jobs.standing(job);
    const hasOutput = end !== undefined && end !== 'failed' && done > failed && !resultFault(job)?.onlyErrors;
    const hasErrors = end !== undefined && failed > 0;
    return {
      output_file: hasOutput ? `${job.id}-output` : null,
      error_file: hasErrors ? `${job.id}-errors` : null,
    };
  }

  function writeRow(job: Job, kind: ResultKind, { index, line, result }: Row): object | undefined {
    if (result === undefined || result instanceof Refused !== (kind === 'errors')) return undefined;
    const response =
      result instanceof Refused
        ? { status_code: result.status, body: JSON.stringify(mistralErrorBody(result)) }
        : { status_code: 200, body: jobs.answer(job, index, result) };
    return { id: `batch-${job.id}-${index}`, custom_id: line.custom_id, response, error: null };
  }

  function describe(job: Job, at?: number): object {
    const { word, state, end, done, failed, createdAt, startedAt, endedAt } = jobs.standing(job, at);
    const isCounted = state !== 'validating';
    return {
      ...{ id: job.id, object: 'batch', input_files: job.inputFiles, metadata: job.metadata, endpoint },
      ...{ model: job.model, agent_id: null, ...resultIds(job), status: word },
      errors:
        end === 'failed' ? [{ message: job.fault?.message ?? 'Internal error', count: job.requests }] : [],
      outputs: null,
      created_at: unixSeconds(createdAt),
      started_at: isCounted ? unixSeconds(startedAt) : null,
      completed_at: end === undefined ? null : unixSeconds(endedAt),
      total_requests: isCounted ? job.requests : 0,
      completed_requests: done,
      succeeded_requests: done - failed,
      failed_requests: failed,
    };
  }

  return [
    ['uploadFile', 'POST /v1/files', upload],
    ['getFile', 'GET /v1/files/{id}', async (_call, id = '') => json(describeFile(await findFile(id)))],
    ['deleteFile', 'DELETE /v1/files/{id}', removeFile],
    ['download', 'GET /v1/files/{id}/content', download],
    ['createBatch', 'POST /v1/batch/jobs', create],
    ['listBatches', 'GET /v1/batch/jobs', list],
    ['getBatch', 'GET /v1/batch/jobs/{id}', show],
    ['cancelBatch', 'POST /v1/batch/jobs/{id}/cancel', cancel],
  ];
}

/** The number of lines of a request file, or what is wrong with it: then none of it is taken. */
async function findProblem(path: string): Promise<number | string> {
  let lines = 0;
  for await (const block of lineBlocks(path)) {
    for (const { text, number } of block) {
      const line = parseJson(text);
      if (!isObject(line) || !isObject(line.body)) return `line ${number}: body: Field required`;
      lines += 1;
    }
  }
  return lines > 0 ? lines : 'The file has no lines.';
}

/** The order of a job, if it is in order itself. */
function readOrder(body: unknown): Pick<Job, 'model' | 'inputFiles' | 'metadata'> {
  const order = isObject(body) ? body : {};
  const { input_files: inputFiles, model, metadata = null, timeout_hours: hours = 24 } = order;
  if (!Array.isArray(inputFiles) || inputFiles.length !== 1)
    throw new Refused(422, 'input_files: the sandbox takes one file');
  if (typeof model !== 'string' || model === '') throw new Refused(422, 'model: Field required');
  if (order.endpoint !== endpoint) throw new Refused(422, `endpoint: the sandbox runs '${endpoint}' only`);
  if (!(Number(hours) >= 1 && Number(hours) <= 168))
    throw new Refused(422, 'timeout_hours: Input should be from 1 to 168');
  const isText = isObject(metadata) && Object.values(metadata).every((value) => typeof value === 'string');
  if (metadata !== null && !isText) throw new Refused(422, 'metadata: Input should be a valid string');
  return { model, inputFiles, metadata: metadata as Job['metadata'] };
}

function describeFile({ id, bytes, lines, name, createdAt }: UploadedFile): object {
  return {
    ...{ id, object: 'file', bytes, created_at: unixSeconds(createdAt), filename: name, purpose: 'batch' },
    ...{ sample_type: 'batch_request', num_lines: lines, source: 'upload', expires_at: null },
  };
}
