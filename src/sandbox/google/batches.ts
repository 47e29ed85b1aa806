/** Google's batches: long-running operations over an uploaded file, or over requests that the call itself carries. */
import { Batches, type Row } from '../engine/batches.ts';
import type { StoredBatch } from '../engine/standing.ts';
import { type Collection, newId } from '../engine/store.ts';
import { isoTime, type Limits, type SandboxContext } from '../engine/vendor.ts';
import {
  type Answer,
  type Call,
  isObject,
  json,
  pageSize,
  parseJson,
  Refused,
  type Route,
  readText,
} from '../http/http.ts';
import { lineBlocks } from '../http/lines.ts';
import { checkModel, contentForm, googleRowError, invalid, readContent } from './content.ts';

/** A batch on disk. */
interface GoogleBatch extends StoredBatch {
  readonly model: string;
  readonly displayName: string | undefined;
  /** Undefined for a batch whose requests came inline. */
  readonly fileName: string | undefined;
  /** Why the whole batch fails. */
  readonly failure?: string;
}

/** An uploaded file on disk. */
export interface GoogleFile {
  readonly id: string;
  readonly bytes: number;
  readonly mimeType: string;
  readonly displayName: string | undefined;
  readonly createdAt: number;
}

/** Google's pages on the Batch API and the Files API. It names no number of requests. */
const usualLimits = {
  requests: Number.POSITIVE_INFINITY,
  fileBytes: 2_000_000_000,
  inlineBytes: 20_000_000,
  openBatches: 100,
};

const resultPrefix = 'batch-';
const typePrefix = 'type.googleapis.com/google.ai.generativelanguage.v1main';

export class GoogleBatches {
  readonly files: Collection<GoogleFile>;
  readonly limits: Pick<Limits, keyof typeof usualLimits>;
  readonly #batches: Batches<GoogleBatch>;

