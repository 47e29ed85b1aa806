/** OpenRouter's batches: one call carries the requests; results come in pages, and within a batch that is over. */
import type { ModelRequest } from '../engine/answers.ts';
import { Batches, type Row } from '../engine/batches.ts';
import type { AnswerForm } from '../engine/live.ts';
import type { StoredBatch } from '../engine/standing.ts';
import type { Write } from '../engine/store.ts';
import { type Limits, type SandboxContext, unixSeconds } from '../engine/vendor.ts';
import { ElementReader } from '../http/elements.ts';
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
import type { Readers } from './batches.ts';

/** A batch on disk. */
interface OpenrouterBatch extends StoredBatch {
  readonly endpoint: string;
  readonly model: string;
  /** Requests that came, also of a batch that fails for one of them. */
  readonly total: number;
  /** What is wrong with its requests. */
  readonly problem: string | null;
}

/** What stands ahead of the requests. */
type Head = Pick<OpenrouterBatch, 'endpoint' | 'model'>;

const idPrefix = 'batch_';
/** Its guide to batches. */
const usualLimits = { requests: 5_000, batchBytes: 200_000_000 };
const windowMs = 24 * 3600 * 1000;

/** What a call under `/api/v1/batches` asks for. */
export function openrouterBatchRoutes(context: SandboxContext, form: AnswerForm, readers: Readers): Route[] {
  const limits = { ...usualLimits, ...context.limits.openrouter };
  const endpoints = new Map(Object.entries(readers).map(([path, read]) => [`/v1${path}`, read]));
  const checkEndpoint = (endpoint: string) => {
    const read = endpoints.get(endpoint);
    if (read) return read;
    const known = [...endpoints.keys()].map((one) => `'${one}'`).join(' and ');
    throw invalid(`endpoint: the sandbox runs batches of ${known} only`);
  };
  const readBody = (body: unknown, { endpoint, model }: Head) =>
    checkEndpoint(endpoint)(isObject(body) ? { ...body, model } : body);
  const batches = new Batches<OpenrouterBatch>(context, {
    vendor: 'openrouter',
    form,
    idPrefix,
    idField: 'custom_id',
    word: (state) => (state === 'running' ? 'in_progress' : state),
    readRequest: ({ body }, batch) => readBody(body, batch),
    notFound: (id) => new Refused(404, `Batch ${id} not found`),
  });

  async function create(call: Call): Promise<Answer> {
    const { id, ...order } = await batches.stored.writeBody(async (write) => {
      const order = await takeOrder(call, write, limits, checkEndpoint, readBody);
      const { isFull, limit } = await batches.queue(order.requests);
      if (!isFull) return { id: batches.newId(), ...order };
      throw new Refused(429, `This workspace may have ${limit} requests in open batches.`);
    });
    // A 202: that a request is in order is found out later.
    const { requests, problem, endpoint, model } = order;
    const own = { endpoint, model, problem, total: requests };
    const batch = await batches.create(id, problem === null ? requests : 0, own);
    return json(describe(batch, batch.createdAt), 202);
  }

  async function list(call: Call): Promise<Answer> {
    const size = call.pageSize('limit', 20, 100);
    const { records, hasMore } = await batches.list(size, call.query.get('after'));
    return json({
      object: 'list',
      data: records.map((batch) => describe(batch)),
      first_id: records[0]?.id ?? null,
      last_id: records.at(-1)?.id ?? null,
      has_more: hasMore,
    });
  }

  async function show(_call: Call, id = ''): Promise<Answer> {
    const batch = await batches.find(id);
    if (!hasResults(batch)) return json(describe(batch));
    const { results: _, error, ...head } = describe(batch);
    const start = `${JSON.stringify(head).slice(0, -1)},"results":[`;
    return pieces(joinList(start, elements(batch), () => `],"error":${JSON.stringify(error)}}`));
  }

  async function download(call: Call, id = ''): Promise<Answer> {
    const batch = await batches.find(id);
    if (batches.standing(batch).end === undefined) throw new Refused(409, `Batch ${id} is not finished.`);
    if (!hasResults(batch)) throw new Refused(404, `Batch ${id} has no results.`);
    const size = call.pageSize('limit', 100, 1000);
    const from = Number(call.query.get('cursor') ?? 0);
    let at = 0;
    async function* page(): AsyncGenerator<string> {
      for await (const element of elements(batch)) {
        at += 1;
        if (at > from + size) return;
        if (at > from) yield element;
      }
    }
    const end = () => {
      const hasMore = at > from + size;
      return `],"has_more":${hasMore},"next_cursor":${hasMore ? `"${from + size}"` : null}}`;
    };
    return pieces(joinList('{"object":"list","data":[', page(), end));
  }

  async function remove(_call: Call, id = ''): Promise<Answer> {
    if (batches.standing(await batches.find(id)).end === undefined)
      throw new Refused(409, `Batch ${id} is in progress.`);
    await batches.stored.remove(id);
    return json({ id, object: 'batch', deleted: true });
  }

  function hasResults(batch: OpenrouterBatch): boolean {
    const { end } = batches.standing(batch);
    return end !== undefined && end !== 'failed' && !batch.fault?.archived;
  }

  /** The results as JSON texts; a line that is none stands as a text. */
  async function* elements(batch: OpenrouterBatch): AsyncGenerator<string> {
    const { end } = batches.standing(batch);
    for await (const piece of batches.resultFile(batch, (row) => resultOf(batch, row, end))) {
      for (const line of piece.split('\n'))
        if (line !== '') yield line.startsWith('{') ? line : JSON.stringify(line);
    }
  }

  function resultOf(batch: OpenrouterBatch, { index, line, result }: Row, end: string | undefined): object {
    const id = `${batch.id.slice(idPrefix.length)}${index}`;
    const common = { id: `batch_req_${id}`, custom_id: line.custom_id };
    if (result === undefined) {
      const message = `The batch has ${end} before this request was run.`;
      return { ...common, response: null, error: { message, type: `batch_${end}`, param: null } };
    }
    if (result instanceof Refused) {
      const type = result.details.code ?? (result.status >= 500 ? 'server_error' : 'invalid_request_error');
      return { ...common, response: null, error: { message: result.message, type, param: null } };
    }
    const body = batches.answer(batch, index, result);
    return { ...common, response: { status_code: 200, request_id: `gen-${id}`, body }, error: null };
  }

  function describe(batch: OpenrouterBatch, at?: number) {
    const { word, end, done, failed, createdAt, endedAt } = batches.standing(batch, at);
    const isFailed = end === 'failed';
    const usual = 'The batch failed because of an error on the side of the sandbox.';
    const { total } = batch;
    return {
      id: batch.id,
      object: 'batch',
      endpoint: batch.endpoint,
      model: batch.model,
      completion_window: '24h',
      status: word,
      created_at: unixSeconds(createdAt),
      expires_at: unixSeconds(createdAt + windowMs),
      finalized_at: end === undefined ? null : unixSeconds(endedAt),
      provider: 'Sandbox',
      request_counts: isFailed
        ? { total, completed: 0, failed: total }
        : { total, completed: done - failed, failed },
      usage: null,
      results: null,
      error: isFailed ? { message: batch.problem ?? batch.fault?.message ?? usual } : null,
    };
  }

  return [
    ['createBatch', 'POST /api/v1/batches', create],
    ['listBatches', 'GET /api/v1/batches', list],
    ['getBatch', 'GET /api/v1/batches/{id}', show],
    ['deleteBatch', 'DELETE /api/v1/batches/{id}', remove],
    ['download', 'GET /api/v1/batches/{id}/results', download],
  ];
}

