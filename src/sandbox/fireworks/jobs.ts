/** Fireworks' data sets and batch jobs: named by whoever makes them, and read through signed addresses. */
import { isUnknownModel } from '../engine/answers.ts';
import { Batches, type Row } from '../engine/batches.ts';
import type { AnswerForm } from '../engine/live.ts';
import type { BatchState, StoredBatch } from '../engine/standing.ts';
import { isoTime, type SandboxContext } from '../engine/vendor.ts';
import {
  type Answer,
  type Call,
  invalid,
  isObject,
  json,
  parseJson,
  Refused,
  type Route,
} from '../http/http.ts';
import { lineBlocks } from '../http/lines.ts';
import { readForm } from '../http/multipart.ts';
import { readChat } from '../openai/chat.ts';

/** A job on disk. */
interface Job extends StoredBatch {
  readonly account: string;
  readonly model: string;
  readonly input: string;
  readonly output: string;
  /** What is wrong with its requests. */
  readonly failure?: string;
}

/** A data set on disk; without bytes nothing was uploaded yet. */
interface Dataset {
  readonly id: string;
  readonly bytes?: number;
}

/** Its guide to batches. */
const usualLimits = { requests: 1_000_000, batchBytes: 500_000_000 };

/** google.rpc.Code of an HTTP status. */
const rpcCodes: Readonly<Record<number, number>> = { 400: 3, 403: 7, 404: 5, 409: 6, 429: 8, 503: 14 };

const stateWords: Partial<Record<BatchState, string>> = { finalizing: 'WRITING_RESULTS' };

/** The files of a data set of results. */
const resultNames = ['results.jsonl', 'errors.jsonl'] as const;

