/** Google's batches: long-running operations over an uploaded file, or over requests that the call itself carries. */
import { draftAnswer } from './answers.ts';
import { cancelled, countFailed, isQueueFull, newBatch, openBatches } from './batches.ts';
import {
  type ContentRequest,
  contentResponse,
  type GoogleFile,
  googleError,
  googleRefusalIn,
  googleRowError,
  googleUnknownModel,
  nextPage,
  readContent,
} from './google-forms.ts';
import {
  type Answer,
  BodyTooLarge,
  type Call,
  isObject,
  json,
  type Operation,
  pageSize,
  parseJson,
  readText,
} from './http.ts';
import { type Line, lineBlocks } from './lines.ts';
import { resultFile } from './results.ts';
import { newId } from './store.ts';
import {
  byOwnClock,
  injectedRefusal,
  isHidden,
  progressOf,
  resultFault,
  type StoredBatch,
} from './timeline.ts';
import { isoTime, isRefusal, type Refusal, type Workshop } from './vendor.ts';

/** A batch on disk. */
interface GoogleBatch extends StoredBatch {
  readonly model: string;
  readonly displayName: string | undefined;
  /** Undefined for a batch whose requests came inline. */
  readonly fileName: string | undefined;
  /** Why the whole batch fails. */
  readonly failure?: string;
}

const shelf = 'google/batches';
const typePrefix = 'type.googleapis.com/google.ai.generativelanguage.v1main';

/** What a call about batches asks for. */
export function googleBatchOperation(workshop: Workshop, call: Call): Operation | undefined {
  const created = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):batchGenerateContent$/.exec(call.path);
  if (created !== null && call.method === 'POST') {
    return { kind: 'createBatch', run: () => create(workshop, created[1] as string, call) };
  }
  const found = /^\/v1(?:beta|alpha)?\/batches(?:\/([^/:]+)(:cancel)?)?$/.exec(call.path);
  if (found === null) return undefined;
  const [, id, cancelling] = found;
  if (id === undefined)
    return call.method === 'GET' ? { kind: 'listBatches', run: () => list(workshop, call) } : undefined;
  if (cancelling !== undefined) return { kind: 'cancelBatch', run: () => cancel(workshop, id) };
  if (call.method === 'GET') return { kind: 'getBatch', run: () => retrieve(workshop, id) };
  if (call.method === 'DELETE') return { kind: 'deleteBatch', run: () => remove(workshop, id) };
  return undefined;
}

interface CreateRequest {
  readonly displayName: string | undefined;
  readonly fileName: string | undefined;
  readonly requests: readonly unknown[] | undefined;
}

async function create(workshop: Workshop, model: string, call: Call): Promise<Answer> {
  const request = await readCreate(workshop, call);
  if (isRefusal(request)) return googleError(request);
  const unknown = googleUnknownModel(model);
  if (unknown !== undefined) return googleError(unknown);
  const id = newId() + newId().slice(-16);
  const refusal = await store(workshop, id, request);
  if (refusal !== undefined) return googleError(refusal);
  const check = await checkLines(workshop, id);
  const full = check.failure === undefined ? await refuseQueue(workshop, model, check.requests) : undefined;
  if (full !== undefined) {
    await workshop.store.remove(shelf, id);
    return googleError(full);
  }
  const batch = await newGoogleBatch(workshop, id, model, request, check);
  await workshop.store.write(shelf, id, batch);
  workshop.statistics.batchCreated('google');
  return json(await operationObject(workshop, batch, batch.createdAt, true));
}

async function readCreate(workshop: Workshop, call: Call): Promise<CreateRequest | Refusal> {
  const limit = workshop.limits.google.inlineBytes;
  try {
    return readCreateBody(parseJson(await readText(call.request, limit)));
  } catch (error) {
    if (error instanceof BodyTooLarge)
      return invalid(`Request payload size exceeds the limit: ${limit} bytes.`);
    throw error;
  }
}

function readCreateBody(body: unknown): CreateRequest | Refusal {
  const batch = isObject(body) ? body.batch : undefined;
  if (!isObject(batch)) return invalid('* BatchGenerateContentRequest.batch: batch is required\n');
  const input = batch.inputConfig ?? batch.input_config;
  if (!isObject(input))
    return invalid('* BatchGenerateContentRequest.batch.input_config: input_config is required\n');
  const name = batch.displayName ?? batch.display_name;
  const displayName = typeof name === 'string' ? name : undefined;
  const fileName = input.fileName ?? input.file_name;
  const requests = isObject(input.requests) ? input.requests.requests : undefined;
  if (typeof fileName === 'string') return { displayName, fileName, requests: undefined };
  if (Array.isArray(requests) && requests.length > 0) return { displayName, fileName: undefined, requests };
  return invalid('* BatchGenerateContentRequest.batch.input_config: a file or requests must be given\n');
}