function pieces(body: AsyncIterable<string>): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

async function* joinList(
  start: string,
  elements: AsyncIterable<string>,
  end: () => string,
): AsyncGenerator<string> {
  yield start;
  let isFirst = true;
  for await (const element of elements) {
    yield isFirst ? element : `,${element}`;
    isFirst = false;
  }
  yield end();
}

/** Takes what stands ahead of the requests, then these as they come: a line on disk each. */
async function takeOrder(
  call: Call,
  write: Write,
  limits: Pick<Limits, 'requests' | 'batchBytes'>,
  checkEndpoint: (endpoint: string) => void,
  readBody: (body: unknown, head: Head) => ModelRequest,
): Promise<Head & Pick<OpenrouterBatch, 'problem' | 'requests'>> {
  const reader = new ElementReader('requests');
  const customIds = new Set<unknown>();
  let [bytes, requests] = [0, 0];
  let head: Head | undefined;
  let problem: string | null = null;
  for await (const chunk of call.chunks()) {
    bytes += chunk.length;
    if (bytes > limits.batchBytes) throw new Refused(413, 'The batch is larger than 200 MB.');
    const lines = reader.push(chunk).map((element) => {
      const known = head ?? readHead(reader.begun());
      if (!head) checkEndpoint(known.endpoint);
      head = known;
      const request = parseJson(element);
      if (!isObject(request)) throw invalid('requests: Invalid JSON');
      checkRequest(request, `requests.${requests}`, customIds, known.model);
      requests += 1;
      if (requests > limits.requests) throw invalid(`requests: at most ${limits.requests} per batch`);
      problem ??= findProblem(() => readBody(request.body, known), requests - 1);
      return `${JSON.stringify(request)}\n`;
    });
    await write(lines.join(''));
  }
  if (reader.end() === undefined) throw invalid('The request body is not valid JSON');
  if (head === undefined) throw invalid('requests: at least 1 per batch');
  return { ...head, problem, requests };
}

/** Refuses a body whose requests stand ahead of what they are for. */
function readHead(head: Record<string, unknown> | undefined): Head {
  const { endpoint, model, completion_window: window = '24h' } = head ?? {};
  if (endpoint === undefined || model === undefined)
    throw invalid('endpoint and model must be serialized before requests');
  if (window !== '24h') throw invalid("completion_window: must be '24h'");
  if (typeof model === 'string' && model !== '' && !model.startsWith('no-such-'))
    return { endpoint: String(endpoint), model };
  throw invalid(`${model} is not a valid model ID`);
}

function checkRequest(
  request: Record<string, unknown>,
  place: string,
  ids: Set<unknown>,
  model: string,
): void {
  const { custom_id: id, body } = request;
  if (typeof id !== 'string' || id === '' || id.length > 64)
    throw invalid(`${place}.custom_id: must be a string of 1 to 64 characters`);
  if (ids.has(id)) throw invalid(`${place}.custom_id: '${id}' is not unique`);
  ids.add(id);
  if (!isObject(body)) throw invalid(`${place}.body: must be an object`);
  if (body.model !== undefined && body.model !== model)
    throw invalid(`${place}.body.model: must match the model of the batch`);
}

function findProblem(read: () => unknown, index: number): string | null {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof Refused) return `requests.${index}: ${error.message}`;
    throw error;
  }
}
