/** Google's batches: long-running operations over an uploaded file, or over requests that the call itself carries. */
import { Batches, type Row } from '../engine/batches.ts';
import type { StoredBatch } from '../engine/standing.ts';
import { type Collection, newId } from '../engine/store.ts';
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
import { checkModel, contentForm, googleRowError, readContent } from './content.ts';

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
const usualLimits = { fileBytes: 2_000_000_000, inlineBytes: 20_000_000 };
const resultPrefix = 'batch-';
const typePrefix = 'type.googleapis.com/google.ai.generativelanguage.v1main';

/** The last part of a state's word, where it is not the name of the state. */
const stateWords: Readonly<Record<string, string>> = {
  validating: 'PENDING',
  finalizing: 'RUNNING',
  cancelling: 'RUNNING',
  completed: 'SUCCEEDED',
};

export class GoogleBatches {
  readonly files: Collection<GoogleFile>;
  readonly limits: typeof usualLimits;
  readonly #batches: Batches<GoogleBatch>;

  constructor(context: SandboxContext) {
    this.limits = { ...usualLimits, ...context.limits.google };
    this.files = context.store.collection('google', 'files');
    this.#batches = new Batches(context, {
      vendor: 'google',
      form: contentForm,
      idPrefix: '',
      idField: 'key',
      word: (state) => `BATCH_STATE_${stateWords[state] ?? state.toUpperCase()}`,
      keepsOnlyWhole: true,
      // responseJsonSchema is taken there, and has no effect (crmne/ruby_llm#894).
      readRequest: ({ request }, { model }) => readContent(request, model, { heedsJsonSchema: false }),
      notFound: (id) => new Refused(404, `Requested entity was not found: batches/${id}`),
    });
  }

  routes(): Route[] {
    return [
      [
        'createBatch',
        'POST /*/models/{model}:batchGenerateContent',
        (call, name) => this.#create(call, name),
      ],
      ['listBatches', 'GET /*/batches', (call) => this.#list(call)],
      ['getBatch', 'GET /*/batches/{id}', (_call, id) => this.#retrieve(id)],
      ['deleteBatch', 'DELETE /*/batches/{id}', (_call, id) => this.#remove(id)],
      ['cancelBatch', 'POST /*/batches/{id}:cancel', (_call, id) => this.#cancel(id)],
    ];
  }

  async #create(call: Call, model = ''): Promise<Answer> {
    const { inlineBytes } = this.limits;
    const tooLarge = invalid(`Request payload size exceeds the limit: ${inlineBytes} bytes.`);
    const { requests: inlined, ...order } = readOrder(await call.json(inlineBytes, tooLarge));
    checkModel(model);
    const id = this.#batches.newId() + newId().slice(-16);
    await this.#storeRequests(id, order.fileName, inlined);
    const { requests, failure } = await checkLines(this.#batches.stored.bodyPath(id));
    if ((await this.#batches.queue(requests)).isFull) {
      await this.#batches.stored.remove(id);
      const advice = 'Please check your plan and billing details.';
      throw new Refused(429, `You exceeded your current quota for batches of ${model}. ${advice}`);
    }
    const own = { ...order, model, ...(failure !== undefined && { failure }) };
    const batch = await this.#batches.create(id, requests, own);
    return json(await this.#operation(batch, batch.createdAt));
  }

  /** Puts the requests of a batch into its body. */
  async #storeRequests(id: string, fileName: string | undefined, inlined: readonly unknown[]): Promise<void> {
    const { stored } = this.#batches;
    if (fileName === undefined) {
      await stored.writeBody(async (write) => {
        await write(inlined.map((row) => `${JSON.stringify(row)}\n`).join(''));
        return { id };
      });
      return;
    }
    const file = await this.files.read(fileName.replace(/^files\//, ''));
    if (file === undefined) throw new Refused(404, `The file ${fileName} does not exist.`);
    await stored.linkBody(this.files.bodyPath(file.id), id);
  }

  async #list(call: Call): Promise<Answer> {
    const size = call.pageSize('pageSize', 10, 100);
    const { records, hasMore } = await this.#batches.list(size, call.query.get('pageToken'));
    const operations = await Promise.all(records.map((batch) => this.#operation(batch, undefined, false)));
    // Without a next page the field is absent: an empty token would make the SDK's pager go round for ever.
    return json({ operations, ...(hasMore && { nextPageToken: records.at(-1)?.id }) });
  }

  async #retrieve(id = ''): Promise<Answer> {
    return json(await this.#operation(await this.#batches.find(id)));
  }

  async #remove(id = ''): Promise<Answer> {
    await this.#batches.stored.remove((await this.#batches.find(id)).id);
    return json({});
  }

  /** Nothing is promised about a cancel, and one that comes too late is no error. */
  async #cancel(id = ''): Promise<Answer> {
    await this.#batches.cancel(id);
    return json({});
  }

  /** A batch as a long-running operation. Inline results are in it twice, as in the real one. */
  async #operation(batch: GoogleBatch, at?: number, withInlined = true): Promise<object> {
    const { end, now, createdAt, endedAt, word, done, failed } = this.#batches.standing(batch, at);
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
        endTime: end && isoTime(endedAt),
        inputConfig: { fileName: batch.fileName },
        batchStats: Object.fromEntries(present.map(([name, count]) => [name, String(count)])),
        output,
        name,
      },
      done: end && true,
      response: output && { '@type': `${typePrefix}.GenerateContentBatchOutput`, ...output },
      error: end === 'failed' ? failureOf(batch) : undefined,
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

type Order = Pick<GoogleBatch, 'displayName' | 'fileName'>;

/** The order of a batch, with its requests where they are not in a file. */
function readOrder(body: unknown): Order & { requests: readonly unknown[] } {
  const place = '* BatchGenerateContentRequest.batch';
  const batch = isObject(body) ? body.batch : undefined;
  if (!isObject(batch)) throw invalid(`${place}: batch is required\n`);
  const input = batch.inputConfig ?? batch.input_config;
  if (!isObject(input)) throw invalid(`${place}.input_config: input_config is required\n`);
  const name = batch.displayName ?? batch.display_name;
  const displayName = typeof name === 'string' ? name : undefined;
  const fileName = input.fileName ?? input.file_name;
  if (typeof fileName === 'string') return { displayName, fileName, requests: [] };
  const requests = isObject(input.requests) ? input.requests.requests : undefined;
  if (Array.isArray(requests) && requests.length > 0) return { displayName, fileName: undefined, requests };
  throw invalid(`${place}.input_config: a file or requests must be given\n`);
}

/** A line that is no JSON sinks the whole batch; anything else that is wrong is the row's own affair. */
async function checkLines(path: string): Promise<{ requests: number; failure?: string }> {
  let requests = 0;
  for await (const block of lineBlocks(path)) {
    const broken = block.find(({ text }) => !isObject(parseJson(text)));
    if (broken !== undefined)
      return { requests: 0, failure: `Failed to parse line ${broken.number} of the input file as JSON.` };
    requests += block.length;
  }
  return requests > 0 ? { requests } : { requests, failure: 'The input file has no requests.' };
}

function failureOf({ failure, fault }: GoogleBatch): object {
  const usual = 'The batch failed because of an error on the side of the sandbox.';
  return failure === undefined
    ? { code: 13, message: fault?.message ?? usual }
    : { code: 3, message: failure };
}