/** Puts the requests of a batch into its body. */
async function store(workshop: Workshop, id: string, request: CreateRequest): Promise<Refusal | undefined> {
  if (request.requests !== undefined) {
    const sink = await workshop.store.newBody(shelf);
    await sink.write(Buffer.from(request.requests.map((row) => `${JSON.stringify(row)}\n`).join('')));
    await sink.keep(workshop.store.bodyPath(shelf, id));
    return undefined;
  }
  const fileId = (request.fileName ?? '').replace(/^files\//, '');
  const file = await workshop.store.read<GoogleFile>('google/files', fileId);
  if (file === undefined) return { status: 404, message: `The file ${request.fileName} does not exist.` };
  await workshop.store.linkBody({ shelf: 'google/files', id: fileId }, { shelf, id });
  return undefined;
}

/** A line that is no JSON sinks the whole batch; anything else that is wrong is the row's own affair. */
async function checkLines(
  workshop: Workshop,
  id: string,
): Promise<{ requests: number; failure: string | undefined }> {
  let requests = 0;
  for await (const block of lineBlocks(workshop.store.bodyPath(shelf, id))) {
    for (const line of block) {
      if (!isObject(parseJson(line.text))) {
        return { requests: 0, failure: `Failed to parse line ${line.number} of the input file as JSON.` };
      }
      requests += 1;
    }
  }
  return { requests, failure: requests === 0 ? 'The input file has no requests.' : undefined };
}

async function refuseQueue(
  workshop: Workshop,
  model: string,
  requests: number,
): Promise<Refusal | undefined> {
  const { google } = workshop.limits;
  if (requests > google.requests) return invalid(`A batch takes at most ${google.requests} requests.`);
  const advice = 'Please check your plan and billing details.';
  const message = `You exceeded your current quota for batches of ${model}. ${advice}`;
  if (await isQueueFull(workshop, 'google', shelf, requests)) return { status: 429, message };
  const open = await openBatches(workshop, shelf);
  return open.batches >= google.openBatches ? { status: 429, message } : undefined;
}

async function newGoogleBatch(
  workshop: Workshop,
  id: string,
  model: string,
  request: CreateRequest,
  check: { requests: number; failure: string | undefined },
): Promise<GoogleBatch> {
  const { displayName, fileName } = request;
  const own = { model, displayName, fileName };
  if (check.failure !== undefined) {
    const { turnaroundMs } = workshop;
    const times = { createdAt: Date.now(), turnaroundMs };
    return { id, ...times, requests: 0, end: 'failed', done: 0, failed: 0, ...own, failure: check.failure };
  }
  const common = newBatch(workshop, 'google', id, check.requests);
  // Only a batch that succeeds keeps its results.
  const batch: GoogleBatch = { ...common, ...own, done: common.end === 'completed' ? common.done : 0 };
  const path = workshop.store.bodyPath(shelf, id);
  const failed = await countFailed(workshop, 'google', path, batch, (line) => readRow(batch, line).request);
  return { ...batch, failed };
}

async function find(workshop: Workshop, id: string): Promise<GoogleBatch | undefined> {
  const batch = await workshop.store.read<GoogleBatch>(shelf, id);
  return batch === undefined || isHidden(batch, Date.now()) ? undefined : batch;
}

async function retrieve(workshop: Workshop, id: string): Promise<Answer> {
  const batch = await find(workshop, id);
  return batch === undefined ? notFound(id) : json(await operationObject(workshop, batch, Date.now(), true));
}

async function list(workshop: Workshop, call: Call): Promise<Answer> {
  const query = new URLSearchParams(call.query);
  const size = pageSize(query, 'pageSize', 10, 100);
  const now = Date.now();
  const page = await workshop.store.page<GoogleBatch>(shelf, size, query.get('pageToken'));
  const seen = page.records.filter((batch) => !isHidden(batch, now));
  const operations = await Promise.all(seen.map((batch) => operationObject(workshop, batch, now, false)));
  return json({ operations, ...nextPage(page.next) });
}

/** Nothing is promised about a cancel, and one that comes too late is no error. */
async function cancel(workshop: Workshop, id: string): Promise<Answer> {
  const batch = await find(workshop, id);
  if (batch === undefined) return notFound(id);
  if (batch.cancel !== undefined || progressOf(batch, Date.now()).phase === 'ended') return json({});
  const path = workshop.store.bodyPath(shelf, id);
  const stopped = await cancelled(
    workshop,
    'google',
    path,
    batch,
    (line) => readRow(batch, line).request,
    false,
  );
  await workshop.store.write(shelf, id, stopped);
  return json({});
}

async function remove(workshop: Workshop, id: string): Promise<Answer> {
  if ((await find(workshop, id)) === undefined) return notFound(id);
  await workshop.store.remove(shelf, id);
  return json({});
}

function notFound(id: string): Answer {
  return googleError({ status: 404, message: `Requested entity was not found: batches/${id}` });
}

function invalid(message: string): Refusal {
  return { status: 400, message };
}

/** A batch as a long-running operation. Inline results are in it twice, as in the real one. */
async function operationObject(
  workshop: Workshop,
  stored: GoogleBatch,
  at: number,
  withResults: boolean,
): Promise<object> {
  const { batch, now } = byOwnClock(stored, at);
  const { end, endedAt } = progressOf(batch, now);
  const succeeded = end === 'completed';
  const output =
    succeeded && (batch.fileName !== undefined || withResults) ? await outputOf(workshop, batch) : undefined;
  const metadata = {
    '@type': `${typePrefix}.GenerateContentBatch`,
    model: `models/${batch.model}`,
    displayName: batch.displayName,
    state: stateWord(batch, now),
    createTime: isoTime(batch.createdAt),
    updateTime: isoTime(Math.min(now, endedAt)),
    ...(end === undefined ? {} : { endTime: isoTime(endedAt) }),
    inputConfig: batch.fileName === undefined ? {} : { fileName: batch.fileName },
    batchStats: batchStats(batch, now),
    ...(output === undefined ? {} : { output }),
    name: `batches/${batch.id}`,
  };
  return {
    name: `batches/${batch.id}`,
    metadata,
    ...(end === undefined ? {} : { done: true }),
    ...(output === undefined
      ? {}
      : { response: { '@type': `${typePrefix}.GenerateContentBatchOutput`, ...output } }),
    ...(end === 'failed' ? { error: failureOf(batch) } : {}),
  };
}

function failureOf(batch: GoogleBatch): object {
  if (batch.failure !== undefined) return { code: 3, message: batch.failure };
  return {
    code: 13,
    message: batch.fault?.message ?? 'The batch failed because of an error on the side of the sandbox.',
  };
}

const endStates: Readonly<Record<StoredBatch['end'], string>> = {
  completed: 'BATCH_STATE_SUCCEEDED',
  failed: 'BATCH_STATE_FAILED',
  expired: 'BATCH_STATE_EXPIRED',
  cancelled: 'BATCH_STATE_CANCELLED',
};

function stateWord(batch: GoogleBatch, now: number): string {
  const { phase, end } = progressOf(batch, now);
  if (end !== undefined) return batch.fault?.endedWord ?? endStates[end];
  if (phase === 'validating') return 'BATCH_STATE_PENDING';
  return batch.fault?.runningWord ?? 'BATCH_STATE_RUNNING';
}

/** Counts are texts, and those that are zero are absent. */
function batchStats(batch: GoogleBatch, now: number): object {
  const { phase, done, failed } = progressOf(batch, now);
  const pending = phase === 'ended' ? 0 : batch.requests - done;
  const counts = {
    requestCount: batch.requests,
    successfulRequestCount: done - failed,
    failedRequestCount: failed,
    pendingRequestCount: pending,
  };
  const present = Object.entries(counts).filter(([, count]) => count > 0);
  return Object.fromEntries(present.map(([name, count]) => [name, String(count)]));
}

async function outputOf(workshop: Workshop, batch: GoogleBatch): Promise<object> {
  if (batch.fileName !== undefined) return { responsesFile: `files/batch-${batch.id}` };
  const inlinedResponses: object[] = [];
  for await (const block of lineBlocks(workshop.store.bodyPath(shelf, batch.id))) {
    for (const line of block) inlinedResponses.push(resultOf(batch, line));
  }
  return { inlinedResponses: { inlinedResponses } };
}

/** The results of an ended batch that has a result file of this id. */
export async function googleResultFile(
  workshop: Workshop,
  fileId: string,
): Promise<AsyncGenerator<string> | undefined> {
  if (!fileId.startsWith('batch-')) return undefined;
  const batch = await find(workshop, fileId.slice('batch-'.length));
  if (batch === undefined || progressOf(batch, Date.now()).end !== 'completed') return undefined;
  const path = workshop.store.bodyPath(shelf, batch.id);
  const fault = resultFault(batch, Date.now());
  return resultFile(path, fault, 'key', (line) => {
    const { request } = readRow(batch, line);
    return fault?.onlyErrors && !isRefusal(request) ? undefined : JSON.stringify(resultOf(batch, line));
  });
}

function resultOf(batch: GoogleBatch, line: Line): object {
  const { key, metadata, request } = readRow(batch, line);
  const mark = { ...(key === undefined ? {} : { key }), ...(metadata === undefined ? {} : { metadata }) };
  if (isRefusal(request)) return { ...mark, error: googleRowError(request) };
  const draft = draftAnswer(batch.model, request.prompt, request.wish);
  return { ...mark, response: contentResponse(batch.model, request, draft, `${batch.id}${line.index}`) };
}

interface Row {
  readonly key: unknown;
  readonly metadata: unknown;
  readonly request: ContentRequest | Refusal;
}

/** A row with what is wrong with it: the vendor's fault first, then the request itself, then what its prompt asked for. */
function readRow(batch: GoogleBatch, line: Line): Row {
  const { key, metadata, request: asked } = JSON.parse(line.text) as Record<string, unknown>;
  const injected = injectedRefusal(batch.fault, line.index);
  if (injected !== undefined) return { key, metadata, request: injected };
  // responseJsonSchema is taken there, and has no effect (crmne/ruby_llm#894).
  const request = readContent(asked, { heedsJsonSchema: false });
  if (isRefusal(request) || !request.prompt.includes('[[sandbox:')) return { key, metadata, request };
  return {
    key,
    metadata,
    request: googleRefusalIn(draftAnswer(batch.model, request.prompt, request.wish)) ?? request,
  };
}