  constructor(context: SandboxContext) {
    this.limits = { ...usualLimits, ...context.limits.google };
    this.files = context.store.collection('google', 'files');
    this.#batches = new Batches(context, {
      vendor: 'google',
      form: contentForm,
      idPrefix: '',
      idField: 'key',
      words: {
        validating: 'BATCH_STATE_PENDING',
        running: 'BATCH_STATE_RUNNING',
        finalizing: 'BATCH_STATE_RUNNING',
        cancelling: 'BATCH_STATE_RUNNING',
        completed: 'BATCH_STATE_SUCCEEDED',
        failed: 'BATCH_STATE_FAILED',
        expired: 'BATCH_STATE_EXPIRED',
        cancelled: 'BATCH_STATE_CANCELLED',
      },
      keepsOnlyWhole: true,
      // responseJsonSchema is taken there, and has no effect (crmne/ruby_llm#894).
      readRequest: ({ request }, { model }) => readContent(request, model, { heedsJsonSchema: false }),
      notFound: (id) => new Refused(404, `Requested entity was not found: batches/${id}`),
    });
  }

  routes(): Route[] {
    const batches = this.#batches;
    return [
      ['createBatch', 'POST /*/models/{model}:batchGenerateContent', (...call) => this.#create(...call)],
      ['listBatches', 'GET /*/batches', (call) => this.#list(call)],
      [
        'getBatch',
        'GET /*/batches/{id}',
        async (_call, id = '') => json(await this.#operation(await batches.find(id))),
      ],
      [
        'deleteBatch',
        'DELETE /*/batches/{id}',
        async (_call, id = '') => {
          await batches.stored.remove((await batches.find(id)).id);
          return json({});
        },
      ],
      [
        'cancelBatch',
        'POST /*/batches/{id}:cancel',
        async (_call, id = '') => {
          // Nothing is promised about a cancel, and one that comes too late is no error.
          await batches.cancel(id);
          return json({});
        },
      ],
    ];
  }

  async #create(call: Call, model = ''): Promise<Answer> {
    const { inlineBytes } = this.limits;
    const tooLarge = invalid(`Request payload size exceeds the limit: ${inlineBytes} bytes.`);
    const order = readOrder(parseJson(await readText(call.request, inlineBytes, tooLarge)));
    checkModel(model);
    const id = this.#batches.newId() + newId().slice(-16);
    await this.#storeRequests(id, order);
    const { requests, failure } = await checkLines(this.#batches.stored.bodyPath(id));
    const own = { model, displayName: order.displayName, fileName: order.fileName };
    if (failure !== undefined) {
      const batch = await this.#batches.createFailing(id, { ...own, failure });
      return json(await this.#operation(batch, batch.createdAt));
    }
    try {
      await this.#checkQueue(model, requests);
    } catch (error) {
      await this.#batches.stored.remove(id);
      throw error;
    }
    const batch = await this.#batches.create(id, requests, own);
    return json(await this.#operation(batch, batch.createdAt));
  }

  /** Puts the requests of a batch into its body. */
  async #storeRequests(id: string, { fileName, requests }: Order): Promise<void> {
    const { stored } = this.#batches;
    if (fileName !== undefined) {
      const file = await this.files.read(fileName.replace(/^files\//, ''));
      if (file === undefined) throw new Refused(404, `The file ${fileName} does not exist.`);
      return stored.linkBody(this.files.bodyPath(file.id), id);
    }
    const sink = await stored.newBody();
    await sink.write(requests.map((row) => `${JSON.stringify(row)}\n`).join(''));
    await sink.keep(stored.bodyPath(id));
  }

  async #checkQueue(model: string, requests: number): Promise<void> {
    const { limits } = this;
    if (requests > limits.requests) throw invalid(`A batch takes at most ${limits.requests} requests.`);
    const { isFull, batches } = await this.#batches.queue(requests);
    if (!isFull && batches < limits.openBatches) return;
    const advice = 'Please check your plan and billing details.';
    throw new Refused(429, `You exceeded your current quota for batches of ${model}. ${advice}`);
  }

  async #list(call: Call): Promise<Answer> {
    const place = { after: call.query.get('pageToken') };
    const { records, hasMore } = await this.#batches.list(pageSize(call, 'pageSize', 10, 100), place);
    const operations = await Promise.all(records.map((batch) => this.#operation(batch, undefined, false)));
    return json({ operations, ...nextPage(records, hasMore) });
  }

  /** A batch as a long-running operation. Inline results are in it twice, as in the real one. */
  async #operation(batch: GoogleBatch, at?: number, withInlined = true): Promise<object> {
    const standing = this.#batches.standing(batch, at);
    const { end, now, createdAt, endedAt, word, done, failed } = standing;
    const hasOutput = end === 'completed' && (batch.fileName !== undefined || withInlined);
    const output = hasOutput ? await this.#outputOf(batch) : undefined;
    const name = `batches/${batch.id}`;
    // Counts are texts, and those that are zero are absent.
    const counts = {
      requestCount: batch.requests,
      successfulRequestCount: done - failed,
      failedRequestCount: failed,
      pendingRequestCount: end === undefined ? batch.requests - done : 0,
    };
    const present = Object.entries(counts).filter(([, count]) => count > 0);
    return {
      name,
      metadata: {
        '@type': `${typePrefix}.GenerateContentBatch`,
        model: `models/${batch.model}`,
        displayName: batch.displayName,
        state: word,
        createTime: isoTime(createdAt),
        updateTime: isoTime(Math.min(now, endedAt)),
        ...(end !== undefined && { endTime: isoTime(endedAt) }),
        inputConfig: { fileName: batch.fileName },
        batchStats: Object.fromEntries(present.map(([name, count]) => [name, String(count)])),
        ...(output && { output }),
        name,
      },
      ...(end !== undefined && { done: true }),
      ...(output && { response: { '@type': `${typePrefix}.GenerateContentBatchOutput`, ...output } }),
      ...(end === 'failed' && { error: failureOf(batch) }),
    };
  }

  async #outputOf(batch: GoogleBatch): Promise<object> {
    if (batch.fileName !== undefined) return { responsesFile: `files/${resultPrefix}${batch.id}` };
    const inlinedResponses: object[] = [];
    for await (const block of this.#batches.rows(batch))
      inlinedResponses.push(...block.map((row) => this.#resultOf(batch, row)));
    return { inlinedResponses: { inlinedResponses } };
  }

  #resultOf(batch: GoogleBatch, { index, line, result }: Row): object {
    const { key, metadata } = line;
    if (result === undefined || result instanceof Refused)
      return { key, metadata, error: result && googleRowError(result) };
    return { key, metadata, response: this.#batches.answer(batch, index, result) };
  }

  /** The results of a batch that has a result file of this id. */
  async resultFile(fileId: string): Promise<AsyncGenerator<string> | undefined> {
    if (!fileId.startsWith(resultPrefix)) return undefined;
    const batch = await this.#batches.stored.read(fileId.slice(resultPrefix.length));
    if (batch === undefined || this.#batches.standing(batch).end !== 'completed') return undefined;
    return this.#batches.resultFile(batch, (row) => this.#resultOf(batch, row));
  }
}

interface Order {
  readonly displayName: string | undefined;
  readonly fileName: string | undefined;
  readonly requests: readonly unknown[];
}

function readOrder(body: unknown): Order {
  const batch = isObject(body) ? body.batch : undefined;
  if (!isObject(batch)) throw invalid('* BatchGenerateContentRequest.batch: batch is required\n');
  const input = batch.inputConfig ?? batch.input_config;
  if (!isObject(input))
    throw invalid('* BatchGenerateContentRequest.batch.input_config: input_config is required\n');
  const name = batch.displayName ?? batch.display_name;
  const displayName = typeof name === 'string' ? name : undefined;
  const fileName = input.fileName ?? input.file_name;
  if (typeof fileName === 'string') return { displayName, fileName, requests: [] };
  const requests = isObject(input.requests) ? input.requests.requests : undefined;
  if (Array.isArray(requests) && requests.length > 0) return { displayName, fileName: undefined, requests };
  throw invalid('* BatchGenerateContentRequest.batch.input_config: a file or requests must be given\n');
}

/** A line that is no JSON sinks the whole batch; anything else that is wrong is the row's own affair. */
async function checkLines(path: string): Promise<{ requests: number; failure?: string }> {
  let requests = 0;
  for await (const block of lineBlocks(path)) {
    const broken = block.find(({ text }) => !isObject(parseJson(text)));
    if (broken !== undefined) {
      const failure = `Failed to parse line ${broken.number} of the input file as JSON.`;
      return { requests: 0, failure };
    }
    requests += block.length;
  }
  return requests > 0 ? { requests } : { requests, failure: 'The input file has no requests.' };
}

function failureOf({ failure, fault }: GoogleBatch): object {
  if (failure !== undefined) return { code: 3, message: failure };
  const usual = 'The batch failed because of an error on the side of the sandbox.';
  return { code: 13, message: fault?.message ?? usual };
}

/** Without a next page the field is absent: an empty token would make the SDK's pager go round for ever. */
export function nextPage(records: readonly { id: string }[], hasMore: boolean): { nextPageToken?: string } {
  return hasMore ? { nextPageToken: String(records.at(-1)?.id) } : {};
}