/** What a call under an account asks for, and the signed addresses, which want no key. */
export function fireworksRoutes(context: SandboxContext, form: AnswerForm): Route[] {
  const limits = { ...usualLimits, ...context.limits.fireworks };
  const datasets = context.store.collection<Dataset>('fireworks', 'files');
  const jobs = new Batches<Job>(context, {
    vendor: 'fireworks',
    form,
    idPrefix: '',
    idField: 'custom_id',
    word: (state) => `JOB_STATE_${stateWords[state] ?? state.toUpperCase()}`,
    readRequest: ({ body }, { model }) => readChat({ ...(isObject(body) ? body : {}), model }, false),
    notFound: (id) => new Refused(404, `Batch inference job ${id} was not found.`),
  });
  const missing = (id: string) => new Refused(404, `Dataset ${id} was not found.`);
  const lastOf = (name: unknown) => String(name).split('/').at(-1) ?? '';

  async function findDataset(id: string): Promise<Dataset> {
    const dataset = await datasets.read(id);
    if (dataset === undefined) throw missing(id);
    return dataset;
  }

  async function createDataset(call: Call, account = ''): Promise<Answer> {
    const order = await call.json();
    const { datasetId: id, dataset } = isObject(order) ? order : {};
    if (typeof id !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(id))
      throw invalid('The id of a dataset is of small letters, digits and dashes.');
    if (!isObject(dataset)) throw invalid('A dataset is wanted.');
    if ((await datasets.read(id)) !== undefined) throw new Refused(409, `Dataset ${id} already exists.`);
    await datasets.write({ id });
    return json(datasetObject(account, { id }));
  }

  async function upload(call: Call, _account = '', id = ''): Promise<Answer> {
    await findDataset(id);
    let bytes = -1;
    await datasets.writeBody(async (write) => {
      await readForm(call, async () => {
        bytes = 0;
        return async (chunk) => {
          bytes += chunk.length;
          if (bytes <= limits.batchBytes) await write(chunk);
        };
      });
      if (bytes < 0) throw invalid('The form has no file.');
      if (bytes > limits.batchBytes) throw new Refused(413, 'The file is too large.');
      return { id };
    });
    await datasets.write({ id, bytes });
    return json({ id, object: 'file', bytes });
  }

  async function removeDataset(_call: Call, _account = '', id = ''): Promise<Answer> {
    await findDataset(id);
    await datasets.remove(id);
    return json({});
  }

  async function create(call: Call, account = ''): Promise<Answer> {
    const id = call.query.get('batchInferenceJobId') ?? '';
    const order = await call.json();
    const { model, inputDatasetId, outputDatasetId } = isObject(order) ? order : {};
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(id))
      throw invalid('The id of a job is of small letters, digits and dashes.');
    if ((await jobs.stored.read(id)) !== undefined)
      throw new Refused(409, `Batch inference job ${id} already exists.`);
    if (typeof model !== 'string' || isUnknownModel(model))
      throw new Refused(404, `Model ${model} was not found.`);
    if (typeof outputDatasetId !== 'string') throw invalid('outputDatasetId is missing.');
    const dataset = await findDataset(lastOf(inputDatasetId));
    if (dataset.bytes === undefined) throw new Refused(400, `Dataset ${dataset.id} is not ready.`);
    await jobs.stored.linkBody(datasets.bodyPath(dataset.id), id);
    const { requests, failure } = await checkLines(jobs.stored.bodyPath(id), limits.requests);
    if ((await jobs.queue(requests)).isFull) {
      await jobs.stored.remove(id);
      throw new Refused(429, 'The quota for batch inference of this account is used up.');
    }
    const own = {
      account,
      model,
      input: dataset.id,
      output: lastOf(outputDatasetId),
      ...(failure && { failure }),
    };
    return json(jobObject(await jobs.create(id, failure ? 0 : requests, own)));
  }

  /** The job whose results a data set holds. */
  async function findSource(output: string): Promise<Job> {
    const { records } = await jobs.stored.page(1, null, (job) => job.output === output);
    const [job] = records;
    if (job === undefined || jobs.standing(job).end === undefined) throw missing(output);
    return job;
  }

  async function listAddresses(call: Call, _account = '', id = ''): Promise<Answer> {
    const job = await findSource(id);
    const { end, done, failed } = jobs.standing(job);
    const isThere = { 'results.jsonl': done > failed, 'errors.jsonl': failed > 0 };
    const names = end === 'failed' ? [] : resultNames.filter((name) => isThere[name]);
    const signed = names.map((name) => [name, `${call.origin}/signed/${job.id}/${name}?signature=made-up`]);
    return json({ filenameToSignedUrls: Object.fromEntries(signed) });
  }

  async function download(call: Call, id = '', name = ''): Promise<Answer> {
    if (call.query.get('signature') !== 'made-up') throw new Refused(403, 'The signature is not right.');
    const job = await jobs.find(id);
    const isAnswers = name === 'results.jsonl';
    const body = jobs.resultFile(job, (row) => (isAnswers ? answerLine(job, row) : errorLine(row)));
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
  }

  function answerLine(job: Job, { index, line, result }: Row): object | undefined {
    if (result === undefined || result instanceof Refused) return undefined;
    return { custom_id: line.custom_id, response: jobs.answer(job, index, result) };
  }

  function errorLine({ line, result }: Row): object | undefined {
    if (!(result instanceof Refused)) return undefined;
    const { status, message, details } = result;
    return { custom_id: line.custom_id, error: { code: details.code ?? rpcCodes[status] ?? 13, message } };
  }

  function datasetObject(account: string, { id, bytes }: Dataset): object {
    const state = bytes === undefined ? 'UPLOADING' : 'READY';
    return { name: `accounts/${account}/datasets/${id}`, state, userUploaded: {} };
  }

  function jobObject(job: Job): object {
    const { word, end, done, failed, createdAt, endedAt, now } = jobs.standing(job);
    const usual = 'The job failed because of an error on the side of the sandbox.';
    const message = end === 'failed' ? (job.failure ?? job.fault?.message ?? usual) : '';
    const place = `accounts/${job.account}`;
    return {
      name: `${place}/batchInferenceJobs/${job.id}`,
      displayName: '',
      createTime: isoTime(createdAt),
      updateTime: isoTime(end === undefined ? now : endedAt),
      state: word,
      status: { code: message ? (job.fault?.code ?? 'INVALID_ARGUMENT') : 'OK', message },
      model: job.model,
      inputDatasetId: `${place}/datasets/${job.input}`,
      outputDatasetId: `${place}/datasets/${job.output}`,
      // A count of 0 is left out.
      jobProgress: {
        totalInputRequests: job.requests || undefined,
        successfullyProcessedRequests: done - failed || undefined,
        failedRequests: failed || undefined,
      },
    };
  }

  const datasetPath = '/v1/accounts/{account}/datasets';
  const jobPath = '/v1/accounts/{account}/batchInferenceJobs';
  const own: Route[] = [
    ['uploadFile', `POST ${datasetPath}`, createDataset],
    ['uploadFile', `POST ${datasetPath}/{id}:upload`, upload],
    [
      'getFile',
      `GET ${datasetPath}/{id}`,
      async (_call, account = '', id = '') => json(datasetObject(account, await findDataset(id))),
    ],
    ['getFile', `GET ${datasetPath}/{id}:getDownloadEndpoint`, listAddresses],
    ['deleteFile', `DELETE ${datasetPath}/{id}`, removeDataset],
    ['createBatch', `POST ${jobPath}`, create],
    [
      'getBatch',
      `GET ${jobPath}/{id}`,
      async (_call, _account, id = '') => json(jobObject(await jobs.find(id))),
    ],
    ['download', 'GET /signed/{id}/{name}', download],
  ];
  return own.map(([kind, address, run]) => [kind, address, (...asked) => inOwnWords(() => run(...asked))]);
}

/** What is refused here has google.rpc.Status for its body; live calls have OpenAI's. */
async function inOwnWords(run: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { status, message } = error;
    return json({ code: rpcCodes[status] ?? 13, message, details: [] }, status);
  }
}

/** Looks through the requests of a job. */
async function checkLines(path: string, most: number): Promise<{ requests: number; failure?: string }> {
  const ids = new Set<unknown>();
  let requests = 0;
  for await (const block of lineBlocks(path)) {
    for (const { text, number } of block) {
      requests += 1;
      const line = parseJson(text);
      const { custom_id: id, body } = isObject(line) ? line : {};
      if (typeof id !== 'string' || id === '' || !isObject(body))
        return { requests, failure: `Line ${number}: custom_id and body are wanted.` };
      if (ids.has(id)) return { requests, failure: `Line ${number}: the custom_id ${id} is not unique.` };
      ids.add(id);
    }
    if (requests > most) return { requests, failure: `There are more than ${most} requests.` };
  }
  return requests > 0 ? { requests } : { requests, failure: 'The dataset has no requests.' };
}
